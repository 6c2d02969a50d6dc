import { MemoryOutput } from './output.ts';
import {
  Simulation,
  SIMULATION_DEFAULTS,
  type SimulationOptions,
  type SimulationResult,
} from './simulation.ts';
import { PerfDataWriter, type PerfDataOptions } from './perf-data.ts';
import { TextWriter, type TextFormat } from './text.ts';
import { TRACE_DAT_DEFAULTS, TraceDatWriter, type TraceDatOptions } from './trace-dat.ts';

/** Simulates and gives the trace.dat as bytes, with the truth about it. For small traces: it is all in memory. */
export function generateTraceDat(
  options: Partial<SimulationOptions> = {},
  file: Partial<TraceDatOptions> = {},
): SimulationResult & { readonly bytes: Uint8Array } {
  const whole = { ...SIMULATION_DEFAULTS, ...options };
  const output = new MemoryOutput();
  const spool = new MemoryOutput();
  const writer = new TraceDatWriter(output, spool, { ...TRACE_DAT_DEFAULTS, cpus: whole.cpus, ...file });
  const result = new Simulation(whole, writer).run();
  writer.finish(result.comms);
  return { ...result, bytes: output.done() };
}

/** Simulates and gives the perf.data of it as bytes, with the truth about it. For small traces: it is all in memory. */
export function generatePerfData(
  options: Partial<SimulationOptions> = {},
  file: Partial<PerfDataOptions> = {},
): SimulationResult & { readonly bytes: Uint8Array } {
  const whole = { ...SIMULATION_DEFAULTS, ...options };
  const output = new MemoryOutput();
  const writer = new PerfDataWriter(output, { cpus: whole.cpus, systems: whole.systems, ...file });
  const result = new Simulation(whole, writer).run();
  writer.finish(result.comms);
  return { ...result, bytes: output.done() };
}

/** Simulates and gives the trace as text. For small traces: it is all in memory. */
export function generateText(
  options: Partial<SimulationOptions>,
  format: TextFormat,
  nanoseconds = false,
): string {
  const whole = { ...SIMULATION_DEFAULTS, ...options };
  const output = new MemoryOutput();
  const writer = new TextWriter(output, new MemoryOutput(), { format, cpus: whole.cpus, nanoseconds });
  new Simulation(whole, writer).run();
  writer.finish();
  return new TextDecoder().decode(output.done());
}

import { Simulation, SIMULATION_DEFAULTS, type SimulationResult } from './simulation.ts';
import { TRACE_DAT_DEFAULTS, TraceDatWriter } from './trace-dat.ts';
import type { Output, Spool } from './output.ts';
export function writeIncident(output: Output, spool: Spool): { seed: number; result: SimulationResult } {
  const w = new TraceDatWriter(output, spool, { ...TRACE_DAT_DEFAULTS, cpus: 48 });
  const result = new Simulation({ ...SIMULATION_DEFAULTS, cpus: 48 }, w).run();
  w.finish(result.comms);
  return { seed: 1, result };
}

// The generator as a library: what tests and benches import.
export { EVENT_SPECS, E, SYSTEMS, TraceEvent, type EventSpec, type Sink } from './events.ts';
export { FAULTS, readFault, type FaultOrder, type FaultSort } from './faults/faults.ts';
export type { Actor, Truth } from './faults/stage.ts';
export { LossySink, readLoss, type Loss, type LossTruth } from './losses.ts';
export {
  events as generateEvents,
  Simulation,
  SIMULATION_DEFAULTS,
  type SimulationOptions,
  type SimulationResult,
} from './simulation.ts';
export { TRACE_DAT_DEFAULTS, TraceDatWriter, type TraceDatOptions } from './trace-dat.ts';
export { PerfDataWriter, type PerfDataOptions } from './perf-data.ts';
export { TextWriter, type TextFormat, type TextOptions } from './text.ts';
export { MemoryOutput, type Output, type Packer, type Spool } from './output.ts';
export { FileOutput, FileSpool, packerFor, type Compression } from './disk.ts';
export { PageCursor, PageWriter, type PageShape } from './pages.ts';
export { filterTrace, type FilterOptions, type FilterResult } from './filter.ts';
export { noise, NOISE_DEFAULTS, toCanonical, type NoiseOptions } from './canonical.ts';
export { generatePerfData, generateText, generateTraceDat } from './memory.ts';

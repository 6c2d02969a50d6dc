import type { EventPlace, CanonicalEvent } from '../model/event.ts';
import type { SampleTables } from '../model/samples.ts';
import type { EngineState, RingRecord, StatisticsState } from '../model/state.ts';

/** One lane as the engine sees it. */
export interface LaneSpec {
  readonly cpu: number;
  /** Raw ftrace pages; null for canonical 40-byte records, and for samples. */
  readonly layout: { readonly pageSize: number; readonly commitSize: 4 | 8; readonly dataAt: number } | null;
  /** Whole perf records, laid out as EngineOptions.samples says. */
  readonly isSamples?: boolean;
  /** Blocks of a .spin container (assembly/layout.ts, BLOCK_*), one for each supply, with events of any lane. */
  readonly blocks?: boolean;
  /** ns = (time * mult >> shift) + offsetNs; mult 0: ns = time + offsetNs. */
  readonly mult: number;
  readonly shift: number;
  readonly offsetNs: bigint;
}

/** One decode row (assembly/layout.ts, ROW_*), as src/mapping makes it. */
export interface RowSpec {
  readonly type: number;
  /** KIND_*, but never a loss: records do not tell of what was lost, lanes and canonical events do. */
  readonly kind: number;
  readonly namespace: number;
  readonly address: { readonly at: number; readonly size: number };
  readonly bit: { readonly at: number; readonly size: number };
  readonly bitConst: number;
  readonly value: { readonly at: number; readonly size: number };
  readonly high: { readonly at: number; readonly size: number };
  readonly aux: { readonly at: number; readonly size: number };
  readonly auxFlags: readonly number[];
  readonly flags: number;
  readonly entry: number;
  readonly minSize: number;
  /** Where the lock's name lies: the place of a __data_loc or __rel_loc word. */
  readonly name?: NamePlace | undefined;
  /** Where the address of the code lies. */
  readonly site?: { readonly at: number; readonly size: number } | undefined;
}

export interface NamePlace {
  readonly at: number;
  readonly location: 'data' | 'rel';
}

/** What to keep statistics by, besides lock class and mode: SPLIT_* of assembly/layout.ts. */
export interface StatisticsOptions {
  readonly split: number;
  /** What begins outside of these times does not count. */
  readonly since?: bigint | undefined;
  readonly until?: bigint | undefined;
}

export interface EngineOptions {
  readonly lanes: readonly LaneSpec[];
  /** Row 0 is for types that the capture does not describe. */
  readonly rows: readonly RowSpec[];
  /** Pages, samples and their records are those of a big-endian machine. */
  readonly bigEndian?: boolean | undefined;
  /** For lanes of samples. */
  readonly samples?: SampleTables | undefined;
  /** Waits and spans from here on are reported through the ring; Infinity switches the kind off. In ns. */
  readonly spinNs: number;
  readonly irqOffNs: number;
  readonly silentNs: number;
  /** About how many bytes of input there are, where known: decides how much compiling is worth while. */
  readonly inputBytes?: number;
  /** Bytes that linear memory may grow to. */
  readonly memoryLimit?: number;
  /** Bytes that all lane windows share, and the most that one of them gets. */
  readonly windowBudget?: number;
  readonly windowLimit?: number;
  readonly ringRecords?: number;
  /** Precision of the histograms: relative error 2^-bits. */
  readonly histogramBits?: number;
  /** Tables start with 2^tablePower entries, and grow rather than forget below `tableFloor` entries. */
  readonly tablePower?: number;
  readonly tableFloor?: number;
  /** Collect mode: events are handed out (takeEvents) instead of replayed. */
  readonly collect?: boolean;
  /** Absent: no statistics. */
  readonly statistics?: StatisticsOptions;
}

export const ENGINE_DEFAULTS = {
  memoryLimit: 0xc000_0000,
  windowBudget: 64 << 20,
  // Larger ones are no faster, and leave the processor's cache.
  windowLimit: 256 << 10,
  ringRecords: 4096,
  histogramBits: 7,
  tablePower: 13,
  tableFloor: 1 << 16,
} as const;

/** Collect mode: a step stops before its output holds more events than this. */
export const OUTPUT_EVENTS = 4096;

export interface PlacedEvent {
  readonly event: CanonicalEvent;
  readonly place: EventPlace;
}

/** What a step came back with. */
export type Step =
  | { readonly state: 'dry'; readonly lane: number } // supply() or finish() this lane
  | { readonly state: 'full' } // drain the ring (or the events), then go on
  | { readonly state: 'again' } // nothing to do but to go on
  | { readonly state: 'paused' } // as many events as pauseAt() says have been replayed: say anew, then go on
  | { readonly state: 'done' };

/**
 * Decodes, merges and replays. The WebAssembly engine and its plain-TypeScript twin both are one; whoever holds it pumps:
 * step, fill what ran dry, drain, until done.
 */
export interface Engine {
  step(): Step;
  /** Where the next input of a dry lane goes: fill it from the start, then say how much with supply(). */
  window(lane: number): Uint8Array;
  /** `bytes` of input are in the lane's window: whole pages or records. */
  supply(lane: number, bytes: number): void;
  /** The lane has no more input. */
  finish(lane: number): void;
  /** step() comes back as soon as so many events, more than so far, have been replayed in all. */
  pauseAt(events: number): void;
  /** Takes the finding ring's records. */
  drain(): RingRecord[];
  /** Collect mode: takes the events decoded since the last call, in merged order. */
  takeEvents(): PlacedEvent[];
  /** What was counted so far; no series without statistics. */
  statistics(): StatisticsState;
  /** Reads out the state as it is now. */
  state(): EngineState;
}

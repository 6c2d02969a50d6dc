import type { Problem, TypeCount } from './report.ts';

/**
 * Statistics of replayed captures: what `spinback stats` prints and saves and `spinback compare` reads. Every figure is mergeable:
 * counts, sums, extremes, histograms (docs/formats/statistics.md). Times of day are decimal strings, durations numbers, in ns.
 */
export const STATS_SCHEMA = 'spinback/stats@1';

/** What a row is about: a lock (or class of locks), or the sections that a caller kept interrupts or preemption off. */
export type RowKind = 'lock' | 'irqs-off' | 'preempt-off';

/** Where a lock was seen: lockdep's events, a bit of a word, contention tracepoints (which see waits only). */
export type LockSource = 'lockdep' | 'bit' | 'contention';

/** What rows are split by, besides what they are about. */
export const SPLITS = ['class', 'lock', 'mode', 'site', 'stack', 'task', 'cpu', 'context'] as const;
export type Split = (typeof SPLITS)[number];

/** The name of callers that no event tells of. */
export const NOT_RECORDED = 'not recorded';

/** The distributions of a row: waits and holds of a lock, lengths of sections with interrupts or preemption off. */
export const SPANS = ['wait', 'hold', 'off'] as const;
export type Span = (typeof SPANS)[number];

/** One span that is the longest of its row. */
export interface Exemplar {
  readonly ns: number;
  /** When it ended. */
  readonly atNs: string;
  readonly cpu: number;
  readonly pid: number;
  readonly comm: string | null;
  /** The lock's address; null for sections. */
  readonly address: string | null;
}

/** A log-linear histogram (docs/formats/histogram.md) of times in ns. */
export interface Distribution {
  readonly precisionBits: number;
  readonly count: number;
  readonly sumNs: string;
  readonly minNs: number;
  readonly maxNs: number;
  /** Buckets that are not empty, ascending, and how many times fell into each: columns, typed or plain ones. */
  readonly indices: ArrayLike<number>;
  readonly counts: ArrayLike<number>;
}

/** What was counted of a row in one stretch of time. */
export interface Counts {
  readonly acquisitions: number;
  /** Of them, for reading. */
  readonly reads: number;
  readonly contentions: number;
  readonly wait: Distribution | null;
  readonly hold: Distribution | null;
  readonly off: Distribution | null;
}

export interface StatsRow extends Counts {
  readonly kind: RowKind;
  readonly source: LockSource | null;
  /** lockdep class, "bit 4", "mutex without a name", or the caller's symbol + offset. */
  readonly name: string;
  /** What the name does not hold when rows are split: "CPU 3", "kworker/0:1", "hardirq", "main;work;f", ...; null otherwise. */
  readonly by: string | null;
  readonly longestWait: Exemplar | null;
  readonly longestHold: Exemplar | null;
  readonly longestOff: Exemplar | null;
  /** Waits that had not ended when the capture did; they are in no histogram. */
  readonly openWaits: number;
  readonly longestOpenWaitNs: number;
}

/** A stretch of time of a run: what was counted in it, by index of the row. */
export interface Block {
  readonly durationNs: number;
  readonly events: readonly TypeCount[];
  readonly rows: readonly (Counts & { readonly row: number })[];
}

/** A finding, as far as comparing needs it. */
export interface FoundBrief {
  readonly signature: string;
  readonly kind: string;
  readonly cause: string;
  readonly confidence: string;
  readonly headline: string;
  /** The row of its lock, null where it has none. */
  readonly row: number | null;
}

/** One capture's statistics. */
export interface Run {
  readonly path: string;
  readonly format: string;
  readonly clock: string;
  readonly timeUnit: 'ns' | 'cycles' | 'relative';
  readonly kernel: string | null;
  readonly cpus: number;
  readonly startNs: string | null;
  readonly endNs: string | null;
  readonly durationNs: number;
  /** Events that the recorder lost; null: some, the number is unknown. */
  readonly lost: number | null;
  readonly problems: readonly Problem[];
  readonly split: Split;
  readonly events: readonly TypeCount[];
  readonly rows: readonly StatsRow[];
  /** In order of time. Together they are the run. */
  readonly blocks: readonly Block[];
  readonly findings: readonly FoundBrief[];
  /** Figures that could not be kept apart, as sentences. */
  readonly notes: readonly string[];
}

/** A file of statistics: one or several runs of the same workload. */
export interface StatsFile {
  readonly schema: typeof STATS_SCHEMA;
  readonly spinback: string;
  readonly runs: readonly Run[];
}

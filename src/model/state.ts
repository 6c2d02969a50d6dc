/**
 * What a replay leaves behind, the same whether the wasm engine or its plain-TypeScript twin made it. Analyzers judge over
 * this and never over single events. Times are bigint ns on the trace's clock.
 */

/** One event remembered: when, where, who, and the value it carried. */
export interface Mark {
  readonly time: bigint;
  /** Its permanent place: lane and byte offset of the record in the lane. */
  readonly lane: number;
  readonly offset: number;
  readonly value: bigint;
  readonly pid: number;
  readonly cpu: number;
  readonly flags: number;
  /** Index into KINDS. */
  readonly kind: number;
  readonly bit: number;
  /** The capture's event type, 0 where it was not kept. */
  readonly type: number;
}

/** A record of the finding ring (assembly/layout.ts, RECORD_IS_*: what the marks of each kind are). */
export interface RingRecord {
  readonly kind: number;
  readonly level: number;
  readonly namespace: number;
  readonly bit: number;
  readonly cpu: number;
  readonly flags: number;
  readonly pid: number;
  readonly count: number;
  readonly address: bigint;
  readonly extra: bigint;
  readonly marks: readonly (Mark | null)[];
}

/** A plain store that may have undone an atomic update, not settled yet. */
export interface Suspect {
  readonly cause: number;
  readonly load: Mark | null;
  readonly update: Mark | null;
  readonly store: Mark | null;
  readonly acquire: Mark | null;
  readonly confirm: Mark | null;
}

export interface LockState {
  readonly id: number;
  readonly namespace: number;
  readonly address: bigint;
  readonly bit: number;
  readonly isTakenVisibly: boolean;
  readonly isRead: boolean;
  readonly isSleeping: boolean;
  readonly isSeenSet: boolean;
  readonly isOrphaned: boolean;
  /** Context that holds it exclusively, null for nobody known. */
  readonly owner: number | null;
  readonly waiters: number;
  readonly acquisitions: number;
  readonly releases: number;
  readonly contentions: number;
  readonly lastUse: bigint;
  readonly acquire: Mark | null;
  readonly release: Mark | null;
  /** The bit seen set although nobody is known to hold it. */
  readonly seen: Mark | null;
  /**
   * Where the owner left without releasing: switched out for the first time since its take (normal where a lock may be held
   * asleep), returned from its interrupt ('leave'), or exited.
   */
  readonly left: Mark | null;
  readonly suspect: Suspect | null;
  /** The last writers of its word in order of time; empty where only lock operations were recorded. */
  readonly writers: readonly Mark[];
}

/** A lock that a context holds or waits for. */
export interface HoldState {
  readonly lock: number;
  /** ENTRY_IS_ATTEMPT, ENTRY_IS_WAITING or ENTRY_IS_HELD. */
  readonly state: number;
  readonly cpu: number;
  readonly flags: number;
  /** Releases of the lock when the wait began. */
  readonly releases: number;
  readonly attempt: Mark | null;
  readonly contend: Mark | null;
  readonly acquire: Mark | null;
  /** The holder's take when the wait began. */
  readonly holder: Mark | null;
}

export interface ContextState {
  readonly id: number;
  readonly pid: number;
  readonly cpu: number;
  /** LEVEL_PROCESS, LEVEL_SOFTIRQ, LEVEL_HARDIRQ or LEVEL_NMI. */
  readonly level: number;
  readonly isExiting: boolean;
  readonly exit: Mark | null;
  /** Last switched out, or its interrupt level left. */
  readonly out: Mark | null;
  /** Last switched in, 0 if never seen. */
  readonly inTime: bigint;
  readonly stack: readonly HoldState[];
}

/** Two events of one CPU, one behind the other, of which the second has the earlier time. */
export interface TimeStep {
  readonly from: bigint;
  readonly to: bigint;
}

export interface CpuState {
  readonly cpu: number;
  readonly level: number;
  /** IRQS_ARE_UNKNOWN, IRQS_ARE_ON or IRQS_ARE_OFF, by preemptirq events. */
  readonly irqs: number;
  readonly pid: number;
  readonly firstTime: bigint;
  readonly lastTime: bigint;
  readonly events: bigint;
  readonly lost: bigint;
  readonly lostSpans: number;
  readonly lostUnknown: number;
  readonly breaks: number;
  /** How often time ran backwards. */
  readonly backwards: number;
  /** The largest of these steps. */
  readonly step: TimeStep | null;
  /** Times of the first and the last break, 0 for none. */
  readonly firstBreak: bigint;
  readonly lastBreak: bigint;
  /** Last event that is not from an NMI. */
  readonly last: Mark | null;
  readonly irqsOff: Mark | null;
  readonly irqEvents: bigint;
  readonly lastSwitch: Mark | null;
  readonly flagsOn: Mark | null;
  readonly flagsOffFirst: Mark | null;
  readonly flagsOffLast: Mark | null;
  readonly busyGaps: bigint;
  readonly busyMax: bigint;
  readonly ticks: bigint;
  readonly tickMax: bigint;
}

/** What was counted for one decode row (event type). */
export interface RowState {
  /** Index of the row in the capture's rows; 0 stands for types that it does not describe. */
  readonly row: number;
  readonly type: number;
  readonly count: bigint;
  readonly irqsOn: bigint;
  readonly irqsOff: bigint;
}

export interface LaneState {
  readonly lane: number;
  readonly cpu: number;
  readonly events: bigint;
  readonly pages: number;
  readonly badPages: number;
  readonly badEvents: number;
  /** Byte offset in the lane of the first damage. */
  readonly firstBad: bigint;
  readonly backwards: number;
}

/** Log-linear histogram; see assembly/memory/histogram.ts for the bucket rule. */
export interface HistogramState {
  readonly bits: number;
  readonly count: bigint;
  readonly sum: bigint;
  readonly min: bigint;
  readonly max: bigint;
  /** Buckets that are not empty, by index. */
  readonly buckets: readonly (readonly [index: number, count: number])[];
}

/** What a histogram counted, of whole numbers. */
export interface Buckets {
  readonly bits: number;
  /** How many values there are, and their sum. */
  readonly count: number;
  readonly sum: bigint;
  /** 0 when empty. */
  readonly min: number;
  readonly max: number;
  /** Buckets that are not empty, ascending, and how many values fell into each; together those are `count`. */
  readonly indices: ArrayLike<number>;
  readonly counts: ArrayLike<number>;
}

/** Spans of one series (assembly/layout.ts, DISTRIBUTION_*): a histogram, and the longest of them. */
export interface DistributionState extends Buckets {
  /** The event that ended the longest span, and its lock's address. */
  readonly longest: Mark | null;
  readonly address: bigint;
}

/** What was counted of one series (assembly/layout.ts, SERIES_*). What is not split by is 0. */
export interface SeriesState {
  readonly kind: number;
  /** Hash of the lock's class name; 0: the records do not name it. */
  readonly class: bigint;
  /** That name; empty where the records do not have it, or it is too long to keep. */
  readonly name: string;
  readonly address: bigint;
  readonly site: bigint;
  readonly pid: number;
  readonly cpu: number;
  readonly level: number;
  readonly namespace: number;
  readonly bit: number;
  readonly isRead: boolean;
  readonly acquisitions: number;
  readonly contentions: number;
  readonly wait: DistributionState | null;
  /** Of a section with interrupts or preemption off its length. */
  readonly hold: DistributionState | null;
  /** A record that names what the hashes and addresses stand for. */
  readonly first: Mark;
}

/** What statistics are made of, as it is at one moment; all of it only grows. */
export interface StatisticsState {
  readonly lastTime: bigint;
  readonly rows: readonly RowState[];
  /** In the order in which they were met. */
  readonly series: readonly SeriesState[];
}

export interface EngineState {
  readonly events: bigint;
  readonly firstTime: bigint;
  readonly lastTime: bigint;
  /** COUNTER_* (assembly/layout.ts). */
  readonly counters: readonly bigint[];
  /** Events replayed by kind and namespace: index kind * 4 + namespace. */
  readonly kinds: readonly bigint[];
  readonly liveLocks: number;
  /** In order of CPU number. */
  readonly cpus: readonly CpuState[];
  /** Contexts that hold or wait for something, in order of (level, cpu or pid). */
  readonly contexts: readonly ContextState[];
  /** Locks that are held, waited for, suspected, seen set without an owner, or orphaned, by (namespace, address, bit). */
  readonly locks: ReadonlyMap<number, LockState>;
  /** Rows of which at least one event was replayed. */
  readonly rows: readonly RowState[];
  readonly lanes: readonly LaneState[];
  readonly waitNs: HistogramState;
  readonly holdNs: HistogramState;
  readonly irqsOffNs: HistogramState;
}

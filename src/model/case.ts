import type { LogKind } from './kernel-log.ts';
import type { Narrator } from './narrator.ts';
import type { Thresholds } from './report.ts';
import type { EngineState, Mark, RingRecord } from './state.ts';

/** A message of the console seen in the trace (printk:console) that says something about lockups and locks. */
export interface KernelMessage {
  readonly mark: Mark;
  readonly text: string;
  /** What it reports, and about which CPUs; null where it only belongs to a report (a backtrace). */
  readonly report: { readonly kind: LogKind | 'other'; readonly cpus: readonly number[] } | null;
}

/** Events lost on a CPU: from its last event before to its first one after. */
export interface LostSpan {
  readonly cpu: number;
  /** null: before the CPU's first event. */
  readonly from: bigint | null;
  readonly to: bigint;
  /** 0 where the number is unknown. */
  readonly count: bigint;
}

/** No CPU emitted anything from one event to the next. */
export interface Pause {
  readonly from: bigint;
  readonly to: bigint;
  /** The first event after it. */
  readonly first: Mark;
}

/** The ring's records, by kind; the longest and first ones where there were too many, the rest counted in `suppressed`. */
export interface RingFindings {
  readonly waits: readonly RingRecord[];
  readonly irqOff: readonly RingRecord[];
  readonly flagsOff: readonly RingRecord[];
  readonly gaps: readonly RingRecord[];
  readonly lostUpdates: readonly RingRecord[];
  readonly doubleReleases: readonly RingRecord[];
  readonly foreignReleases: readonly RingRecord[];
  readonly lost: readonly LostSpan[];
  /** Silences of the whole machine that are as long as the shortest wait that counts. */
  readonly pauses: readonly Pause[];
  readonly messages: readonly KernelMessage[];
  readonly suppressed: Readonly<Record<string, number>>;
}

/** All that an analyzer judges by. */
export interface Case {
  readonly state: EngineState;
  readonly found: RingFindings;
  readonly thresholds: Thresholds;
  /** False where the trace's time unit is unknown: no threshold in seconds applies then. */
  readonly timeIsNs: boolean;
  /** The trace clock, by the capture's own name; "unknown" where it does not say. */
  readonly clock: string;
  /** CPUs whose recorder stopped before the end. */
  readonly lostTails: ReadonlySet<number>;
  /** CPUs whose recorder says that it took every event to the end. Of the others, a record may end early without a word. */
  readonly wholeTails: ReadonlySet<number>;
  /**
   * Nothing reports lock_acquired (no CONFIG_LOCK_STAT, or it was not recorded): a lockdep lock counts as held from lock_acquire on, and nobody
   * can be told to wait (design rule 3).
   */
  readonly attemptsHold: boolean;
  /** Events of text that are earlier than the line before them: its lines are not in order of time. */
  readonly outOfOrder?: number;
  /** In so many ns before the end of each CPU's record some kinds of events may be missing: they were switched off one by one. */
  readonly partialTailNs?: number;
  /** Events that say what locks and words do, but whose records cannot be read: damaged formats. null: of types without a format. */
  readonly undecoded?: readonly { readonly event: string | null; readonly count: number }[];
  readonly narrator: Narrator;
}

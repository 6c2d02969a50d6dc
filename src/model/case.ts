import type { Narrator } from './narrator.ts';
import type { Thresholds } from './report.ts';
import type { EngineState, Mark, RingRecord } from './state.ts';

/** A kernel log line seen in the trace (printk:console) that says something about lockups. */
export interface KernelMessage {
  readonly mark: Mark;
  readonly text: string;
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
  /** CPUs whose recorder stopped before the end. */
  readonly lostTails: ReadonlySet<number>;
  readonly narrator: Narrator;
}

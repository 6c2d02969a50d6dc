import type { LogReport } from './kernel-log.ts';
import type { Actor, Report } from './report.ts';

/**
 * The contract of `spinback analyze --log LOG --json`, "spinback/joined@1": both reports as they are, and what they say
 * about each other. Times on the trace's clock unless said otherwise.
 */
export const JOINED_SCHEMA = 'spinback/joined@1';

/** How the log's clock and the trace's lie to each other. */
export interface ClockJoin {
  /** Trace time minus log time in nanoseconds; null where they cannot be compared. */
  readonly offsetNs: number | null;
  /** How far apart the marks' own offsets are; null without marks. */
  readonly spreadNs: number | null;
  /** Lines that are in both. */
  readonly marks: number;
  readonly how: string;
  /** False: log and trace are too far apart in time to be of one boot without a suspend, and nothing was held against the log. */
  readonly fits: boolean;
}

/** One thing that both sides speak about. */
export interface Check {
  readonly what: string;
  readonly log: string;
  readonly trace: string;
  readonly agree: boolean;
}

/** What the trace knows of the lock that the log's registers and code name. */
export interface LockJoin {
  readonly address: string;
  readonly bit: number | null;
  /** `stuck`: still taken or waited for at the end; `seen`: it has events; `not seen`: the trace records nothing of it. */
  readonly inTrace: 'stuck' | 'seen' | 'not seen';
  readonly lastAcquire: Actor | null;
  readonly lastRelease: Actor | null;
  readonly says: string;
}

export interface IncidentJoin {
  /** Id of the log's incident. */
  readonly incident: string;
  /** The report's time on the trace's clock; null where the clocks cannot be joined. */
  readonly atNs: string | null;
  /** Ids of the trace's findings about the same event, the best match first. */
  readonly findings: readonly string[];
  readonly lock: LockJoin | null;
  readonly checks: readonly Check[];
  /** What follows from both sides. */
  readonly says: string;
}

export interface JoinedReport {
  readonly schema: typeof JOINED_SCHEMA;
  readonly spinback: string;
  readonly clock: ClockJoin;
  readonly incidents: readonly IncidentJoin[];
  /** Findings that no report of the log speaks of. */
  readonly onlyInTrace: readonly string[];
  readonly report: Report;
  readonly log: LogReport;
}

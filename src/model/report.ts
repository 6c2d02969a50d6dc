/**
 * The report contract, "spinback/report@1". Absolute times are decimal strings of nanoseconds on the trace's
 * clock (of cycles where the time unit is unknown), durations are numbers in nanoseconds, addresses 0x strings.
 */
export const REPORT_SCHEMA = 'spinback/report@1';

/**
 * The problem of a capture that has lock_acquire and lock_release but neither lock_acquired nor lock_contended: what its holds
 * are then.
 */
export const HOLDS_FROM_ATTEMPTS = 'holds-from-lock-acquire';

/** The problem of releases that nobody judges, because the recorder was switching its events off (Case.partialTailNs). */
export const UNJUDGED_RELEASES = 'unjudged-releases';

/** The problem of CPUs that ended early, of which nobody can tell whether they fell silent. */
export const UNJUDGED_SILENCE = 'unjudged-silence';

export type FindingKind =
  | 'never-released'
  | 'irq-off-spin'
  | 'irq-off'
  | 'silent-cpu'
  | 'lost-update'
  | 'double-release'
  | 'foreign-release';

export type Cause =
  | 'lost-unlock'
  | 'missing-unlock'
  | 'deadlock'
  | 'unknown-setter'
  | 'held-at-end'
  | 'slow-holder'
  | 'unknown-holder'
  | 'bit-set-back'
  | 'bit-erased'
  | 'unknown';

/** How sure the trace makes us; not how bad it is. Ordered from weak to strong. */
export const CONFIDENCES = ['possible', 'likely', 'certain'] as const;
export type Confidence = (typeof CONFIDENCES)[number];

/** How bad it is if true. */
export type Severity = 'critical' | 'high' | 'medium' | 'low';

export type ContextName = 'process' | 'softirq' | 'hardirq' | 'nmi';

/** A task on a CPU at a time. */
export interface Actor {
  readonly cpu: number;
  readonly pid: number;
  readonly comm: string | null;
  readonly atNs: string;
}

export interface Subject {
  readonly cpu: number;
  readonly pid: number;
  readonly comm: string | null;
  readonly context: ContextName;
}

export interface LockName {
  readonly namespace: 'bit' | 'lockdep' | 'lock' | 'word';
  readonly address: string;
  readonly bit: number | null;
  readonly name: string | null;
  readonly class: string | null;
  /**
   * `operations`: its takes and releases were recorded. `functions`: only who entered functions that take and release it, and
   * returned from them; a finding's last take and last release are the last entry and the last return then.
   */
  readonly knownBy: 'operations' | 'functions';
}

export interface Culprit {
  readonly cpu: number;
  readonly pid: number;
  readonly comm: string | null;
  readonly loadNs: string | null;
  readonly storeNs: string;
  readonly value: string;
}

export interface Waiter {
  readonly cpu: number;
  readonly pid: number;
  readonly comm: string | null;
  readonly sinceNs: string;
  readonly durationNs: number;
  readonly irqsOff: boolean | null;
}

export interface IrqsOff {
  /** Where the span comes from; `none`: it is not known when interrupts went off. */
  readonly source: 'preemptirq' | 'flags' | 'none';
  /** Interrupts went off no earlier than this, null when unknown. */
  readonly notBeforeNs: string | null;
  /** Interrupts were off at the latest from here on, null when unknown. */
  readonly notAfterNs: string | null;
}

export type Verdict = 'cannot' | 'may' | 'must';

/** What the kernel's lockup detectors do with a span of this length, counted from when interrupts went off. */
export interface Watchdog {
  readonly thresholdNs: number;
  readonly hard: Verdict;
  readonly soft: Verdict;
  /** The window in which the hard lockup detector (perf or buddy) speaks: 0.6 T to 2.4 T. */
  readonly firesFromNs: string;
  readonly firesToNs: string;
}

/** What else may have happened: a cause of findings, or what findings are not about. */
export type AlternativeCause =
  | Cause
  | 'by design'
  | 'machine paused'
  | 'offline'
  | 'recording ended'
  | 'recording order'
  | 'spinning with interrupts off';

export interface Alternative {
  readonly cause: AlternativeCause;
  readonly confidence: Confidence;
  readonly why: string;
}

export interface KernelReport {
  readonly ns: string;
  readonly text: string;
}

export interface Evidence {
  readonly ns: string;
  readonly cpu: number;
  readonly pid: number;
  readonly comm: string | null;
  /** The tracepoint's name. */
  readonly event: string;
  /** Its fields as text, and behind " -- " what it means for this finding. */
  readonly detail: string;
}

export interface Finding {
  /** "F1", in the order of the report. */
  readonly id: string;
  /** Kind, cause, class or call site; no address, no pid: the same bug tomorrow has the same signature. */
  readonly signature: string;
  readonly kind: FindingKind;
  readonly cause: Cause;
  readonly confidence: Confidence;
  readonly severity: Severity;
  /** The whole finding in one sentence, for people. */
  readonly headline: string;
  /** The victim: who spins or is silent; for a defect without a victim, who did it. */
  readonly subject: Subject | null;
  readonly lock: LockName | null;
  /** When the state became wrong. */
  readonly startNs: string;
  readonly durationNs: number;
  /** It lasted to the end of the capture. */
  readonly openEnded: boolean;
  readonly holder: Actor | null;
  readonly lastAcquire: Actor | null;
  readonly lastRelease: Actor | null;
  readonly culprit: Culprit | null;
  readonly waiters: readonly Waiter[];
  readonly irqsOff: IrqsOff | null;
  readonly watchdog: Watchdog | null;
  /** Other explanations, and what would overturn this one. */
  readonly alternatives: readonly Alternative[];
  readonly kernelReports: readonly KernelReport[];
  /** The proving events in order of time. */
  readonly evidence: readonly Evidence[];
  /** Losses that the verdict depends on, as sentences. */
  readonly taintedBy: readonly string[];
  /** Ids of findings that are another face of the same incident (a victim's irq-off-spin of a never-released lock). */
  readonly related: readonly string[];
}

/** When the state ended that a finding tells of, or the capture where it did not end: startNs and durationNs, ns. */
export function endOf({ startNs, durationNs }: Pick<Finding, 'startNs' | 'durationNs'>): bigint {
  return BigInt(startNs) + BigInt(Math.round(durationNs));
}

export interface CpuSummary {
  readonly cpu: number;
  readonly firstNs: string | null;
  readonly lastNs: string | null;
  readonly events: number;
  /** Events lost on this CPU; null: some, the number is unknown. */
  readonly lost: number | null;
  /** Breaks in continuity that no loss mark explains (design rule 13). */
  readonly breaks: number;
}

export interface Problem {
  readonly name: string;
  readonly severity: 'info' | 'error' | 'data loss';
  readonly text: string;
  readonly count: number;
  readonly offset: number | null;
}

export interface TypeCount {
  readonly event: string;
  readonly count: number;
}

/** A mergeable log-linear histogram of nanoseconds: bucket index -> count (docs/formats/histogram.md). */
export interface HistogramData {
  readonly precisionBits: number;
  readonly count: number;
  readonly sumNs: string;
  readonly minNs: number;
  readonly maxNs: number;
  readonly buckets: readonly (readonly [index: number, count: number])[];
}

export interface Stats {
  /** Records replayed, by event type, most frequent first. */
  readonly events: readonly TypeCount[];
  readonly locks: {
    /** Lock table entries in use at the end, the most there were at once, and free ones forgotten to stay bounded. */
    readonly live: number;
    readonly peak: number;
    readonly forgotten: number;
    readonly acquisitions: number;
    readonly contentions: number;
    readonly releases: number;
  };
  /** Findings beyond the limits that were counted but not kept, by kind. */
  readonly suppressed: Readonly<Record<string, number>>;
  /** Engine counters that are not zero: full tables, dropped ring records. */
  readonly engine: Readonly<Record<string, number>>;
  /** Wait times of locks, hold times of locks, irq-off spans. */
  readonly waitNs: HistogramData;
  readonly holdNs: HistogramData;
  readonly irqsOffNs: HistogramData;
}

export interface TraceSummary {
  readonly path: string;
  readonly format: string;
  readonly clock: string;
  readonly timeUnit: 'ns' | 'cycles' | 'relative';
  readonly kernel: string | null;
  readonly cpus: number;
  readonly events: number;
  readonly startNs: string | null;
  readonly endNs: string | null;
  readonly perCpu: readonly CpuSummary[];
  /** Damage, losses and limits met while reading. */
  readonly problems: readonly Problem[];
}

export interface Thresholds {
  readonly watchdogNs: number;
  readonly spinNs: number;
  readonly irqOffNs: number;
}

export interface Report {
  readonly schema: typeof REPORT_SCHEMA;
  readonly spinback: string;
  readonly trace: TraceSummary;
  readonly thresholds: Thresholds;
  readonly findings: readonly Finding[];
  /** What the kernel itself reported in the capture and no finding carries. */
  readonly kernelReports: readonly KernelReport[];
  readonly stats: Stats;
}

/** What `spinback info` says about one kind of question. */
export interface Question {
  readonly question: string;
  readonly answer: 'yes' | 'partly' | 'no';
  readonly why: string;
  /** What to record next time so that it can be answered; null when it can. */
  readonly record: string | null;
}

export const INFO_SCHEMA = 'spinback/info@1';

export interface Info {
  readonly schema: typeof INFO_SCHEMA;
  readonly spinback: string;
  readonly trace: TraceSummary;
  readonly events: readonly TypeCount[];
  readonly questions: readonly Question[];
}

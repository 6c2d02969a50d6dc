import type { FoundBrief, LockSource, RowKind } from './stats.ts';

/** What `spinback compare` says (docs/report.md). Changes are ratios less one: 0.1 is "+10 %". */
export const COMPARE_SCHEMA = 'spinback/compare@1';

export interface ComparedRun {
  readonly path: string;
  readonly kernel: string | null;
  readonly durationNs: number;
  readonly events: number;
  readonly blocks: number;
}

/** One figure of one row on both sides. */
export interface Change {
  readonly metric: string;
  readonly unit: 'ns' | 'ns per' | 'per' | 'share';
  /**
   * As counted. Of runs that are compared, their geometric mean; of a single run, of blocks of time, or where a run has too few samples,
   * that of all runs together. null: too few samples.
   */
  readonly base: number | null;
  readonly new: number | null;
  /** new / base - 1. Infinity, which is null in JSON, where the base counted none. */
  readonly change: number | null;
  /**
   * Interval of the change, which holds for all changes of the comparison at once; null: none can be given. `high` is Infinity, null in JSON,
   * where the base counted none.
   */
  readonly low: number | null;
  readonly high: number | null;
  readonly standsOut: boolean;
}

export interface ComparedRow {
  readonly kind: RowKind;
  readonly source: LockSource | null;
  readonly name: string;
  readonly by: string | null;
  /** The call site on the base side, where it moved within its function. */
  readonly was: string | null;
  /** Seen in runs of the base, and of the new side. */
  readonly seen: { readonly base: number; readonly new: number };
  /** Time that tasks waited for it, waits without an end included, per unit of the comparison; of sections their length. */
  readonly lost: { readonly base: number; readonly new: number };
  /** The longest single wait, or section, waits without an end included. In ns. */
  readonly longest: { readonly base: number; readonly new: number };
  /** The changes that stand out first, then the others, the surest first. */
  readonly changes: readonly Change[];
  /** Headlines of findings about this lock. */
  readonly findings: { readonly base: readonly string[]; readonly new: readonly string[] };
}

export type Outcome = 'passed' | 'failed' | 'unclear' | 'no match';

/** What exceeds a rule's bound: certainly, or within the noise. */
export interface Violation {
  readonly row: string;
  readonly change: Change | null;
  readonly certain: boolean;
  /** The finding, for rules about findings. */
  readonly finding: string | null;
}

export interface RuleResult {
  readonly rule: string;
  /** Where the rule is written: "--fail-on", or "locks.policy:3". */
  readonly place: string;
  readonly outcome: Outcome;
  /** Rows that the rule is about. */
  readonly matched: number;
  readonly violations: readonly Violation[];
}

export interface Comparison {
  readonly schema: typeof COMPARE_SCHEMA;
  readonly spinback: string;
  readonly base: readonly ComparedRun[];
  readonly new: readonly ComparedRun[];
  /** What totals are divided by: "second", "acquisition", or the name of an event. */
  readonly per: string;
  readonly evidence: 'runs' | 'blocks' | 'none';
  readonly level: number;
  /** How many changes the intervals hold for at once. */
  readonly comparisons: number;
  readonly rows: readonly ComparedRow[];
  /** Rows of one side only. */
  readonly appeared: readonly ComparedRow[];
  readonly vanished: readonly ComparedRow[];
  readonly findings: {
    readonly appeared: readonly FoundBrief[];
    readonly gone: readonly FoundBrief[];
    readonly both: readonly FoundBrief[];
  };
  readonly rules: readonly RuleResult[];
  /** What could not be compared, and what weakens the rest, as sentences. */
  readonly notes: readonly string[];
}

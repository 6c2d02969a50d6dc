import type { LogKind } from '../model/kernel-log.ts';

/**
 * A wording by which a kernel begins a report. Named groups: cpu, by (the CPU that noticed), cpus (a list), pid, comm,
 * secs, jiffies, fn, ns, pool.
 */
export interface Headline {
  readonly kind: LogKind;
  /** What the byte search looks for; part of every match. */
  readonly needle: string;
  readonly pattern: RegExp;
  /** File and versions of the kernel that print it so. */
  readonly source: string;
  readonly sample: string;
  /** It repeats what another headline said before (a panic because of the report): no report of its own after one. */
  readonly echo?: boolean;
  /** It is the second line of such a report, and begins one only where the first is missing. */
  readonly detail?: boolean;
}

/** A task's name in a pattern. */
export const TASK = String.raw`(?<comm>.{1,64}?)`;

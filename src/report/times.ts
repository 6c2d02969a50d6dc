import { duration, seconds } from '../base/units.ts';
import type { TraceSummary } from '../model/report.ts';

/** How times of one trace are written, by its time unit. Absolute times come as decimal strings. */
export interface Times {
  /** To the last digit: "47.340668709"; bare cycles where the unit is unknown. */
  at(ns: string): string;
  /** To the millisecond, for windows: "53.349". */
  near(ns: string): string;
  /** "29.996 s"; "812345 cycles". */
  span(ns: number): string;
  /** A threshold, without decimals that say nothing: "10 s". */
  limit(ns: number): string;
}

const IN_SECONDS: Times = {
  at: (ns) => seconds(BigInt(ns)),
  near: (ns) => seconds(((BigInt(ns) + 500_000n) / 1_000_000n) * 1_000_000n).slice(0, -6),
  span: duration,
  limit: (ns) => duration(ns).replace(/\.(\d*?)0+ /, (_, kept: string) => (kept === '' ? ' ' : `.${kept} `)),
};

function bare(unit: string): Times {
  const counted = (count: number): string => `${count} ${unit}`;
  return { at: (ns) => ns, near: (ns) => ns, span: counted, limit: counted };
}

const IN_CYCLES = bare('cycles');
const IN_COUNTS = bare('counts');

/**
 * Do times of this trace count nanoseconds? Cycles of unknown length do not, nor does ftrace's `counter` clock, which
 * counts events. Thresholds in seconds apply only where they do.
 */
export function countsNanoseconds({ timeUnit, clock }: Pick<TraceSummary, 'timeUnit' | 'clock'>): boolean {
  return timeUnit === 'ns' || (timeUnit === 'relative' && clock !== 'counter');
}

/** Seconds where times count nanoseconds, also from the start of a buffer; bare numbers elsewhere. */
export function timesOf(trace: Pick<TraceSummary, 'timeUnit' | 'clock'>): Times {
  if (countsNanoseconds(trace)) return IN_SECONDS;
  return trace.timeUnit === 'cycles' ? IN_CYCLES : IN_COUNTS;
}

/** `later - earlier` of two absolute times; negative when they are the wrong way round. */
export function between(earlier: string, later: string): number {
  return Number(BigInt(later) - BigInt(earlier));
}

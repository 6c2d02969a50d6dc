import type { Case } from '../model/case.ts';
import type { Mark } from '../model/state.ts';

/**
 * Clocks that order the events of different CPUs (kernel/trace/trace.c, trace_clocks[], and kernel/trace/trace_clock.c, Linux
 * 6.12): `global` is serialized and `counter` an atomic counter; `mono`, `mono_raw`, `boot` and `tai` read the kernel's
 * timekeeping; `x86-tsc` reads the time stamp counter in program order.
 *
 * Of the others trace_clock.c says that `local` (sched_clock()) is not guaranteed to be coherent across CPUs and that `perf`
 * (local_clock()) allows a jitter of about one jiffy; `uptime` counts jiffies, so all of one jiffy are at the same time.
 * Text captures never name their clock; the kernel's default is `local`.
 */
const ORDERED: ReadonlySet<string> = new Set([
  'global',
  'counter',
  'mono',
  'mono_raw',
  'boot',
  'tai',
  'x86-tsc',
]);

/** A jiffy at HZ=100, the longest there is. */
export const MARGIN_NS = 10_000_000n;

/** Does the trace clock order the events of all CPUs? */
export function ordersCpus({ clock }: Pick<Case, 'clock'>): boolean {
  return ORDERED.has(clock);
}

/** Do the times of these two events tell which came first? Of one CPU's events they always do. */
function tellsOrder(about: Case, a: Mark, b: Mark): boolean {
  if (a.cpu === b.cpu || ordersCpus(about)) return true;
  const apart = a.time < b.time ? b.time - a.time : a.time - b.time;
  return apart >= MARGIN_NS;
}

/** So long that it hardly matters by how much the clocks of two CPUs may differ. */
export function outlastsDisorder(ns: number): boolean {
  return ns >= 10 * Number(MARGIN_NS);
}

/** What a verdict that needs each of these pairs in the recorded order depends on, as a sentence; empty for nothing. */
export function orderTaints(about: Case, pairs: readonly (readonly [Mark | null, Mark | null])[]): string[] {
  if (!pairs.some(([a, b]) => a && b && !tellsOrder(about, a, b))) return [];
  const clock =
    about.clock === 'unknown' ? 'the trace clock, which is not named,' : `the clock ${about.clock}`;
  return [`${clock} does not tell the order of different CPUs' events that are less than 10 ms apart`];
}

import { duration, seconds } from '../base/units.ts';
import type { KernelMessage } from '../model/case.ts';
import type { ClockJoin } from '../model/join.ts';
import type { Incident, LogReport } from '../model/kernel-log.ts';
import type { TraceSummary } from '../model/report.ts';
import { marksIn, type Marks } from './join-marks.ts';

/**
 * Clocks that count from boot. printk's is local_clock() (kernel/printk/printk.c), as `perf` is, and `local` and `global` nearly
 * (kernel/trace/trace_clock.c). `mono` stops while the machine is suspended and `boot` does not; printk's stops with `mono`, but goes on in
 * a suspend to idle of x86, whose sched_clock is the TSC (kernel/time/tick-common.c, tick_freeze; arch/x86/kernel/tsc.c; Linux 6.12).
 */
const FROM_BOOT: ReadonlySet<string> = new Set(['local', 'global', 'mono', 'boot', 'mono_raw', 'perf']);

/** Those that a suspend may part from printk's. */
const MAY_PART: ReadonlySet<string> = new Set(['mono', 'boot', 'mono_raw']);

/** What two clocks of one boot differ by at most, but for a suspend: by when they began to count, and by how much a slewed one drifts. */
const MOST_APART_NS = 10e9;
const MOST_DRIFT = 1e-3;

/** The year 2001 on the wall clock. */
const WALL_NS = 10n ** 18n;

/**
 * How far from the trace a report may be that does not say how long it has lasted: hard lockups come within two periods of at most 60 s
 * (kernel/watchdog.c, `sixty`), RCU stalls after 300 s at most, and again after three times that (kernel/rcu/Kconfig.debug and tree_stall.h; Linux 6.12).
 */
const MOST_LATE_NS = 1_000_000_000_000n;

/**
 * Finds how the log's clock lies to the trace's: by the report lines that printk:console recorded in the trace as well.
 * Without such marks clocks that count from boot are taken to be the same. The log does not fit where clocks that count from boot
 * are too far apart for one boot, by a lone line that every such log has, or all incidents too far from the trace.
 */
export function joinClocks(
  log: LogReport,
  messages: readonly KernelMessage[],
  trace: TraceSummary,
): ClockJoin {
  if (trace.timeUnit === 'cycles') return none("the unit of the trace's clock is not known");
  const countsFromBoot = trace.timeUnit === 'ns' && FROM_BOOT.has(trace.clock) && !isWallClock(log);
  const mayBe = (offsetNs: number): boolean => !countsFromBoot || !tooFarApart(offsetNs, trace);
  const marks = marksIn(log, messages, mayBe);
  if (marks && (marks.ofOneBoot || mayBe(marks.offsetNs))) {
    const { offsetNs, spreadNs, count } = marks;
    const how = howJoined(marks, countsFromBoot && isFar(offsetNs, trace));
    return { offsetNs, spreadNs, marks: count, how, fits: true };
  }
  // Of lines that come several times the log, or the trace, may lack the one that the other has.
  if (marks?.unique) {
    const apart = seconds(BigInt(Math.round(Math.abs(marks.offsetNs))));
    return misfit(
      `the same report is in log and trace, but ${apart} s apart, and both clocks count from boot`,
    );
  }
  if (log.incidents.every(({ firstNs }) => firstNs === null)) return none("the log's reports have no times");
  if (countsFromBoot) {
    const away = farAway(log, trace);
    if (away !== null) return misfit(away);
    const asleep = MAY_PART.has(trace.clock)
      ? '; where the machine was suspended they may differ by the time asleep'
      : '';
    return {
      offsetNs: 0,
      spreadNs: null,
      marks: 0,
      how: `assumed: the log's clock and the trace's ${trace.clock} clock both count from boot${asleep}`,
      fits: true,
    };
  }
  return isWallClock(log)
    ? none("no line of the log is in the trace, and the log's times are the wall clock's")
    : none(`no line of the log is in the trace, and its ${trace.clock} clock need not count from boot`);
}

/** Of a syslog without printk's own times: they count from 1970, and no machine is up for 30 years. */
function isWallClock({ incidents }: LogReport): boolean {
  return incidents.some(({ firstNs }) => firstNs !== null && BigInt(firstNs) > WALL_NS);
}

function howJoined({ offsetNs, unique, ofOneBoot }: Marks, far: boolean): string {
  const apart = `the clocks differ by ${duration(Math.abs(offsetNs))}, as after a suspend`;
  return [
    'lines of the log that printk:console recorded in the trace',
    ...(unique ? [] : ['each comes several times, and they are paired where most agree']),
    ...(far ? [ofOneBoot ? apart : `${apart}, or in another boot: every such log has the line`] : []),
  ].join('; ');
}

function none(how: string): ClockJoin {
  return { offsetNs: null, spreadNs: null, marks: 0, how, fits: true };
}

function misfit(how: string): ClockJoin {
  return {
    offsetNs: null,
    spreadNs: null,
    marks: 0,
    how: `${how}: the log is of another boot or time, or the machine slept in between`,
    fits: false,
  };
}

/** The boot clock goes on while the machine is suspended, and printk's need not: it may be ahead by any time. */
function tooFarApart(offsetNs: number, trace: TraceSummary): boolean {
  return isFar(offsetNs, trace) && !(trace.clock === 'boot' && offsetNs > 0);
}

function isFar(offsetNs: number, { endNs }: TraceSummary): boolean {
  return Math.abs(offsetNs) > Math.max(MOST_APART_NS, MOST_DRIFT * Number(endNs ?? 0));
}

/** Where the log's reports are, if all of them come too long before or behind the trace to speak of anything in it; null otherwise. */
function farAway({ incidents }: LogReport, { clock, startNs, endNs }: TraceSummary): string | null {
  // Where the machine was suspended, the boot clock's times are not printk's.
  if (startNs === null || endNs === null || clock === 'boot') return null;
  const [from, to] = [BigInt(startNs), BigInt(endNs)];
  const spans = incidents.flatMap((incident) => spanOf(incident) ?? []);
  if (spans.some(({ began, last }) => last >= from - MOST_LATE_NS && began <= to + MOST_LATE_NS)) return null;
  // A log may hold several boots, and its incidents are in the order of its lines.
  const first = spans.map((span) => span.first).reduce(earlier);
  const last = spans.map((span) => span.last).reduce(later);
  const at = `${seconds(first)}${last > first ? ` to ${seconds(last)}` : ''}`;
  return `the log's reports come at ${at} s, the trace is from ${seconds(from)} to ${seconds(to)} s, and both count from boot`;
}

/**
 * From when to when an incident has lasted, by its first and last report and by what they say. How long hung tasks and soft lockups
 * wait to be reported is settable (hung_task_timeout_secs, watchdog_thresh), so a report may come long behind the trace that it began in.
 */
function spanOf({ firstNs, entries }: Incident): Record<'began' | 'first' | 'last', bigint> | null {
  if (firstNs === null) return null;
  const times = [BigInt(firstNs)];
  const begins: bigint[] = [];
  for (const { atNs, durationNs } of entries) {
    if (atNs === null) continue;
    times.push(BigInt(atNs));
    // Nothing has lasted for longer than the machine is up, whatever a broken line says.
    begins.push(BigInt(atNs) - BigInt(Math.round(Math.min(durationNs ?? 0, Number(atNs)))));
  }
  const first = times.reduce(earlier);
  return { began: begins.reduce(earlier, first), first, last: times.reduce(later) };
}

function earlier(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function later(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

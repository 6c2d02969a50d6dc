import type { KernelMessage } from '../model/case.ts';
import type { ClockJoin } from '../model/join.ts';
import type { LogReport } from '../model/kernel-log.ts';
import type { TraceSummary } from '../model/report.ts';

/** Clocks that count from boot like printk's: local and global are the same sched_clock, mono and boot differ by suspend and slewing. */
const FROM_BOOT: ReadonlySet<string> = new Set(['local', 'global', 'mono', 'boot', 'mono_raw', 'perf']);

/**
 * Finds how the log's clock lies to the trace's: by the report lines that printk:console recorded in the trace as well,
 * the median of their differences. Without such marks clocks that count from boot are taken to be the same.
 */
export function joinClocks(
  log: LogReport,
  messages: readonly KernelMessage[],
  trace: TraceSummary,
): ClockJoin {
  if (trace.timeUnit === 'cycles') return none("the unit of the trace's clock is not known");
  const differences = marksIn(log, messages).toSorted((a, b) => a - b);
  const median = differences[differences.length >> 1];
  if (median !== undefined) {
    return {
      offsetNs: median,
      spreadNs: differences.at(-1)! - differences[0]!,
      marks: differences.length,
      how: 'lines of the log that printk:console recorded in the trace',
    };
  }
  if (log.incidents.every(({ firstNs }) => firstNs === null)) return none("the log's reports have no times");
  if (trace.timeUnit === 'ns' && FROM_BOOT.has(trace.clock)) {
    return {
      offsetNs: 0,
      spreadNs: null,
      marks: 0,
      how: `assumed: the log's clock and the trace's ${trace.clock} clock both count from boot`,
    };
  }
  return none(`no line of the log is in the trace, and its ${trace.clock} clock need not count from boot`);
}

function none(how: string): ClockJoin {
  return { offsetNs: null, spreadNs: null, marks: 0, how };
}

/** Differences in time of the lines that are in both; the same text several times is paired in order. */
function marksIn(log: LogReport, messages: readonly KernelMessage[]): number[] {
  const times = new Map<string, bigint[]>();
  for (const { mark, text } of messages) {
    const key = normal(text);
    const list = times.get(key);
    if (list) list.push(mark.time);
    else times.set(key, [mark.time]);
  }
  const lines = log.incidents
    .flatMap(({ entries }) => entries)
    .filter(({ atNs }) => atNs !== null)
    .toSorted((a, b) => a.offset - b.offset);
  return lines.flatMap(({ text, atNs }) => {
    const time = times.get(normal(text))?.shift();
    return time === undefined ? [] : [Number(time - BigInt(atNs!))];
  });
}

function normal(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ');
}

import type { BenchResult } from '../model/bench.ts';
import { printableCopy } from './printable.ts';
import { table } from './table.ts';
import { page, plural } from './text.ts';

/** A benchmark for people. Ends with a newline. */
export function benchText(raw: BenchResult): string {
  const { spinback, path, events, seconds, checksum, counters } = printableCopy(raw);
  const [first = 0, ...later] = seconds;
  const warm = (later.length > 0 ? later : [first]).toSorted((a, b) => a - b);
  const at = (share: number): number => warm[Math.round(share * (warm.length - 1))]!;
  const rate = (time: number): string => (time > 0 ? `${(events / time / 1e6).toFixed(2)} M/s` : '-');
  return page([
    [
      `spinback ${spinback} bench: ${path}`,
      `  ${plural(events, 'event')}, ${plural(seconds.length, 'replay')}; events per second of CPU time`,
    ],
    table(
      ['', 'median', 'fastest', 'slowest', 'ns per event'],
      [
        ['first replay', rate(first), '', '', nsPerEvent(first, events)],
        ...(later.length > 0
          ? [[`${later.length} more`, rate(at(0.5)), rate(at(0)), rate(at(1)), nsPerEvent(at(0.5), events)]]
          : []),
      ],
      ['left', 'right', 'right', 'right', 'right'],
    ),
    [
      'Counters of the engine',
      ...table(
        null,
        Object.entries(counters).map(([name, count]) => [name, String(count)]),
        ['left', 'right'],
      ),
    ],
    [`state: sha256 ${checksum}`],
  ]);
}

function nsPerEvent(seconds: number, events: number): string {
  return events > 0 ? ((seconds * 1e9) / events).toFixed(1) : '-';
}

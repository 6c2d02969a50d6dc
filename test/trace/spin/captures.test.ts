// A container says what its original says: every report, every event, every record.

import { describe, expect, test } from 'vitest';
import { makeTwin } from '../../../src/engine/twin/twin-engine.ts';
import { openCapture } from '../../../src/trace/open.ts';
import { anyCapture } from '../../captures.ts';
import { compareEvents, containerOf, open, reportOf } from './container.ts';

/** File, whether the twin has the time for it, and every how many-th record is looked at. */
const CAPTURES: readonly (readonly [name: string, twin: boolean, stride: number])[] = [
  ['lost-unlock.dat', true, 13],
  ['slow-holder.dat', true, 1],
  ['stock.dat', true, 1],
  ['kprobe-leak.dat', true, 1],
  ['abba.dat', true, 1],
  ['ext4-dm-1k.small.dat', true, 1],
  ['ext4-dm-1k.small-v6.dat', true, 1],
  ['ext4-dm-1k.text.dat', true, 1],
  ['ext4-dm-1k.medium.dat', false, 101],
  ['bhrace-1.dat', false, 101],
  ['ext4-finish-bio-2015/trace.dat', true, 1],
  // Going back to a line of text means reading up to 4096 lines.
  ['ext4-dm-1k.text.trace.txt', true, 101],
  ['ext4-dm-1k.text.trace-latency.txt', true, 101],
  ['ext4-dm-1k.small.report.txt', true, 101],
  ['perf-ext4-lost.script.txt', true, 101],
  ['panic-dump.console.txt', true, 101],
  ['perf-ext4-lost.data', true, 1],
  ['perf-ext4-lock.data', false, 101],
  ['perf-ext4-z.data', false, 101],
];

for (const [name, twin, stride] of CAPTURES) {
  const path = anyCapture(name);
  describe.skipIf(path === null)(name, { timeout: 600_000 }, () => {
    test('the container gives the same report, events and records', async () => {
      const bytes = await containerOf(path!);
      const original = await openCapture(path!);
      const expected = reportOf(original);
      original.close();
      const container = await open(bytes);
      expect(container.format).toContain(original.format);
      expect(container.format).toContain(name.split('/').at(-1)!);
      expect(reportOf(container)).toEqual(expected);
      if (twin)
        expect(reportOf(await open(bytes), makeTwin)).toEqual(reportOf(await openCapture(path!), makeTwin));
      const again = await openCapture(path!);
      const { events, different } = compareEvents(again, await open(bytes), stride);
      again.close();
      expect(different).toEqual([]);
      expect(events).toBeGreaterThan(0);
    });
  });
}

const medium = anyCapture('ext4-dm-1k.medium.dat');
test.skipIf(medium === null)(
  'a container of ordinary size needs at most 5 bytes for an event',
  { timeout: 60_000 },
  async () => {
    const bytes = await containerOf(medium!);
    const capture = await open(bytes);
    let events = 0;
    for (const { trace } of [reportOf(capture) as { trace: { events: number } }]) events = trace.events;
    expect(bytes.length / events).toBeLessThan(5);
  },
);

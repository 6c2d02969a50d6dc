// What statistics know a line's lock and caller by: numbers in the record's last 32 bits.

import { expect, test } from 'vitest';
import { hashOn, Labels } from '../../../src/trace/ftrace-text/labels.ts';
import { readAll } from './harness.ts';

/** Number of the name, number of the caller. */
function labelsOf(text: string): (readonly [name: number, caller: number])[] {
  const { records, events } = readAll(text);
  const view = new DataView(records.buffer, records.byteOffset);
  return events.map((_, n) => {
    const raw = view.getUint32(40 * n + 36, true);
    return [raw & 0xffff, raw >>> 16] as const;
  });
}

const line = (n: number, event: string): string =>
  `             cat-12  [001] d..1.     1.00000${n}: ${event}\n`;

test('a name and a caller keep their numbers; what statistics do not ask for has none', () => {
  const text = [
    'lock_acquire: 0xffff888000000010 &a->lock',
    'lock_acquire: 0xffff888000000020 read &b->lock',
    'lock_release: 0xffff888000000020 &b->lock',
    'lock_acquire: 0xffff888000000030 &a->lock',
    'irq_disable: caller=f+0x1/0x20 parent=0x0',
    'irq_enable: caller=g+0x1/0x20 parent=0x0',
    'irq_disable: caller=h+0x1/0x20 parent=f+0x1/0x20',
    'preempt_disable: caller=f+0x1/0x20 parent=0x0',
    'sched_waking: comm=caller=f+0x1/0x20 pid=3',
  ];
  expect(labelsOf(text.map((event, n) => line(n, event)).join(''))).toEqual([
    [1, 0],
    [2, 0],
    [0, 0],
    [1, 0],
    [0, 1],
    [0, 0],
    [0, 2],
    [0, 1],
    [0, 0],
  ]);
});

test('beyond 65535 of them there are no numbers, and callers without one are counted', () => {
  const labels = new Labels();
  for (let n = 1; n <= 65_535; n++) expect(labels.of(`lock ${n}`, n)).toBe(((n << 16) | n) >>> 0);
  expect(labels.of('one more', 65_536)).toBe(0);
  expect(labels.of('lock 7', 7)).toBe((7 << 16) | 7);
  expect(labels.unnumbered).toBe(1);
  expect(new Labels().of('n'.repeat(257), 0)).toBe(0);
});

test('a hash of callers goes on from line to line, and is never 0', () => {
  const bytes = new TextEncoder().encode('f+0x1g+0x2');
  const hash = hashOn(hashOn(0, bytes, 0, 5), bytes, 5, 10);
  expect(hash).not.toBe(hashOn(hashOn(0, bytes, 5, 10), bytes, 0, 5));
  expect(hash).toBeGreaterThan(0);
  expect(Number.isSafeInteger(hash)).toBe(true);
  expect(hashOn(0, bytes, 0, 0)).toBeGreaterThan(0);
});

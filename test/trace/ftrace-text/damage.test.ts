import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SpinbackError } from '../../../src/base/errors.ts';
import { openFtraceText } from '../../../src/trace/ftrace-text/reader.ts';
import { LineReader, MAX_LINE } from '../../../src/trace/ftrace-text/lines.ts';
import type { ByteSource } from '../../../src/io/source.ts';
import { damageOf, encode, readAll, smallCapture, sourceOf } from './harness.ts';

const TRACE = 'ext4-dm-1k.text.trace.txt.zst';
const head = async (bytes: number) => (await smallCapture(TRACE)).slice(0, bytes);
const EVENT =
  '       trace-cmd-108     [003] .....    16.034320: lock_release: ffffffff81ff0c70 trace_types_lock\n';

/** Reads everything that can be asked for; anything but a SpinbackError is a bug. */
function exercise(bytes: Uint8Array, chunk: number): { readonly events: number; readonly damage: string[] } {
  try {
    const { capture, events } = readAll(bytes, { chunk });
    for (const n of [0, 1, events.length >> 1, events.length - 1])
      capture.record({ lane: 0, offset: 40 * n });
    return { events: events.length, damage: damageOf(capture) };
  } catch (error) {
    if (error instanceof SpinbackError) return { events: 0, damage: [error.code] };
    throw error;
  }
}

test('cut anywhere, the events before the cut are there', async () => {
  const bytes = await head(100_000);
  const ends = [...bytes.entries()].filter(([, byte]) => byte === 10).map(([at]) => at);
  fc.assert(
    fc.property(
      fc.integer({ min: 2000, max: bytes.length }),
      fc.integer({ min: 100, max: 5000 }),
      (length, chunk) => {
        const { events, damage } = exercise(bytes.subarray(0, length), chunk);
        const whole = ends.filter((at) => at < length).length - 12;
        expect(events - whole).toBeOneOf([0, 1]);
        // Either nothing is left of the last line, or it is told that it may be, or is, cut.
        const told =
          bytes[length - 1] === 10 ? [] : [expect.stringMatching(/^(cut-last-line|truncated): 1$/)];
        expect(damage.filter((problem) => !problem.startsWith('missing-entries'))).toEqual(told);
        expect(damage.some((problem) => problem.startsWith('missing-entries'))).toBe(true);
      },
    ),
  );
});

test('flipped bytes cost at most the lines that they are in', async () => {
  const bytes = await head(30_000);
  const lines = exercise(bytes, 1000).events;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 2000, max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 })), {
        minLength: 1,
        maxLength: 10,
      }),
      (flips) => {
        const damaged = bytes.slice();
        for (const [at, mask] of flips) damaged[at]! ^= mask;
        // A flip may also join two lines, or cut one in two.
        expect(Math.abs(exercise(damaged, 700).events - lines)).toBeLessThanOrEqual(2 * flips.length);
      },
    ),
  );
});

test('garbage behind valid lines is counted, with the place of the first', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 3000 }), (garbage) => {
      const bytes = new Uint8Array([...encode(EVENT), 0, ...garbage, ...encode(`\n${EVENT}`)]);
      const { capture, events } = readAll(bytes);
      expect(events.length).toBeGreaterThanOrEqual(2);
      const [first] = capture.damage();
      expect(first).toMatchObject({ name: 'unparsed-lines', severity: 'error', offset: EVENT.length });
      expect(events.length + first!.count).toBeLessThanOrEqual(
        3 + garbage.filter((byte) => byte === 10).length + 1,
      );
    }),
  );
});

test('arbitrary bytes and arbitrary lines never break the reader', () => {
  const pieces = [
    '-1',
    ' [000]',
    ' d..1.',
    ' 1.5:',
    ' 10us+:',
    ' lock_acquire: ',
    'ffff888104ef4380 x',
    '\n',
    '\r',
    'CPU:1 [EVENTS DROPPED]\n',
    '# tracer: x\n',
    '(',
    ')',
    'a=',
    '=>',
    '\0',
    'é',
    ' ',
    'sched_switch: a:1 [2] R ==> b:3 [4]',
    'prev_comm=',
    ' prev_pid=',
  ];
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...pieces), { maxLength: 200 }),
      fc.integer({ min: 1, max: 50 }),
      (parts, chunk) => {
        const bytes = encode(parts.join(''));
        const whole = exercise(bytes, 1 << 16);
        expect(exercise(bytes, chunk)).toEqual(whole);
      },
    ),
    { numRuns: 500 },
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 5000 }), (bytes) => void exercise(bytes, 100)));
});

test('hostile lines end, and lines over 64 KiB are left out and counted once', () => {
  const hostile = [
    '-'.repeat(1 << 20),
    '-1 '.repeat(1 << 18),
    '-1 (-1 ('.repeat(1 << 17),
    ' '.repeat(1 << 20),
    `a-1 [000] 1.5: sched_switch: ${':1 [1] R ==> '.repeat(80_000)}`,
    `a-1 [000] 1.5: sched_switch: ${'prev_comm= prev_pid=1 prev_prio=1 prev_state=1 next_comm='.repeat(20_000)}`,
    `a-1 [000] 1.5: ${'x'.repeat(1 << 20)}: y`,
    '9'.repeat(1 << 20),
  ];
  for (const line of hostile) {
    const { capture, events } = readAll(`${EVENT}${line}\n${EVENT}`, { chunk: 10_000 });
    expect(events).toHaveLength(2);
    expect(capture.damage()).toMatchObject([{ name: 'long-lines', count: 1, offset: EVENT.length }]);
    // The same just below the limit, where every scanner gets to see it.
    const short = readAll(`${EVENT}${line.slice(0, MAX_LINE)}\n${EVENT}`, { chunk: 10_000 });
    expect(short.events.length).toBeOneOf([2, 3]);
    expect(damageOf(short.capture)).not.toContain('long-lines: 1');
  }
});

test('the limit of a line does not depend on where chunks end', () => {
  for (const length of [MAX_LINE - 1, MAX_LINE, MAX_LINE + 1]) {
    const text = `a\n${'x'.repeat(length)}\nb\n${'y'.repeat(length)}`;
    for (const chunk of [1000, MAX_LINE, 1 << 20]) {
      const lines = new LineReader(sourceOf(text), 0, chunk);
      const seen: string[] = [];
      while (lines.next())
        seen.push(`${lines.text(lines.start, lines.start + 1)}${lines.end - lines.start}@${lines.offset}`);
      const long = length > MAX_LINE;
      expect(seen).toEqual(
        long
          ? ['a1@0', `b1@${length + 3}`]
          : ['a1@0', `x${length}@2`, `b1@${length + 3}`, `y${length}@${length + 5}`],
      );
      expect([lines.longLines, lines.position]).toEqual([long ? 2 : 0, text.length]);
    }
  }
});

test('a line ends before its line feed, or before the carriage return in front of it', () => {
  const lines = new LineReader(sourceOf('ab\r\n\r\n\rc\n\r'), 0, 2);
  const seen: string[] = [];
  while (lines.next()) seen.push(lines.text(lines.start, lines.end));
  expect(seen).toEqual(['ab', '', '\rc', '']);
});

test('a source that fails says so as it fails', () => {
  const bytes = encode(EVENT.repeat(100));
  let reads = 0;
  const source: ByteSource = {
    ...sourceOf(bytes),
    readInto(target, position) {
      if (position > 5000 && reads++ > 0) throw new SpinbackError('UNREADABLE', 'the disk is gone');
      return sourceOf(bytes).readInto(target.subarray(0, 1000), position);
    },
  };
  expect(() => {
    const capture = openFtraceText(source, { chunk: 1000 });
    while (capture.lanes[0]!.read(new Uint8Array(4000)) > 0);
  }).toThrow(expect.objectContaining({ code: 'UNREADABLE' }));
});

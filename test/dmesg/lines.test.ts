import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLine } from '../../src/dmesg/lines/prefix.ts';
import { LINE_LIMIT, RawLines } from '../../src/dmesg/lines/raw-lines.ts';
import { NeedleSearch, WINDOW } from '../../src/dmesg/lines/search.ts';

const NEEDLES = ['soft lockup', 'hard LOCKUP on', 'blocked for more than'];
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A reader over `bytes` that gives at most `piece` of them at a time. */
function reader(bytes: Uint8Array, piece: number): (target: Uint8Array) => number {
  let at = 0;
  return (target) => {
    const part = bytes.subarray(at, at + Math.min(piece, target.length));
    target.set(part);
    at += part.length;
    return part.length;
  };
}

function linesWith(text: string, follow = 0, piece = 1 << 20): string[] {
  const lines = new RawLines(reader(encode(text), piece), new NeedleSearch(NEEDLES), 1);
  const got: string[] = [];
  for (let line = lines.next(); line !== null; line = lines.next()) {
    got.push(line.text);
    if (NEEDLES.some((needle) => line.text.includes(needle))) lines.follow(follow);
  }
  return got;
}

describe('NeedleSearch', () => {
  const words = fc.constantFrom(
    ...NEEDLES,
    'soft lock',
    'lockup',
    ' ',
    'LOCKUP on',
    'x',
    '\n',
    'blocked for more tha',
  );

  it('finds what a naive search finds', () => {
    const search = new NeedleSearch(NEEDLES);
    fc.assert(
      fc.property(fc.array(words), (parts) => {
        const text = parts.join('');
        const found = NEEDLES.map((needle) => text.indexOf(needle)).filter((at) => at >= 0);
        const bytes = encode(text);
        expect(search.find(bytes, 0, bytes.length)).toBe(found.length === 0 ? -1 : Math.min(...found));
      }),
    );
  });

  it('refuses needles that its window does not hold', () => {
    expect(() => new NeedleSearch(['x'.repeat(WINDOW - 1)])).toThrow(RangeError);
  });
});

describe('RawLines', () => {
  it('gives out lines with a needle and those that are asked for behind them', () => {
    const text = ['a', 'one soft lockup', 'b', 'c', 'd', 'two hard LOCKUP on', 'e'].join('\n');
    expect(linesWith(text)).toEqual(['one soft lockup', 'two hard LOCKUP on']);
    expect(linesWith(text, 2)).toEqual(['one soft lockup', 'b', 'c', 'two hard LOCKUP on', 'e']);
  });

  it('gives out the same however the log is read', () => {
    const filler = `${'noise '.repeat(40)}\n`.repeat(700);
    const text = `${filler}soft lockup 1\n${filler}x blocked for more than y\nafter\n${filler}hard LOCKUP on 2`;
    const whole = linesWith(text, 1);
    expect(whole).toHaveLength(5);
    for (const piece of [1 << 16, 4093, 1000]) expect(linesWith(text, 1, piece)).toEqual(whole);
  });

  it('knows the line before, which a mail program may have broken off', () => {
    const lines = new RawLines(
      reader(encode('x\nhard\nLOCKUP on cpu soft lockup\n'), 5),
      new NeedleSearch(NEEDLES),
    );
    expect(lines.next()).toMatchObject({
      before: 'hard',
      text: 'LOCKUP on cpu soft lockup',
      offset: 7,
      follows: false,
    });
  });

  it('cuts lines of megabytes and goes on behind them', () => {
    const long = `${'y'.repeat(3 << 20)} soft lockup ${'z'.repeat(3 << 20)}`;
    const got = linesWith(`${long}\nnext hard LOCKUP on cpu 1\n`, 1);
    expect(got[0]).toContain('soft lockup');
    expect(got[0]!.length).toBeLessThanOrEqual(LINE_LIMIT);
    expect(got.at(-1)).toBe('next hard LOCKUP on cpu 1');
  });

  it('survives random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4000 }), fc.integer({ min: 1, max: 500 }), (bytes, piece) => {
        const lines = new RawLines(reader(bytes, piece), new NeedleSearch(NEEDLES));
        while (lines.next() !== null) lines.follow(3);
        expect(lines.position).toBe(bytes.length);
      }),
    );
  });
});

describe('parseLine', () => {
  const MESSAGE = 'watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [kworker/1:1:47]';
  const cases: readonly (readonly [raw: string, boot: bigint | null, caller: string | null])[] = [
    [`[   12.345678] ${MESSAGE}`, 12_345_678_000n, null],
    [`<4>[   12.345678] ${MESSAGE}`, 12_345_678_000n, null],
    [`[   12.345678][    C1] ${MESSAGE}`, 12_345_678_000n, 'C1'],
    [`[   12.345678] [  T123] ${MESSAGE}`, 12_345_678_000n, 'T123'],
    [`[   12.345678 <    0.000012>] ${MESSAGE}`, 12_345_678_000n, null],
    [`> > [   12.345678] ${MESSAGE}`, 12_345_678_000n, null],
    [`&gt; [   12.345678] ${MESSAGE}`, 12_345_678_000n, null],
    [`\u001b[32m[   12.345678] \u001b[0m${MESSAGE}`, 12_345_678_000n, null],
    [`Oct 11 05:39:13 chi412 kernel: [   12.345678] ${MESSAGE}`, 12_345_678_000n, null],
    [`Oct 11 05:39:13 chi412 kernel: ${MESSAGE}`, null, null],
    [`2023-01-01T10:00:00.123456+00:00 host kernel: [   12.345678] ${MESSAGE}`, 12_345_678_000n, null],
    [`2023-01-01T10:00:00,123456+01:00 ${MESSAGE}`, null, null],
    [`[12.345678] host kernel: ${MESSAGE}`, 12_345_678_000n, null],
    [`kern  :emerg : [   12.345678] ${MESSAGE}`, 12_345_678_000n, null],
    [`[Thu Oct  8 07:46:56 2015] ${MESSAGE}`, null, null],
    [`[Oct 8 07:46] ${MESSAGE}`, null, null],
    [`[  +0.000012] ${MESSAGE}`, null, null],
    [`6,1234,12345678,-,caller=C1;${MESSAGE}`, 12_345_678_000n, 'C1'],
    [`[   12.345678] (1)[47:kworker/1:1]${MESSAGE}`, 12_345_678_000n, 'T47'],
    [`05:39:13.123 [   12.345678] ${MESSAGE}`, 12_345_678_000n, null],
    [`[   12.345678] ${MESSAGE}\r`, 12_345_678_000n, null],
    [` kernel:${MESSAGE}`, null, null],
    [MESSAGE, null, null],
  ];

  it.each(cases)('takes the message out of %j', (raw, boot, caller) => {
    expect(parseLine(raw, 0)).toMatchObject({ text: MESSAGE, bootNs: boot, caller });
  });

  it('keeps the wall clock where the year is known', () => {
    const [a, b] = ['[Thu Oct  8 07:46:56 2015] x', '[Thu Oct  8 07:47:06 2015] x'].map(
      (raw) => parseLine(raw, 0).wallNs!,
    );
    expect(b! - a!).toBe(10_000_000_000n);
  });

  it.each(['#011', '\\x09', '\t'])('takes %j for a tab', (tab) => {
    expect(parseLine(`[   27.285451] rcu: ${tab}2-...0: (1 GPs behind)`, 0).text).toBe(
      'rcu: \t2-...0: (1 GPs behind)',
    );
  });
});

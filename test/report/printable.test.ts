import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printable, printableCopy } from '../../src/report/printable.ts';
import { jsonLine } from '../../src/report/json.ts';
import { clip, hang, plural, task, wrap } from '../../src/report/text.ts';
import { timesOf } from '../../src/report/times.ts';

// What a terminal acts on, or what hides or reorders text.
const DANGEROUS = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

describe('printable', () => {
  it.each([
    ['fake_endio', 'fake_endio'],
    ['\x1b]0;owned\x07', '\\x1b]0;owned\\x07'],
    ['two\nlines\r\n', 'two\\nlines\\r\\n'],
    ['tab\there', 'tab\\there'],
    ['\x9b31m', '\\x9b31m'],
    ['\x7f', '\\x7f'],
    ['gnp\u202ejpg', 'gnp\\u202ejpg'],
    ['zero\u200bwidth', 'zero\\u200bwidth'],
    ['half\ud800', 'half\\ud800'],
    ['tag\u{e0041}', 'tag\\u{e0041}'],
    ['größe 日本 🐌', 'größe 日本 🐌'],
  ])('turns %j into %j', (text, safe) => {
    expect(printable(text)).toBe(safe);
  });

  it('leaves nothing dangerous in any text, nor does JSON', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(printable(text)).not.toMatch(DANGEROUS);
        const json = jsonLine({ text });
        expect(json).not.toMatch(DANGEROUS);
        expect(JSON.parse(json)).toEqual({ text });
      }),
    );
  });

  it('reaches every string of a copy, keys included, and nothing else', () => {
    const value = { a: ['\x1b', { '\x07': '\n' }], b: null, c: 1.5, d: true };
    expect(printableCopy(value)).toEqual({ a: ['\\x1b', { '\\x07': '\\n' }], b: null, c: 1.5, d: true });
  });
});

describe('text', () => {
  it('wraps at spaces and cuts only words that are longer than a line', () => {
    expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrap('abcdefghij kl', 4)).toEqual(['abcd', 'efgh', 'ij', 'kl']);
    expect(wrap('', 4)).toEqual(['']);
  });

  it('keeps commands in parentheses whole', () => {
    const text = 'kprobes on it (spinback capture --print lockdep), or not (as it may be)';
    expect(wrap(text, 36)).toEqual([
      'kprobes on it',
      '(spinback capture --print lockdep),',
      'or not (as it may be)',
    ]);
  });

  it('never makes a line too long, nor loses a letter', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 30 }), (text, width) => {
        const lines = wrap(text, width);
        expect(lines.every((line) => line.length <= width)).toBe(true);
        expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
      }),
    );
  });

  it('indents what hangs', () => {
    expect(hang('  why: ', 'because it is so and not otherwise', 27)).toEqual([
      '  why: because it is so and',
      '       not otherwise',
    ]);
  });

  it('names tasks as ftrace does', () => {
    expect(task('fake_endio', 108)).toBe('fake_endio-108');
    expect(task(null, 108)).toBe('<...>-108');
    expect(task('x'.repeat(500), 1)).toBe(`${'x'.repeat(21)}...-1`);
    expect(clip('abcdef', 5)).toBe('ab...');
    expect([plural(1, 'event'), plural(2, 'event')]).toEqual(['1 event', '2 events']);
  });
});

describe('times', () => {
  const seconds = timesOf({ timeUnit: 'ns', clock: 'mono' });
  it('prints seconds to the last digit, windows to the millisecond', () => {
    expect(seconds.at('47340668709')).toBe('47.340668709');
    expect(seconds.near('53348855548')).toBe('53.349');
    expect(seconds.near('53348499999')).toBe('53.348');
    expect(seconds.near('999999999')).toBe('1.000');
  });

  it.each([
    [10e9, '10 s'],
    [1.5e9, '1.5 s'],
    [50e6, '50 ms'],
    [100, '100 ns'],
    [1_234_567_000, '1.235 s'],
    [100e9, '100 s'],
  ])('prints a threshold of %d ns as %s', (ns, text) => {
    expect(seconds.limit(ns)).toBe(text);
  });

  it('prints cycles as they are', () => {
    const cycles = timesOf({ timeUnit: 'cycles', clock: 'x86-tsc' });
    expect([cycles.at('563'), cycles.near('563'), cycles.span(12), cycles.limit(12)]).toEqual([
      '563',
      '563',
      '12 cycles',
      '12 cycles',
    ]);
  });

  it('knows which clocks count no time', () => {
    expect(timesOf({ timeUnit: 'relative', clock: 'counter' }).span(12)).toBe('12 counts');
    expect(timesOf({ timeUnit: 'relative', clock: 'unknown' }).at('409955000')).toBe('0.409955000');
  });
});

import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { Intervals } from '../../src/compare/resample.ts';

const random = new Random(7);
const noise = (): number => (random.int(1000) - 500) / 10_000;
const side = (runs: number, mean: number): number[] => Array.from({ length: runs }, () => mean + noise());

/** Does a row stand out when all of these are looked at? */
function standsOut(contrasts: { base: number[]; next: number[] }[], row: number): boolean {
  const intervals = new Intervals(contrasts.map((contrast) => ({ ...contrast, leastVariance: 1e-6 })));
  const critical = intervals.critical(
    contrasts.map((_, at) => at),
    0.95,
  );
  const { low, high } = intervals.interval(row, critical);
  return low > 0 || high < 0;
}

const SIZES = [2, 3, 4, 5, 6].flatMap((bases) => [2, 3, 4, 5, 6].map((nexts) => [bases, nexts] as const));

describe('twenty times as long, with five per cent of noise', () => {
  test.each(SIZES)('%i runs against %i: it stands out', (bases, nexts) => {
    const contrasts = Array.from({ length: 10 }, (_, row) => ({
      base: side(bases, 0),
      next: side(nexts, row === 4 ? 3 : 0),
    }));
    expect(standsOut(contrasts, 4)).toBe(true);
  });
});

test('three equal runs a side: at most one family in twenty shows anything', () => {
  let shown = 0;
  for (let trial = 0; trial < 200; trial++)
    if (standsOut([{ base: side(3, 0), next: side(3, 0) }], 0)) shown++;
  expect(shown).toBeLessThanOrEqual(18);
});

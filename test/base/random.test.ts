import { describe, expect, it } from 'vitest';
import { Random, Zipf } from '../../src/base/random.ts';

describe('Random', () => {
  it('gives the same sequence for the same seed and another for the next one', () => {
    const take = (seed: number): number[] => {
      const random = new Random(seed);
      return Array.from({ length: 8 }, () => random.u32());
    };
    expect(take(7)).toEqual(take(7));
    expect(take(7)).not.toEqual(take(8));
    expect(take(7)).not.toEqual(take(7 + 2 ** 32));
  });

  it('keeps its sequence from release to release', () => {
    const random = new Random(1);
    expect([random.u32(), random.u32(), random.u32()]).toMatchInlineSnapshot(`
      [
        573063952,
        3268221502,
        703077755,
      ]
    `);
  });

  it('stays within its ranges', () => {
    const random = new Random(3);
    const draws = Array.from({ length: 10_000 }, () => [random.float(), random.int(7)]);
    const column = (index: number): number[] => draws.map((draw) => draw[index]!);
    expect(Math.min(...column(0))).toBeGreaterThanOrEqual(0);
    expect(Math.max(...column(0))).toBeLessThan(1);
    expect([...new Set(column(1))].toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it('draws exponential numbers with the mean asked for', () => {
    const random = new Random(5);
    let sum = 0;
    for (let i = 0; i < 100_000; i++) sum += random.exponential(250);
    expect(sum / 100_000).toBeGreaterThan(240);
    expect(sum / 100_000).toBeLessThan(260);
  });
});

describe('Zipf', () => {
  it.each([0, 0.8, 1, 1.2])('follows 1 / rank^%d', (s) => {
    const [n, draws] = [50, 200_000];
    const random = new Random(11);
    const zipf = new Zipf(n, s);
    const counts = new Float64Array(n);
    for (let i = 0; i < draws; i++) counts[zipf.sample(random)]!++;
    const weights = Array.from({ length: n }, (_, rank) => (rank + 1) ** -s);
    const sum = weights.reduce((total, weight) => total + weight, 0);
    for (let rank = 0; rank < n; rank++) {
      const expected = (draws * weights[rank]!) / sum;
      // Six standard deviations.
      expect(Math.abs(counts[rank]! - expected)).toBeLessThan(6 * Math.sqrt(expected));
    }
  });

  it('reaches the ends of four million ranks', () => {
    const random = new Random(2);
    const zipf = new Zipf(4_000_000, 0.5);
    let [low, high] = [Infinity, 0];
    for (let i = 0; i < 50_000; i++) {
      const rank = zipf.sample(random);
      low = Math.min(low, rank);
      high = Math.max(high, rank);
    }
    expect(low).toBeLessThan(10_000);
    expect(high).toBeGreaterThan(3_900_000);
    expect(high).toBeLessThan(4_000_000);
  });

  it('knows a single rank', () => {
    const random = new Random(2);
    expect(new Zipf(1, 1).sample(random)).toBe(0);
  });
});

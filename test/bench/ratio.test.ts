import { describe, expect, test } from 'vitest';
import { verdictOn } from '../../bench/gate-verdict.ts';
import { ratioOf, ratioOfGroups, ratioText, type Pair } from '../../bench/ratio.ts';
import { Random } from '../../src/base/random.ts';

/** Near 1: the sum of four numbers makes a bell. */
function noise(random: Random, spread: number): number {
  return 1 + spread * (random.float() + random.float() + random.float() + random.float() - 2);
}

/** Process pairs of a tree that takes `factor` times as long: processes differ by `between`, replays in them by `within`. */
function groups(factor: number, random: Random, between = 0.02, within = 0.02): Pair[][] {
  return Array.from({ length: 9 }, () => {
    const [ours, theirs] = [noise(random, between), noise(random, between)];
    return Array.from({ length: 5 }, (): Pair => [
      50 * factor * ours * noise(random, within),
      50 * theirs * noise(random, within),
    ]);
  });
}

describe('ratios of what was measured in turns', () => {
  test('median and interval of pairs', () => {
    const pairs = [2, 3, 4, 5, 6].map((a): Pair => [a, 2]);
    const ratio = ratioOf(pairs);
    expect(ratio).toMatchObject({ median: 2, low: 1, high: 3 });
    expect(ratioText(ratio)).toBe('2.00 (1.00..3.00)');
    expect(ratioOf(pairs)).toEqual(ratio);
  });

  test('pairs that share two processes are no more certain than the processes are', () => {
    // Three pairs of processes that say 0.9, 1 and 1.1, and each of them a hundred times.
    const shared = [0.9, 1, 1.1].map((ratio) => Array.from({ length: 100 }, (): Pair => [ratio, 1]));
    const { median, low, high } = ratioOfGroups(shared);
    expect([median, low, high]).toEqual([1, 0.9, 1.1]);
    const pooled = ratioOf(shared.flat());
    expect(pooled.high - pooled.low).toBeLessThan(0.11);
  });

  test('one replay that was disturbed moves nothing', () => {
    const disturbed = groups(1, new Random(5)).map((pairs): Pair[] => [[1000, 50], ...pairs.slice(1)]);
    expect(ratioOfGroups(disturbed).median).toBeLessThan(1.05);
  });

  test('the gate passes the same tree and fails one that is 10 % slower', () => {
    const random = new Random(11);
    const verdicts = (factor: number): string[] =>
      Array.from({ length: 12 }, () => verdictOn(ratioOfGroups(groups(factor, random))));
    expect(new Set(verdicts(1))).toEqual(new Set(['']));
    expect(verdicts(1.1).filter((verdict) => verdict === 'SLOWER').length).toBeGreaterThan(10);
    expect(verdicts(0.85).filter((verdict) => verdict === 'faster').length).toBeGreaterThan(10);
  });
});

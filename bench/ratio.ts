import { median, quantileSorted, sampleWithReplacement } from 'simple-statistics';
import { Random } from '../src/base/random.ts';

/** A ratio of two things measured in turns, pair by pair. */
export interface Ratio {
  readonly median: number;
  /** Bootstrap interval of that median, 95 %. */
  readonly low: number;
  readonly high: number;
}

/** Two figures of the same kind, taken one right after the other. */
export type Pair = readonly [a: number, b: number];

const RESAMPLES = 2000;

/** `a` over `b`: the median of the pairs' ratios, and how far resampling the pairs moves it. The same pairs give the same interval. */
export function ratioOf(pairs: readonly Pair[]): Ratio {
  return ratioOfGroups(pairs.map((pair) => [pair]));
}

/**
 * The same for pairs that come in groups with something in common, such as the two processes that they were measured in: the median
 * over the groups of each group's median. Groups are resampled first, then the pairs within each (a bootstrap of two stages), so the
 * interval knows how far groups differ, however many pairs each of them has.
 */
export function ratioOfGroups(groups: readonly (readonly Pair[])[]): Ratio {
  const ratios = groups.map((pairs) => pairs.map(([a, b]) => a / b));
  const random = new Random(1);
  const resample = <T>(from: T[]): T[] => sampleWithReplacement(from, from.length, () => random.float());
  const middle = (of: number[][]): number => median(of.map((group) => median(group)));
  const medians = Array.from({ length: RESAMPLES }, () => middle(resample(ratios).map(resample))).toSorted(
    (a, b) => a - b,
  );
  return {
    median: middle(ratios),
    low: quantileSorted(medians, 0.025),
    high: quantileSorted(medians, 0.975),
  };
}

/** "6.1 (5.9..6.6)" */
export function ratioText({ median, low, high }: Ratio): string {
  const digits = median < 10 ? 2 : 1;
  return `${median.toFixed(digits)} (${low.toFixed(digits)}..${high.toFixed(digits)})`;
}

export { median };

import { median, quantileSorted, sampleWithReplacement } from 'simple-statistics';
import { Random } from '../src/base/random.ts';

/** A ratio of two things measured in turns, pair by pair. */
export interface Ratio {
  /** Median of the pairs' ratios. */
  readonly median: number;
  /** Bootstrap interval of that median, 95 %. */
  readonly low: number;
  readonly high: number;
}

const RESAMPLES = 2000;

/** `a` over `b`, pair by pair: the median, and how far resampling the pairs moves it. The same pairs give the same interval. */
export function ratioOf(pairs: readonly (readonly [a: number, b: number])[]): Ratio {
  const ratios = pairs.map(([a, b]) => a / b);
  const random = new Random(1);
  const medians = Array.from({ length: RESAMPLES }, () =>
    median(sampleWithReplacement(ratios, ratios.length, () => random.float())),
  ).toSorted((a, b) => a - b);
  return {
    median: median(ratios),
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

import { bucketOf, Histogram } from '../../src/stats/histogram.ts';

/** The histogram of whole numbers, as the engine would count them. */
export function histogramOf(values: readonly number[], bits: number): Histogram {
  const buckets = new Map<number, number>();
  for (const value of values) {
    const index = bucketOf(value, bits);
    buckets.set(index, (buckets.get(index) ?? 0) + 1);
  }
  const sorted = [...buckets].toSorted(([a], [b]) => a - b);
  return new Histogram({
    bits,
    count: values.length,
    sum: values.reduce((sum, value) => sum + BigInt(value), 0n),
    min: values.reduce((min, value) => Math.min(min, value), values[0] ?? 0),
    max: values.reduce((max, value) => Math.max(max, value), 0),
    indices: sorted.map(([index]) => index),
    counts: sorted.map(([, count]) => count),
  });
}

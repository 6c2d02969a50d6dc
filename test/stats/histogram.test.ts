import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { bucketsOf } from '../../src/base/buckets.ts';
import { bucketOf, Histogram, lowestOf, widthOf } from '../../src/stats/histogram.ts';
import { Histogram as TwinHistogram } from '../../src/engine/twin/histogram.ts';
import { histogramOf } from './histogram-of.ts';

const BITS = 7;
const values = fc.array(
  fc.oneof(
    fc.nat(1000),
    fc.nat(2 ** 31 - 1),
    fc.maxSafeNat(),
    fc.nat(50).map((power) => 2 ** power),
  ),
  { maxLength: 300 },
);

describe('Histogram', () => {
  it('has the buckets of the engine', () => {
    fc.assert(
      fc.property(values, (list) => {
        const twin = new TwinHistogram(BITS);
        for (const value of list) twin.add(BigInt(value));
        const state = twin.state();
        const made = histogramOf(list, BITS);
        expect(made.indices).toEqual(state.buckets.map(([index]) => index));
        expect(made.counts).toEqual(state.buckets.map(([, count]) => Number(count)));
      }),
    );
  });

  it('knows the bounds of its buckets', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        const index = bucketOf(value, BITS);
        expect(lowestOf(index, BITS)).toBeLessThanOrEqual(value);
        expect(lowestOf(index, BITS) + widthOf(index, BITS)).toBeGreaterThan(value);
      }),
    );
  });

  it('has as many as 64 bits take', () => {
    for (let bits = 1; bits <= 16; bits++) {
      const twin = new TwinHistogram(bits);
      twin.add(2n ** 64n - 1n);
      expect(twin.state().buckets[0]![0]).toBe(bucketsOf(bits) - 1);
    }
  });

  it('gives quantiles within 2^-8 of the exact ones', () => {
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (list, q) => {
        if (list.length === 0) return;
        const sorted = list.toSorted((a, b) => a - b);
        const exact = sorted[Math.max(1, Math.ceil(q * list.length)) - 1]!;
        const read = histogramOf(list, BITS).quantile(q);
        expect(Math.abs(read - exact)).toBeLessThanOrEqual(exact * 2 ** -(BITS + 1));
      }),
    );
  });

  it('gives the same bytes in whatever order parts are merged', () => {
    fc.assert(
      fc.property(fc.array(values, { minLength: 1, maxLength: 6 }), fc.nat(5), (lists, turn) => {
        const parts = lists.map((list) => histogramOf(list, BITS));
        const whole = JSON.stringify(histogramOf(lists.flat(), BITS).data());
        const turned = [...parts.slice(turn), ...parts.slice(0, turn)];
        expect(JSON.stringify(Histogram.merge(turned).data())).toBe(whole);
        const inSteps = parts.reduceRight((all, part) => Histogram.merge([part, all]));
        expect(JSON.stringify(inSteps.data())).toBe(whole);
      }),
    );
  });

  it('merges buckets that are far apart in the memory of a few', () => {
    const bits = 16;
    const last = bucketsOf(bits) - 1;
    const slots: number[] = [];
    const spied = class extends Float64Array {
      constructor(length: number) {
        slots.push(length);
        super(length);
      }
    };
    const ends = (counts: readonly number[]) =>
      new Histogram({ bits, count: 3, sum: 3n, min: 0, max: 1, indices: [0, last], counts });
    vi.stubGlobal('Float64Array', spied);
    try {
      const merged = Histogram.merge([ends([1, 2]), ends([2, 1])]);
      expect([merged.indices, merged.counts]).toEqual([
        [0, last],
        [3, 3],
      ]);
      // The spy is asked where an array is the right sum.
      Histogram.merge([histogramOf([7, 8], bits), histogramOf([7, 9], bits)]);
    } finally {
      vi.unstubAllGlobals();
    }
    expect(slots).toEqual([3]);
  });

  it('takes a part out again', () => {
    fc.assert(
      fc.property(values, values, (a, b) => {
        const left = histogramOf([...a, ...b], BITS).without(histogramOf(a, BITS));
        const exact = histogramOf(b, BITS);
        expect([left.indices, left.counts, left.sum]).toEqual([exact.indices, exact.counts, exact.sum]);
        if (b.length > 0) expect(left.quantile(0.5)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('estimates the variance', () => {
    const list = Array.from({ length: 1000 }, (_, at) => 10_000 + 37 * at);
    const mean = list.reduce((sum, value) => sum + value, 0) / list.length;
    const exact = list.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (list.length - 1);
    expect(histogramOf(list, BITS).variance / exact).toBeCloseTo(1, 2);
  });
});

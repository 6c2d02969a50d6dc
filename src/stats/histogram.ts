import type { Distribution } from '../model/stats.ts';

/**
 * A log-linear histogram to compute with. Buckets by the engine's rule (assembly/memory/histogram.ts): every value below
 * 2^(bits + 1) has one of its own, and above that each power of two is cut into 2^bits. So a value read back is within 2^-bits of the
 * true one, and merging is adding: whatever the order, the result is the same.
 */
export class Histogram {
  readonly bits: number;
  readonly count: number;
  readonly sum: bigint;
  /** 0 when empty. */
  readonly min: number;
  readonly max: number;
  /** Buckets that are not empty, ascending, and their counts. */
  readonly indices: readonly number[];
  readonly counts: readonly number[];

  private constructor(
    bits: number,
    sum: bigint,
    range: readonly [min: number, max: number],
    indices: readonly number[],
    counts: readonly number[],
  ) {
    this.bits = bits;
    this.sum = sum;
    [this.min, this.max] = range;
    this.indices = indices;
    this.counts = counts;
    let count = 0;
    for (const times of counts) count += times;
    this.count = count;
  }

  static empty(bits: number): Histogram {
    return new Histogram(bits, 0n, [0, 0], [], []);
  }

  /** Of buckets that ascend. */
  static of(
    bits: number,
    sum: bigint,
    range: readonly [min: number, max: number],
    indices: readonly number[],
    counts: readonly number[],
  ): Histogram {
    return new Histogram(bits, sum, range, indices, counts);
  }

  static from({ precisionBits, sumNs, minNs, maxNs, indices, counts }: Distribution): Histogram {
    return new Histogram(precisionBits, BigInt(sumNs), [minNs, maxNs], indices, counts);
  }

  /** All of them added up. They must have the same precision. */
  static merge(all: readonly Histogram[]): Histogram {
    const [first, ...more] = all.filter(({ count }) => count > 0);
    if (!first) return Histogram.empty(all[0]?.bits ?? 7);
    if (more.length === 0) return first;
    const buckets = new Map<number, number>();
    let sum = 0n;
    let [min, max] = [Infinity, 0];
    for (const one of [first, ...more]) {
      one.indices.forEach((index, at) => buckets.set(index, (buckets.get(index) ?? 0) + one.counts[at]!));
      sum += one.sum;
      min = Math.min(min, one.min);
      max = Math.max(max, one.max);
    }
    return fromMap(first.bits, sum, buckets, min, max);
  }

  /**
   * What came after `earlier`, an older state of this same histogram, or this one without a part of it. Extremes are then known to
   * the precision of a bucket only.
   */
  without(earlier: Histogram): Histogram {
    if (earlier.count === 0) return this;
    const taken = new Map(earlier.indices.map((index, at) => [index, earlier.counts[at]!]));
    const indices: number[] = [];
    const counts: number[] = [];
    this.indices.forEach((index, at) => {
      const left = this.counts[at]! - (taken.get(index) ?? 0);
      if (left <= 0) return;
      indices.push(index);
      counts.push(left);
    });
    const last = indices.at(-1);
    if (last === undefined) return Histogram.empty(this.bits);
    const min = Math.max(this.min, lowestOf(indices[0]!, this.bits));
    const max = Math.min(this.max, lowestOf(last, this.bits) + widthOf(last, this.bits) - 1);
    return new Histogram(this.bits, this.sum - earlier.sum, [min, max], indices, counts);
  }

  /** Sum / count; NaN when empty. */
  get mean(): number {
    return Number(this.sum) / this.count;
  }

  /** Variance of the values, each taken as the middle of its bucket; 0 for fewer than two. */
  get variance(): number {
    if (this.count < 2) return 0;
    const { mean } = this;
    let squares = 0;
    this.indices.forEach((index, at) => {
      squares += this.counts[at]! * (middleOf(index, this.bits) - mean) ** 2;
    });
    return squares / (this.count - 1);
  }

  /**
   * The value that a share `q` of all values does not exceed (nearest rank), within 2^-(bits + 1) of the true one; the smallest and the
   * largest are exact. NaN when empty.
   */
  quantile(q: number): number {
    return this.valueAt(Math.max(1, Math.ceil(q * this.count)));
  }

  /** The value of a rank from 1 to count. */
  valueAt(rank: number): number {
    if (this.count === 0) return NaN;
    if (rank <= 1) return this.min;
    if (rank >= this.count) return this.max;
    let seen = 0;
    for (let at = 0; at < this.indices.length; at++) {
      seen += this.counts[at]!;
      if (seen >= rank) return Math.min(this.max, Math.max(this.min, middleOf(this.indices[at]!, this.bits)));
    }
    return this.max;
  }

  data(): Distribution {
    const { bits, count, sum, min, max, indices, counts } = this;
    return { precisionBits: bits, count, sumNs: String(sum), minNs: min, maxNs: max, indices, counts };
  }
}

function fromMap(
  bits: number,
  sum: bigint,
  buckets: Map<number, number>,
  min: number,
  max: number,
): Histogram {
  const indices = [...buckets.keys()].toSorted((a, b) => a - b);
  return Histogram.of(
    bits,
    sum,
    [min, max],
    indices,
    indices.map((index) => buckets.get(index)!),
  );
}

/** Index of the bucket of a whole number from 0 up to 2^53. */
export function bucketOf(value: number, bits: number): number {
  const shift = Math.max(0, Math.floor(Math.log2(value || 1)) - bits);
  // log2 is rounded: next to a power of two it may be one off.
  const top = Math.floor(value / 2 ** shift);
  if (top >= 2 ** (bits + 1)) return (shift + 1) * 2 ** bits + Math.floor(value / 2 ** (shift + 1));
  if (shift > 0 && top < 2 ** bits) return (shift - 1) * 2 ** bits + Math.floor(value / 2 ** (shift - 1));
  return shift * 2 ** bits + top;
}

/** The smallest value of a bucket. */
export function lowestOf(index: number, bits: number): number {
  if (index < 2 ** (bits + 1)) return index;
  const shift = Math.floor(index / 2 ** bits) - 1;
  return (index - shift * 2 ** bits) * 2 ** shift;
}

/** How many whole numbers share a bucket. */
export function widthOf(index: number, bits: number): number {
  return index < 2 ** (bits + 1) ? 1 : 2 ** (Math.floor(index / 2 ** bits) - 1);
}

function middleOf(index: number, bits: number): number {
  return lowestOf(index, bits) + Math.floor((widthOf(index, bits) - 1) / 2);
}

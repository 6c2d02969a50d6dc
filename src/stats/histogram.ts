import type { Buckets } from '../model/state.ts';
import type { Distribution } from '../model/stats.ts';

/**
 * A log-linear histogram to compute with. Buckets by the engine's rule (assembly/memory/histogram.ts): every value below
 * 2^(bits + 1) has one of its own, and above that each power of two is cut into 2^bits. So a value read back is within 2^-bits of the
 * true one, and merging is adding: whatever the order, the result is the same.
 */
export class Histogram implements Buckets {
  readonly bits: number;
  readonly count: number;
  readonly sum: bigint;
  readonly min: number;
  readonly max: number;
  readonly indices: ArrayLike<number>;
  readonly counts: ArrayLike<number>;

  constructor({ bits, count, sum, min, max, indices, counts }: Buckets) {
    this.bits = bits;
    this.count = count;
    this.sum = sum;
    this.min = min;
    this.max = max;
    this.indices = indices;
    this.counts = counts;
  }

  static empty(bits: number): Histogram {
    return new Histogram({ bits, count: 0, sum: 0n, min: 0, max: 0, indices: [], counts: [] });
  }

  static from({ precisionBits, count, sumNs, minNs, maxNs, indices, counts }: Distribution): Histogram {
    const [bits, sum] = [precisionBits, BigInt(sumNs)];
    return new Histogram({ bits, count, sum, min: minNs, max: maxNs, indices, counts });
  }

  /** All of them added up. They must have the same precision. */
  static merge(all: readonly Histogram[]): Histogram {
    const parts = all.filter((part) => part.count > 0);
    const [first] = parts;
    if (!first) return Histogram.empty(all[0]?.bits ?? 7);
    if (parts.length === 1) return first;
    let [count, sum] = [0, 0n];
    let [min, max] = [Infinity, 0];
    let [lowest, highest] = [Infinity, 0];
    for (const part of parts) {
      count += part.count;
      sum += part.sum;
      min = Math.min(min, part.min);
      max = Math.max(max, part.max);
      lowest = Math.min(lowest, part.indices[0]!);
      highest = Math.max(highest, part.indices[part.indices.length - 1]!);
    }
    const { indices, counts } = addUp(parts, lowest, highest);
    return new Histogram({ bits: first.bits, count, sum, min, max, indices, counts });
  }

  /**
   * What came after `earlier`, an older state of this same histogram, or this one without a part of it. Extremes are then known to
   * the precision of a bucket only.
   */
  without(earlier: Histogram): Histogram {
    if (earlier.count === 0) return this;
    const indices: number[] = [];
    const counts: number[] = [];
    let count = 0;
    let old = 0;
    for (let at = 0; at < this.indices.length; at++) {
      const index = this.indices[at]!;
      while (earlier.indices[old]! < index) old++;
      const left = this.counts[at]! - (earlier.indices[old] === index ? earlier.counts[old]! : 0);
      if (left <= 0) continue;
      indices.push(index);
      counts.push(left);
      count += left;
    }
    const [first, last] = [indices[0], indices.at(-1)];
    if (first === undefined || last === undefined) return Histogram.empty(this.bits);
    const { bits } = this;
    const min = Math.max(this.min, lowestOf(first, bits));
    const max = Math.min(this.max, lowestOf(last, bits) + widthOf(last, bits) - 1);
    return new Histogram({ bits, count, sum: this.sum - earlier.sum, min, max, indices, counts });
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
    for (let at = 0; at < this.indices.length; at++)
      squares += this.counts[at]! * (middleOf(this.indices[at]!, this.bits) - mean) ** 2;
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

type Entries = Pick<Buckets, 'indices' | 'counts'>;

/** Up to so many slots for each entry an array is the cheaper sum, and not much larger than what it adds up. */
const SLOTS_PER_ENTRY = 4;

/**
 * The entries of all parts, which lie from bucket `lowest` to `highest`. Memory goes with their number and never with how far apart they
 * are: at 16 bits there are 3.2 million buckets, and a file of statistics may name the first and the last one in every row.
 */
function addUp(parts: readonly Entries[], lowest: number, highest: number): Entries {
  const entries = parts.reduce((all, { indices }) => all + indices.length, 0);
  const slots = highest - lowest + 1;
  return slots <= SLOTS_PER_ENTRY * entries ? addDense(parts, lowest, slots) : addSparse(parts);
}

function addDense(parts: readonly Entries[], lowest: number, slots: number): Entries {
  const sums = new Float64Array(slots);
  for (const part of parts)
    for (let at = 0; at < part.indices.length; at++) sums[part.indices[at]! - lowest]! += part.counts[at]!;
  const indices: number[] = [];
  const counts: number[] = [];
  sums.forEach((times, at) => {
    if (times === 0) return;
    indices.push(lowest + at);
    counts.push(times);
  });
  return { indices, counts };
}

function addSparse(parts: readonly Entries[]): Entries {
  const sums = new Map<number, number>();
  for (const part of parts) {
    for (let at = 0; at < part.indices.length; at++) {
      const index = part.indices[at]!;
      sums.set(index, (sums.get(index) ?? 0) + part.counts[at]!);
    }
  }
  // A file may list buckets that nothing fell into.
  const indices = [...sums.keys()].filter((index) => sums.get(index)! > 0).sort((a, b) => a - b);
  return { indices, counts: indices.map((index) => sums.get(index)!) };
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

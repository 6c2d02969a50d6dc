import type { HistogramState } from '../../model/state.ts';
import { bucketOf } from '../bucket.ts';

/**
 * Log-linear histogram: values below 2^(bits + 1) have a bucket each, and above that every power of two is cut into 2^bits
 * buckets (assembly/memory/histogram.ts draws it).
 */
export class Histogram {
  readonly #bits: number;
  readonly #buckets = new Map<number, number>();
  #count = 0n;
  #sum = 0n;
  #min = 0xffff_ffff_ffff_ffffn;
  #max = 0n;

  constructor(bits: number) {
    this.#bits = bits;
  }

  add(value: bigint): void {
    const bucket = bucketOf(value, this.#bits);
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + 1);
    this.#count++;
    this.#sum = BigInt.asUintN(64, this.#sum + value);
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  state(): HistogramState {
    return {
      bits: this.#bits,
      count: this.#count,
      sum: this.#sum,
      min: this.#min,
      max: this.#max,
      buckets: [...this.#buckets].toSorted(([a], [b]) => a - b),
    };
  }
}

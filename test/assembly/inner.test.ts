import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { instantiateSync } from '@assemblyscript/loader';
import { readEngineBinary } from '../../src/io/engine-binary.ts';

interface Inner {
  [name: string]: unknown;
  setup(
    limit: number,
    lanes: number,
    rows: number,
    ring: number,
    bits: number,
    power: number,
    floor: number,
  ): number;
  bucketOf(value: bigint, bits: number): number;
  histogramSize(bits: number): number;
  resetIndex(power: number): number;
  putKey(key: bigint, value: number): number;
  getKey(key: bigint): number;
  convert(time: bigint, mult: number, shift: number, offset: bigint): bigint;
}

let inner: Inner;

beforeAll(() => {
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 65536 });
  const bytes = readEngineBinary('testing') as Uint8Array<ArrayBuffer>;
  inner = instantiateSync<Inner>(new WebAssembly.Module(bytes), { env: { memory } }).exports;
  expect(inner.setup(1 << 30, 1, 1, 16, 7, 4, 8)).toBeTruthy();
});

const u64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });

describe('histogram buckets', () => {
  /** The smallest value of a bucket, from the rule in assembly/memory/histogram.ts. */
  function lowest(bucket: number, bits: number): bigint {
    const each = 1 << bits;
    if (bucket < 2 * each) return BigInt(bucket);
    const shift = Math.floor(bucket / each) - 1;
    return BigInt(each + (bucket % each)) << BigInt(shift);
  }

  it('hold every value within the stated error, and lie in the histogram', () => {
    fc.assert(
      fc.property(u64, fc.integer({ min: 1, max: 12 }), (value, bits) => {
        const bucket = inner.bucketOf(value, bits) >>> 0;
        const [low, next] = [lowest(bucket, bits), lowest(bucket + 1, bits)];
        expect(low <= value && value < next).toBe(true);
        expect((next - low - 1n) << BigInt(bits) <= low || next - low === 1n).toBe(true);
        expect(32 + 8 * (bucket + 1)).toBeLessThanOrEqual(inner.histogramSize(bits) >>> 0);
      }),
      { numRuns: 2000 },
    );
  });

  it('are in the order of values', () => {
    fc.assert(
      fc.property(u64, u64, (a, b) => {
        const [less, more] = a < b ? [a, b] : [b, a];
        expect(inner.bucketOf(less, 7)).toBeLessThanOrEqual(inner.bucketOf(more, 7));
      }),
    );
  });
});

describe('index tables', () => {
  it('find what was put in, through growth from the smallest table', () => {
    const keys = Array.from({ length: 5000 }, (_, n) => 0xffff888100000000n + BigInt(n) * 64n);
    expect(inner.resetIndex(2)).toBeTruthy();
    keys.forEach((key, n) => expect(inner.putKey(key, n + 1)).toBeTruthy());
    const wrong = keys.filter((key, n) => inner.getKey(key) !== n + 1);
    // Tags have 32 bits: two of 5000 keys share one with a chance of 1 in 300; slots are compared whole by their owners.
    expect(wrong.length).toBeLessThanOrEqual(1);
    expect(inner.getKey(0x1234n)).toBe(0);
  });
});

describe('clock conversion', () => {
  it('is (time * mult >> shift) + offset, modulo 2^64', () => {
    const numbers = fc.tuple(u64, fc.nat({ max: 0xffffffff }), fc.integer({ min: 0, max: 63 }), u64);
    fc.assert(
      fc.property(numbers, ([time, mult, shift, offset]) => {
        const product = mult === 0 ? time : (time * BigInt(mult)) >> BigInt(shift);
        const want = BigInt.asUintN(64, product + offset);
        expect(BigInt.asUintN(64, inner.convert(time, mult, shift, offset))).toBe(want);
      }),
      { numRuns: 2000 },
    );
  });
});

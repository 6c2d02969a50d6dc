// Log-linear histogram of unsigned 64-bit values. With `bits` of precision every value below 2^(bits + 1) has a bucket of
// its own, and above that each power of two is cut into 2^bits buckets, so the relative error of a bucket is at
// most 2^-bits. Two histograms of the same precision merge by adding their buckets.
//
//    0         8         16        24        32
//    | count   | sum     | min     | max     | buckets u64 ...

const COUNT = 0;
const SUM = 8;
const MIN = 16;
const MAX = 24;
const BUCKETS = 32;

export function histogramSize(bits: u32): u32 {
  return BUCKETS + ((65 - bits) << (bits + 3));
}

export function initHistogram(histogram: usize): void {
  store<u64>(histogram, u64.MAX_VALUE, MIN);
}

export function bucketOf(value: u64, bits: u32): u32 {
  if (value >> (bits + 1) == 0) return u32(value);
  const shift = 63 - u32(clz<u64>(value)) - bits;
  return (shift << bits) + u32(value >> shift);
}

export function record(histogram: usize, bits: u32, value: u64): void {
  store<u64>(histogram, load<u64>(histogram, COUNT) + 1, COUNT);
  store<u64>(histogram, load<u64>(histogram, SUM) + value, SUM);
  if (value < load<u64>(histogram, MIN)) store<u64>(histogram, value, MIN);
  if (value > load<u64>(histogram, MAX)) store<u64>(histogram, value, MAX);
  const bucket = histogram + (usize(bucketOf(value, bits)) << 3);
  store<u64>(bucket, load<u64>(bucket, BUCKETS) + 1, BUCKETS);
}

/**
 * How many buckets the engine's histograms have for whole numbers of 64 bits (assembly/memory/histogram.ts draws them): one each for the values
 * below 2^(bits + 1), and 2^bits for every power of two above.
 */
export function bucketsOf(bits: number): number {
  return (65 - bits) * 2 ** bits;
}

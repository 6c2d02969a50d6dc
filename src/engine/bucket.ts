/** The bucket of a value in a log-linear histogram of that precision (assembly/memory/histogram.ts draws it). */
export function bucketOf(value: bigint, bits: number): number {
  const length = value.toString(2).length;
  // Only the leading 1 and `bits` digits behind it count.
  const cut = Math.max(0, length - 1 - bits);
  return cut * 2 ** bits + Number(value >> BigInt(cut));
}

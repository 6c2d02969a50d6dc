// 64-bit words as plain numbers. Kernel addresses are held as signed 64-bit numbers: 0xffff888104ef4380 is
// -131386...; everything above 0xffe0000000000000 and below 0x0020000000000000 is exact in a double, and no
// BigInt is needed per event.

const TWO_32 = 4294967296;

/** The number for an address given as its upper and lower 32 bits: address(0xffff8881, 0x04ef4380). */
export function address(high: number, low: number): number {
  return (high | 0) * TWO_32 + (low >>> 0);
}

/** The upper 32 bits, as a signed number. */
export function high32(word: number): number {
  return Math.floor(word / TWO_32) | 0;
}

/** Sixty-four bits as hexadecimal digits without leading zeroes: "ffff888104ef4380", "131". */
export function hexDigits(word: number): string {
  const high = high32(word) >>> 0;
  const low = (word >>> 0).toString(16);
  return high === 0 ? low : high.toString(16) + low.padStart(8, '0');
}

/** "0xffff888104ef4380". */
export function hexWord(word: number): string {
  return `0x${hexDigits(word)}`;
}

/** The word as an unsigned 64-bit bigint. */
export function toUnsigned(word: number): bigint {
  return BigInt.asUintN(64, BigInt(word));
}

/** Is bit `bit` (0 to 52) of a word set? Of an address, its two's complement. */
export function hasBit(word: number, bit: number): boolean {
  return bit < 32 ? ((word >>> bit) & 1) === 1 : ((high32(word) >>> (bit - 32)) & 1) === 1;
}

/** The word with bit `bit` set or cleared. */
export function withBit(word: number, bit: number, set: boolean): number {
  if (hasBit(word, bit) === set) return word;
  return set ? word + 2 ** bit : word - 2 ** bit;
}

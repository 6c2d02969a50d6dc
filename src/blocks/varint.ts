import type { ByteReader } from '../base/byte-reader.ts';
import { SpinbackError } from '../base/errors.ts';

/** Bytes of a LEB128 number of 64 bits. */
const LONGEST = 10;

/** Reads a LEB128 number of at most 64 bits; throws DAMAGED where there is none. */
export function readVarint(reader: ByteReader): bigint {
  const { bytes, position } = reader;
  // In parts of 28 bits, for arithmetic on bigints costs ten times as much.
  let [low, middle, high] = [0, 0, 0];
  for (let n = 0; n < LONGEST && position + n < bytes.length; n++) {
    const byte = bytes[position + n]!;
    const part = (byte & 127) << (7 * (n & 3));
    if (n < 4) low |= part;
    else if (n < 8) middle |= part;
    else high |= part;
    if (byte > 127) continue;
    reader.position = position + n + 1;
    if (n < 4) return BigInt(low);
    const most = BigInt(low) | (BigInt(middle) << 28n);
    return n < 8 ? most : BigInt.asUintN(64, most | (BigInt(high) << 56n));
  }
  throw new SpinbackError('DAMAGED', 'a number that does not end', { offset: reader.offset });
}

/** The same for numbers that count something in memory: DAMAGED for one above `limit`, which is below 2^31. */
export function readCount(reader: ByteReader, limit: number): number {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = reader.u8('a count');
    value += (byte & 127) * 2 ** shift;
    if (value > limit) break;
    if (byte < 128) return value;
  }
  throw new SpinbackError('DAMAGED', `a count above ${limit}`, { offset: reader.offset });
}

/** Zigzag: 0, 1, 2, 3 stand for 0, -1, 1, -2. */
export function signed(zigzag: bigint): bigint {
  return zigzag & 1n ? -(zigzag >> 1n) - 1n : zigzag >> 1n;
}

/** Bytes that grow as numbers are written to them. */
export class VarintWriter {
  #bytes = new Uint8Array(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length++] = value;
  }

  /** A whole number from 0 to 2^53. */
  count(value: number): void {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.byte((rest % 128) | 128);
    this.byte(rest);
  }

  /** 64 bits. */
  unsigned(value: bigint): void {
    let rest = BigInt.asUintN(64, value);
    for (; rest > 127n; rest >>= 7n) this.byte(Number(rest & 127n) | 128);
    this.byte(Number(rest));
  }

  /** 64 bits, zigzag. */
  signed(value: bigint): void {
    const number = BigInt.asIntN(64, value);
    this.unsigned(number < 0n ? (-number << 1n) - 1n : number << 1n);
  }

  append(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#bytes.length) this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #grow(more: number): void {
    const bytes = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + more));
    bytes.set(this.bytes);
    this.#bytes = bytes;
  }
}

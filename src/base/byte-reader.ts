import { SpinbackError } from './errors.ts';

/**
 * Bounded reads over one stretch of bytes. The only class that touches DataView: a read outside the stretch
 * throws DAMAGED with the absolute offset, so a reader built on it cannot run off the end of a damaged file.
 */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly littleEndian: boolean;
  /** Where the stretch begins in the file, for messages. */
  readonly base: number;
  position = 0;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, littleEndian = true, base = 0) {
    this.bytes = bytes;
    this.littleEndian = littleEndian;
    this.base = base;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length(): number {
    return this.bytes.byteLength;
  }

  get remaining(): number {
    return this.length - this.position;
  }

  /** The absolute offset of the next byte. */
  get offset(): number {
    return this.base + this.position;
  }

  /** Throws DAMAGED unless `size` more bytes are there; `what` names the thing for the message. */
  need(size: number, what: string): void {
    if (size >= 0 && size <= this.remaining) return;
    throw new SpinbackError(
      'DAMAGED',
      `${what} wants ${countText(size)} bytes at offset ${this.offset}, ${Math.max(0, this.remaining)} are left`,
      { offset: this.offset },
    );
  }

  u8(what = 'a byte'): number {
    this.need(1, what);
    return this.#view.getUint8(this.position++);
  }

  u16(what = 'a 16-bit number'): number {
    this.need(2, what);
    this.position += 2;
    return this.#view.getUint16(this.position - 2, this.littleEndian);
  }

  u32(what = 'a 32-bit number'): number {
    this.need(4, what);
    this.position += 4;
    return this.#view.getUint32(this.position - 4, this.littleEndian);
  }

  i32(what = 'a 32-bit number'): number {
    return this.u32(what) | 0;
  }

  u64(what = 'a 64-bit number'): bigint {
    this.need(8, what);
    this.position += 8;
    return this.#view.getBigUint64(this.position - 8, this.littleEndian);
  }

  /** A 64-bit size or offset as a number; throws DAMAGED where it is beyond 2^53. */
  size64(what: string): number {
    const at = this.offset;
    const value = this.u64(what);
    if (value <= 0x1fffffffffffffn) return Number(value);
    throw new SpinbackError('DAMAGED', `${what} at offset ${at} is impossible: ${value}`, { offset: at });
  }

  /** An unsigned number of 1, 2, 4 or 8 bytes at a place of this stretch; the position stays. */
  uintAt(at: number, size: number): bigint {
    if (at < 0 || at + size > this.length) {
      throw new SpinbackError('DAMAGED', `a field at offset ${this.base + at} lies outside its record`, {
        offset: this.base + at,
      });
    }
    switch (size) {
      case 1:
        return BigInt(this.#view.getUint8(at));
      case 2:
        return BigInt(this.#view.getUint16(at, this.littleEndian));
      case 4:
        return BigInt(this.#view.getUint32(at, this.littleEndian));
      default:
        return this.#view.getBigUint64(at, this.littleEndian);
    }
  }

  /** The next `size` bytes, not copied. */
  take(size: number, what: string): Uint8Array {
    this.need(size, what);
    this.position += size;
    return this.bytes.subarray(this.position - size, this.position);
  }

  /** A zero-terminated string; the position moves behind the zero. */
  cstring(what: string): string {
    const end = this.bytes.indexOf(0, this.position);
    if (end < 0) this.need(this.remaining + 1, what);
    const text = decodeText(this.bytes.subarray(this.position, end));
    this.position = end + 1;
    return text;
  }
}

/** A number of bytes that a file claims; beyond 2^53 its digits would be those of another number. */
export function countText(size: number): string {
  return size <= Number.MAX_SAFE_INTEGER ? String(size) : 'more than 2^53';
}

const utf8 = new TextDecoder('utf-8');

/** Bytes as text; bytes that are not UTF-8 become U+FFFD. */
export function decodeText(bytes: Uint8Array): string {
  return utf8.decode(bytes);
}

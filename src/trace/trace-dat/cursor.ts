import { ByteReader, countText, decodeText } from '../../base/byte-reader.ts';
import { SpinbackError } from '../../base/errors.ts';
import type { ByteSource } from '../../io/source.ts';

const WINDOW = 64 * 1024;
/** No single item of the metadata that is read whole is larger. */
const LARGEST_ITEM = 64 * 2 ** 20;
const LONGEST_STRING = 4096;

/**
 * Reads forward through a stretch of a source, in the byte order of the recorded machine, with a window of 64 KiB. Every read
 * past the end of the stretch throws DAMAGED with the offset in the file.
 */
export class Cursor {
  readonly #source: ByteSource;
  readonly #end: number;
  /** For unpacked sections: where the packed section lies in the file; errors name that. */
  readonly #packedAt: number | null;
  readonly littleEndian: boolean;
  #window = new ByteReader(new Uint8Array(0));
  #windowAt = 0;
  #position: number;

  constructor(
    source: ByteSource,
    start: number,
    end: number,
    littleEndian = true,
    packedAt: number | null = null,
  ) {
    this.littleEndian = littleEndian;
    this.#source = source;
    this.#position = start;
    this.#end = Math.min(end, source.size);
    this.#packedAt = packedAt;
  }

  /** Position in the source. */
  get position(): number {
    return this.#position;
  }

  get remaining(): number {
    return this.#end - this.#position;
  }

  /** The position as an offset in the file, for messages. */
  get offset(): number {
    return this.#packedAt ?? this.#position;
  }

  u8(what: string): number {
    return this.#reader(1, what).u8();
  }

  u16(what: string): number {
    return this.#reader(2, what).u16();
  }

  u32(what: string): number {
    return this.#reader(4, what).u32();
  }

  u64(what: string): bigint {
    return this.#reader(8, what).u64();
  }

  /** A 64-bit size or offset; throws DAMAGED for one that is larger than any file. */
  size64(what: string): number {
    const value = this.u64(what);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw this.damaged(`${what} is impossible: ${value}`);
    return Number(value);
  }

  /** The next `size` bytes; they stay valid only until the next call. */
  view(size: number, what: string): Uint8Array {
    return this.#reader(size, what).take(size, what);
  }

  /** Up to `most` of the next bytes, fewer at the end; the position stays, and they stay valid until the next call. */
  peek(most: number, what: string): Uint8Array {
    const size = Math.min(most, this.remaining);
    this.#fill(size, what);
    const start = this.#position - this.#windowAt;
    return this.#window.bytes.subarray(start, start + size);
  }

  /** The next `size` bytes as text. */
  text(size: number, what: string): string {
    return decodeText(this.view(size, what));
  }

  /** A zero-terminated string of at most 4 KiB. */
  cstring(what: string): string {
    const end = this.peek(LONGEST_STRING, what).indexOf(0);
    if (end < 0) throw this.damaged(`${what} does not end`);
    const text = this.text(end, what);
    this.#position++;
    return text;
  }

  skip(size: number, what: string): void {
    this.#need(size, what);
    this.#position += size;
  }

  /** The error for something impossible at this place. */
  damaged(why: string): SpinbackError {
    const place =
      this.#packedAt === null ? `at offset ${this.offset}` : `in the section at offset ${this.offset}`;
    return new SpinbackError('DAMAGED', `${why} (${place})`, { offset: this.offset });
  }

  #need(size: number, what: string): void {
    if (size <= this.remaining) return;
    throw this.damaged(`${what} wants ${countText(size)} bytes, ${Math.max(0, this.remaining)} are left`);
  }

  #reader(size: number, what: string): ByteReader {
    this.#fill(size, what);
    this.#window.position = this.#position - this.#windowAt;
    this.#position += size;
    return this.#window;
  }

  /** Makes sure that the window holds the next `size` bytes. */
  #fill(size: number, what: string): void {
    this.#need(size, what);
    if (size > LARGEST_ITEM) throw this.damaged(`${what} claims ${size} bytes`);
    const start = this.#position - this.#windowAt;
    if (start >= 0 && start + size <= this.#window.length) return;
    const bytes = new Uint8Array(Math.min(this.remaining, Math.max(size, WINDOW)));
    const got = this.#source.readInto(bytes, this.#position);
    this.#window = new ByteReader(bytes.subarray(0, got), this.littleEndian, this.#position);
    this.#windowAt = this.#position;
    if (got < size) throw this.damaged(`${what} could not be read`);
  }
}

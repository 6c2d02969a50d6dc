import { SpinbackError } from '../../base/errors.ts';
import { bytesSource, readRange } from '../../io/bytes.ts';
import { LARGEST_CHUNK, type Codec } from '../../io/codec.ts';
import type { ByteSource } from '../../io/source.ts';
import { Cursor } from './cursor.ts';

/** Section flag: the content is compressed (trace-cmd 3.4, TRACECMD_SEC_FL_COMPRESS). */
const COMPRESSED = 1;
/** u16 id, u16 flags, u32 string, u64 size. */
export const SECTION_HEADER = 16;

/** A section's header in a version 7 file. */
export interface SectionHeader {
  readonly id: number;
  readonly packed: boolean;
  /** Bytes of the content in the file. */
  readonly size: number;
}

/** The content of a section: a cursor at its start, over the source that holds it unpacked. */
export interface Section {
  readonly cursor: Cursor;
  readonly source: ByteSource;
}

/** Reads sections of a version 7 file and unpacks those that are compressed. */
export class Sections {
  readonly #source: ByteSource;
  readonly #littleEndian: boolean;
  readonly #codec: Codec | null;

  constructor(source: ByteSource, littleEndian: boolean, codec: Codec | null) {
    this.#source = source;
    this.#littleEndian = littleEndian;
    this.#codec = codec;
  }

  /** Throws DAMAGED when the header lies outside the file. */
  header(at: number): SectionHeader {
    const cursor = new Cursor(this.#source, at, at + SECTION_HEADER, this.#littleEndian);
    const [id, flags] = [cursor.u16('a section'), cursor.u16('the flags of a section')];
    cursor.skip(4, 'the name of a section');
    return { id, packed: (flags & COMPRESSED) !== 0, size: cursor.size64('the size of a section') };
  }

  /** Opens the section at `at`, which must have that id. Throws DAMAGED when it is cut or cannot be unpacked. */
  open(at: number, id: number, what: string): Section {
    const header = this.header(at);
    const start = at + SECTION_HEADER;
    const cursor = new Cursor(this.#source, start, start + header.size, this.#littleEndian);
    if (header.id !== id)
      throw cursor.damaged(`${what} should be section ${id}, the file has ${header.id} there`);
    if (!header.packed) return { cursor, source: this.#source };
    const packed = cursor.u32(`the packed size of ${what}`);
    const size = cursor.u32(`the size of ${what}`);
    // Checked before anything of that size is made.
    if (packed > cursor.remaining || packed > LARGEST_CHUNK) {
      throw cursor.damaged(`${what} claims ${packed} bytes, ${cursor.remaining} are left`);
    }
    if (this.#codec === null) {
      throw new SpinbackError('DAMAGED', `${what} is compressed in a file that names no compression`, {
        offset: at,
      });
    }
    const bytes = this.#codec.decode(readRange(this.#source, cursor.position, packed), size, at);
    const unpacked = bytesSource(bytes, this.#source.name);
    return { cursor: new Cursor(unpacked, 0, unpacked.size, this.#littleEndian, at), source: unpacked };
  }
}

import { ByteReader } from '../../base/byte-reader.ts';
import { readRange } from '../../io/bytes.ts';
import type { ByteSource } from '../../io/source.ts';

/** One compressed chunk of a lane. */
export interface Chunk {
  /** Where the packed bytes lie in the file. */
  readonly at: number;
  readonly packed: number;
  /** Where the unpacked bytes lie in the lane's data. */
  readonly start: number;
  readonly size: number;
}

/** trace-cmd packs ten pages to a chunk (lib/trace-cmd/trace-output.c, PAGES_IN_CHUNK, 3.4): 40 KiB, 640 KiB with pages of 64. */
export const LARGEST = 16 * 2 ** 20;
/** Two million chunks of 40 KiB are 80 GiB of data. */
export const MOST_CHUNKS = 1 << 21;

/**
 * The chunks of a lane: u32 count, then for each u32 packed size, u32 unpacked size and the packed bytes. The
 * table is spread over the lane, so it is read as far as somebody asks.
 *
 * A recorder writes the count last: where it was interrupted, the count is 0 and somebody else must know better.
 */
export class ChunkTable {
  readonly #source: ByteSource;
  readonly #littleEndian: boolean;
  readonly #end: number;
  readonly #chunks: Chunk[] = [];
  #count = 0;
  #next: number;
  #unpacked = 0;
  /** Why the table ends before its last chunk: cut by the end of the file or lane, or impossible sizes. */
  broken: 'cut' | 'damaged' | null = null;
  /** Where it breaks off in the file. */
  brokenAt = 0;

  /** The lane occupies the file from `start` to `end`. `count`: how many chunks, null to believe what the lane says. */
  constructor(source: ByteSource, start: number, end: number, littleEndian: boolean, count: number | null) {
    this.#source = source;
    this.#littleEndian = littleEndian;
    this.#end = end;
    this.#next = start + 4;
    const head = readRange(source, start, Math.min(4, end - start));
    if (head.length === 4) this.#count = count ?? new ByteReader(head, littleEndian).u32();
    else if (end > start) this.#break('cut', start);
  }

  /** The chunk of that number, null behind the last one that can be read. */
  chunk(index: number): Chunk | null {
    while (this.#chunks.length <= index && this.#readOne());
    return this.#chunks[index] ?? null;
  }

  /** The number of the chunk that holds this offset of the lane's data, null when none does. */
  indexAt(offset: number): number | null {
    while (this.#unpacked <= offset && this.#readOne());
    let from = 0;
    let to = this.#chunks.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.#chunks[middle]!.start <= offset) from = middle + 1;
      else to = middle;
    }
    const chunk = this.#chunks[from - 1];
    return chunk !== undefined && offset < chunk.start + chunk.size ? from - 1 : null;
  }

  #readOne(): boolean {
    if (this.broken !== null || this.#chunks.length >= this.#count) return false;
    const head = readRange(this.#source, this.#next, Math.min(8, this.#end - this.#next));
    if (head.length < 8) return this.#break('cut', this.#next);
    const reader = new ByteReader(head, this.#littleEndian);
    const [packed, size] = [reader.u32(), reader.u32()];
    if (
      size === 0 ||
      size > LARGEST ||
      packed === 0 ||
      packed > 2 * LARGEST ||
      this.#chunks.length >= MOST_CHUNKS
    )
      return this.#break('damaged', this.#next);
    const at = this.#next + 8;
    if (at + packed > this.#end) return this.#break('cut', this.#next);
    this.#chunks.push({ at, packed, start: this.#unpacked, size });
    this.#next = at + packed;
    this.#unpacked += size;
    return true;
  }

  #break(how: 'cut' | 'damaged', at: number): false {
    this.broken = how;
    this.brokenAt = at;
    return false;
  }
}

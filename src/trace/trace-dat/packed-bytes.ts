import { SpinbackError } from '../../base/errors.ts';
import type { Codec } from '../../io/codec.ts';
import type { ByteSource } from '../../io/source.ts';
import type { PageLayout } from '../capture.ts';
import { ChunkTable, type Chunk } from './chunk-table.ts';
import type { LaneBytes } from './lane-bytes.ts';
import { markMissed } from './page.ts';

/** What a lane tells about damage in its data: `offset` in the file. */
export type Complain = (name: 'damaged-chunk' | 'truncated', offset: number) => void;

/** A lane in which more than this, in bytes, cannot be unpacked is given up: nobody can make us deliver gaps without end. */
const LARGEST_GAPS = 64 * 2 ** 20;
/** trace-cmd 3.1.6 leaves the four bytes of the chunks' count out of the size that it states, 3.4 counts them. */
const COUNT_SIZE = 4;
/** Unpacked chunks kept for going back. */
const KEPT = 4;

/**
 * Data in compressed chunks. A damaged chunk must not move what follows, for findings point to offsets of the data: its
 * place is filled with empty pages, and the first page behind it says that events were lost before it, in the
 * ring buffer's own way. So a replay treats the gap like any other loss.
 */
export class PackedBytes implements LaneBytes {
  readonly size = null;
  readonly stored: number;
  endedEarly = false;
  readonly #source: ByteSource;
  readonly #codec: Codec;
  readonly #layout: PageLayout;
  readonly #complain: Complain;
  readonly #start: number;
  readonly #table: ChunkTable;
  readonly #kept = new Map<number, Uint8Array>();
  /** The chunk that comes next, and what is left of the current one. */
  #index = 0;
  #current = new Uint8Array(0);
  /** Bytes of empty pages to deliver before the current chunk. */
  #gap = 0;
  #gapsSoFar = 0;
  #consumed = 0;
  #packed = new Uint8Array(0);

  /** The lane has `size` bytes from `start` on, in `chunks` chunks; null: as many as the lane says. */
  constructor(
    source: ByteSource,
    start: number,
    size: number,
    chunks: number | null,
    codec: Codec,
    layout: PageLayout,
    complain: Complain,
  ) {
    this.#source = source;
    this.#start = start;
    this.stored = size;
    this.#codec = codec;
    this.#layout = layout;
    this.#complain = complain;
    // Of a CPU without data there need not even be a count: what follows is another one's.
    const end = size === 0 ? start : Math.min(start + size + COUNT_SIZE, source.size);
    this.#table = new ChunkTable(source, start, end, !layout.bigEndian, chunks);
  }

  get consumed(): number {
    return Math.min(this.#consumed, this.stored);
  }

  next(target: Uint8Array): number {
    let done = 0;
    while (done < target.byteLength) {
      if (this.#gap > 0) {
        const size = Math.min(this.#gap, target.byteLength - done);
        this.#emptyPages(target.subarray(done, done + size));
        this.#gap -= size;
        done += size;
      } else if (this.#current.byteLength > 0) {
        const part = this.#current.subarray(0, target.byteLength - done);
        target.set(part, done);
        this.#current = this.#current.subarray(part.byteLength);
        done += part.byteLength;
      } else if (!this.#advance()) {
        break;
      }
    }
    return done;
  }

  at(offset: number, target: Uint8Array): number {
    let done = 0;
    while (done < target.byteLength) {
      const index = this.#table.indexAt(offset + done);
      const chunk = index === null ? null : this.#table.chunk(index);
      const bytes = chunk && this.#unpackAndKeep(chunk);
      if (!chunk || !bytes) break;
      const from = offset + done - chunk.start;
      const part = bytes.subarray(from, from + target.byteLength - done);
      target.set(part, done);
      done += part.byteLength;
    }
    return done;
  }

  /** Makes the next readable chunk the current one; false at the end. */
  #advance(): boolean {
    let gap = 0;
    while (!this.endedEarly) {
      const chunk = this.#table.chunk(this.#index);
      if (chunk === null) {
        this.#end(gap > 0);
        return false;
      }
      this.#index++;
      this.#consumed = chunk.at + chunk.packed - this.#start;
      const bytes = this.#unpack(chunk);
      if (bytes !== null) {
        if (gap > 0) markMissed(bytes, this.#layout);
        this.#gap = gap;
        this.#current = bytes;
        return true;
      }
      this.#complain('damaged-chunk', chunk.at);
      const { pageSize } = this.#layout;
      gap += chunk.size;
      this.#gapsSoFar += chunk.size;
      if (this.#gapsSoFar > LARGEST_GAPS || chunk.start % pageSize !== 0 || chunk.size % pageSize !== 0)
        this.#end(true);
    }
    return false;
  }

  #end(early: boolean): void {
    if (this.endedEarly) return;
    const { broken, brokenAt } = this.#table;
    this.#consumed = this.stored;
    if (broken !== null) this.#complain(broken === 'cut' ? 'truncated' : 'damaged-chunk', brokenAt);
    this.endedEarly = early || broken !== null;
  }

  /** Pages without events, with the time of the page behind them: the engine sees nothing run backwards. */
  #emptyPages(target: Uint8Array): void {
    target.fill(0);
    for (let page = 0; page < target.byteLength; page += this.#layout.pageSize) {
      target.set(this.#current.subarray(0, 8), page);
    }
  }

  #unpack({ at, packed, size }: Chunk): Uint8Array<ArrayBuffer> | null {
    if (this.#packed.byteLength < packed) this.#packed = new Uint8Array(Math.max(packed, 64 * 1024));
    const bytes = this.#packed.subarray(0, packed);
    if (this.#source.readInto(bytes, at) < packed) return null;
    try {
      return this.#codec.decode(bytes, size, at) as Uint8Array<ArrayBuffer>;
    } catch (error) {
      if (error instanceof SpinbackError && error.code === 'DAMAGED') return null;
      throw error;
    }
  }

  #unpackAndKeep(chunk: Chunk): Uint8Array | null {
    const bytes = this.#kept.get(chunk.at) ?? this.#unpack(chunk);
    if (bytes === null) return null;
    this.#kept.delete(chunk.at);
    this.#kept.set(chunk.at, bytes);
    if (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value!);
    return bytes;
  }
}

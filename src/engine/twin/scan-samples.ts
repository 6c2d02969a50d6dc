// A pass over a stream of perf records that finds pieces in order of time (assembly/decode/scan-samples.ts, where it is drawn).

import * as L from '../../../assembly/layout.ts';
import { ByteReader } from '../../base/byte-reader.ts';
import { SpinbackError } from '../../base/errors.ts';
import type { SampleStream, SampleTables, ScanItem, ScanTotals } from '../../model/samples.ts';
import { rawPlace, Samples } from './samples.ts';

const HEADER = 8;
/** So many records in a row that can be believed end a search for them. */
const CHAIN = 4;
const DEPTH_RECORDS = 1 << 16;

const NOTES: ReadonlySet<number> = new Set([
  L.PERF_COMM,
  L.PERF_EXIT,
  L.PERF_FORK,
  L.PERF_LOST_SAMPLES,
  L.PERF_COMPRESSED,
  L.PERF_COMPRESSED2,
]);
const LOSSES: ReadonlySet<number> = new Set([L.PERF_LOST, L.PERF_THROTTLE, L.PERF_UNTHROTTLE]);

interface Piece {
  readonly at: number;
  end: number;
  first: bigint;
  last: bigint;
}

/** A ScanSamples in plain TypeScript, over the whole stream at once: an oracle for tests, for streams that fit memory. */
export function scanInTypeScript(
  stream: SampleStream,
  tables: SampleTables,
  take: (item: ScanItem) => void,
): ScanTotals {
  const bytes = new Uint8Array(stream.size);
  return new Scan(bytes.subarray(0, stream.readInto(bytes, 0)), tables, take).run();
}

class Scan {
  readonly #bytes: Uint8Array;
  readonly #samples: Samples;
  readonly #take: (item: ScanItem) => void;
  #piece: Piece | null = null;
  #count = 0n;
  #unknown = 0n;
  #depth = 15;
  #raws = 0;

  constructor(bytes: Uint8Array, tables: SampleTables, take: (item: ScanItem) => void) {
    this.#bytes = bytes;
    this.#samples = new Samples(tables);
    this.#take = take;
  }

  run(): ScanTotals {
    const end = this.#bytes.length;
    let damageAt: number | null = null;
    let at = 0;
    while (at + HEADER <= end) {
      if (damageAt !== null && this.#isChain(at)) {
        this.#take({ is: 'damage', at: damageAt, size: at - damageAt });
        damageAt = null;
      }
      if (damageAt === null && !this.#isRecord(at)) {
        this.#close();
        damageAt = at;
      }
      if (damageAt !== null) {
        at += HEADER;
        continue;
      }
      const { size } = this.#header(at);
      if (at + size > end) break;
      const skip = this.#record(at, size);
      at += size;
      if (skip > BigInt(end - at)) {
        at = end;
        this.#close();
        this.#take({ is: 'cut', at, size: 0 });
        return this.#totals();
      }
      at += Number(skip);
    }
    this.#close();
    if (damageAt !== null) this.#take({ is: 'damage', at: damageAt, size: end - damageAt });
    else if (at < end) this.#take({ is: 'cut', at, size: end - at });
    return this.#totals();
  }

  #totals(): ScanTotals {
    return {
      samples: this.#count,
      unknown: this.#unknown,
      lowestDepth: this.#raws === 0 ? null : this.#depth,
    };
  }

  #header(at: number): { readonly type: number; readonly size: number } {
    const reader = this.#samples.reader(this.#bytes.subarray(at, at + HEADER));
    const type = reader.u32();
    reader.u16();
    return { type, size: reader.u16() };
  }

  #isRecord(at: number): boolean {
    const { type, size } = this.#header(at);
    if (size < HEADER) return false;
    if (type >= L.PERF_HEADER_ATTR) return type < L.PERF_USER_TYPES;
    return type > 0 && type < L.PERF_KERNEL_TYPES && size % 8 === 0;
  }

  #isChain(from: number): boolean {
    const end = this.#bytes.length;
    let at = from;
    for (let n = 0; n < CHAIN; n++) {
      if (at + HEADER > end) return n > 0 && at === end;
      if (!this.#isRecord(at)) return false;
      at += this.#header(at).size;
    }
    return true;
  }

  /** Takes a record in; returns how many bytes behind it are none. */
  #record(at: number, size: number): bigint {
    const { type } = this.#header(at);
    const record = this.#samples.reader(this.#bytes.subarray(at, at + size));
    if (type === L.PERF_SAMPLE) this.#sample(at, record);
    else if (LOSSES.has(type)) {
      this.#extend(at, size);
      this.#take({ is: 'note', at, size, type });
    } else if (NOTES.has(type)) this.#take({ is: 'note', at, size, type });
    else if (type === L.PERF_AUXTRACE && size >= 16) return this.#skip(record.uintAt(8, 8));
    else if (type === L.PERF_HEADER_TRACING_DATA && size >= 12)
      return this.#skip((record.uintAt(8, 4) + 7n) & ~7n);
    return 0n;
  }

  #skip(bytes: bigint): bigint {
    this.#close();
    return bytes;
  }

  #sample(at: number, record: ByteReader): void {
    this.#count++;
    const { layout } = this.#samples.find(record);
    if (!layout) {
      this.#unknown++;
      this.#extend(at, record.length);
      return;
    }
    if (this.#raws < DEPTH_RECORDS && layout.hasRaw) {
      try {
        const raw = rawPlace(record, layout).at;
        this.#raws++;
        this.#depth = Math.min(this.#depth, record.bytes[raw + 3]! & 15);
      } catch (error) {
        if (!(error instanceof SpinbackError)) throw error;
      }
    }
    const time = record.uintAt(layout.timeAt, 8);
    if (this.#piece && time < this.#piece.last) this.#close();
    const piece = this.#extend(at, record.length);
    if (piece.first === 0n) piece.first = time;
    piece.last = time;
  }

  #extend(at: number, size: number): Piece {
    if (this.#piece && at + size - this.#piece.at > L.PIECE_LIMIT) this.#close();
    this.#piece ??= { at, end: at, first: 0n, last: 0n };
    this.#piece.end = at + size;
    return this.#piece;
  }

  #close(): void {
    if (!this.#piece) return;
    const { at, end, first, last } = this.#piece;
    this.#piece = null;
    this.#take({ is: 'piece', at, size: end - at, first, last });
  }
}

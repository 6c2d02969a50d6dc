import { ByteReader } from '../../base/byte-reader.ts';
import type { SampleStream } from '../../model/samples.ts';
import * as P from '../../model/perf-records.ts';
import type { ClockConversion, Lane } from '../capture.ts';
import type { PieceList } from './pieces.ts';

const HEADER = 8;
const AS_IS: ClockConversion = { mult: 0, shift: 0, offsetNs: 0n };

/** Samples in order of time, from any CPU. */
export class PerfLane implements Lane {
  readonly cpu = 0;
  readonly input = { kind: 'samples' } as const;
  readonly clock = AS_IS;
  readonly lost = null;
  readonly lostTail = false;
  /** Bytes delivered. */
  delivered = 0;
  readonly #stream: SampleStream;
  readonly #pieces: PieceList;
  readonly #littleEndian: boolean;
  #remembered = NOTHING;

  constructor(stream: SampleStream, pieces: PieceList, littleEndian: boolean) {
    this.#stream = stream;
    this.#littleEndian = littleEndian;
    this.#pieces = pieces;
  }

  get size(): number {
    return this.#pieces.size;
  }

  read(target: Uint8Array): number {
    const got = this.#pieces.read(this.#stream, target);
    this.delivered += got;
    return got;
  }

  /** The sample that holds this offset of the lane's bytes, and where it lies in the stream. */
  sample(offset: number): { readonly bytes: Uint8Array; readonly at: number } | null {
    if (!Number.isSafeInteger(offset) || offset < 0) return null;
    const { lane, records } = this.#remembered;
    const known = records.length > 0 && offset >= lane && offset < lane + this.#remembered.size;
    if (!known && !this.#remember(offset)) return null;
    return this.#find(offset - this.#remembered.lane);
  }

  /** Reads the piece with this offset, for records that somebody goes back to are often neighbours. */
  #remember(offset: number): boolean {
    const piece = this.#pieces.pieceAt(offset);
    if (!piece) return false;
    const bytes = new Uint8Array(piece.size);
    const there = bytes.subarray(0, this.#stream.readInto(bytes, piece.at));
    const records = recordsOf(new ByteReader(there, this.#littleEndian));
    this.#remembered = { lane: piece.start, stream: piece.at, size: piece.size, bytes, records };
    return true;
  }

  #find(within: number): { readonly bytes: Uint8Array; readonly at: number } | null {
    const { records, bytes, stream } = this.#remembered;
    let [from, to] = [0, records.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (records[middle]!.at <= within) from = middle + 1;
      else to = middle;
    }
    const record = records[from - 1];
    if (record?.type !== P.SAMPLE || within >= record.at + record.size) return null;
    return { bytes: bytes.subarray(record.at, record.at + record.size), at: stream + record.at };
  }
}

/** A piece and its records: `lane` and `stream` are where it begins in the lane's bytes and in the stream. */
interface Remembered {
  readonly lane: number;
  readonly stream: number;
  readonly size: number;
  readonly bytes: Uint8Array;
  readonly records: readonly { readonly at: number; readonly size: number; readonly type: number }[];
}

const NOTHING: Remembered = { lane: 0, stream: 0, size: 0, bytes: new Uint8Array(0), records: [] };

/** The records of a piece, which the scan has found whole. */
function recordsOf(reader: ByteReader): Remembered['records'] {
  const records: { at: number; size: number; type: number }[] = [];
  while (reader.remaining >= HEADER) {
    const at = reader.position;
    const type = reader.u32();
    reader.u16();
    const size = reader.u16();
    if (size < HEADER || at + size > reader.length) break;
    records.push({ at, size, type });
    reader.position = at + size;
  }
  return records;
}

/** A note's record, read whole. */
export function readRecord(
  stream: SampleStream,
  at: number,
  size: number,
  littleEndian: boolean,
): ByteReader {
  const bytes = new Uint8Array(size);
  return new ByteReader(bytes.subarray(0, stream.readInto(bytes, at)), littleEndian, at);
}

import * as P from '../../model/perf-records.ts';
import { ByteReader } from '../../base/byte-reader.ts';
import type { SampleStream } from '../../model/samples.ts';

const WINDOW = 256 * 1024;
const HEADER = 8;
/** The header's size field has 16 bits. */
const LARGEST = 0xffff;

/** A record in the stream; `body` is valid until the next record is asked for. */
export interface PerfRecord {
  readonly type: number;
  readonly misc: number;
  readonly at: number;
  readonly size: number;
  /** Bytes that follow the record without being one: AUX data, tracing data. */
  readonly attached: number;
  readonly body: ByteReader;
}

/**
 * Walks over the records of a stream one by one, in bounded memory. For beginnings and for files of compressed records; samples
 * by the million are the engine's. Ends in front of what is no record, or is cut. `base` is where the stream lies in the
 * file, for errors.
 */
export function* walkRecords(stream: SampleStream, littleEndian: boolean, base = 0): Generator<PerfRecord> {
  let window = new Uint8Array(0);
  let windowAt = 0;
  for (let at = 0; ;) {
    if (at + HEADER + LARGEST > windowAt + window.length && windowAt + window.length < stream.size) {
      const target = new Uint8Array(Math.min(WINDOW, stream.size - at));
      window = target.subarray(0, stream.readInto(target, at));
      windowAt = at;
    }
    const rest = new ByteReader(window.subarray(at - windowAt), littleEndian, base + at);
    if (rest.length < HEADER) return;
    const [type, misc, stated] = [rest.u32(), rest.u16(), rest.u16()];
    const size = type === P.COMPRESSED2 ? packedSize(rest, stated) : stated;
    if (size < HEADER || size > rest.length) return;
    const body = new ByteReader(rest.bytes.subarray(HEADER, size), littleEndian, base + at + HEADER);
    const attached = attachedSize(type, body);
    yield { type, misc, at, size, attached, body };
    at += size + attached;
    if (at > stream.size) return;
  }
}

/** What zstd gives for one COMPRESSED2 record at most: PERF_SAMPLE_MAX_SIZE, the header and the size in front of it apart. */
const LARGEST_PACKED = 65519;

/**
 * A COMPRESSED2 record's size. perf (record__pushfn() in tools/perf/builtin-record.c, since Linux 6.16) lets the size's 16 bits
 * overflow where header, u64 data_size and data come near 64 KiB, and then writes no padding; data_size is right, or counts
 * several records together of which the first is full.
 */
function packedSize(rest: ByteReader, stated: number): number {
  if (rest.remaining < 8) return stated;
  const data = Number(rest.u64());
  const padded = Math.ceil((2 * HEADER + data) / 8) * 8;
  const hasOverflown = padded > LARGEST && padded % 65536 === stated;
  return hasOverflown ? 2 * HEADER + Math.min(data, LARGEST_PACKED) : stated;
}

/** The compressed bytes of a COMPRESSED or COMPRESSED2 record. */
export function packedBytes({ type, body }: PerfRecord): Uint8Array {
  if (type === P.COMPRESSED) return body.bytes;
  if (body.length < 8) return body.bytes.subarray(0, 0);
  body.position = 0;
  // Behind the first record of an overflow come records whose data_size nobody wrote.
  return body.bytes.subarray(8).subarray(0, Number(body.u64()));
}

/** PERF_RECORD_AUXTRACE begins with the u64 size of data behind it, PERF_RECORD_HEADER_TRACING_DATA with a u32, padded. */
function attachedSize(type: number, body: ByteReader): number {
  if (type === P.AUXTRACE && body.length >= 8) return Number(body.u64());
  if (type === P.HEADER_TRACING_DATA && body.length >= 4) return Math.ceil(body.u32() / 8) * 8;
  return 0;
}

import type { ByteSource, OnProgress } from '../../io/source.ts';
import * as P from '../../model/perf-records.ts';
import type { SampleStream } from '../../model/samples.ts';
import type { PerfDamageLog } from './damage.ts';
import { packedBytes, walkRecords } from './walk.ts';

/**
 * The stream of a file with compressed records (perf record -z) as a stream without: the plain records first, then what the
 * compressed ones hold. Their order does not matter, for samples are ordered by time; and one record may be spread over
 * several compressed ones, with plain ones between. It lies in an unnamed temporary file.
 *
 * All of them are one zstd stream that is flushed at the end of each record and never ended (zstd_compress_stream_to_records(),
 * tools/perf/util/zstd.c, Linux 6.16).
 */
export async function unpackRecords(
  stream: SampleStream,
  littleEndian: boolean,
  base: number,
  log: PerfDamageLog,
  onProgress: OnProgress = () => {},
): Promise<ByteSource> {
  const [{ Spool }, { unpackStream }] = await Promise.all([
    import('../../io/spool.ts'),
    import('../../io/unpack-stream.ts'),
  ]);
  const spool = new Spool('the compressed records');
  try {
    for (const { type, attached, body } of walkRecords(stream, littleEndian, base)) {
      if (type !== P.COMPRESSED && type !== P.COMPRESSED2 && attached === 0)
        spool.write(withHeader(body.bytes));
    }
    const walked = { at: 0, end: 0 };
    const end = await unpackStream(packedPieces(stream, littleEndian, base, walked), (bytes) => {
      onProgress({ done: walked.end, total: stream.size });
      spool.write(bytes);
    });
    if (end === 'broken') log.add('damaged-compression', base + walked.at);
    else if (walked.end < stream.size) {
      const isCut = stream.size - walked.end < LARGEST_RECORD;
      log.add(isCut ? 'truncated' : 'damaged-compression', base + walked.end);
    }
    return spool.finish([]);
  } catch (error) {
    spool.discard();
    throw error;
  }
}

/** The size of a record has 16 bits: what is left behind the last whole one is less, where a file was cut. */
const LARGEST_RECORD = 65536;

/** The record whose body this is: the header lies in front of it. */
function withHeader(body: Uint8Array): Uint8Array {
  return new Uint8Array(body.buffer, body.byteOffset - 8, body.byteLength + 8);
}

function* packedPieces(
  stream: SampleStream,
  littleEndian: boolean,
  base: number,
  walked: { at: number; end: number },
): Generator<Uint8Array> {
  for (const record of walkRecords(stream, littleEndian, base)) {
    walked.end = record.at + record.size + record.attached;
    if (record.type !== P.COMPRESSED && record.type !== P.COMPRESSED2) continue;
    walked.at = record.at;
    yield packedBytes(record);
  }
  // At the end of its input zstddec forgets what did not fit its output buffer. One byte more makes it come out: the first of
  // a block's header, which is not looked at before it is whole.
  yield new Uint8Array(1);
}

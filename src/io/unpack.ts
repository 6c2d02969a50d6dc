import { SpinbackError } from '../base/errors.ts';
import type { InputDamage } from './input-damage.ts';
import type { ByteSource, OnProgress } from './source.ts';
import { Spool } from './spool.ts';

export type Packing = 'zstd' | 'gzip';

/** How a whole file is packed, told by its first four bytes; null for anything that is not packed. */
export function packingOf(head: Uint8Array): Packing | null {
  const [a, b, c, d] = head;
  // A zstd frame, or a skippable frame that some packers put first (RFC 8878, 3.1).
  if (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd) return 'zstd';
  if (a !== undefined && (a & 0xf0) === 0x50 && b === 0x2a && c === 0x4d && d === 0x18) return 'zstd';
  if (a === 0x1f && b === 0x8b && c === 0x08) return 'gzip';
  return null;
}

const PIECE = 64 * 1024;

/** Unpacks a whole source into an unnamed temporary file, with memory of a few hundred KiB. */
export async function unpack(
  packed: ByteSource,
  packing: Packing,
  onProgress: OnProgress = () => {},
): Promise<ByteSource> {
  const spool = new Spool(packed.name);
  try {
    const complaint =
      packing === 'zstd' ? await unzstd(packed, spool, onProgress) : await gunzip(packed, spool, onProgress);
    return spool.finish(complaint === null ? [] : [complaint]);
  } catch (error) {
    spool.discard();
    throw error;
  }
}

/** The source in pieces; the same buffer is filled again for each, so a piece is valid until the next is asked for. */
function* pieces(
  source: ByteSource,
  progress: { position: number },
  reuse: boolean,
  onProgress: OnProgress,
): Generator<Uint8Array> {
  let buffer = new Uint8Array(PIECE);
  while (progress.position < source.size) {
    if (!reuse) buffer = new Uint8Array(PIECE);
    const got = source.readInto(buffer, progress.position);
    if (got === 0) return;
    progress.position += got;
    onProgress({ done: progress.position, total: source.size });
    yield buffer.subarray(0, got);
  }
}

async function unzstd(packed: ByteSource, spool: Spool, onProgress: OnProgress): Promise<InputDamage | null> {
  const progress = { position: 0 };
  const { unpackStream } = await import('./unpack-stream.ts');
  const end = await unpackStream(pieces(packed, progress, true, onProgress), (bytes) => spool.write(bytes));
  if (end === 'whole') return null;
  return end === 'cut' ? cutShort('zstd', packed.size) : broken('zstd', progress.position - PIECE);
}

async function gunzip(packed: ByteSource, spool: Spool, onProgress: OnProgress): Promise<InputDamage | null> {
  const { createGunzip } = await import('node:zlib');
  const { Readable } = await import('node:stream');
  const progress = { position: 0 };
  const unzip = createGunzip();
  let failure: unknown = null;
  await new Promise<void>((resolve) => {
    const stop = (error: unknown) => {
      failure ??= error;
      unzip.destroy();
      resolve();
    };
    unzip.on('data', (bytes: Uint8Array) => {
      try {
        spool.write(bytes);
      } catch (error) {
        stop(error);
      }
    });
    unzip.on('end', resolve);
    unzip.on('error', stop);
    Readable.from(pieces(packed, progress, false, onProgress))
      .on('error', stop)
      .pipe(unzip);
  });
  if (failure === null) return null;
  if (failure instanceof SpinbackError) throw failure;
  return (failure as NodeJS.ErrnoException).code === 'Z_BUF_ERROR'
    ? cutShort('gzip', packed.size)
    : broken('gzip', Math.max(0, progress.position - PIECE));
}

function cutShort(packing: Packing, offset: number): InputDamage {
  return {
    name: 'input-truncated',
    severity: 'error',
    text: `The ${packing} file ends too early: what could be unpacked is read, the end of the capture is missing.`,
    count: 1,
    offset,
  };
}

function broken(packing: Packing, offset: number): InputDamage {
  return {
    name: 'input-damaged',
    severity: 'error',
    text: `The ${packing} file is damaged: only what lies before the damage could be unpacked.`,
    count: 1,
    offset: Math.max(0, offset),
  };
}

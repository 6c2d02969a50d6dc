import { SpinbackError } from '../base/errors.ts';
import { useNativeCode } from './native-code.ts';
import { optimizeLess } from './tiers.ts';
import type { ZstdDecoder } from './zstd.ts';

/** The largest piece that is ever unpacked at once, in bytes: the symbol table of a large kernel has 20 MiB. */
export const LARGEST_CHUNK = 64 * 2 ** 20;

/** zlib's smallest output buffer, in bytes. */
const SMALLEST = 64;

/** Unpacks chunks of one compression method. */
export interface Codec {
  readonly name: string;
  /**
   * Unpacks one chunk that must give exactly `size` bytes. `offset` is where the chunk lies in the file, for
   * messages. Throws DAMAGED when the chunk is broken, gives another size, or claims more than LARGEST_CHUNK.
   */
  decode(packed: Uint8Array, size: number, offset: number): Uint8Array;
}

/**
 * The codec of that name; the decoder is loaded only now. `packedBytes` is how much it will be given, at most. Throws
 * UNSUPPORTED for methods other than zlib and zstd.
 */
export async function openCodec(name: string, packedBytes = Infinity): Promise<Codec> {
  if (name === 'zstd') {
    const zstd = await openZstd(packedBytes);
    return checked(name, (packed, size) => zstd.decode(packed, size));
  }
  if (name === 'zlib') {
    const { inflateSync } = await import('node:zlib');
    // Into one buffer: many small ones, zlib's way, take twice as long.
    return checked(name, (packed, size) =>
      inflateSync(packed, { maxOutputLength: size, chunkSize: Math.max(SMALLEST, size) }),
    );
  }
  throw new SpinbackError(
    'UNSUPPORTED',
    `this file is compressed with "${name}"; spinback reads zlib, zstd and files that are not compressed`,
  );
}

/** Packed bytes from which on optimized code pays, be it compiled at run time. */
const MUCH = 32 << 20;

async function openZstd(packedBytes: number): Promise<ZstdDecoder> {
  const hasNativeCode = useNativeCode('zstd');
  const { loadZstd } = await import('./zstd.ts');
  if (packedBytes > MUCH) return await loadZstd();
  const done = optimizeLess(hasNativeCode);
  try {
    return await loadZstd();
  } finally {
    done();
  }
}

function checked(name: string, unpack: (packed: Uint8Array, size: number) => Uint8Array): Codec {
  return {
    name,
    decode(packed, size, offset) {
      if (size > LARGEST_CHUNK) {
        throw new SpinbackError('DAMAGED', `a ${name} chunk at offset ${offset} claims ${size} bytes`, {
          offset,
        });
      }
      // Nothing to unpack; and zstddec takes a size of 0 for "look it up in the chunk".
      if (size === 0) return new Uint8Array(0);
      let bytes: Uint8Array | null = null;
      try {
        bytes = unpack(packed, size);
      } catch {
        // Told below, like the empty result by which zstddec reports an error.
      }
      if (bytes?.byteLength === size) return bytes;
      throw new SpinbackError('DAMAGED', `the ${name} chunk at offset ${offset} is damaged`, { offset });
    },
  };
}

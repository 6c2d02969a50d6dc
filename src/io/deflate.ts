import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { SpinbackError } from '../base/errors.ts';

/** Packs bytes (raw deflate, RFC 1951); `effort` from 1 to 9. */
export function deflate(bytes: Uint8Array, effort: number): Uint8Array {
  return plain(deflateRawSync(bytes, { level: effort }));
}

/**
 * Unpacks what deflate() packed to exactly `size` bytes; `offset` is where the packed bytes lie in the file. Throws DAMAGED for
 * anything else, and never allocates much more than `size`.
 */
export function inflate(packed: Uint8Array, size: number, offset: number): Uint8Array {
  let bytes: Uint8Array | null = null;
  try {
    bytes = size === 0 ? new Uint8Array(0) : plain(inflateRawSync(packed, { maxOutputLength: size }));
  } catch {
    // Told below, like a result of another size.
  }
  if (bytes?.byteLength === size) return bytes;
  throw new SpinbackError('DAMAGED', `what is packed at offset ${offset} does not unpack to ${size} bytes`, {
    offset,
  });
}

/** Without Buffer's own slice(), which shares memory where that of other arrays copies. */
function plain({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

import type { ByteSource } from './source.ts';

/** A source over bytes in memory; the bytes are not copied. */
export function bytesSource(bytes: Uint8Array, name = 'bytes'): ByteSource {
  return {
    name,
    size: bytes.byteLength,
    readInto(target, position) {
      const part = bytes.subarray(Math.max(0, position), Math.max(0, position) + target.byteLength);
      target.set(part);
      return part.byteLength;
    },
    close() {},
  };
}

/** `size` bytes from `position` on, fewer where the source ends: never allocates more than the source holds. */
export function readRange(source: ByteSource, position: number, size: number): Uint8Array {
  const there = Math.max(0, Math.min(size, source.size - position));
  const bytes = new Uint8Array(there);
  const got = source.readInto(bytes, position);
  return got === there ? bytes : bytes.subarray(0, got);
}

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

/** `size` bytes of a source from `at` on, as a source of its own; closing it leaves the other open. */
export function partOf(source: ByteSource, at: number, size: number): ByteSource {
  return {
    name: source.name,
    size,
    readInto(target, position) {
      const there = Math.max(0, Math.min(target.length, size - position));
      return there === 0 ? 0 : source.readInto(target.subarray(0, there), at + position);
    },
    close() {},
  };
}

const SEARCHED_AT_ONCE = 1 << 20;

/** Where `pattern` begins first, at `from` or behind it and before `end`; null where it does not. */
export function findBytes(
  source: ByteSource,
  pattern: Uint8Array,
  from = 0,
  end = source.size,
): number | null {
  const chunk = new Uint8Array(Math.max(0, Math.min(SEARCHED_AT_ONCE, source.size - from)));
  for (let at = from; at < end;) {
    const bytes = chunk.subarray(0, source.readInto(chunk, at));
    if (bytes.length === 0) return null;
    for (let n = bytes.indexOf(pattern[0]!); n >= 0; n = bytes.indexOf(pattern[0]!, n + 1)) {
      if (pattern.every((byte, k) => bytes[n + k] === byte)) return at + n;
    }
    // What is cut at the end of this piece is whole in the next.
    at += Math.max(1, bytes.length - pattern.length + 1);
  }
  return null;
}

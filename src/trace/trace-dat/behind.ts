import type { ByteSource } from '../../io/source.ts';
import { isTraceDat, MAGIC } from './header.ts';

/** Behind a capture's data come options and tables of names, a few MB at most. */
const MOST_LOOKED_AT = 64 << 20;
const CHUNK = 1 << 20;

/** Where another trace.dat begins behind the data of this one, as `cat a.dat b.dat` leaves it; null where none does. */
export function anotherBehind(source: ByteSource, from: number): number | null {
  const chunk = new Uint8Array(Math.min(CHUNK, Math.max(0, source.size - from)));
  const end = Math.min(source.size, from + MOST_LOOKED_AT);
  for (let at = from; at + MAGIC.length <= end;) {
    const got = source.readInto(chunk, at);
    if (got === 0) return null;
    for (let n = chunk.indexOf(MAGIC[0]!); n >= 0 && n < got; n = chunk.indexOf(MAGIC[0]!, n + 1)) {
      if (isTraceDat(chunk.subarray(n, got))) return at + n;
    }
    // What is cut at the end of this piece is whole in the next.
    at += Math.max(1, got - MAGIC.length + 1);
  }
  return null;
}

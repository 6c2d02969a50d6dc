// What msgpack says of its size (https://github.com/msgpack/msgpack/blob/master/spec.md): every value begins with a byte that tells its
// kind and length, and the members of a list or map follow it as values. So values are counted without making any.

export interface Bounds {
  readonly values: number;
  /** Strings and bytes. */
  readonly texts: number;
  /** Lists and maps. */
  readonly lists: number;
}

/** As many as a capture of ten thousand million events on a large machine needs; all together make some hundred MB at most. */
const MOST: Bounds = { values: 2 ** 25, texts: 2 ** 22, lists: 2 ** 20 };

/** Bytes of the length field of strings, bytes, extensions, lists and maps, and of what follows them, by first byte. */
const LENGTH_BYTES: Readonly<Record<number, number>> = {
  0xc4: 1,
  0xc5: 2,
  0xc6: 4,
  0xc7: 1,
  0xc8: 2,
  0xc9: 4,
  0xd9: 1,
  0xda: 2,
  0xdb: 4,
  0xdc: 2,
  0xdd: 4,
  0xde: 2,
  0xdf: 4,
};
/** Bytes behind the first one of numbers and fixed extensions. */
const FIXED_BYTES: Readonly<Record<number, number>> = {
  0xca: 4,
  0xcb: 8,
  0xcc: 1,
  0xcd: 2,
  0xce: 4,
  0xcf: 8,
  0xd0: 1,
  0xd1: 2,
  0xd2: 4,
  0xd3: 8,
  0xd4: 2,
  0xd5: 3,
  0xd6: 5,
  0xd7: 9,
  0xd8: 17,
};

/** Do these bytes, of which each may stand for a map of its own, unpack to no more values than that? */
export function isBounded(bytes: Uint8Array, most: Bounds = MOST): boolean {
  let [values, texts, lists] = [0, 0, 0];
  for (let at = 0; at < bytes.length;) {
    const first = bytes[at++]!;
    if (++values > most.values) return false;
    if (first < 0x80 || first >= 0xe0) continue;
    const lengthBytes = LENGTH_BYTES[first];
    if (first >= 0xa0 && lengthBytes === undefined) {
      if (first < 0xc0) texts++;
      at += first < 0xc0 ? first & 31 : (FIXED_BYTES[first] ?? 0);
      continue;
    }
    if (first < 0xa0 || first >= 0xdc) {
      // Its members are values of their own.
      if (++lists > most.lists) return false;
      at += lengthBytes ?? 0;
      continue;
    }
    let length = 0;
    for (let n = 0; n < lengthBytes!; n++) length = length * 256 + (bytes[at++] ?? 0);
    at += length + (first >= 0xc7 && first <= 0xc9 ? 1 : 0);
    texts++;
  }
  return texts <= most.texts;
}

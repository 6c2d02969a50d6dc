import { readFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { LARGEST_CHUNK, openCodec } from '../../src/io/codec.ts';

/** A zstd chunk from a real capture: section 16 at offset 37, u32 packed and u32 unpacked size behind its header. */
function zstdChunk(): { packed: Uint8Array; size: number } {
  const file = readFileSync('traces/lost-unlock.dat');
  const size = file.readUInt32LE(37 + 20);
  return { packed: new Uint8Array(file.subarray(37 + 24, 37 + 24 + file.readUInt32LE(37 + 16))), size };
}

const text = new TextEncoder().encode('a word is a word is a word. '.repeat(40));
const CASES = [
  { name: 'zlib', packed: new Uint8Array(deflateSync(text)), size: text.length, begins: 'a word' },
  { name: 'zstd', ...zstdChunk(), begins: 'header_page' },
];

describe.each(CASES)('$name', ({ name, packed, size, begins }) => {
  const damaged = expect.objectContaining({ code: 'DAMAGED', offset: 4711 });

  test('unpacks to exactly the stated size', async () => {
    const codec = await openCodec(name);
    for (let round = 0; round < 3; round++) {
      const bytes = codec.decode(packed, size, 4711);
      expect(bytes).toHaveLength(size);
      expect(new TextDecoder().decode(bytes.subarray(0, begins.length))).toBe(begins);
    }
  });

  test('another size, a cut, noise: damage with the offset, and the codec goes on working', async () => {
    const codec = await openCodec(name);
    expect(() => codec.decode(packed, size - 1, 4711)).toThrow(damaged);
    expect(() => codec.decode(packed, size + 1, 4711)).toThrow(damaged);
    for (let cut = 0; cut < packed.length; cut += 7) {
      expect(() => codec.decode(packed.subarray(0, cut), size, 4711)).toThrow(damaged);
    }
    for (let at = 0; at < packed.length; at += 5) {
      const noisy = packed.slice();
      noisy[at]! ^= 0xff;
      try {
        expect(codec.decode(noisy, size, 4711)).toHaveLength(size);
      } catch (error) {
        expect(error).toEqual(damaged);
      }
    }
    expect(codec.decode(packed, size, 4711)).toHaveLength(size);
  });

  test('a size of nothing, and one that nobody should allocate', async () => {
    const codec = await openCodec(name);
    expect(codec.decode(packed, 0, 4711)).toHaveLength(0);
    expect(() => codec.decode(packed, LARGEST_CHUNK + 1, 4711)).toThrow(/claims/);
  });
});

test('other methods are refused by name', async () => {
  await expect(openCodec('lzo')).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    message: expect.stringContaining('lzo'),
  });
});

test('loading zstd leaves fetch as it was', async () => {
  const before = globalThis.fetch;
  const { loadZstd } = await import('../../src/io/zstd.ts');
  await loadZstd();
  expect(globalThis.fetch).toBe(before);
});

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isBounded } from '../../../src/trace/spin/msgpack-bounds.ts';
import { loadPacker, loadUnpacker } from '../../../src/trace/spin/packer.ts';

const { pack } = await loadPacker();
const { unpack } = await loadUnpacker();

/** What `value` has of each sort, itself and the keys of maps included. */
function counted(value: unknown): { values: number; texts: number; lists: number } {
  const isText = typeof value === 'string' || value instanceof Uint8Array;
  const sum = { values: 1, texts: isText ? 1 : 0, lists: 0 };
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return sum;
  sum.lists = 1;
  const members = Array.isArray(value) ? value : Object.entries(value).flat();
  for (const member of members.map(counted))
    for (const sort of ['values', 'texts', 'lists'] as const) sum[sort] += member[sort];
  return sum;
}

const notes = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.oneof(fc.integer(), fc.double(), fc.boolean(), fc.constant(null)),
    fc.bigInt({ min: -(1n << 63n), max: (1n << 64n) - 1n }),
    fc.string({ maxLength: 300 }),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('value'), { maxLength: 20 }),
    fc.dictionary(fc.string({ minLength: 1 }), tie('value'), { maxKeys: 20 }),
  ),
})).value;

it('counts what msgpack holds', () => {
  fc.assert(
    fc.property(notes, (value) => {
      const bytes = pack(value);
      const most = counted(value);
      expect(isBounded(bytes)).toBe(true);
      expect(isBounded(bytes, most)).toBe(true);
      for (const sort of ['values', 'texts', 'lists'] as const)
        if (most[sort] > 0) expect(isBounded(bytes, { ...most, [sort]: most[sort] - 1 })).toBe(false);
    }),
    { seed: 20151008, numRuns: 500 },
  );
});

it.each([
  ['maps', 0x80],
  ['lists', 0x90],
  ['strings', 0xa0],
  ['nothing', 0xc0],
])('millions of empty %s are not made', (_, first) => {
  const bomb = new Uint8Array(1 << 26).fill(first);
  bomb[0] = 0xdd;
  new DataView(bomb.buffer).setUint32(1, bomb.length - 5);
  expect(() => unpack(bomb, 77)).toThrow('offset 77 unpacks to far too much');
});

it('ends within damaged bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(isBounded(bytes)).toBe(true);
    }),
    { seed: 20151008 },
  );
});

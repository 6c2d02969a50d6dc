import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteReader } from '../../src/base/byte-reader.ts';
import { readCount, readVarint, signed, VarintWriter } from '../../src/blocks/varint.ts';

const wide = fc.oneof(
  fc.bigInt(0n, 2n ** 64n - 1n),
  fc.nat(63).map((bits) => (1n << BigInt(bits)) - 1n),
);

describe('numbers', () => {
  test('of 64 bits come back, unsigned and signed', () => {
    fc.assert(
      fc.property(fc.array(wide), (numbers) => {
        const out = new VarintWriter();
        for (const number of numbers) {
          out.unsigned(number);
          out.signed(number);
        }
        const reader = new ByteReader(out.bytes);
        for (const number of numbers) {
          expect(readVarint(reader)).toBe(number);
          expect(BigInt.asUintN(64, signed(readVarint(reader)))).toBe(number);
        }
        expect(reader.remaining).toBe(0);
      }),
    );
  });

  test('that count come back up to the limit', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 31 - 2), (count) => {
        const out = new VarintWriter();
        out.count(count);
        expect(readCount(new ByteReader(out.bytes), count)).toBe(count);
        expect(() => readCount(new ByteReader(out.bytes), count - 1)).toThrow(/count/);
      }),
    );
  });

  test('that do not end are damage', () => {
    for (const bytes of [[], [0x80], Array.from({ length: 10 }, () => 0xff)]) {
      expect(() => readVarint(new ByteReader(Uint8Array.from(bytes)))).toThrow(/does not end/);
    }
  });
});

import { expect, test } from 'vitest';
import { bytesSource, readRange } from '../../src/io/bytes.ts';

test('reads what is there, and no more', () => {
  const source = bytesSource(Uint8Array.of(1, 2, 3, 4, 5));
  const target = new Uint8Array(3);
  expect(source.readInto(target, 1)).toBe(3);
  expect([...target]).toEqual([2, 3, 4]);
  expect(source.readInto(target, 4)).toBe(1);
  expect(target[0]).toBe(5);
  expect(source.readInto(target, 5)).toBe(0);
  expect(source.readInto(target, 99)).toBe(0);
});

test('a range claims no more than the source holds', () => {
  const source = bytesSource(Uint8Array.of(1, 2, 3));
  expect([...readRange(source, 1, 2 ** 52)]).toEqual([2, 3]);
  expect([...readRange(source, 7, 4)]).toEqual([]);
  expect([...readRange(source, 0, -1)]).toEqual([]);
});

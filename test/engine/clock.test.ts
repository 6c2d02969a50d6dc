// Raw clock to nanoseconds, ns = (time * mult >> shift) + offset over 96 bits, held against bigint arithmetic.

import { expect, test } from 'vitest';
import { writePages } from '../property/page-streams.ts';
import { agree, options } from './harness.ts';

const LAYOUT = { pageSize: 64, commitSize: 8, dataAt: 16 } as const;
const RECORD = Uint8Array.from([1, 0, 0, 0, 7, 0, 0, 0]);

const ALL = (1n << 64n) - 1n;
const TIMES = [
  0n,
  1n,
  999n,
  0xffff_ffffn,
  1n << 32n,
  0x1_0000_0001n,
  1n << 53n,
  (1n << 59n) + 3n,
  1n << 63n,
  ALL,
];
const MULTS = [1, 2, 3, 0x8000_0000, 0xffff_ffff, 4_194_304_001];
const OFFSETS = [0n, 1n, -1n, 1n << 62n, -(1n << 63n)];

/** The time that the engines give an event with this raw time stamp. */
function converted(time: bigint, mult: number, shift: number, offsetNs: bigint): bigint {
  const page = writePages(LAYOUT, [
    { time, pieces: [{ is: 'record', delta: 0, record: RECORD }], missed: null },
  ]);
  const lane = { cpu: 0, layout: LAYOUT, mult, shift, offsetNs };
  const { events } = agree({ options: options({ lanes: [lane], collect: true }), lanes: [page] });
  return events[0]!.event.time;
}

test('mult 0 only adds the offset', () => {
  for (const offset of OFFSETS) {
    for (const time of TIMES) expect(converted(time, 0, 7, offset)).toBe(BigInt.asUintN(64, time + offset));
  }
});

test('every shift, with small and large times and multipliers', () => {
  for (let shift = 0; shift < 64; shift++) {
    for (const mult of MULTS) {
      const time = TIMES[(shift + mult) % TIMES.length]!;
      const offset = OFFSETS[(shift * mult) % OFFSETS.length]!;
      const expected = BigInt.asUintN(64, ((time * BigInt(mult)) >> BigInt(shift)) + offset);
      expect(converted(time, mult, shift, offset), `${time} * ${mult} >> ${shift}`).toBe(expected);
    }
  }
});

test('a real TSC of 2.5 GHz: mult 0xcccccccc, shift 33', () => {
  expect(converted(2_500_000_000n, 0xcccc_cccc, 33, 0n)).toBe(999_999_999n);
});

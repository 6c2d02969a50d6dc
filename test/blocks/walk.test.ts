import { describe, expect, test } from 'vitest';
import { Walk, type Block } from '../../src/blocks/block.ts';

const EVENTS = 40;

/** A block whose words have fields of such widths, all filled with a pattern of bits; with one lane and steps of 8 bytes. */
function blockOf(widths: readonly [number, number, number], seed: bigint) {
  const [timeBits, strandBits, tokenBits] = widths;
  const width = BigInt(timeBits + strandBits + tokenBits);
  const fields = Array.from({ length: EVENTS }, (_, n) => {
    const bits = (BigInt(n + 1) * seed) & 0xffff_ffff_ffff_ffffn;
    const cut = (by: bigint, size: number): bigint => (bits >> by) & ((1n << BigInt(size)) - 1n);
    return { time: cut(3n, timeBits), strand: cut(11n, strandBits), token: cut(29n, tokenBits) };
  });
  let all = 0n;
  fields.forEach(({ time, strand, token }, n) => {
    const word = time | (strand << BigInt(timeBits)) | (token << BigInt(timeBits + strandBits));
    all |= word << (width * BigInt(n));
  });
  const words = new Uint8Array(Math.ceil((EVENTS * Number(width)) / 8) + 8);
  for (let n = 0; all > 0n; n++, all >>= 8n) words[n] = Number(all & 0xffn);
  const block = {
    eventCount: EVENTS,
    time: 1000n,
    lanes: [{ offset: 0 }],
    strands: Array.from({ length: 2 ** strandBits }, (_, pid) => ({ lane: 0, pid })),
    shapeOf: Array.from({ length: 2 ** tokenBits }, () => ({ step: 8 })),
  } as unknown as Block;
  const walk = (weights = new Uint8Array(2 ** tokenBits)): Walk =>
    new Walk(block, widths, words, new Uint8Array(0), weights);
  return { fields, walk };
}

describe('a walk over a block', () => {
  test.each([
    [[0, 0, 0]],
    [[1, 0, 0]],
    [[0, 5, 3]],
    [[15, 2, 11]],
    [[16, 16, 0]],
    [[17, 8, 7]],
    [[32, 0, 0]],
    [[32, 12, 12]],
    [[31, 9, 16]],
  ] as const)('reads fields of %j bits', (widths) => {
    for (const seed of [0n, 0x9e37_79b9_7f4a_7c15n, 0xffff_ffff_ffff_ffffn]) {
      const { fields, walk } = blockOf(widths, seed);
      const it = walk();
      let time = 1000n;
      for (const field of fields) {
        expect(it.next()).toBe(true);
        time += field.time;
        expect([it.time, it.strand, it.token]).toEqual([time, Number(field.strand), Number(field.token)]);
      }
      expect(it.next()).toBe(false);
    }
  });

  test('goes to a place, adds up weights on its way, and stands nowhere after a miss', () => {
    const { fields, walk } = blockOf([15, 2, 3], 0x9e37_79b9_7f4a_7c15n);
    const it = walk(Uint8Array.from({ length: 8 }, (_, token) => token));
    expect(it.seek(0, 80)).toBe(true);
    expect([it.n, it.offset]).toEqual([10, 80]);
    const { strand } = fields[10]!;
    const weight = fields.slice(0, 11).filter((field) => field.strand === strand);
    expect(it.weighed[Number(strand)]).toBe(weight.reduce((sum, { token }) => sum + Number(token), 0));
    expect(it.seek(0, 8 * EVENTS)).toBe(false);
    expect(it.lane).toBe(-1);
  });
});

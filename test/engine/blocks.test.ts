// Blocks that were written wrong on purpose, their checksums right: each is a bad page, and nothing but what stands before it is believed.

import { describe, expect, test } from 'vitest';
import * as L from '../../assembly/layout.ts';
import { buildBlock, type LaneTally } from '../../src/blocks/build-block.ts';
import { Items } from '../../src/blocks/items.ts';
import { VarintWriter } from '../../src/blocks/varint.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { ENGINES, options, row } from './harness.ts';

const EVENTS = 40;
const LANE = { cpu: 0, layout: null, blocks: true, mult: 0, shift: 0, offsetNs: 0n };
const TALLY: LaneTally = {
  lane: 0,
  events: 40n,
  firstBad: 0n,
  pages: 2,
  badPages: 1,
  badEvents: 0,
  backwards: 0,
};

/** A block of EVENTS events, one a nanosecond, with exceptions of one's own: events since the last one, code, amount. */
function blockOf(exceptions: readonly (readonly bigint[])[], tally: Partial<LaneTally> = {}): Uint8Array {
  const items = Items.ofCapacity(EVENTS);
  for (let n = 0; n < EVENTS; n++) {
    const event = { time: BigInt(n), cpu: 0, kind: L.KIND_OTHER, address: 0n, value: 0n, bit: 0 };
    items.push({ ...event, pid: 1, flags: 0, type: 2 }, { lane: 0, offset: 40 * n });
  }
  const { head, words } = buildBlock(items, 'records', [{ ...TALLY, ...tally }]);
  const varints = new VarintWriter();
  for (const one of exceptions) for (const number of one) varints.unsigned(number);
  new DataView(head.buffer).setUint32(L.BLOCK_EXCEPTION_BYTES, varints.length, true);
  return new Uint8Array(Buffer.concat([head, varints.bytes, words]));
}

/** Runs the engine over blocks; how many events there were, and what it counts of the lane. */
function read(make: (typeof ENGINES)[number][1], blocks: readonly Uint8Array[]) {
  const engine: Engine = make(options({ lanes: [LANE], rows: [row(0, 0)], collect: true }));
  const left = [...blocks];
  let events = 0;
  for (;;) {
    const { state } = engine.step();
    events += engine.takeEvents().length;
    if (state === 'done') return { events, lane: engine.state().lanes[0]! };
    if (state !== 'dry') continue;
    const block = left.shift();
    if (!block) engine.finish(0);
    else {
      engine.window(0).set(block);
      engine.supply(0, block.length);
    }
  }
}

describe.each(ENGINES)('%s', (_, make) => {
  test('a block whose exceptions are in order', () => {
    const { events, lane } = read(make, [
      blockOf([
        [3n, 0n, 2n],
        [0n, 0n, 2n],
        [36n, 0n, 2n],
      ]),
    ]);
    expect([events, lane.badPages, lane.events]).toEqual([EVENTS, 1, 40n]);
  });

  // The sum of 3 and each of these would be a number before 3 in 64 or 32 bits, or an event that the block does not have.
  test.each([2n ** 64n - 1n, 2n ** 64n - 3n, 2n ** 32n - 1n, 2n ** 32n - 3n, 37n])(
    'an exception that is %i events behind one of event 3',
    (more) => {
      const { events, lane } = read(make, [
        blockOf([
          [3n, 0n, 0n],
          [more, 0n, 0n],
        ]),
      ]);
      expect([events, lane.badPages]).toEqual([3, 2]);
    },
  );

  test.each<[string, Partial<LaneTally>]>([
    ['events that make 20 with those before', { events: 2n ** 64n - 20n }],
    ['more events than offsets', { events: 2n ** 47n - 20n }],
    ['pages', { pages: 2 ** 31 - 1 }],
    ['bad pages that make none with those before', { badPages: 2 ** 32 - 1 }],
    ['bad events', { badEvents: 2 ** 31 }],
    ['steps backwards', { backwards: 2 ** 31 }],
  ])('a lane that met too many: %s', (_field, tally) => {
    const { events, lane } = read(make, [blockOf([]), blockOf([], tally), blockOf([])]);
    // The second block is left out, with what it says.
    expect(events).toBe(2 * EVENTS);
    expect(lane).toMatchObject({ events: 80n, pages: 4, badPages: 3, badEvents: 0, backwards: 0 });
  });
});

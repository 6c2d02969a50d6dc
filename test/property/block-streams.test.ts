// Blocks through both engines and the twin: what was put in comes out, and damaged ones are read alike, as far as they can be.

import fc from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import * as L from '../../assembly/layout.ts';
import { buildBlock } from '../../src/blocks/build-block.ts';
import { Items, type Label } from '../../src/blocks/items.ts';
import type { EngineOptions, PlacedEvent } from '../../src/engine/engine.ts';
import type { StatisticsState } from '../../src/model/state.ts';
import type { EngineMaker } from '../../src/session/pump.ts';
import { canonical, ENGINES, options, row, SEED, SOAK } from '../engine/harness.ts';
import { harm, harmed } from './block-harms.ts';

const LANES = 3;
const BLOCKS = { cpu: 0, layout: null, blocks: true, mult: 0, shift: 0, offsetNs: 0n };

const few = fc.constantFrom(0n, 1n, 0xffff_8881_0000_0000n, 0xffff_8881_0000_0040n, 2n ** 64n - 1n);
const wide = fc.oneof({ weight: 4, arbitrary: few }, { weight: 1, arbitrary: fc.bigInt(0n, 2n ** 64n - 1n) });
const delta = fc.oneof(
  { weight: 8, arbitrary: fc.bigInt(0n, 5000n) },
  fc.bigInt(-1000n, -1n),
  fc.bigInt(0n, 2n ** 64n - 1n),
);

interface Step {
  readonly delta: bigint;
  readonly lane: number;
  readonly skip: number;
  readonly event: Omit<PlacedEvent['event'], 'time'>;
  readonly label: Label;
}

const step: fc.Arbitrary<Step> = fc.record({
  delta,
  lane: fc.nat(LANES - 1),
  skip: fc.oneof({ weight: 5, arbitrary: fc.constant(40) }, fc.nat(100_000)),
  event: fc.record({
    address: wide,
    value: wide,
    kind: fc.nat(L.KIND_COUNT - 1),
    bit: fc.constantFrom(0, 4, 0xff),
    cpu: fc.constantFrom(0, 1, 1, 2, 300),
    pid: fc.constantFrom(0, 7, 8, -1),
    flags: fc.constantFrom(0, 1, 0x4000, 0x8003),
    type: fc.constantFrom(1, 2, 77),
  }),
  label: fc.record({
    class: fc.constantFrom(0n, 0n, 7n, 2n ** 64n - 1n),
    site: fc.constantFrom(0n, 5n, 2n ** 63n),
  }),
});

/** Events in the order of time, as far as `delta` lets them, and their block. */
function blockOf(steps: readonly Step[]): { bytes: Uint8Array; events: PlacedEvent[] } {
  const items = Items.ofCapacity(steps.length);
  const offsets = Array.from({ length: LANES }, () => 0);
  let time = 1_000_000n;
  const events = steps.map(({ delta: more, lane, skip, event, label }) => {
    time = BigInt.asUintN(64, time + more);
    const placed = { event: { ...event, time }, place: { lane, offset: (offsets[lane]! += skip) } };
    items.push(placed.event, placed.place, label);
    return placed;
  });
  const tally = { firstBad: 9n, pages: 2, badPages: 1, badEvents: 0, backwards: 3 };
  const { head, words } = buildBlock(items, 'records', [{ lane: 1, events: BigInt(steps.length), ...tally }]);
  return { bytes: new Uint8Array(Buffer.concat([head, words])), events };
}

interface Outcome {
  readonly events: readonly PlacedEvent[];
  readonly state: unknown;
}

function run(make: EngineMaker, blocks: readonly Uint8Array[], asked: Partial<EngineOptions>): Outcome {
  const lanes = Array.from({ length: LANES }, () => BLOCKS);
  const engine = make(options({ lanes, rows: [row(0, 0), row(1, 1), row(2, 3)], ...asked }));
  const events: PlacedEvent[] = [];
  let next = 0;
  for (let pauses = 0; pauses < 10_000; pauses++) {
    const { state, lane } = { lane: 0, ...engine.step() };
    events.push(...engine.takeEvents());
    engine.drain();
    if (state === 'done') return { events, state: [canonical(engine.state()), engine.statistics()] };
    if (state !== 'dry') continue;
    const block = lane === 0 ? blocks[next++] : undefined;
    if (block) engine.window(0).set(block);
    if (block) engine.supply(0, block.length);
    else engine.finish(lane);
  }
  throw new Error('hangs');
}

/** All engines do the same with these blocks; returns what they did. */
function agree(blocks: readonly Uint8Array[], asked: Partial<EngineOptions>): Outcome {
  const outcomes = ENGINES.map(([, make]) => run(make, blocks, asked));
  const twin = outcomes.at(-1)!;
  for (const outcome of outcomes) if (!isDeepStrictEqual(outcome, twin)) expect(outcome).toEqual(twin);
  return twin;
}

const steps = fc.array(step, { maxLength: 300 });
const modes = fc.constantFrom<Partial<EngineOptions>>(
  { collect: true },
  { silentNs: 1000, irqOffNs: 1000, spinNs: 0 },
  { statistics: { split: L.SPLIT_BY_SITE | L.SPLIT_BY_TASK } },
  { statistics: { split: L.SPLIT_BY_STACK } },
);

describe('engines and twin do the same with random blocks', { timeout: 120_000 * SOAK }, () => {
  test('whole ones give back every event', () => {
    const property = fc.property(fc.array(steps, { maxLength: 3 }), (lists) => {
      const built = lists.map(blockOf);
      const { events } = agree(
        built.map(({ bytes }) => bytes),
        { collect: true },
      );
      expect(events).toEqual(built.flatMap((block) => block.events));
    });
    fc.assert(property, { seed: SEED, numRuns: 100 * SOAK });
  });

  test('whole ones tell statistics of their locks and callers', () => {
    const property = fc.property(steps, (list) => {
      const { state } = agree([blockOf(list).bytes], { statistics: { split: L.SPLIT_BY_SITE } });
      const known = new Set(list.map(({ label }) => label.site));
      const [, { series }] = state as [unknown, StatisticsState];
      for (const { site } of series) expect(known).toContain(site);
    });
    fc.assert(property, { seed: SEED, numRuns: 100 * SOAK });
  });

  test('damaged ones', () => {
    const some = fc.array(harm, { maxLength: 3 });
    const cut = fc.option(fc.nat(), { nil: null });
    const property = fc.property(steps, some, cut, some, modes, (list, first, end, second, mode) => {
      const { bytes } = blockOf(list);
      const one = harmed(bytes, first);
      agree(
        [end === null ? one : one.subarray(0, 1 + (end % one.length)), harmed(bytes, second), bytes],
        mode,
      );
    });
    fc.assert(property, { seed: SEED, numRuns: 300 * SOAK });
  });
});

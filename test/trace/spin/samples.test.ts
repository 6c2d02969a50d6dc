// Containers of perf.data made by hand: everything that a sample can have, and samples whose events foretell them wrongly.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesSource } from '../../../src/io/bytes.ts';
import * as P from '../../../src/model/perf-records.ts';
import { openSource } from '../../../src/trace/open.ts';
import { SAMPLE } from '../../../src/trace/perf-data/attr.ts';
import { SampleEvents } from '../../../src/trace/perf-data/sample.ts';
import { SampleTeller } from '../../../src/trace/perf-data/teller.ts';
import { SampleMask } from '../../../src/trace/spin/sample-mask.ts';
import { FormatIndex } from '../../../src/trace/trace-dat/formats.ts';
import { Teller } from '../../../src/trace/trace-dat/teller.ts';
import { otherRow } from '../../../src/mapping/decode-row.ts';
import { tables } from '../../property/sample-streams.ts';
import { SEED, SOAK } from '../../engine/harness.ts';
import {
  comm,
  FEATURES,
  fork,
  idIndex,
  lost,
  lostSamples,
  perfFile,
  perfPipe,
  perfRecord,
  ROUND,
  sample,
  throttle,
  trailer,
  USUAL,
  type BuiltAttr,
  type BuiltFile,
} from '../perf-data/build.ts';
import { ACQUIRE, Bytes, record, UNMAPPED } from '../trace-dat/build.ts';
import { compareEvents, join, open, partsOf, reportOf, samplesMissing } from './container.ts';

const TAKE: BuiltAttr = { config: ACQUIRE, sampleType: USUAL, ids: [10, 11, 12] };
const OTHER: BuiltAttr = { config: UNMAPPED, sampleType: USUAL, ids: [20, 21, 22] };
const CLOCK: BuiltAttr = { type: 1, config: 0, sampleType: USUAL & ~SAMPLE.raw, ids: [40, 41, 42] };
const CPUS = idIndex([10, 20, 40].flatMap((id) => [0, 1, 2].map((cpu): [number, number] => [id + cpu, cpu])));

function take(pid: number, address: bigint, preempt = 1): Uint8Array {
  const fields = new Bytes().u64(address).u32(4).u32(0).u64(0xffffffff81000039n);
  return record(ACQUIRE, pid, fields.done(), 1, preempt);
}

const thing = (pid: number): Uint8Array => record(UNMAPPED, pid, new Bytes().u32(7).done(), 0, 1);
const taken = (cpu: number, time: number, preempt = 1): Uint8Array =>
  sample(TAKE, { id: 10 + cpu, time, cpu, pid: 100 + cpu, raw: take(100 + cpu, BigInt(time), preempt) });

const opened = (bytes: Uint8Array) => openSource(bytesSource(bytes, 'perf.data'));

/** The container of a perf.data, which gives the same report, events, records and names. */
async function same(bytes: Uint8Array): Promise<Uint8Array> {
  const container = join(await partsOf(await opened(bytes)));
  expect(reportOf(await open(container))).toEqual(reportOf(await opened(bytes)));
  const [original, ours] = [await opened(bytes), await open(container)];
  expect(compareEvents(original, ours, 1).different).toEqual([]);
  expect(ours.losses?.()).toEqual(original.losses?.());
  expect(ours.isCut).toBe(original.isCut ?? false);
  for (const pid of [0, 7, 42, 100, 101, 102]) expect(ours.comm(pid)).toBe(original.comm(pid));
  return container;
}

/** The same, and every sample of the file comes back. */
async function whole(built: BuiltFile): Promise<void> {
  const file = perfFile(built);
  expect(await samplesMissing(file, await same(file))).toEqual([]);
}

const ROUNDS: BuiltFile = {
  attrs: [TAKE, OTHER],
  records: [
    CPUS,
    comm(100, 'alpha', TAKE),
    fork(101, 100, TAKE),
    taken(0, 100),
    taken(0, 300, 0),
    taken(1, 150),
    taken(1, 250, 2),
    ROUND,
    taken(0, 400),
    comm(102, 'two\nlines', TAKE),
    taken(1, 350),
    sample(OTHER, { id: 21, time: 500, cpu: 1, pid: 101, raw: thing(101) }),
    ROUND,
  ],
};

describe('a container of perf.data', () => {
  test('rounds of several CPUs, names of tasks', () => whole(ROUNDS));

  test('in pipe mode', async () => {
    await same(perfPipe(ROUNDS));
  });

  test('losses at their place, in all, and by throttling', () =>
    whole({
      attrs: [TAKE],
      records: [
        CPUS,
        taken(1, 100),
        lost(TAKE, { id: 11, time: 200, cpu: 1, count: 5 }),
        taken(1, 200),
        taken(0, 150),
        throttle(TAKE, P.THROTTLE, { time: 260, cpu: 0 }),
        taken(0, 300),
        lost(TAKE, { id: 12, time: 310, cpu: 2, count: 3 }),
        lostSamples(TAKE, 11, 9),
        lostSamples(TAKE, 10, 2 ** 52),
      ],
    }));

  test('a file that was cut, or that perf did not finish', async () => {
    const bytes = perfFile(ROUNDS);
    await same(bytes.slice(0, bytes.indexOf(0x44, bytes.length - 400)));
    await same(perfFile({ ...ROUNDS, dataSize: 0 }));
  });

  test('of a header, and of losses, that claim absurd things', () => {
    const cpus = new Bytes().u32(0xffff_fff0).u32(3).done();
    const trailed = perfRecord(
      P.LOST_SAMPLES,
      new Bytes()
        .u64(1n << 63n)
        .raw(trailer(TAKE, { id: 10, time: 5, cpu: 0xffff_fff0 }))
        .done(),
    );
    return whole({
      attrs: ROUNDS.attrs,
      records: [...ROUNDS.records, trailed],
      features: [...FEATURES.filter(([number]) => number !== 7), [7, cpus]],
    });
  });

  test('without formats', () => whole({ ...ROUNDS, features: [] }));

  test('several kinds of samples, told apart by their ids; some without a record', () => {
    const deep = { ...OTHER, sampleType: USUAL | SAMPLE.callchain | SAMPLE.id | SAMPLE.streamId };
    const callers = (count: number): bigint[] =>
      Array.from({ length: count }, (_, n) =>
        n === 0 ? 0xffff_ffff_ffff_ff80n : 0xffffffff81000000n + BigInt(n),
      );
    return whole({
      attrs: [TAKE, deep, CLOCK],
      records: [
        CPUS,
        taken(0, 1),
        sample(deep, { id: 20, time: 2, raw: thing(5), callers: callers(3) }),
        sample(CLOCK, { id: 41, time: 3, cpu: 1, pid: 6 }),
        sample(deep, { id: 22, time: 4, cpu: 2, raw: thing(5), callers: callers(9) }),
        sample(deep, { id: 20, time: 5, raw: thing(5), callers: [] }),
        taken(0, 6),
        sample(CLOCK, { id: 40, time: 7, pid: 6 }),
      ],
    });
  });

  test.each([
    ['one value with everything', 1 | 2 | 4 | 16, new Bytes().u64(1).u64(2).u64(3).u64(4).u64(5)],
    ['a group of two', 8 | 4 | 16, new Bytes().u64(2).u64(1).u64(10).u64(0).u64(2).u64(20).u64(0)],
  ])('read values: %s', (_, readFormat, read) => {
    const reads = { ...TAKE, sampleType: USUAL | SAMPLE.read | SAMPLE.callchain, readFormat };
    const built = { raw: take(1, 9n), read: read.done(), callers: [1n, 2n] };
    return whole({
      attrs: [reads],
      records: [sample(reads, { time: 7, ...built }), sample(reads, { time: 8, ...built })],
    });
  });

  test('the CPU comes from the id where samples do not tell', () => {
    const bare = { ...TAKE, sampleType: USUAL & ~SAMPLE.cpu };
    return whole({
      attrs: [bare],
      records: [CPUS, ...[7, 8].map((time) => sample(bare, { id: 12, time, raw: take(1, 9n) }))],
    });
  });
});

test('samples that their events foretell wrongly come back all the same', async () => {
  const arbitrary = fc.record({
    id: fc.constantFrom(10, 11, 12, 20, 999),
    cpu: fc.nat(3),
    time: fc.nat(5000),
    pid: fc.constantFrom(0, 1, 100, 0x7fff_ffff),
    recorded: fc.constantFrom(0, 1, 100, -1),
    address: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    preempt: fc.nat(255),
    isTake: fc.boolean(),
    callers: fc.array(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), { maxLength: 5 }),
    read: fc.bigInt({ min: 0n, max: 3n }),
  });
  const sampleTypes = [
    USUAL,
    USUAL | SAMPLE.callchain,
    USUAL | SAMPLE.callchain | SAMPLE.read | SAMPLE.address | SAMPLE.streamId,
    (USUAL & ~SAMPLE.identifier) | SAMPLE.id,
  ];
  const property = fc.asyncProperty(
    fc.constantFrom(...sampleTypes),
    fc.array(arbitrary, { minLength: 1, maxLength: 60 }),
    async (sampleType, samples) => {
      const one = { ...TAKE, sampleType };
      const records = samples.map(({ recorded, address, preempt, isTake, read, ...built }) =>
        sample(one, {
          ...built,
          read: new Bytes().u64(read).done(),
          raw: isTake ? take(recorded, address, preempt) : thing(recorded),
        }),
      );
      await whole({ attrs: [one], records: [CPUS, ...records] });
    },
  );
  await fc.assert(property, { seed: SEED, numRuns: 40 * SOAK });
});

test('whatever a container says of samples, what its events foretell goes in as it came out', () => {
  const nothing = () => new Uint8Array(0);
  const loads = { kallsyms: nothing, cmdlines: nothing, 'printk-formats': nothing };
  const place = fc.record({ at: fc.nat(0xffff), size: fc.constantFrom(0, 1, 4, 8, 0xffff) });
  const property = fc.property(
    tables,
    fc.record({ address: place, value: place, high: place }),
    fc.uint8Array({ maxLength: 200 }),
    fc.uint8Array({ minLength: 40, maxLength: 40 }),
    fc.constantFrom(1, 2, 77, 0xffff),
    (of, places, bytes, event, type) => {
      const mask = new SampleMask(of, [otherRow(0), { ...otherRow(type), kind: 1, ...places }]);
      new DataView(event.buffer).setUint16(34, type, true);
      const folded = bytes.slice();
      mask.fold(folded, event, 0);
      mask.fold(folded, event, 0);
      expect(folded).toEqual(bytes);
      new SampleTeller(new SampleEvents(of), new Teller(new FormatIndex(), { longSize: 8 }, loads)).tell(
        bytes,
      );
    },
  );
  fc.assert(property, { seed: SEED, numRuns: 2000 * SOAK });
});

import { describe, expect, test } from 'vitest';
import { FLAGS, KINDS } from '../../../src/model/event.ts';
import * as P from '../../../src/model/perf-records.ts';
import { eventsOf, replayCapture } from '../../../src/session/session.ts';
import { openSource } from '../../../src/trace/open.ts';
import { SAMPLE } from '../../../src/trace/perf-data/attr.ts';
import { ACQUIRE, Bytes, record, UNMAPPED } from '../trace-dat/build.ts';
import {
  comm,
  fork,
  idIndex,
  lost,
  lostSamples,
  perfFile,
  perfPipe,
  perfRecord,
  ROUND,
  sample,
  sourceOf,
  throttle,
  trailer,
  USUAL,
  type BuiltAttr,
  type BuiltFile,
} from './build.ts';

const TAKE: BuiltAttr = { config: ACQUIRE, sampleType: USUAL, ids: [10, 11, 12] };
const OTHER: BuiltAttr = { config: UNMAPPED, sampleType: USUAL, ids: [20, 21, 22] };
const DUMMY: BuiltAttr = { type: 1, config: 9, sampleType: USUAL & ~SAMPLE.raw, ids: [30] };
const CPUS = idIndex([
  [10, 0],
  [11, 1],
  [12, 2],
  [20, 0],
  [21, 1],
  [22, 2],
]);

/** The raw record of a take. */
function take(pid: number, address: bigint, preempt = 1, flags = 1): Uint8Array {
  return record(
    ACQUIRE,
    pid,
    new Bytes().u64(address).u32(4).u32(0).u64(0xffffffff81000039n).done(),
    flags,
    preempt,
  );
}

const thing = (pid: number): Uint8Array => record(UNMAPPED, pid, new Bytes().u32(7).done(), 0, 1);

const taken = (cpu: number, time: number, preempt = 1): Uint8Array =>
  sample(TAKE, { id: 10 + cpu, time, cpu, pid: 100 + cpu, raw: take(100 + cpu, BigInt(time), preempt) });

async function eventsIn(bytes: Uint8Array) {
  const capture = await openSource(sourceOf(bytes));
  const events = [...eventsOf(capture)];
  return {
    capture,
    events,
    told: events.map(({ event }) => `${event.time} ${KINDS[event.kind]} cpu ${event.cpu}`),
  };
}

/** Nothing in these files has kernel symbols, and one of the formats that they share with the trace.dat tests does not fit. */
const EXPECTED = new Set(['no-symbols', 'mapping-misfit']);
const damageOf = (capture: { damage(): readonly { name: string }[] }) =>
  capture
    .damage()
    .map(({ name }) => name)
    .filter((name) => !EXPECTED.has(name));

/** Two rounds, each CPU's ring in its own order. */
const ROUNDS: BuiltFile = {
  attrs: [TAKE, OTHER, DUMMY],
  records: [
    CPUS,
    comm(100, 'alpha', TAKE),
    fork(101, 100, TAKE),
    taken(0, 100),
    taken(0, 300),
    taken(1, 150),
    taken(1, 250),
    ROUND,
    taken(0, 400),
    taken(1, 350),
    sample(OTHER, { id: 21, time: 500, cpu: 1, pid: 101, raw: thing(101) }),
    ROUND,
  ],
};
const IN_ORDER = [
  '100 attempt cpu 0',
  '150 attempt cpu 1',
  '250 attempt cpu 1',
  '300 attempt cpu 0',
  '350 attempt cpu 1',
  '400 attempt cpu 0',
  '500 other cpu 1',
];

describe.each([
  ['file', perfFile],
  ['pipe', perfPipe],
])('%s mode', (_, build) => {
  test('rounds become one order of time', async () => {
    const { capture, told } = await eventsIn(build(ROUNDS));
    expect(told).toEqual(IN_ORDER);
    expect(damageOf(capture)).toEqual([]);
  });

  test('header, names and records', async () => {
    const { capture, events } = await eventsIn(build(ROUNDS));
    expect(capture).toMatchObject({
      kernel: '6.12.0-built',
      cpuCount: 4,
      clock: { name: 'perf', unit: 'ns' },
    });
    expect([capture.comm(100), capture.comm(101), capture.comm(42), capture.comm(7)]).toEqual([
      'alpha',
      'alpha',
      'saved',
      null,
    ]);
    expect(capture.record(events[0]!.place)).toMatchObject({
      type: { id: ACQUIRE, system: 'bitlock', name: 'bit_spin_acquire' },
      text: 'addr=0x64 bitnr=4 ip=0xffffffff81000039',
    });
    expect(capture.record(events[6]!.place)).toMatchObject({ text: 'x=7' });
  });

  test('a callchain goes along', async () => {
    const deep = { ...TAKE, sampleType: USUAL | SAMPLE.callchain | SAMPLE.read, readFormat: 4 };
    const callers = [0xffff_ffff_ffff_ff80n, 0xffffffff81000100n, 0xffffffff81000200n];
    const { capture, events } = await eventsIn(
      build({
        attrs: [deep],
        records: [
          sample(deep, { time: 5, raw: take(1, 9n), callers, read: new Bytes().u64(1).u64(10).done() }),
        ],
      }),
    );
    expect(events[0]!.event).toMatchObject({ address: 9n, pid: 1 });
    expect(capture.record(events[0]!.place)).toMatchObject({
      callers: ['0xffffffff81000100', '0xffffffff81000200'],
      text: expect.stringContaining('<- 0xffffffff81000100 <- 0xffffffff81000200'),
    });
  });
});

describe('samples', () => {
  const parts = Object.values(SAMPLE).filter((part) => part !== SAMPLE.raw && part !== SAMPLE.read);
  // Without time there is no order, without an id or a single event no way to tell them apart.
  test.each(parts.map((part) => [part]))('without part 0x%x, or with it', async (part) => {
    for (const sampleType of [USUAL | part, USUAL & ~part]) {
      if (!(sampleType & SAMPLE.time) || !(sampleType & SAMPLE.cpu)) continue;
      const one = { ...TAKE, sampleType };
      const { told } = await eventsIn(
        perfFile({ attrs: [one], records: [sample(one, { time: 7, cpu: 3, raw: take(1, 9n) })] }),
      );
      expect(told).toEqual(['7 attempt cpu 3']);
    }
  });

  test('events whose samples lie differently are told apart by their ids', async () => {
    const wide = { ...OTHER, sampleType: USUAL | SAMPLE.callchain };
    const { told } = await eventsIn(
      perfFile({
        attrs: [TAKE, wide],
        records: [
          taken(0, 1),
          sample(wide, { id: 20, time: 2, raw: thing(1), callers: [1n, 2n] }),
          taken(0, 3),
        ],
      }),
    );
    expect(told).toEqual(['1 attempt cpu 0', '2 other cpu 0', '3 attempt cpu 0']);
  });

  test.each([
    ['one value', 0, new Bytes().u64(1)],
    ['one value with everything', 1 | 2 | 4 | 16, new Bytes().u64(1).u64(2).u64(3).u64(4).u64(5)],
    ['a group of two', 8 | 4 | 16, new Bytes().u64(2).u64(1).u64(10).u64(0).u64(2).u64(20).u64(0)],
    ['a group with times', 8 | 1 | 2, new Bytes().u64(1).u64(7).u64(8).u64(9)],
  ])('read values: %s', async (_, readFormat, read) => {
    const reads = { ...TAKE, sampleType: USUAL | SAMPLE.read, readFormat };
    const { told } = await eventsIn(
      perfFile({
        attrs: [reads],
        records: [sample(reads, { time: 7, raw: take(1, 9n), read: read.done() })],
      }),
    );
    expect(told).toEqual(['7 attempt cpu 0']);
  });

  test('the CPU comes from the id where samples do not tell', async () => {
    const bare = { ...TAKE, sampleType: USUAL & ~SAMPLE.cpu };
    const records = [CPUS, sample(bare, { id: 12, time: 7, raw: take(1, 9n) })];
    expect((await eventsIn(perfFile({ attrs: [bare], records }))).told).toEqual(['7 attempt cpu 2']);
  });

  test('tracing itself takes one level of preemption where no record has less', async () => {
    const flagsWith = async (...depths: number[]) =>
      (
        await eventsIn(perfFile({ attrs: [TAKE], records: depths.map((depth, n) => taken(0, n + 1, depth)) }))
      ).events.map(({ event }) => (event.flags & FLAGS['preempt-off']) !== 0);
    expect(await flagsWith(1, 2)).toEqual([false, true]);
    expect(await flagsWith(0, 1)).toEqual([false, true]);
    expect(await flagsWith(0x11, 0x12)).toEqual([false, true]);
  });

  test('a sample that is no tracepoint is counted by its name and says nothing else', async () => {
    const cycles: BuiltAttr = { type: 0, config: 0, sampleType: USUAL & ~SAMPLE.raw, ids: [40] };
    const bytes = perfFile({
      attrs: [TAKE, cycles],
      records: [taken(0, 1), sample(cycles, { time: 2, pid: 5 })],
    });
    const capture = await openSource(sourceOf(bytes));
    const { event } = [...eventsOf(capture)][1]!;
    expect(event).toMatchObject({ pid: 5, flags: FLAGS.nmi, kind: 0 });
    expect(capture.types.find(({ id }) => id === event.type)?.name).toBe('event 0 of type 0');
  });

  test('a large AUX area is stepped over', async () => {
    const aux = new Bytes().u64(70_000).raw(new Uint8Array(32)).done();
    const records = [taken(0, 1), perfRecord(71, aux), new Uint8Array(70_000).fill(9), taken(0, 2)];
    const { told, capture } = await eventsIn(perfFile({ attrs: [TAKE], records }));
    expect(told).toEqual(['1 attempt cpu 0', '2 attempt cpu 0']);
    expect(damageOf(capture)).toEqual([]);
  });
});

describe('losses', () => {
  test('LOST has a place, LOST_SAMPLES is a total, what is filtered is none', async () => {
    const records = [
      CPUS,
      taken(1, 100),
      lost(TAKE, { id: 11, time: 200, cpu: 1, count: 5 }),
      taken(1, 200),
      taken(0, 150),
      lostSamples(TAKE, 11, 9),
      lostSamples(TAKE, 10, 0),
      lostSamples(TAKE, 12, 77, 1 << 15),
    ];
    const capture = await openSource(sourceOf(perfFile({ attrs: [TAKE, DUMMY], records })));
    const state = replayCapture(capture);
    expect(state.cpus.map(({ cpu, lost, lostSpans }) => [cpu, lost, lostSpans])).toEqual([
      [0, 0n, 0],
      [1, 5n, 1],
    ]);
    expect(capture.losses?.()).toEqual([{ cpu: 1, count: 4 }]);
    expect(capture.damage().filter(({ name }) => !EXPECTED.has(name))).toMatchObject([
      { name: 'lost', count: 5 },
      { name: 'lost-samples', count: 9 },
    ]);
  });

  test('a LOST in front of another record still belongs to its own CPU', async () => {
    const records = [
      taken(1, 100),
      lost(TAKE, { id: 11, time: 140, cpu: 1, count: 5 }),
      comm(5, 'x', TAKE),
      taken(0, 120),
    ];
    const { told } = await eventsIn(perfFile({ attrs: [TAKE], records }));
    expect(told).toEqual(['100 attempt cpu 1', '140 lost cpu 1', '120 attempt cpu 0']);
  });

  test('a throttled event is lost, nobody knows how often', async () => {
    const records = [
      taken(0, 1),
      throttle(TAKE, P.THROTTLE, { time: 2, cpu: 0 }),
      throttle(TAKE, P.UNTHROTTLE, { time: 9, cpu: 0 }),
      taken(0, 10),
    ];
    const { capture, told } = await eventsIn(perfFile({ attrs: [TAKE], records }));
    expect(told).toEqual(['1 attempt cpu 0', '2 lost cpu 0', '9 lost cpu 0', '10 attempt cpu 0']);
    expect(capture.losses?.()).toEqual([{ cpu: 0, count: null }]);
    expect(damageOf(capture)).toEqual(['throttled']);
  });

  test.each([
    ['a frequency', { frequency: true, period: 4000 }],
    ['a period', { period: 10 }],
  ])('%s means that most events are missing', async (_, how) => {
    const few = { ...TAKE, ...how };
    const { capture } = await eventsIn(perfFile({ attrs: [few], records: [taken(0, 1)] }));
    expect(damageOf(capture)).toEqual(['sampled']);
    expect(capture.losses?.()).toEqual([{ cpu: null, count: null }]);
  });
});

describe('order', () => {
  test('a record that an interrupt overtook', async () => {
    const { told } = await eventsIn(
      perfFile({ attrs: [TAKE], records: [taken(0, 1), taken(0, 3), taken(0, 2), taken(0, 4)] }),
    );
    expect(told.map((text) => text.split(' ')[0])).toEqual(['1', '2', '3', '4']);
  });

  test('thousands of samples newest first are counted as out of order', async () => {
    const times = Array.from({ length: 3000 }, (_, n) => 3000 - n);
    const { capture, told } = await eventsIn(
      perfFile({ attrs: [TAKE], records: times.map((time) => taken(0, time)) }),
    );
    expect(told).toHaveLength(3000);
    expect(damageOf(capture)).toEqual(['disordered']);
  });

  test('pieces longer than a window', async () => {
    const times = Array.from({ length: 20_000 }, (_, n) => n + 1);
    const records = [
      ...times.map((time) => taken(0, 2 * time)),
      ...times.map((time) => taken(1, 2 * time + 1)),
    ];
    const { told } = await eventsIn(perfFile({ attrs: [TAKE], records }));
    expect(told).toEqual(Array.from({ length: 40_000 }, (_, n) => `${n + 2} attempt cpu ${n % 2}`));
  });
});

describe('what is not read', () => {
  const built = (of: BuiltAttr) => openSource(sourceOf(perfFile({ attrs: [of], records: [] })));

  test('samples without time, without CPU, or newest first', async () => {
    await expect(built({ ...TAKE, sampleType: USUAL & ~SAMPLE.time })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
    });
    await expect(built({ ...TAKE, sampleType: USUAL & ~SAMPLE.cpu })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
    });
    await expect(built({ ...TAKE, backward: true })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });

  test('the first version', async () => {
    const bytes = new Bytes().text('PERFFILE').raw(new Uint8Array(200)).done();
    await expect(openSource(sourceOf(bytes))).rejects.toMatchObject({ code: 'UNSUPPORTED', offset: 0 });
  });

  test('fields that were not recorded, formats that perf did not come to write', async () => {
    const bare = { ...TAKE, sampleType: USUAL & ~SAMPLE.raw };
    const one = await eventsIn(perfFile({ attrs: [bare], records: [sample(bare, { time: 1 })] }));
    expect(one.told).toEqual(['1 other cpu 0']);
    expect(damageOf(one.capture)).toEqual(['no-raw-records']);
    const two = await eventsIn(perfFile({ ...ROUNDS, features: [], dataSize: 0 }));
    expect(two.told).toEqual(IN_ORDER.map((text) => text.replace('attempt', 'other')));
    expect(damageOf(two.capture)).toEqual(['unfinished', 'formats-missing']);
    expect(two.capture.isCut).toBe(true);
  });

  test('clocks by their number', async () => {
    const clocked = { ...TAKE, clockId: 1 };
    const { capture } = await eventsIn(
      perfFile({ attrs: [clocked], records: [sample(clocked, { time: 1, raw: take(1, 9n) })] }),
    );
    expect(capture.clock).toEqual({ name: 'mono', unit: 'ns' });
  });

  test('an id that nobody listed, where samples lie differently', async () => {
    const wide = { ...OTHER, sampleType: USUAL | SAMPLE.callchain };
    const records = [taken(0, 1), sample(TAKE, { id: 999, time: 2, raw: take(1, 9n) }), taken(0, 3)];
    const { capture, told } = await eventsIn(perfFile({ attrs: [TAKE, wide], records }));
    expect(told).toEqual(['1 attempt cpu 0', '3 attempt cpu 0']);
    expect(damageOf(capture)).toEqual(['unknown-ids']);
  });
});

test('an event whose samples have their ids elsewhere: left out, and told', async () => {
  const elsewhere = { ...OTHER, sampleType: (USUAL & ~SAMPLE.identifier) | SAMPLE.id };
  const records = [taken(0, 1), sample(elsewhere, { id: 20, time: 2, raw: thing(1) }), taken(0, 3)];
  const { capture, told } = await eventsIn(perfFile({ attrs: [TAKE, elsewhere], records }));
  expect(told).toEqual(['1 attempt cpu 0', '3 attempt cpu 0']);
  expect(damageOf(capture)).toEqual(['unknown-ids']);
});

test('the end of other records is as long as it says', () => {
  expect(trailer(TAKE, { time: 1 })).toHaveLength(32);
});

test('a sample that is too short for its event, in the middle of others, is counted and left out', async () => {
  const short = perfRecord(P.SAMPLE, new Bytes().u64(10).u64(0).u64(0).u64(2000).done());
  const records = [taken(0, 1000), taken(0, 1500), short, taken(0, 3000)];
  const { told, capture } = await eventsIn(perfFile({ attrs: [TAKE], records }));
  expect(told.map((text) => Number.parseInt(text, 10))).toEqual([1000, 1500, 3000]);
  expect(damageOf(capture)).toEqual(['unknown-ids']);
});

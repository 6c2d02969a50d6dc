import { describe, expect, test } from 'vitest';
import { replayed } from '../../bench/replay.ts';
import { fitsTypedArrays, makeTypedArrays } from '../../bench/typed-arrays.ts';
import { FIXED_LOCKS, LOCK_TABLES, WORKLOADS, type Workload } from '../../bench/workloads.ts';
import { Random } from '../../src/base/random.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { otherRow } from '../../src/mapping/decode-row.ts';
import { FLAGS, KINDS } from '../../src/model/event.ts';
import { COUNTERS, RING } from '../../src/model/engine-numbers.ts';
import { EVENT_RECORD_SIZE, writeEvent } from '../../src/model/event-record.ts';
import type { CpuState, EngineState, HistogramState, Mark, RingRecord } from '../../src/model/state.ts';
import { makeWasmEngine } from '../../src/session/pump.ts';

type Kept = ReturnType<ReturnType<typeof makeTypedArrays>['state']>;

/** The engine's figures under the names and in the shapes of the typed-array engine's. */
function keptByEngine(state: EngineState, rows: number) {
  const counter = (name: keyof typeof COUNTERS): number => Number(state.counters[COUNTERS[name]]);
  const counts = Array.from({ length: 3 * rows }, () => 0);
  for (const { row, count, irqsOn, irqsOff } of state.rows)
    counts.splice(3 * row, 3, Number(count), Number(irqsOn), Number(irqsOff));
  return {
    attempts: counter('attempts'),
    acquisitions: counter('acquisitions'),
    releases: counter('releases'),
    takenTwice: counter('takenTwice'),
    unpairedReleases: counter('unpairedReleases'),
    unknownTypes: counter('unknownTypes'),
    backwards: state.lanes.reduce((sum, lane) => sum + lane.backwards, 0),
    firstTime: Number(state.firstTime),
    lastTime: Number(state.lastTime),
    kinds: [...state.kinds.map(Number).entries()].filter(([, events]) => events > 0),
    rows: counts,
    lanes: state.lanes.map(({ events }) => Number(events)),
    cpus: state.cpus.map(cpu),
    holdNs: histogram(state.holdNs),
    waitNs: histogram(state.waitNs),
  };
}

function cpu(state: CpuState) {
  return {
    events: Number(state.events),
    firstTime: Number(state.firstTime),
    lastTime: Number(state.lastTime),
    busyGaps: Number(state.busyGaps),
    busyMax: Number(state.busyMax),
    backwards: state.backwards,
    last: mark(state.last),
    flagsOn: mark(state.flagsOn),
    flagsOffFirst: mark(state.flagsOffFirst),
    flagsOffLast: mark(state.flagsOffLast),
  };
}

function mark(kept: Mark | null) {
  if (!kept) return null;
  const { lane, offset, value, cpu, pid, type } = kept;
  return { time: Number(kept.time), lane, offset, value, cpu, pid, type };
}

function histogram({ count, sum, min, max, buckets }: HistogramState) {
  return {
    count: Number(count),
    sum: Number(sum),
    min: count > 0n ? Number(min) : Infinity,
    max: Number(max),
    buckets,
  };
}

/** Both replay the workload, and what they keep is the same: returns it. */
function expectSameWork(workload: Workload): Kept {
  expect(fitsTypedArrays(workload)).toBe(true);
  const told: RingRecord[] = [];
  const { engine } = replayed((options) => telling(makeWasmEngine(options), told), workload);
  engine.drain();
  const ours = engine.state();
  const kept = replayed(makeTypedArrays, workload).engine.state();
  const { locks, reports, ...rest } = kept;
  expect(rest).toEqual(keptByEngine(ours, workload.options.rows.length));
  // The engine tells of locks that are held or waited for.
  const busy = new Map([...ours.locks.values()].map((lock) => [lock.address, lock]));
  expect(locks.filter((lock) => lock.isHeld).map(({ address }) => address)).toEqual(
    expect.arrayContaining([...busy.values()].flatMap(({ owner, address }) => (owner ? [address] : []))),
  );
  for (const lock of locks) {
    const theirs = busy.get(lock.address);
    if (!theirs) continue;
    expect(lock).toEqual({
      address: theirs.address,
      acquisitions: theirs.acquisitions,
      releases: theirs.releases,
      waiters: theirs.waiters,
      isHeld: theirs.owner !== null,
      lastUse: Number(theirs.lastUse),
      acquire: mark(theirs.acquire),
      release: mark(theirs.release),
    });
  }
  const byThreshold: readonly number[] = [RING.wait, RING.gap, RING.flagsOff, RING.pause];
  expect(reports).toBe(told.filter(({ kind }) => byThreshold.includes(kind)).length);
  return kept;
}

/** Collects what the engine reports while it is replaying. */
function telling(engine: Engine, told: RingRecord[]): Engine {
  const drain = engine.drain.bind(engine);
  engine.drain = () => {
    const records = drain();
    told.push(...records);
    return records;
  };
  return engine;
}

const CPUS = 4;
const PAUSES_NS = [0n, 1n, 37n, 100n, 3000n, 1n << 20n, 1n << 31n, 1n << 33n, (1n << 40n) + 12345n];
// Among them bits that are no number as a double, and would be changed by whatever takes them for one.
const VALUES = [0n, 1n, 0x7ff0_0000_0000_0001n, 0xfff4_0000_0000_0000n, 0xffff_8881_0000_0000n];

const IRQS = [0, 0, FLAGS['irqs-off'], FLAGS['irqs-unknown']];

/** Takes and releases with all flags that lock events can have, some for long, some by two at once; the last takes stay. */
function manyShapes(events: number, seed: number): Workload {
  const random = new Random(seed);
  const lanes = Array.from({ length: CPUS }, () => new Uint8Array(events * EVENT_RECORD_SIZE));
  const used = Array.from({ length: CPUS }, () => 0);
  const held: { address: bigint; pid: number }[][] = Array.from({ length: CPUS }, () => []);
  let time = 1_000_000_000n;
  const add = (
    cpu: number,
    kind: (typeof KINDS)[number],
    address: bigint,
    pid: number,
    flags: number,
    irqs = random.pick(IRQS),
  ): void => {
    time += random.chance(0.02) ? random.pick(PAUSES_NS) : BigInt(random.int(200));
    const view = new DataView(lanes[cpu]!.buffer);
    writeEvent(view, used[cpu]! * EVENT_RECORD_SIZE, {
      time,
      address,
      value: random.pick(VALUES),
      kind: KINDS.indexOf(kind),
      bit: 0xff,
      cpu,
      pid,
      flags: flags | irqs,
      type: random.int(20),
    });
    used[cpu]!++;
  };
  for (let n = 0; n + 3 + CPUS < events; n += 3) {
    const cpu = random.int(CPUS);
    const address = 0xffff_8881_0000_0000n + BigInt(random.int(random.chance(0.2) ? 100 : 40_000)) * 64n;
    const pid = random.pick([0, 100 + cpu]);
    const how = random.pick([0, 0, FLAGS.read, FLAGS.mutex, FLAGS.try]);
    add(cpu, 'attempt', address, pid, how);
    if (!(how & FLAGS.try)) add(cpu, 'acquire', address, pid, how);
    held[cpu]!.push({ address, pid });
    // Mostly the last take is released first; a few stay for long.
    if (random.chance(0.1) && held[cpu]!.length < 8) continue;
    const [last] = held[cpu]!.splice(random.chance(0.8) ? -1 : 0, 1);
    add(cpu, 'release', last!.address, last!.pid, how & FLAGS.read);
  }
  for (let cpu = 0; cpu < CPUS; cpu++) add(cpu, 'attempt', 0n, 100 + cpu, 0, FLAGS['irqs-off']);
  return {
    name: 'many shapes',
    events: used.reduce((sum, count) => sum + count),
    timedEvents: events,
    lanes: lanes.map((bytes, cpu) => ({ cpu, bytes: bytes.subarray(0, used[cpu]! * EVENT_RECORD_SIZE) })),
    options: {
      lanes: lanes.map((_, cpu) => ({ cpu, layout: null, mult: 0, shift: 0, offsetNs: 0n })),
      rows: Array.from({ length: 16 }, (_, type) => otherRow(type)),
      spinNs: 2000,
      silentNs: 1 << 20,
      irqOffNs: 300,
    },
    lockEventsOnly: true,
    warmBytes: 0,
  };
}

describe('the typed-array engine does the work of the engine', () => {
  test('on the workloads that it is timed on', () => {
    const nested = FIXED_LOCKS(30_000, 7);
    expect(expectSameWork(nested).holdNs.count).toBe(nested.events / 3);
    const zipf = LOCK_TABLES[1](5_000, 3);
    expect(expectSameWork(zipf).locks).toHaveLength(4000);
  });

  // More than its windows and its first index hold.
  test.each([1, 2, 3])('on events of many shapes (seed %i)', (seed) => {
    const kept = expectSameWork(manyShapes(60_000, seed));
    expect(kept.locks.length).toBeGreaterThan(10_000);
    expect(kept.locks.some(({ isHeld }) => isHeld)).toBe(true);
    expect(kept.holdNs.max).toBeGreaterThan(2 ** 32);
    expect(kept.reports).toBeGreaterThan(1000);
    expect(kept.takenTwice).toBeGreaterThan(0);
    expect(kept.unpairedReleases).toBeGreaterThan(0);
    expect(kept.unknownTypes).toBeGreaterThan(0);
    expect(kept.cpus.every(({ flagsOn }) => flagsOn)).toBe(true);
    expect(kept.cpus.some(({ flagsOffFirst }) => flagsOffFirst)).toBe(true);
  });
});

test('every workload is replayed to its end, and nothing in it is wrong', () => {
  // Four million locks are for the benchmark alone.
  for (const make of WORKLOADS.filter((maker) => maker !== LOCK_TABLES[0])) {
    const workload = make(5_000, 3);
    const state = replayed(makeWasmEngine, workload).engine.state();
    expect(Number(state.events), workload.name).toBe(workload.events);
    expect(state.counters[COUNTERS.takenTwice], workload.name).toBe(0n);
    expect(state.counters[COUNTERS.unpairedReleases], workload.name).toBe(0n);
  }
});

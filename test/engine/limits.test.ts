// Rings that fill and wrap, tables and memory that run out, many lanes, and the joints between steps.

import { describe, expect, test } from 'vitest';
import * as L from '../../assembly/layout.ts';
import type { EngineOptions } from '../../src/engine/engine.ts';
import { SpinbackError } from '../../src/base/errors.ts';
import type { WasmEngine } from '../../src/engine/wasm-engine.ts';
import { Random } from '../../src/base/random.ts';
import type { CanonicalEvent } from '../../src/model/event.ts';
import { namespaceFlags } from '../../src/model/event-record.ts';
import type { EngineMaker } from '../../src/session/pump.ts';
import { recordsOf } from '../property/event-streams.ts';
import { writePages } from '../property/page-streams.ts';
import { agree, debug, ENGINES, options, RECORDS, release, run, type Feed } from './harness.ts';

const WASM: readonly (readonly [name: string, make: EngineMaker])[] = [
  ['release', release],
  ['debug', debug],
];
const WORD = namespaceFlags('word');

function event(time: number, kind: number, about: Partial<CanonicalEvent> = {}): CanonicalEvent {
  return {
    time: BigInt(time),
    kind,
    address: 0n,
    value: 0n,
    bit: 4,
    cpu: 0,
    pid: 7,
    flags: WORD,
    type: 0,
    ...about,
  };
}

/** `count` events made from their number. */
function events(count: number, make: (n: number) => CanonicalEvent): Uint8Array {
  return recordsOf(Array.from({ length: count }, (_, n) => make(n)));
}

const messages = (count: number): Uint8Array => events(count, (n) => event(n + 1, L.KIND_MESSAGE));

describe('the finding ring', () => {
  test('wraps many times, at any capacity, and loses nothing', () => {
    for (const ringRecords of [16, 17, 31, 64]) {
      for (const drainLate of [false, true]) {
        const feed = { options: options({ ringRecords }), lanes: [messages(2000)], drainLate };
        const { records, last } = agree(feed);
        expect(records.map(({ marks }) => marks[0]!.time)).toEqual(records.map((_, n) => BigInt(n + 1)));
        expect(records.length).toBe(2000);
        expect(last.counters[L.COUNTER_DROPPED_FINDINGS]).toBe(0n);
      }
    }
  });

  test('stops the step while it is full, until it is drained', () => {
    for (const [, make] of ENGINES) {
      const engine = make(options({ ringRecords: 20 }));
      expect(engine.step()).toEqual({ state: 'dry', lane: 0 });
      const input = messages(30);
      engine.window(0).set(input);
      engine.supply(0, input.length);
      for (let n = 0; n < 3; n++) expect(engine.step()).toEqual({ state: 'full' });
      expect(engine.drain().length).toBe(5);
      expect(engine.drain().length).toBe(0);
      expect(engine.step()).toEqual({ state: 'full' });
    }
  });

  test('counts what one single event reports beyond its room', () => {
    // 60 bit locks of one word are taken after a plain load that saw none of them; the store then erases all of them.
    const take = (bit: number): CanonicalEvent =>
      event(10 + bit, L.KIND_ACQUIRE, { bit, pid: 8, cpu: 1 + bit });
    const lanes = [
      recordsOf([
        event(1, L.KIND_WORD_LOAD),
        ...Array.from({ length: 60 }, (_, bit) => take(bit)),
        event(100, L.KIND_WORD_STORE),
      ]),
    ];
    const { records, last } = agree({ options: options({ ringRecords: 16, tableFloor: 100 }), lanes });
    expect(records.length).toBe(16);
    expect(last.counters[L.COUNTER_DROPPED_FINDINGS]).toBe(44n);
  });
});

describe('the memory limit', () => {
  const limited = (memoryLimit: number, asked: Partial<EngineOptions> = {}): EngineOptions =>
    options({ memoryLimit, windowBudget: 0, ...asked });

  test.each(WASM)('%s: too small a limit is told, and any other works', (_, make) => {
    let refused = 0;
    for (let limit = 0; limit <= 1 << 20; limit += 8192) {
      const feed: Feed = { options: limited(limit), lanes: [messages(10)] };
      try {
        expect(run(make, feed).records.length).toBe(10);
      } catch (error) {
        expect(error).toBeInstanceOf(SpinbackError);
        expect((error as SpinbackError).code).toBe('LIMIT');
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(40);
    expect(refused).toBeLessThan(120);
  });

  test.each(WASM)('%s: windows and the output of collect mode count', (_, make) => {
    const lanes = Array.from({ length: 100 }, () => RECORDS);
    expect(() => make(limited(2 << 20, { lanes }))).toThrow(/memory limit of 2097152 bytes/);
    expect(() => make(limited(8 << 20, { lanes }))).not.toThrow();
    expect(() => make(limited(0x80000, { collect: true }))).toThrow(/memory limit/);
    expect(() => make(limited(0x80000))).not.toThrow();
  });

  /** Bits seen set that nobody holds: such locks are never forgotten. */
  const lasting = (n: number): CanonicalEvent =>
    event(n + 1, L.KIND_CONTEND, { address: BigInt(n) * 8n, value: 0x10n });

  test.each(WASM)('%s: locks beyond it are counted, and the replay goes on', (_, make) => {
    const feed = { options: limited(1 << 20), lanes: [events(6000, lasting)] };
    const { last } = run(make, feed);
    const untracked = last.counters[L.COUNTER_UNTRACKED_LOCK_EVENTS]!;
    expect(last.events).toBe(6000n);
    expect(untracked).toBeGreaterThan(1000n);
    expect(BigInt(last.liveLocks) + untracked).toBe(6000n);
    // One task waits for all of them: its stack keeps the latest that are tracked.
    expect(last.contexts[0]!.stack.length).toBeLessThanOrEqual(L.STACK_DEEP);
  });

  test.each(WASM)('%s: what is free makes place there, however few there are', (_, make) => {
    // All below the floor, where tables double rather than forget: but there is no memory to double them.
    const free = (n: number): CanonicalEvent => event(n + 1, L.KIND_RELEASE, { address: BigInt(n) * 8n });
    const feed = { options: limited(1 << 20, { tableFloor: 1e6 }), lanes: [events(20_000, free)] };
    const { last } = run(make, feed);
    expect(last.counters[L.COUNTER_FORGOTTEN_LOCKS]).toBeGreaterThan(5000n);
    expect(last.liveLocks).toBeGreaterThan(1000);
  });

  test.each(WASM)('%s: words and tasks beyond it are counted as well', (_, make) => {
    const many = events(30_000, (n) =>
      n % 2
        ? event(n + 1, L.KIND_ACQUIRE, { address: BigInt(n) * 8n, pid: n, flags: 0 })
        : event(n + 1, L.KIND_WORD_LOAD, { address: BigInt(n) * 8n, pid: n }),
    );
    const { last } = run(make, {
      options: limited(2 << 20, { tableFloor: 1e6 }),
      lanes: [many],
    });
    expect(last.events).toBe(30_000n);
    expect(last.counters[L.COUNTER_UNTRACKED_WORD_EVENTS]).toBeGreaterThan(0n);
    const tasks = last.counters[L.COUNTER_UNTRACKED_TASK_EVENTS]!;
    const locks = last.counters[L.COUNTER_UNTRACKED_LOCK_EVENTS]!;
    expect(tasks + locks).toBeGreaterThan(0n);
  });

  test.each(WASM)('%s: what is forgotten there leaves the rest to be found', (_, make) => {
    // 1500 locks are held by 64 tasks while others come and go, until memory is at its limit, wherever that is, and only
    // free ones can be forgotten, in a table that cannot grow. Every held one must still be found by its release.
    const random = new Random(1);
    const addresses = Array.from({ length: 6000 }, () => BigInt(random.u32()) * 8n);
    const stream: CanonicalEvent[] = [];
    const add = (kind: number, lock: number, pid: number): void => {
      stream.push(event(stream.length + 1, kind, { address: addresses[lock]!, pid }));
    };
    const isHeld = (lock: number): boolean => lock < 2250 && lock % 3 > 0;
    const holder = (lock: number): number => (isHeld(lock) ? 1 + (lock % 64) : 100);
    for (let lock = 0; lock < addresses.length; lock++) {
      add(L.KIND_ACQUIRE, lock, holder(lock));
      if (!isHeld(lock)) add(L.KIND_RELEASE, lock, holder(lock));
    }
    for (let lock = 0; lock < addresses.length; lock++)
      if (isHeld(lock)) add(L.KIND_RELEASE, lock, holder(lock));
    const lanes = [recordsOf(stream)];
    for (let memoryLimit = 15 << 16; memoryLimit < 2 << 20; memoryLimit += 1 << 16) {
      // Windows of several sizes, for the memory that is left over at the end has to vary as well.
      for (let windowBudget = 1 << 16; windowBudget < 2 << 16; windowBudget += 1 << 14) {
        const { last } = run(make, { options: limited(memoryLimit, { windowBudget }), lanes });
        expect(last.events).toBe(BigInt(stream.length));
        expect(last.contexts, `limit ${memoryLimit}`).toEqual([]);
      }
    }
  });
});

test('more lanes than their numbers have bits for are refused: some would never be dry', () => {
  const lanes = Array.from({ length: L.LANE_LIMIT + 1 }, () => ({ ...RECORDS, blocks: true }));
  for (const [, make] of ENGINES) expect(() => make(options({ lanes }))).toThrow('65537 lanes');
  for (const [, make] of WASM) {
    const engine = make(options({ lanes: lanes.slice(1) }));
    for (let dry = 0; dry < L.LANE_LIMIT; dry++) {
      const step = engine.step();
      if (step.state !== 'dry') throw new Error(step.state);
      engine.finish(step.lane);
    }
    expect(engine.step()).toEqual({ state: 'done' });
  }
});

describe('limits that cannot be', () => {
  test.each([
    { ringRecords: 15 },
    { ringRecords: 2 ** 24 },
    { histogramBits: 17 },
    { histogramBits: 2.5 },
    { tablePower: 0 },
    { tablePower: 27 },
    { tableFloor: -1 },
    { memoryLimit: NaN },
    { windowBudget: Infinity },
  ])('%o', (limits) => {
    const name = Object.keys(limits)[0]!;
    for (const [, make] of ENGINES) {
      expect(() => make(options(limits))).toThrow(SpinbackError);
      expect(() => make(options(limits))).toThrow(`${name} is a whole number from`);
    }
  });

  test('the smallest and the largest that can', () => {
    const smallest = { ringRecords: 16, histogramBits: 0, tablePower: 1, tableFloor: 0, windowBudget: 0 };
    const { records } = agree({ options: options(smallest), lanes: [messages(100)] });
    expect(records.length).toBe(100);
    for (const [, make] of ENGINES) make(options({ histogramBits: 16, tableFloor: 2 ** 32 - 1 }));
  });
});

describe('lanes', () => {
  test('512 of them, with every event in its place', { timeout: 60_000 }, () => {
    const lanes = Array.from({ length: 512 }, (_, lane) =>
      events(20, (n) => event(1 + ((n * 613 + lane * 7) % 97) + n * 50, L.KIND_MESSAGE, { cpu: lane })),
    );
    const specs = lanes.map((_, cpu) => ({ ...RECORDS, cpu }));
    const { records } = agree({
      options: options({ lanes: specs, ringRecords: 1000 }),
      lanes,
      chunk: () => 3,
    });
    expect(records.length).toBe(512 * 20);
    for (const [n, { marks }] of records.entries()) {
      const [before, here] = [records[n - 1]?.marks[0], marks[0]!];
      if (!before || before.lane === here.lane) continue;
      expect(before.time < here.time || (before.time === here.time && before.lane < here.lane)).toBe(true);
    }
  });

  test('none at all', () => {
    expect(agree({ options: options({ lanes: [] }), lanes: [] }).steps).toEqual(['done']);
  });

  test('empty ones among others', () => {
    const lanes = [messages(0), messages(3), messages(0), messages(3), messages(0)];
    const { records } = agree({
      options: options({ lanes: lanes.map(() => RECORDS) }),
      lanes,
      chunk: () => 1,
    });
    expect(records.map(({ marks }) => marks[0]!.lane)).toEqual([1, 3, 1, 3, 1, 3]);
  });

  test('that end at the same time', () => {
    const lanes = [messages(5), messages(5), messages(5)];
    for (const chunk of [1, 4, 5, 1000]) {
      const { records } = agree({
        options: options({ lanes: lanes.map(() => RECORDS) }),
        lanes,
        chunk: () => chunk,
      });
      const order = records.map(({ marks }) => `${marks[0]!.time}/${marks[0]!.lane}`);
      expect(order).toEqual(Array.from({ length: 15 }, (_, n) => `${1 + Math.floor(n / 3)}/${n % 3}`));
    }
  });

  test('a dry lane stays dry until it is supplied, and the others wait', () => {
    for (const [, make] of ENGINES) {
      const engine = make(options({ lanes: [RECORDS, RECORDS] }));
      const supply = (lane: number, input: Uint8Array): void => {
        engine.window(lane).set(input);
        engine.supply(lane, input.length);
      };
      expect(engine.step()).toEqual({ state: 'dry', lane: 0 });
      expect(engine.step()).toEqual({ state: 'dry', lane: 0 });
      supply(0, messages(1));
      expect(engine.step()).toEqual({ state: 'dry', lane: 1 });
      supply(1, messages(5));
      // Lane 0 comes first in a tie, runs dry, and what lane 1 has must wait: lane 0 may go on with an earlier event.
      for (let n = 0; n < 3; n++) expect(engine.step()).toEqual({ state: 'dry', lane: 0 });
      expect(engine.drain().length).toBe(1);
      supply(0, new Uint8Array(0));
      expect(engine.step()).toEqual({ state: 'dry', lane: 0 });
      engine.finish(0);
      expect(engine.step()).toEqual({ state: 'dry', lane: 1 });
      expect(engine.drain().length).toBe(5);
      engine.finish(1);
      for (let n = 0; n < 3; n++) expect(engine.step()).toEqual({ state: 'done' });
    }
  });
});

describe('what must not matter', () => {
  const others = (n: number): CanonicalEvent =>
    event(n, n % 3 ? L.KIND_ACQUIRE : L.KIND_RELEASE, { pid: n % 5 });

  test('the size of a supply', () => {
    const lanes = [events(300, others), events(200, (n) => others(n + 7))];
    const outcomes = [1, 2, 7, 100, 1000].map((chunk) =>
      agree({ options: options({ lanes: [RECORDS, RECORDS], spinNs: 0 }), lanes, chunk: () => chunk }),
    );
    for (const { records, states } of outcomes) {
      expect(records).toEqual(outcomes[0]!.records);
      expect(states).toEqual(outcomes[0]!.states);
    }
  });

  test('the size of a supply, with pages', () => {
    const layout = { pageSize: 128, commitSize: 8, dataAt: 16 } as const;
    const record = Uint8Array.from([1, 0, 0, 0, 7, 0, 0, 0]);
    const pages = writePages(
      layout,
      Array.from({ length: 50 }, (_, n) => ({
        time: BigInt(n * 10),
        pieces: [
          { is: 'record' as const, delta: 3, record },
          { is: 'record' as const, delta: 4, record },
        ],
        missed: n % 7 === 3 ? 5n : null,
      })),
    );
    const lane = { ...RECORDS, layout };
    const outcomes = [1, 2, 7, 1000].map((chunk) =>
      agree({ options: options({ lanes: [lane] }), lanes: [pages], chunk: () => chunk }),
    );
    for (const { records, states } of outcomes) {
      expect(records).toEqual(outcomes[0]!.records);
      expect(states).toEqual(outcomes[0]!.states);
    }
    expect(outcomes[0]!.last.cpus[0]).toMatchObject({
      lost: 35n,
      lostSpans: 7,
      lostUnknown: 0,
      events: 100n,
    });
  });

  test('where a batch ends', { timeout: 60_000 }, () => {
    const batch = 1 << 16;
    for (const count of [batch - 1, batch, batch + 1, 2 * batch]) {
      const { steps, last } = agree({
        options: options({ windowBudget: 8 << 20 }),
        lanes: [events(count, (n) => event(n, L.KIND_OTHER))],
      });
      expect(last.events).toBe(BigInt(count));
      expect(steps.at(-1)).toBe('done');
    }
    // Four lanes of which each fits its window, so that a step ends by its batch and not by a dry lane.
    const lanes = Array.from({ length: 4 }, () => events(26_000, (n) => event(n, L.KIND_OTHER)));
    const feed = {
      options: options({ lanes: lanes.map(() => RECORDS), windowLimit: 2 << 20 }),
      lanes,
      peek: 1,
    };
    const { steps } = agree(feed);
    expect(steps.filter((step) => step === 'again')).toEqual(['again']);
  });
});

describe('the lock table', () => {
  test('is not filled at one end by addresses that were chosen to meet there', () => {
    // Without a seed all of these have one hash: what they are multiplied with undoes the hash's own multiplication.
    const chosen = (n: number): bigint =>
      BigInt.asUintN(64, BigInt(n) * 0xf1de83e19937733dn) ^ (0xffn << 48n);
    const locks = 4000;
    const input = events(locks, (n) =>
      event(n + 1, L.KIND_ACQUIRE, { address: chosen(n), bit: L.WHOLE_LOCK, flags: 0 }),
    );
    const engine = release(options({ tablePower: 14, tableFloor: 1 << 14 })) as WasmEngine;
    engine.window(0).set(input);
    engine.supply(0, input.length);
    engine.step();
    expect(engine.state().liveLocks).toBe(locks);
    const memory = new DataView(engine.memory.buffer);
    const [entries, mask] = [L.INDEX_ENTRIES, L.INDEX_MASK].map((field) =>
      memory.getUint32(L.STATE + L.HEAD_LOCK_INDEX + field, true),
    ) as [number, number];
    let furthest = 0;
    for (let n = 0; n <= mask; n++) {
      const tag = memory.getUint32(entries + 8 * n, true);
      if (memory.getUint32(entries + 8 * n + 4, true)) furthest = Math.max(furthest, (n - tag) & mask);
    }
    expect(furthest).toBeLessThan(locks / 10);
  });
});

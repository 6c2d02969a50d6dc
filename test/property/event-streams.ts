// Random canonical events, few of everything, so that all that can collide does.

import fc from 'fast-check';
import * as L from '../../assembly/layout.ts';
import type { EngineOptions, StatisticsOptions } from '../../src/engine/engine.ts';
import { writeEvent } from '../../src/model/event-record.ts';
import { hex } from '../../src/base/units.ts';
import { KINDS, type CanonicalEvent } from '../../src/model/event.ts';
import { otherRow } from '../../src/mapping/decode-row.ts';
import { RECORDS, type Feed } from '../engine/harness.ts';

/** An event whose time is told by the step from the event before, in whatever lane that was. */
interface Timed {
  readonly lane: number;
  readonly step: bigint;
  readonly event: Omit<CanonicalEvent, 'time'>;
}

const MOST_LANES = 4;
/** The last two lie beyond what the engine keeps track of. */
const CPUS = [0, 0, 0, 1, 1, 2, 8191, 8192, 65535];
const PIDS = [0, 7, 7, 8, 9, -1, 0x7fffffff];
const ADDRESSES = [0n, 0x1000n, 0x1000n, 0x1000n, 0x2000n, 0x1008n, 0xffff_ffff_ffff_fff8n];
const BITS = [4, 4, 4, 0, 63, 64, 200, L.WHOLE_LOCK, L.WHOLE_LOCK];
const STEPS = [0n, 0n, 1n, 1n, 5n, 100n, 100n, 3000n, -1n, -50n, 1n << 40n];
const STARTS = [0n, 1n, 1_000_000n, 1n << 53n, (1n << 63n) - 100n, (1n << 64n) - 20_000n];
/** Words with few bits, so that loads and stores agree and differ by the bits that are locks. */
const VALUES = [0n, 0x10n, 0x10n, 0x11n, 1n, 3n, 1n << 63n, 0xffff_ffff_ffff_ffffn];
const TYPES = [1, 1, 2, 3, 9];

const flags = fc
  .record({
    namespace: fc.constantFrom(0, 1, 1, 1, 2, 3),
    level: fc.constantFrom(
      0,
      0,
      0,
      0,
      L.FLAG_SOFTIRQ,
      L.FLAG_HARDIRQ,
      L.FLAG_NMI,
      L.FLAG_HARDIRQ | L.FLAG_SOFTIRQ,
    ),
    irqs: fc.constantFrom(0, 0, L.FLAG_IRQS_OFF, L.FLAG_IRQS_OFF, L.FLAG_IRQS_UNKNOWN),
    rest: fc.constantFrom(
      0,
      0,
      0,
      0,
      L.FLAG_TRY,
      L.FLAG_READ,
      L.FLAG_SPIN,
      L.FLAG_MUTEX,
      L.FLAG_FAILED,
      0x0850,
    ),
  })
  .map(({ namespace, level, irqs, rest }) => (namespace << L.FLAG_NAMESPACE_SHIFT) | level | irqs | rest);

const who = fc.record({ cpu: fc.constantFrom(...CPUS), pid: fc.constantFrom(...PIDS), flags });
const what = fc.record({
  address: fc.constantFrom(...ADDRESSES),
  bit: fc.constantFrom(...BITS),
  value: fc.oneof(
    fc.constantFrom(...VALUES),
    // A switch: previous pid | next pid << 32.
    fc.tuple(fc.constantFrom(...PIDS), fc.constantFrom(...PIDS)).map(pidsOf),
  ),
  type: fc.constantFrom(...TYPES),
});
const step = fc.constantFrom(...STEPS);
const lane = fc.nat(MOST_LANES - 1);

function pidsOf([previous, next]: readonly [number, number]): bigint {
  return BigInt.asUintN(32, BigInt(previous)) | (BigInt.asUintN(32, BigInt(next)) << 32n);
}

const loose = fc
  .record({ lane, step, kind: fc.nat(L.KIND_COUNT + 1), who, what })
  .map(({ kind, who, what, ...timed }): Timed[] => [{ ...timed, event: { kind, ...who, ...what } }]);

/** What really comes in sequence, by one context on one word or lock. */
const PHRASES: readonly (readonly number[])[] = [
  [L.KIND_ATTEMPT, L.KIND_ACQUIRE, L.KIND_RELEASE],
  [L.KIND_ATTEMPT, L.KIND_CONTEND, L.KIND_ACQUIRE, L.KIND_RELEASE],
  [L.KIND_ATTEMPT, L.KIND_ACQUIRE, L.KIND_CONTEND],
  [L.KIND_ATTEMPT, L.KIND_RELEASE],
  [L.KIND_ATTEMPT, L.KIND_PASS],
  [L.KIND_ATTEMPT, L.KIND_ATTEMPT, L.KIND_PASS, L.KIND_PASS],
  [L.KIND_CONTEND, L.KIND_CONTEND, L.KIND_WAIT_END],
  [L.KIND_WORD_LOAD, L.KIND_WORD_STORE],
  [L.KIND_WORD_LOAD, L.KIND_RELEASE, L.KIND_WORD_STORE, L.KIND_WORD_LOAD],
  [L.KIND_IRQS_OFF, L.KIND_ATTEMPT, L.KIND_CONTEND, L.KIND_ACQUIRE, L.KIND_RELEASE, L.KIND_IRQS_ON],
  [L.KIND_ACQUIRE, L.KIND_TASK_EXIT, L.KIND_SWITCH],
  [L.KIND_SWITCH, L.KIND_ACQUIRE, L.KIND_SWITCH, L.KIND_SWITCH],
];

/** The return of a function whose entry is type 1 is type 2. */
const typeOf = (kind: number, { type }: { readonly type: number }): number =>
  type === 1 && (kind === L.KIND_PASS || kind === L.KIND_ACQUIRE) ? 2 : type;

const phrase = fc
  .record({
    lane,
    who,
    what,
    kinds: fc.constantFrom(...PHRASES),
    steps: fc.array(step, { minLength: 6, maxLength: 6 }),
  })
  .map(({ lane, who, what, kinds, steps }): Timed[] =>
    kinds.map((kind, n) => ({
      lane,
      step: steps[n]!,
      event: { kind, ...who, ...what, type: typeOf(kind, what) },
    })),
  );

/**
 * The race of 2015, whole: one context locks and unlocks while another loads before and stores after; what follows may
 * confirm it.
 */
const race = fc
  .record({
    lane,
    steps: fc.array(step, { minLength: 6, maxLength: 6 }),
    locker: who,
    writer: who,
    what,
    after: fc.constantFrom(L.KIND_CONTEND, L.KIND_OBSERVE, L.KIND_WORD_LOAD, L.KIND_ACQUIRE, L.KIND_ATTEMPT),
    order: fc.constantFrom([0, 1, 2, 3, 4], [1, 0, 2, 3, 4], [0, 2, 1, 3, 4], [0, 1, 3, 2, 4]),
  })
  .map(({ lane, steps, locker, writer, what, after, order }): Timed[] => {
    const lock = { ...what, bit: 4 };
    const word = L.NAMESPACE_WORD << L.FLAG_NAMESPACE_SHIFT;
    const by = (context: typeof locker, kind: number, value: bigint) => ({
      kind,
      ...context,
      ...lock,
      flags: (context.flags & 0x3fff & ~L.FLAG_READ) | word,
      value,
    });
    const events = [
      by(locker, L.KIND_ACQUIRE, 0x11n),
      by(writer, L.KIND_WORD_LOAD, 0x11n),
      by(locker, L.KIND_RELEASE, 1n),
      by(writer, L.KIND_WORD_STORE, 0x13n),
      by(locker, after, 0x13n),
    ];
    return order.map((place, n) => ({ lane, step: steps[n]!, event: events[place]! }));
  });

/** More contexts than a word keeps loads of read it; somebody updates it, and then they store what they read. */
const crowd = fc
  .record({
    lane,
    readers: fc.array(who, { minLength: 3, maxLength: 6 }),
    updater: who,
    what,
    values: fc.tuple(fc.constantFrom(...VALUES), fc.constantFrom(...VALUES)),
  })
  .map(({ lane, readers, updater, what, values: [before, after] }): Timed[] => {
    const by = (context: typeof updater, kind: number, value: bigint): Timed => ({
      lane,
      step: 1n,
      event: { kind, ...context, ...what, value },
    });
    return [
      ...readers.map((reader) => by(reader, L.KIND_WORD_LOAD, before)),
      by(updater, L.KIND_WORD_RMW, after),
      ...readers.map((reader) => by(reader, L.KIND_WORD_STORE, before)),
    ];
  });

const threshold = fc.constantFrom(0, 1, 60, 2000, Infinity);

/** What statistics are kept by, where they are. */
export const statistics: fc.Arbitrary<StatisticsOptions | null> = fc.option(
  fc.record({ split: fc.nat(127) }),
);

/** Streams of up to `most` pieces, with options that make tables and ring overflow. */
export function eventStreams(most: number, asked: Partial<EngineOptions> = {}): fc.Arbitrary<Feed> {
  return fc
    .record({
      pieces: fc.array(
        fc.oneof({ weight: 4, arbitrary: loose }, { weight: 2, arbitrary: phrase }, race, crowd),
        {
          maxLength: most,
          size: 'max',
        },
      ),
      start: fc.constantFrom(...STARTS),
      lanes: fc.integer({ min: 1, max: MOST_LANES }),
      chunks: fc.array(fc.constantFrom(1, 1, 2, 3, 17, 1000), { minLength: 1, maxLength: 5 }),
      drainLate: fc.boolean(),
      peek: fc.constantFrom(0, 0, 0, 7, 31),
      limits: fc.record({
        spinNs: threshold,
        irqOffNs: threshold,
        silentNs: threshold,
        ringRecords: fc.integer({ min: 16, max: 64 }),
        histogramBits: fc.integer({ min: 0, max: 6 }),
        tablePower: fc.integer({ min: 1, max: 5 }),
        tableFloor: fc.constantFrom(0, 3, 8, 1000),
      }),
      statistics,
    })
    .map(({ pieces, start, lanes, chunks, drainLate, peek, limits, statistics }) => {
      const events = lanesOf(pieces.flat(), start, lanes);
      return {
        options: {
          lanes: Array.from({ length: lanes }, () => RECORDS),
          // Type 2 has its lock from type 1, type 3 from itself.
          rows: [0, 1, 2, 3].map((type) => ({
            ...otherRow(type),
            kind: L.KIND_PASS,
            entry: [0, 0, 1, 3][type]!,
          })),
          ...limits,
          ...(statistics && { statistics }),
          ...asked,
        },
        lanes: events.map(recordsOf),
        chunk: (lane: number, n: number) => chunks[(lane + n) % chunks.length]!,
        drainLate,
        peek,
        // What a counterexample looks like: the records' bytes would tell nobody anything.
        [fc.toStringMethod]: () =>
          fc.stringify({ limits, statistics, chunks, drainLate, peek, events: events.map(shortly) }),
      };
    });
}

function lanesOf(stream: readonly Timed[], start: bigint, lanes: number): CanonicalEvent[][] {
  const events: CanonicalEvent[][] = Array.from({ length: lanes }, () => []);
  let time = start;
  for (const { lane, step, event } of stream) {
    time = BigInt.asUintN(64, time + step);
    events[lane % lanes]!.push({ ...event, time });
  }
  return events;
}

function shortly(events: readonly CanonicalEvent[]): string[] {
  return events.map(
    ({ time, kind, cpu, pid, address, bit, value, flags, type }) =>
      `${time} ${KINDS[kind] ?? kind} ${hex(address)} bit ${bit} value ${hex(value)} pid ${pid} cpu ${cpu} flags ${flags} type ${type}`,
  );
}

/** Events as the bytes of a records lane. */
export function recordsOf(events: readonly CanonicalEvent[]): Uint8Array {
  const bytes = new Uint8Array(events.length * L.EVENT_SIZE);
  const view = new DataView(bytes.buffer);
  events.forEach((event, n) => writeEvent(view, n * L.EVENT_SIZE, event));
  return bytes;
}

import { Random, Zipf } from '../src/base/random.ts';
import type { EngineOptions } from '../src/engine/engine.ts';
import { otherRow } from '../src/mapping/decode-row.ts';
import { EVENT_RECORD_SIZE } from '../src/model/event-record.ts';
import { RecordStreams } from './record-streams.ts';

/** Input for one replay, all of it in memory. */
export interface Workload {
  readonly name: string;
  /** Events in all, and those whose time counts. */
  readonly events: number;
  readonly timedEvents: number;
  readonly lanes: readonly { readonly cpu: number; readonly bytes: Uint8Array }[];
  readonly options: Pick<EngineOptions, 'lanes' | 'rows'> & Partial<EngineOptions>;
  /** Attempts, takes and releases of lockdep locks, and nothing else. */
  readonly lockEventsOnly: boolean;
  /** Bytes of each lane that only bring the engine into the state to be measured: their time does not count. */
  readonly warmBytes: number;
}

/** Bytes of input in all. */
export function bytesOf({ lanes }: Workload): number {
  return lanes.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

/** Makes a workload of about `events` events. The same seed gives the same bytes. */
export type WorkloadMaker = (events: number, seed: number) => Workload;

const LOCK_SPACING = 64n;
const FIRST_LOCK = 0xffff_8881_0000_0000n;

function lockAddress(n: number): bigint {
  return FIRST_LOCK + BigInt(n) * LOCK_SPACING;
}

function finish(
  name: string,
  streams: RecordStreams,
  warmBytes = 0,
  extra: Partial<EngineOptions> = {},
): Workload {
  const lanes = streams.lanes();
  return {
    name,
    events: streams.events,
    timedEvents: streams.events - warmBytes / EVENT_RECORD_SIZE,
    lanes,
    warmBytes,
    lockEventsOnly: streams.lockEventsOnly,
    options: {
      lanes: lanes.map(({ cpu }) => ({ cpu, layout: null, mult: 0, shift: 0, offsetNs: 0n })),
      rows: Array.from({ length: 16 }, (_, type) => otherRow(type)),
      ...extra,
    },
  };
}

/** Spinlocks as lockdep reports them, nested one to three deep, `locks` of them per nesting level and CPU. */
function nested(name: string, cpus: number, locks: number): WorkloadMaker {
  return (events, seed) => {
    const random = new Random(seed);
    const streams = new RecordStreams(cpus, events);
    while (streams.events < events) {
      const cpu = random.int(cpus);
      const depth = 1 + random.int(3);
      const taken: bigint[] = [];
      for (let level = 0; level < depth; level++) {
        // A CPU has locks of its own: nobody ever takes what another one holds, whatever the merge does with near times.
        const address = lockAddress((random.int(locks) * 3 + level) * cpus + cpu);
        streams.add(cpu, 'attempt', 'lockdep', address);
        streams.add(cpu, 'acquire', 'lockdep', address);
        taken.push(address);
      }
      for (const address of taken.toReversed()) streams.add(cpu, 'release', 'lockdep', address);
    }
    return finish(name, streams);
  };
}

/** Locks taken and released one at a time, chosen by Zipf's law (s = 1); every lock is in the table before the clock starts. */
function zipf(name: string, locks: number): WorkloadMaker {
  return (events, seed) => {
    const random = new Random(seed);
    const ranks = new Zipf(locks, 1);
    const streams = new RecordStreams(1, events + 2 * locks);
    const use = (n: number): void => {
      // A multiplicative hash spreads the ranks: the popular locks are no neighbours.
      const address = lockAddress(Math.imul(n, 0x9e3779b1) >>> 0);
      streams.add(0, 'acquire', 'lockdep', address);
      streams.add(0, 'release', 'lockdep', address);
    };
    for (let n = 0; n < locks; n++) use(n);
    const warmBytes = streams.bytesOf(0);
    while (streams.events < events + 2 * locks) use(ranks.sample(random));
    // Free locks are forgotten beyond the floor: here all of them are to stay.
    return finish(name, streams, warmBytes, { tableFloor: 2 * locks, memoryLimit: 2 ** 32 - 65536 });
  };
}

/** Interrupts going off and on three times for every lock, with interrupt handlers and task switches between them. */
function irqHeavy(name: string, cpus: number): WorkloadMaker {
  return (events, seed) => {
    const random = new Random(seed);
    const streams = new RecordStreams(cpus, events);
    while (streams.events < events) {
      const cpu = random.int(cpus);
      for (let n = 0; n < 3; n++) {
        streams.add(cpu, 'irqs off');
        streams.add(cpu, 'irqs on');
      }
      const address = lockAddress(random.int(1000) * cpus + cpu);
      streams.add(cpu, 'irqs off');
      streams.add(cpu, 'attempt', 'lockdep', address);
      streams.add(cpu, 'acquire', 'lockdep', address);
      streams.add(cpu, 'release', 'lockdep', address);
      streams.add(cpu, 'irqs on');
      if (random.chance(0.1)) {
        streams.add(cpu, 'enter');
        streams.add(cpu, 'leave');
      }
      if (random.chance(0.1)) streams.switchTask(cpu, random.int(64));
    }
    return finish(name, streams);
  };
}

/** Bit locks with the word's value in every event, and plain loads and stores of the same words between them. */
function bitLocks(name: string, cpus: number, words: number): WorkloadMaker {
  return (events, seed) => {
    const random = new Random(seed);
    const streams = new RecordStreams(cpus, events);
    while (streams.events < events) {
      const cpu = random.int(cpus);
      const address = lockAddress(random.int(words) * cpus + cpu);
      streams.add(cpu, 'attempt', 'word', address, 0x21n);
      streams.add(cpu, 'acquire', 'word', address, 0x31n);
      streams.add(cpu, 'release', 'word', address, 0x21n);
      if (!random.chance(0.2)) continue;
      streams.add(cpu, 'word load', 'word', address, 0x21n);
      streams.add(cpu, 'word store', 'word', address, 0x21n);
    }
    return finish(name, streams);
  };
}

/** A lock table far beyond all caches, and one that fits into them: what misses cost is the ratio of their times per event. */
export const LOCK_TABLES = [
  zipf('Zipf over 4 million locks', 4_000_000),
  zipf('Zipf over 4 thousand locks', 4_000),
] as const;

/** The seeded workloads, by what they stress. */
export const WORKLOADS: readonly WorkloadMaker[] = [
  nested('nested spinlocks, 4 CPUs', 4, 300),
  nested('nested spinlocks, 64 CPUs', 64, 20),
  nested('nested spinlocks, 512 CPUs', 512, 3),
  LOCK_TABLES[1],
  LOCK_TABLES[0],
  irqHeavy('interrupts off and on, 8 CPUs', 8),
  bitLocks('bit locks, 8 CPUs', 8, 500),
];

/** The workload of the flatness measurement: a fixed set of locks. */
export const FIXED_LOCKS = WORKLOADS[0]!;

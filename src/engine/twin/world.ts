import * as L from '../../../assembly/layout.ts';
import type { Label } from '../../blocks/items.ts';
import type { CanonicalEvent, EventPlace } from '../../model/event.ts';
import type { Mark, RingRecord, TimeStep } from '../../model/state.ts';
import type { EngineOptions, RowSpec } from '../engine.ts';
import { limitsOf } from '../limits.ts';
import { Histogram } from './histogram.ts';
import { markOf, NEVER, type Moment } from './marks.ts';
import { Ring } from './ring.ts';
import { Statistics, type Series } from './statistics.ts';
import { Table } from './table.ts';

/** One event type's decode row, and how often events of the type were seen. */
export interface Row {
  readonly spec: RowSpec;
  count: bigint;
  irqsOn: bigint;
  irqsOff: bigint;
}

export interface Lock {
  readonly id: number;
  readonly namespace: number;
  readonly address: bigint;
  readonly bit: number;
  /** Entries in contexts' stacks that name this lock, and how many of them still wait. */
  references: number;
  waiters: number;
  owner: Context | null;
  word: Word | null;
  suspect: LiveSuspect | null;
  isTakenVisibly: boolean;
  isRead: boolean;
  isSleeping: boolean;
  isSeenSet: boolean;
  isOrphaned: boolean;
  /** `left` is of the present owner, or of the one that is gone; a hold that ends unseen leaves this behind. */
  isLeft: boolean;
  releases: number;
  acquisitions: number;
  contentions: number;
  lastUse: bigint;
  acquire: Mark | null;
  release: Mark | null;
  seen: Mark | null;
  left: Mark | null;
}

/** A word that plain loads, stores or atomic updates were recorded for, and the bit locks on it. */
export interface Word {
  readonly address: bigint;
  /** The lock that came last is the first. */
  readonly locks: Lock[];
  /** WORD_WRITER_LIMIT places, used in turn; `written` counts the writers ever. */
  readonly writers: Mark[];
  written: number;
  /** WORD_LOAD_LIMIT places for the latest plain load of a context each, used in turn. */
  readonly loads: (Mark | null)[];
  loaded: number;
  lastUse: bigint;
}

/** A plain store that may have undone an atomic update. */
export interface LiveSuspect {
  readonly cause: number;
  readonly load: Mark;
  readonly update: Mark | null;
  readonly store: Mark;
  readonly acquire: Mark | null;
  confirm: Mark | null;
}

/** A task, or one interrupt level of a CPU. */
export interface Context {
  readonly id: number;
  readonly level: number;
  pid: number;
  /** Where it was last seen. */
  cpu: number;
  isExiting: boolean;
  exit: Moment;
  out: Moment;
  inTime: bigint;
  readonly stack: Entry[];
}

/** A lock that a context holds or waits for. */
export interface Entry {
  readonly lock: Lock;
  state: number;
  cpu: number;
  flags: number;
  /** Event type of the attempt. */
  type: number;
  releases: number;
  attempt: Moment;
  contend: Moment;
  contendValue: bigint;
  acquire: Moment;
  /** The take of whoever held the lock when the wait began. */
  holder: Mark | null;
  series: Series | null;
}

export interface Cpu {
  readonly number: number;
  level: number;
  irqs: number;
  pid: number;
  /** The current task's context once it was looked up. */
  task: Context | null;
  /** Contexts of the softirq, hardirq and NMI level. */
  readonly contexts: (Context | null)[];
  firstTime: bigint;
  lastTime: bigint;
  events: bigint;
  lost: bigint;
  lostSpans: number;
  lostUnknown: number;
  breaks: number;
  backwards: number;
  step: TimeStep | null;
  firstBreak: bigint;
  lastBreak: bigint;
  /** The next task of the last switch, null while unknown. */
  switchNext: number | null;
  last: Mark | null;
  irqsOff: Mark | null;
  irqEvents: bigint;
  lastSwitch: Mark | null;
  flagsOn: Mark | null;
  flagsOffFirst: Mark | null;
  flagsOffLast: Mark | null;
  busyGaps: bigint;
  busyMax: bigint;
  ticks: bigint;
  tickMax: bigint;
  /** Time of the last hard interrupt since it idled, 0 for none. */
  lastTick: bigint;
}

/** Everything that a replay changes: the twin's counterpart of the engine's linear memory. */
export class World {
  readonly spinNs: bigint;
  readonly irqOffNs: bigint;
  readonly silentNs: bigint;
  /** Events by kind and namespace. */
  readonly kinds: bigint[] = Array.from({ length: 4 * (L.KIND_MASK + 1) }, () => 0n);
  readonly counters: bigint[] = Array.from({ length: L.COUNTER_COUNT }, () => 0n);
  readonly rows: readonly Row[];
  readonly cpus = new Map<number, Cpu>();
  readonly locks: Table<string, Lock>;
  /** Locks that their owner abandoned. */
  orphans = 0;
  readonly tableFloor: number;
  readonly words: Table<bigint, Word>;
  readonly tasks: Table<string, Context>;
  readonly ring: Ring;
  readonly waitNs: Histogram;
  readonly holdNs: Histogram;
  readonly irqsOffNs: Histogram;
  readonly statistics: Statistics;
  /** Time and place of the event being replayed. */
  now = 0n;
  place: EventPlace = NEVER.place;
  /** The raw record of that event, null where the lane has canonical records. */
  record: Uint8Array | null = null;
  /** What statistics know that event by, where it has no raw record. */
  label: Label | null = null;
  /** The callers of that event's sample: their number and their addresses, 8 bytes each; null where it has none. */
  callers: Uint8Array | null = null;
  events = 0n;
  firstTime = 0n;
  lastTime = 0n;
  readonly #rowsByType: ReadonlyMap<number, Row>;
  #ids = 0;

  constructor(options: EngineOptions) {
    const { ringRecords, histogramBits, tablePower, tableFloor } = limitsOf(options);
    this.spinNs = threshold(options.spinNs);
    this.irqOffNs = threshold(options.irqOffNs);
    this.silentNs = threshold(options.silentNs);
    this.rows = options.rows.map((spec) => ({ spec, count: 0n, irqsOn: 0n, irqsOff: 0n }));
    this.#rowsByType = new Map(this.rows.slice(1).map((row) => [row.spec.type, row]));
    this.tableFloor = tableFloor;
    this.locks = new Table(tablePower, tableFloor);
    this.words = new Table(tablePower, tableFloor);
    this.tasks = new Table(tablePower, tableFloor);
    this.ring = new Ring(ringRecords);
    this.waitNs = new Histogram(histogramBits);
    this.holdNs = new Histogram(histogramBits);
    this.irqsOffNs = new Histogram(histogramBits);
    this.statistics = new Statistics(options.statistics, histogramBits);
  }

  /** The row of an event type; row 0 for types that the capture does not describe. */
  rowOf(type: number): Row {
    return this.#rowsByType.get(type) ?? this.rows[0]!;
  }

  count(counter: number): void {
    this.counters[counter]!++;
  }

  /** A number that no other slot has. */
  nextId(): number {
    return ++this.#ids;
  }

  /** Remembers the event that is being replayed. */
  mark(event: CanonicalEvent): Mark {
    return markOf(event, this.place);
  }

  /** Time and place of the event that is being replayed. */
  moment(event: CanonicalEvent): Moment {
    return { time: event.time, place: this.place };
  }

  /** Puts a finding about `event` into the ring; counts it where the ring is full. */
  report(kind: number, event: CanonicalEvent, about: Partial<RingRecord>): void {
    const { cpu, flags, pid } = event;
    const bare = {
      kind,
      cpu,
      flags,
      pid,
      level: 0,
      namespace: 0,
      bit: 0,
      count: 0,
      address: 0n,
      extra: 0n,
      marks: [],
    };
    if (!this.ring.push({ ...bare, ...about })) this.count(L.COUNTER_DROPPED_FINDINGS);
  }
}

/** Nanoseconds from which a finding is reported; the largest number for "never". */
function threshold(ns: number): bigint {
  return BigInt.asUintN(64, Number.isFinite(ns) ? BigInt(Math.round(ns)) : -1n);
}

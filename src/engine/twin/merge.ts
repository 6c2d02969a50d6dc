// Lanes, and which of their pending events comes next.

import { DUE_COUNT_BITS, EVENT_SIZE } from '../../../assembly/layout.ts';
import { OFFSET_LIMIT, type BlockLane } from '../../blocks/block.ts';
import type { LaneState } from '../../model/state.ts';
import type { LaneSpec } from '../engine.ts';
import { eventsOfBlock, type BlockListener } from './blocks.ts';
import { recordsOf, type PageTally, type RawRecord } from './pages.ts';
import { samplesOf, type SampleEvent, type SampleMemory, type Samples } from './samples.ts';

/** What blocks count of a lane stays below it. */
const COUNT_LIMIT = 2 ** DUE_COUNT_BITS;

/** One lane: its window, its pending event, and what reading it came upon. */
export class TwinLane {
  readonly id: number;
  readonly spec: LaneSpec;
  readonly window: Uint8Array;
  /** The next event, its time in ns; null while the lane is dry, and when it has ended. */
  pending: RawRecord | SampleEvent | null = null;
  /** Its time, or that of the one before; 0 before the first. */
  nextTime = 0n;
  hasEnded = false;
  readonly tally: PageTally = { pages: 0, badPages: 0, badEvents: 0, firstBad: null, lost: 0n, holes: 0 };
  readonly #littleEndian: boolean;
  readonly #samples: Samples | null;
  readonly #memory: SampleMemory;
  #records: Iterator<RawRecord | SampleEvent> = [][Symbol.iterator]();
  /** Bytes of the lane before the window, and in it. */
  #base = 0;
  #filled = 0;
  #isLast = false;
  #events = 0n;
  #backwards = 0;
  #time = 0n;

  readonly #listener: BlockListener;

  /** `samples`: how they are laid out, for lanes of them. `lanes`: all lanes, to which blocks give their due. */
  constructor(
    id: number,
    spec: LaneSpec,
    windowSize: number,
    bigEndian: boolean,
    samples: Samples | null,
    lanes: () => readonly TwinLane[],
  ) {
    this.#littleEndian = !bigEndian;
    this.#samples = spec.isSamples ? samples : null;
    this.#memory = { time: 0n, cpu: spec.cpu };
    this.id = id;
    this.#listener = {
      get lanes() {
        return lanes().length;
      },
      credit: (due) => lanes()[due.lane]!.credit(due),
      broken: () => this.tally.badPages++,
    };
    this.spec = spec;
    this.window = new Uint8Array(windowSize);
  }

  /** The window's first `bytes` bytes are input. */
  supply(bytes: number): void {
    this.#base += this.#filled;
    this.#filled = bytes;
    const input = this.window.subarray(0, bytes);
    const { layout, blocks } = this.spec;
    if (this.#samples) this.#records = samplesOf(input, this.#samples, this.#base, this.tally, this.#memory);
    else if (layout) this.#records = recordsOf(input, layout, this.#littleEndian, this.#base, this.tally);
    else if (blocks) this.#records = eventsOfBlock(input, this.#listener);
    else this.#records = canonical(input, this.#base);
  }

  finish(): void {
    this.supply(0);
    this.#isLast = true;
  }

  /** Makes the next event pending, or finds out that the lane has ended. False: it is dry. */
  advance(): boolean {
    const { value, done } = this.#records.next();
    this.pending = done ? null : this.#adopt(value);
    if (this.pending) this.nextTime = this.pending.time;
    else this.hasEnded = this.#isLast;
    return !done || this.hasEnded;
  }

  #adopt(value: RawRecord | SampleEvent): RawRecord | SampleEvent {
    if (this.spec.blocks) return value;
    // A loss among samples neither counts nor has a place in their order.
    if ('lost' in value && value.lost !== null) return value;
    const time = this.spec.layout ? this.#toNs(value.time) : value.time;
    if (time < this.#time) this.#backwards++;
    this.#time = time;
    this.#events++;
    return { ...value, time };
  }

  /** A block of the first lane says what reading this lane came upon; false where that cannot be. */
  credit({ events, firstBad, ...due }: BlockLane): boolean {
    const { tally } = this;
    const [pages, badPages] = [tally.pages + due.pages, tally.badPages + due.badPages];
    const badEvents = tally.badEvents + due.badEvents;
    const backwards = this.#backwards + due.backwards;
    const areCounts = [pages, badPages, badEvents, backwards].every((count) => count < COUNT_LIMIT);
    if (!areCounts || this.#events + events >= OFFSET_LIMIT) return false;
    if (tally.badPages + tally.badEvents === 0) tally.firstBad = Number(firstBad);
    Object.assign(tally, { pages, badPages, badEvents });
    this.#events += events;
    this.#backwards = backwards;
    return true;
  }

  /** Raw clock -> ns. */
  #toNs(time: bigint): bigint {
    const { mult, shift, offsetNs } = this.spec;
    const ns = mult === 0 ? time : (time * BigInt(mult)) >> BigInt(shift);
    return BigInt.asUintN(64, ns + offsetNs);
  }

  state(): LaneState {
    const { pages, badPages, badEvents, firstBad } = this.tally;
    return {
      lane: this.id,
      cpu: this.#samples ? this.#memory.cpu : this.spec.cpu,
      events: this.#events,
      pages,
      badPages,
      badEvents,
      firstBad: BigInt(firstBad ?? 0),
      backwards: this.#backwards,
    };
  }
}

/** Lanes of canonical records: the record is the event, and its time is in ns already. */
function* canonical(bytes: Uint8Array, offset: number): Generator<RawRecord> {
  for (let at = 0; at + EVENT_SIZE <= bytes.length; at += EVENT_SIZE) {
    const record = bytes.subarray(at, at + EVENT_SIZE);
    const time = new DataView(record.buffer, record.byteOffset).getBigUint64(0, true);
    yield { time, bytes: record, offset: offset + at };
  }
}

/**
 * The lane whose next event comes first; ties keep lane order. A lane that is new, or that ran dry, comes where its last event did, and so
 * before any event that its next one could come before. Null: all have ended.
 */
export function earliest(lanes: readonly TwinLane[]): TwinLane | null {
  let first: TwinLane | null = null;
  for (const lane of lanes) {
    if (!lane.hasEnded && (!first || lane.nextTime < first.nextTime)) first = lane;
  }
  return first;
}

import * as L from '../../../assembly/layout.ts';
import { readEvent } from '../../model/event-record.ts';
import type { CanonicalEvent, EventPlace } from '../../model/event.ts';
import type { EngineState, RingRecord, StatisticsState } from '../../model/state.ts';
import { OUTPUT_EVENTS, type Engine, type EngineOptions, type PlacedEvent, type Step } from '../engine.ts';
import { windowSize } from '../window-size.ts';
import { labelOf } from './labels.ts';
import { earliest, TwinLane } from './merge.ts';
import { readRows, readState } from './read-state.ts';
import { replay } from './replay.ts';
import { decode, turned, typeOf } from './rows.ts';
import { Samples } from './samples.ts';
import { World } from './world.ts';

/** One step replays at most so many events. */
const BATCH = 1 << 16;

/**
 * The engine written once more, to be read: plain objects, bigint, bounded reads. The oracle of the differential tests; one
 * difference is meant: its memory is unlimited, so `memoryLimit` means nothing here.
 */
export class TwinEngine implements Engine {
  readonly #world: World;
  readonly #lanes: readonly TwinLane[];
  readonly #collects: boolean;
  readonly #bigEndian: boolean;
  #pauseAt: bigint | null = null;
  #output: PlacedEvent[] = [];

  constructor(options: EngineOptions) {
    this.#world = new World(options);
    this.#bigEndian = options.bigEndian ?? false;
    const samples = options.samples ? new Samples(options.samples) : null;
    this.#lanes = options.lanes.map(
      (lane, n) =>
        new TwinLane(n, lane, windowSize(lane, options), this.#bigEndian, samples, () => this.#lanes),
    );
    this.#collects = options.collect ?? false;
  }

  step(): Step {
    for (let budget = BATCH; ;) {
      const lane = earliest(this.#lanes);
      if (!lane) return { state: 'done' };
      if (lane.pending) {
        if (this.#world.ring.isFull || this.#outputIsFull()) return { state: 'full' };
        if (this.#world.events === this.#pauseAt) return { state: 'paused' };
        if (budget-- === 0) return { state: 'again' };
        this.#deliver(lane);
      }
      if (!lane.advance()) return { state: 'dry', lane: lane.id };
    }
  }

  /** Replays the lane's pending event, and what was lost before it. */
  #deliver(lane: TwinLane): void {
    const { spec, tally } = lane;
    const pending = lane.pending!;
    const { time, offset, bytes } = pending;
    if ('decoded' in pending && pending.decoded) {
      this.#world.label = pending.decoded.label;
      this.#hand(pending.decoded.event, { lane: pending.decoded.lane, offset });
      return;
    }
    const cpu = 'cpu' in pending ? pending.cpu : spec.cpu;
    const place = { lane: lane.id, offset };
    if ('lost' in pending && pending.lost !== null) {
      this.#hand(lostEvent(time, cpu, pending.lost), place);
      return;
    }
    if (tally.lost !== 0n) {
      this.#hand(lostEvent(time, spec.cpu, tally.lost), place);
      tally.lost = 0n;
    }
    if (!spec.layout && !spec.isSamples) {
      this.#world.label = labelOf(bytes);
      this.#hand(readEvent(new DataView(bytes.buffer, bytes.byteOffset), 0), place);
      return;
    }
    const record = this.#bigEndian ? turned(bytes, (type) => this.#world.rowOf(type)) : bytes;
    this.#world.record = record;
    this.#world.callers = 'callers' in pending ? pending.callers : null;
    const { event, isWhole } = decode(record, this.#world.rowOf(typeOf(record)).spec, time, cpu);
    if (!isWhole) {
      tally.badEvents++;
      tally.firstBad ??= offset;
    }
    this.#hand(event, place);
  }

  #hand(event: CanonicalEvent, place: EventPlace): void {
    if (this.#collects) this.#output.push({ event, place });
    else replay(this.#world, event, place);
  }

  /** Is there no room for an event and the loss before it? */
  #outputIsFull(): boolean {
    return this.#output.length + 2 > OUTPUT_EVENTS;
  }

  window(lane: number): Uint8Array {
    return this.#lanes[lane]!.window;
  }

  supply(lane: number, bytes: number): void {
    this.#lanes[lane]!.supply(bytes);
  }

  finish(lane: number): void {
    this.#lanes[lane]!.finish();
  }

  pauseAt(events: number): void {
    this.#pauseAt = BigInt(events);
  }

  drain(): RingRecord[] {
    return this.#world.ring.drain();
  }

  takeEvents(): PlacedEvent[] {
    const events = this.#output;
    this.#output = [];
    return events;
  }

  statistics(): StatisticsState {
    const { lastTime, statistics } = this.#world;
    return { lastTime, rows: readRows(this.#world), series: statistics.state() };
  }

  state(): EngineState {
    return readState(this.#world, this.#lanes);
  }
}

/** `missing` events of a CPU were lost before `time`; a number that is not known is told as 0. */
function lostEvent(time: bigint, cpu: number, missing: bigint): CanonicalEvent {
  const value = missing > 0n ? missing : 0n;
  return { time, cpu, value, kind: L.KIND_LOST, address: 0n, bit: 0, pid: 0, flags: 0, type: 0 };
}

/** Makes a twin; an EngineMaker. */
export function makeTwin(options: EngineOptions): Engine {
  return new TwinEngine(options);
}

import { instantiateSync } from '@assemblyscript/loader';
import * as L from '../../assembly/layout.ts';
import { SpinbackError } from '../base/errors.ts';
import { readEvent } from '../model/event-record.ts';
import type { EngineState, RingRecord, StatisticsState } from '../model/state.ts';
import {
  OUTPUT_EVENTS,
  type Engine,
  type EngineOptions,
  type LaneSpec,
  type PlacedEvent,
  type StatisticsOptions,
  type Step,
} from './engine.ts';
import { limitsOf } from './limits.ts';
import { writeSampleTables } from './sample-tables.ts';
import { readStatistics } from './wasm-statistics.ts';
import { readState } from './wasm-state.ts';
import { writeTurns } from './turns.ts';
import { placeOf, WasmMemory } from './wasm-memory.ts';
import { windowSize } from './window-size.ts';

/** The exports of assembly/index.ts; test/engine/exports.test.ts holds this against the compiler's own .d.ts. */
export interface EngineExports {
  [name: string]: unknown;
  setup(
    limit: number,
    lanes: number,
    rows: number,
    ringRecords: number,
    histogramBits: number,
    tablePower: number,
    floor: number,
  ): number | boolean;
  window(size: number): number;
  collectInto(capacity: number): number;
  scanSamples(scan: number): number;
  turn(number: number): void;
  splitBy(split: number): number | boolean;
  listBuckets(spans: number): number;
  step(): number;
  nextTellingLock(n: number): number;
  nextBusyTask(n: number): number;
}

const WASM_PAGE = 65536;
// Memory to begin with, besides the windows: tables, ring, and the slots of a small capture.
const ROOM = 6 << 20;

/** The engine proper: assembly/ compiled to WebAssembly. */
export class WasmEngine implements Engine {
  readonly #exports: EngineExports;
  readonly #memory: WasmMemory;
  readonly #windows: { readonly at: number; readonly size: number }[] = [];
  readonly #lanes: number;
  readonly #lanesAt: number;
  readonly #bigEndian: boolean;

  /**
   * Throws SpinbackError LIMIT when the memory limit is too small for the lanes, rows and ring asked for, and USAGE for
   * limits that cannot be.
   */
  constructor(module: WebAssembly.Module, options: EngineOptions) {
    const limits = limitsOf(options);
    const maximum = Math.min(65536, Math.ceil(limits.memoryLimit / WASM_PAGE));
    const windows = options.lanes.reduce((sum, lane) => sum + roomOf(lane, windowSize(lane, options)), 0);
    const initial = Math.min(maximum, Math.ceil((windows + ROOM) / WASM_PAGE));
    const memory = new WebAssembly.Memory({ initial: Math.max(2, initial), maximum: 65536 });
    this.#memory = new WasmMemory(memory);
    this.#exports = instantiateSync<EngineExports>(module, { env: { memory } }).exports;
    this.#lanes = options.lanes.length;
    this.#bigEndian = options.bigEndian ?? false;
    const ready = this.#exports.setup(
      Math.min(maximum * WASM_PAGE, 0xffff_0000),
      options.lanes.length,
      options.rows.length,
      limits.ringRecords,
      limits.histogramBits,
      limits.tablePower,
      limits.tableFloor,
    );
    if (!ready) throw tooSmall(limits.memoryLimit);
    this.#lanesAt = this.#head(L.HEAD_LANES);
    this.#memory.setU32(L.STATE + L.HEAD_SEED, randomWord());
    this.#memory.setU32(L.STATE + L.HEAD_SEED + 4, randomWord());
    this.#writeThreshold(L.HEAD_SPIN_NS, options.spinNs);
    this.#writeThreshold(L.HEAD_IRQ_OFF_NS, options.irqOffNs);
    this.#writeThreshold(L.HEAD_SILENT_NS, options.silentNs);
    this.#writeRows(options.rows);
    options.lanes.forEach((lane, n) =>
      this.#writeLane(lane, n, windowSize(lane, options), limits.memoryLimit),
    );
    const reserve = (size: number): number => this.#exports.window(size) >>> 0;
    if (options.samples && !writeSampleTables(this.#memory, options.samples, reserve)) {
      throw tooSmall(limits.memoryLimit);
    }
    if (this.#bigEndian && !writeTurns(this.#memory, options.rows, reserve))
      throw tooSmall(limits.memoryLimit);
    if (options.statistics) this.#split(options.statistics, limits.memoryLimit);
    if (options.collect && !this.#exports.collectInto(OUTPUT_EVENTS)) throw tooSmall(limits.memoryLimit);
  }

  #split({ split, since = 0n, until = -1n }: StatisticsOptions, limit: number): void {
    if (!this.#exports.splitBy(split | L.SPLIT_IS_ON)) throw tooSmall(limit);
    this.#memory.setU64(L.STATE + L.HEAD_SINCE, since);
    this.#memory.setU64(L.STATE + L.HEAD_UNTIL, until);
  }

  #head(field: number): number {
    return this.#memory.u32(L.STATE + field);
  }

  #writeThreshold(field: number, ns: number): void {
    if (Number.isFinite(ns)) this.#memory.setU64(L.STATE + field, BigInt(Math.round(ns)));
  }

  /** A kernel has some 1500 types, of which a handful are mapped; memory is zero as it comes. */
  #writeRows(rows: EngineOptions['rows']): void {
    const { view } = this.#memory;
    const first = this.#head(L.HEAD_ROWS);
    const index = this.#head(L.HEAD_ROW_INDEX);
    rows.forEach((row, n) => {
      const at = first + n * L.ROW_SIZE;
      view.setUint16(at + L.ROW_TYPE, row.type, true);
      view.setUint8(at + L.ROW_BIT_CONST, row.bitConst);
      if (n > 0) view.setUint32(index + 4 * row.type, n * L.ROW_SIZE, true);
      if (row.kind !== L.KIND_OTHER) this.#writeRow(row, at);
    });
  }

  #writeRow(row: EngineOptions['rows'][number], at: number): void {
    const memory = this.#memory;
    memory.setU8(at + L.ROW_KIND, row.kind);
    memory.setU8(at + L.ROW_NAMESPACE, row.namespace);
    memory.setU8(at + L.ROW_ADDRESS_SIZE, row.address.size);
    memory.setU8(at + L.ROW_BIT_SIZE, row.bit.size);
    memory.setU8(at + L.ROW_VALUE_SIZE, row.value.size);
    memory.setU8(at + L.ROW_HIGH_SIZE, row.high.size);
    memory.setU8(at + L.ROW_AUX_SIZE, row.aux.size);
    memory.setU16(at + L.ROW_ADDRESS_AT, row.address.at);
    memory.setU16(at + L.ROW_BIT_AT, row.bit.at);
    memory.setU16(at + L.ROW_VALUE_AT, row.value.at);
    memory.setU16(at + L.ROW_HIGH_AT, row.high.at);
    memory.setU16(at + L.ROW_AUX_AT, row.aux.at);
    memory.setU16(at + L.ROW_MIN_SIZE, row.minSize);
    memory.setU16(at + L.ROW_FLAGS, row.flags);
    memory.setU16(at + L.ROW_ENTRY, row.entry);
    if (row.name) {
      memory.setU8(at + L.ROW_NAME, row.name.location === 'rel' ? L.NAME_REL_LOC : L.NAME_DATA_LOC);
      memory.setU16(at + L.ROW_NAME_AT, row.name.at);
    }
    if (row.site) {
      memory.setU16(at + L.ROW_SITE_AT, row.site.at);
      memory.setU8(at + L.ROW_SITE_SIZE, row.site.size);
    }
    row.auxFlags.forEach((flags, aux) => memory.setU16(at + L.ROW_AUX_FLAGS + 2 * aux, flags));
  }

  #writeLane(lane: LaneSpec, n: number, size: number, limit: number): void {
    const window = this.#exports.window(roomOf(lane, size)) >>> 0;
    if (!window) throw tooSmall(limit);
    this.#windows.push({ at: window, size });
    const memory = this.#memory;
    const at = this.#lanesAt + n * L.LANE_SIZE;
    memory.setU32(at + L.LANE_WINDOW, window);
    memory.setU32(at + L.LANE_CAPACITY, size);
    memory.setU8(at + L.LANE_FORMAT, formatOf(lane));
    memory.setU16(at + L.LANE_CPU, lane.cpu);
    memory.setU16(at + L.LANE_ID, n);
    memory.setU64(at + L.LANE_ORIGIN, (BigInt(n) << 48n) - BigInt(window));
    memory.setU32(at + L.LANE_MULT, lane.mult);
    memory.setU32(at + L.LANE_SHIFT, lane.shift);
    memory.setU64(at + L.LANE_OFFSET_NS, lane.offsetNs);
    if (!lane.layout) return;
    memory.setU32(at + L.LANE_PAGE_SIZE, lane.layout.pageSize);
    memory.setU32(at + L.LANE_DATA_AT, lane.layout.dataAt);
    memory.setU8(at + L.LANE_COMMIT_SIZE, lane.layout.commitSize);
  }

  step(): Step {
    const result = this.#exports.step();
    switch (result) {
      case L.STEP_DONE:
        return { state: 'done' };
      case L.STEP_AGAIN:
        return { state: 'again' };
      case L.STEP_RING_FULL:
      case L.STEP_OUTPUT_FULL:
        return { state: 'full' };
      case L.STEP_PAUSED:
        return { state: 'paused' };
      default:
        return { state: 'dry', lane: result };
    }
  }

  window(lane: number): Uint8Array {
    const { at, size } = this.#windows[lane]!;
    return this.#memory.bytes.subarray(at, at + size);
  }

  supply(lane: number, bytes: number): void {
    const memory = this.#memory;
    const at = this.#lanesAt + lane * L.LANE_SIZE;
    const origin = memory.u64(at + L.LANE_ORIGIN) + BigInt(memory.u32(at + L.LANE_FILLED));
    memory.setU64(at + L.LANE_ORIGIN, origin);
    memory.setU32(at + L.LANE_FILLED, bytes);
    memory.setU32(at + L.LANE_CURSOR, 0);
    memory.setU32(at + L.LANE_PAGE, 0);
    memory.setU32(at + L.LANE_PAGE_END, 0);
    if (this.#bigEndian) this.#exports.turn(lane);
  }

  finish(lane: number): void {
    this.supply(lane, 0);
    this.#memory.setU8(this.#lanesAt + lane * L.LANE_SIZE + L.LANE_STATE, L.LANE_STATE_LAST);
  }

  pauseAt(events: number): void {
    this.#memory.setU64(L.STATE + L.HEAD_PAUSE_AT, BigInt(events));
  }

  drain(): RingRecord[] {
    const head = this.#head(L.HEAD_RING_HEAD);
    const capacity = this.#head(L.HEAD_RING_CAPACITY);
    const ring = this.#head(L.HEAD_RING);
    const records: RingRecord[] = [];
    for (let n = this.#head(L.HEAD_RING_TAIL); n !== head; n = (n + 1) >>> 0) {
      records.push(this.#record(ring + (n % capacity) * L.RECORD_SIZE));
    }
    this.#memory.setU32(L.STATE + L.HEAD_RING_TAIL, head);
    return records;
  }

  #record(at: number): RingRecord {
    const memory = this.#memory;
    const marks = Array.from({ length: L.RECORD_MARK_LIMIT }, (_, n) =>
      memory.mark(at + L.RECORD_MARKS + n * L.MARK_SIZE),
    );
    return {
      kind: memory.u8(at + L.RECORD_KIND),
      level: memory.u8(at + L.RECORD_LEVEL),
      namespace: memory.u8(at + L.RECORD_NAMESPACE),
      bit: memory.u8(at + L.RECORD_BIT),
      cpu: memory.u16(at + L.RECORD_CPU),
      flags: memory.u16(at + L.RECORD_FLAGS),
      pid: memory.i32(at + L.RECORD_PID),
      count: memory.u32(at + L.RECORD_COUNT),
      address: memory.u64(at + L.RECORD_ADDRESS),
      extra: memory.u64(at + L.RECORD_EXTRA),
      marks,
    };
  }

  takeEvents(): PlacedEvent[] {
    const count = this.#head(L.HEAD_OUTPUT_COUNT);
    const output = this.#head(L.HEAD_OUTPUT);
    const events: PlacedEvent[] = [];
    for (let n = 0; n < count; n++) {
      const at = output + n * L.OUTPUT_SIZE;
      const place = placeOf(this.#memory.u64(at + L.OUTPUT_POSITION));
      events.push({ event: readEvent(this.#memory.view, at), place });
    }
    this.#memory.setU32(L.STATE + L.HEAD_OUTPUT_COUNT, 0);
    return events;
  }

  /** Linear memory, all of it and as it is: state and windows. A copy is a snapshot of the engine. */
  get memory(): Uint8Array {
    return this.#memory.bytes;
  }

  /**
   * Collect mode: takes the events as they lie in memory (assembly/layout.ts, OUTPUT_*). Valid until the next step; until then
   * their raw records lie in their lanes' windows.
   */
  takeItems(): Uint8Array {
    const output = this.#head(L.HEAD_OUTPUT);
    const end = output + this.#head(L.HEAD_OUTPUT_COUNT) * L.OUTPUT_SIZE;
    this.#memory.setU32(L.STATE + L.HEAD_OUTPUT_COUNT, 0);
    return this.#memory.bytes.subarray(output, end);
  }

  statistics(): StatisticsState {
    return readStatistics(this.#memory, (at) => this.#exports.listBuckets(at));
  }

  state(): EngineState {
    return readState(this.#memory, this.#lanes, this.#exports);
  }
}

/** Bytes of a lane's window with the tables behind it. */
function roomOf({ blocks }: LaneSpec, window: number): number {
  return blocks && window > 0 ? window + L.TABLE_SIZE : window;
}

function formatOf({ layout, blocks, isSamples }: LaneSpec): number {
  if (layout) return L.LANE_PAGES_FORMAT;
  if (isSamples) return L.LANE_SAMPLES_FORMAT;
  return blocks ? L.LANE_BLOCKS_FORMAT : L.LANE_RECORDS_FORMAT;
}

function tooSmall(limit: number): SpinbackError {
  return new SpinbackError(
    'LIMIT',
    `the engine's memory limit of ${limit} bytes is too small for this capture`,
  );
}

/** No file knows it beforehand, which is all that is asked of it. */
function randomWord(): number {
  return Math.floor(Math.random() * 2 ** 32);
}

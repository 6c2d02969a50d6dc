// Runs the WebAssembly engine, in both builds, and its plain-TypeScript twin over the same input, and holds what they did
// against each other.

import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import type { Engine, EngineOptions, LaneSpec, PlacedEvent, RowSpec } from '../../src/engine/engine.ts';
import { makeTwin } from '../../src/engine/twin/twin-engine.ts';
import { WasmEngine } from '../../src/engine/wasm-engine.ts';
import { readEngineBinary } from '../../src/io/engine-binary.ts';
import { otherRow } from '../../src/mapping/decode-row.ts';
import type { EngineState, RingRecord, StatisticsState } from '../../src/model/state.ts';
import type { EngineMaker } from '../../src/session/pump.ts';

/** How many times as many random runs as usual: SPINBACK_SOAK=50 npx vitest run test/property */
export const SOAK = Number(process.env['SPINBACK_SOAK'] ?? 1);
/** Where random runs begin; another number gives other runs. */
export const SEED = Number(process.env['SPINBACK_SEED'] ?? 20151008);

function wasm(build: 'release' | 'debug'): EngineMaker {
  const module = new WebAssembly.Module(readEngineBinary(build) as Uint8Array<ArrayBuffer>);
  return (options) => new WasmEngine(module, options);
}

export const release = wasm('release');
export const debug = wasm('debug');
export const ENGINES: readonly (readonly [name: string, make: EngineMaker])[] = [
  ['release', release],
  ['debug', debug],
  ['twin', makeTwin],
];

/** A lane of canonical records. */
export const RECORDS: LaneSpec = { cpu: 0, layout: null, mult: 0, shift: 0, offsetNs: 0n };

/** Options that report nothing and forget nothing, but for what a test asks for. */
export function options(asked: Partial<EngineOptions> = {}): EngineOptions {
  return {
    lanes: [RECORDS],
    rows: [otherRow(0)],
    spinNs: Infinity,
    irqOffNs: Infinity,
    silentNs: Infinity,
    ringRecords: 64,
    histogramBits: 3,
    tablePower: 4,
    tableFloor: 8,
    ...asked,
  };
}

/** The same feed for engines whose index of locks outgrows a processor's cache (assembly/decode/ahead.ts). */
export function withLargeTables(feed: Feed): Feed {
  return { ...feed, options: { ...feed.options, tablePower: 16, memoryLimit: 64 << 20 } };
}

/** A row that maps `type` to `kind`, with no fields but what a test asks for. */
export function row(type: number, kind: number, asked: Partial<RowSpec> = {}): RowSpec {
  return { ...otherRow(type), kind, ...asked };
}

export interface Feed {
  readonly options: EngineOptions;
  /** Each lane's bytes, whole pages or records. */
  readonly lanes: readonly Uint8Array[];
  /** How many pages or records the n-th supply of a lane brings; as many as fit by default, as always with samples. */
  readonly chunk?: (lane: number, n: number) => number;
  /** The state is looked at after every so many pauses as well; only at the end by default. */
  readonly peek?: number;
  /** Leave the ring alone until it is full; drained at every pause by default. */
  readonly drainLate?: boolean;
}

export interface Outcome {
  readonly steps: readonly string[];
  readonly records: readonly RingRecord[];
  readonly events: readonly PlacedEvent[];
  readonly states: readonly unknown[];
  readonly statistics: StatisticsState;
  /** The state at the end, as the engine gives it. */
  readonly last: EngineState;
}

/** More pauses than any input can need: an engine that takes them hangs. */
function mostPauses({ lanes }: Feed): number {
  return 1000 + lanes.reduce((sum, bytes) => sum + bytes.length / 8, 0);
}

/** Pumps an engine to the end. */
export function run(make: EngineMaker, feed: Feed): Outcome {
  const engine = make(feed.options);
  const steps: string[] = [];
  const records: RingRecord[] = [];
  const events: PlacedEvent[] = [];
  const states: unknown[] = [];
  const fed = new Feeder(engine, feed);
  const most = mostPauses(feed);
  for (let pause = 1; pause <= most; pause++) {
    const step = engine.step();
    steps.push(step.state === 'dry' ? `dry ${step.lane}` : step.state);
    if (step.state === 'dry') fed.supply(step.lane);
    if (!feed.drainLate || step.state === 'full' || step.state === 'done') records.push(...engine.drain());
    events.push(...engine.takeEvents());
    if (feed.peek && pause % feed.peek === 0) states.push(canonical(engine.state()));
    if (step.state !== 'done') continue;
    const last = engine.state();
    return {
      steps,
      records,
      events,
      states: [...states, canonical(last)],
      statistics: engine.statistics(),
      last,
    };
  }
  throw new Error(`hangs: ${most} pauses and no end, the last ones ${steps.slice(-5).join(', ')}`);
}

class Feeder {
  readonly #engine: Engine;
  readonly #feed: Feed;
  readonly #positions: number[];
  readonly #supplies: number[];

  constructor(engine: Engine, feed: Feed) {
    this.#engine = engine;
    this.#feed = feed;
    this.#positions = feed.lanes.map(() => 0);
    this.#supplies = feed.lanes.map(() => 0);
  }

  supply(lane: number): void {
    const {
      lanes,
      chunk,
      options: { lanes: specs },
    } = this.#feed;
    const window = this.#engine.window(lane);
    const unit = specs[lane]!.isSamples ? Infinity : (specs[lane]!.layout?.pageSize ?? 40);
    const most = Math.min(window.length, (chunk?.(lane, this.#supplies[lane]!++) ?? Infinity) * unit);
    const from = this.#positions[lane]!;
    const bytes = lanes[lane]!.subarray(from, from + most);
    this.#positions[lane] = from + bytes.length;
    window.set(bytes);
    if (bytes.length > 0) this.#engine.supply(lane, bytes.length);
    else this.#engine.finish(lane);
  }
}

/** A state whose slot numbers, which differ from engine to engine, are replaced by what they stand for. */
export function canonical(state: EngineState): unknown {
  const lockNames = new Map([...state.locks.values()].map((lock) => [lock.id, nameOfLock(lock)]));
  const contextNames = new Map(state.contexts.map((context) => [context.id, nameOfContext(context)]));
  return {
    ...state,
    contexts: state.contexts.map(({ id: _id, stack, ...context }) => ({
      ...context,
      stack: stack.map((hold) => ({ ...hold, lock: known(lockNames, hold.lock) })),
    })),
    locks: [...state.locks.values()].map(({ id: _id, owner, ...lock }) => ({
      ...lock,
      owner: owner === null ? null : known(contextNames, owner),
    })),
  };
}

function nameOfLock({
  namespace,
  address,
  bit,
}: {
  namespace: number;
  address: bigint;
  bit: number;
}): string {
  return `${namespace}:${address.toString(16)}:${bit}`;
}

function nameOfContext({ level, pid, cpu }: { level: number; pid: number; cpu: number }): string {
  return `level ${level}, pid ${pid}, cpu ${cpu}`;
}

/** A number that leads nowhere is a bug of its own: a slot that was forgotten while something still points to it. */
function known(names: ReadonlyMap<number, string>, id: number): string {
  const name = names.get(id);
  if (name === undefined) throw new Error(`slot ${id} is referred to, but is not in the state`);
  return name;
}

/** All engines do the same with this input; returns what they did. */
export function agree(feed: Feed): Outcome {
  const [first, ...others] = ENGINES.map(([name, make]) => [name, run(make, feed)] as const);
  const [twinName, twin] = others.pop()!;
  for (const [name, outcome] of [first!, ...others]) {
    if (isDeepStrictEqual(comparable(outcome), comparable(twin))) continue;
    expect(comparable(outcome), `${name} against ${twinName}`).toEqual(comparable(twin));
  }
  return twin;
}

function comparable({ last: _last, ...outcome }: Outcome): Omit<Outcome, 'last'> {
  return outcome;
}

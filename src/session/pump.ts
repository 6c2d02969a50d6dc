import type { Engine, EngineOptions, Step } from '../engine/engine.ts';
import { scanInWasm } from '../engine/sample-scanner.ts';
import { WasmEngine } from '../engine/wasm-engine.ts';
import { SpinbackError } from '../base/errors.ts';
import type { DecodeRow } from '../mapping/decode-row.ts';
import { NAMESPACE } from '../model/engine-numbers.ts';
import { KINDS, type KindName } from '../model/event.ts';
import { readEngineBinary } from '../io/engine-binary.ts';
import { useNativeCode } from '../io/native-code.ts';
import { optimizeLess } from '../io/tiers.ts';
import type { Capture, Lane } from '../trace/capture.ts';

/** Bytes of input consumed, and in all where that is known. */
export interface Progress {
  readonly done: number;
  readonly total: number | null;
}

/** How an engine is made; tests pass the debug build or the twin. */
export type EngineMaker = (options: EngineOptions) => Engine;

/** Bytes of input from which on the optimizing compiler pays, for the engine where its code was not kept, and for the reader of a text. */
const MUCH = 4 << 20;
/**
 * What a byte of blocks counts for: they are smaller than pages and cost less. Of 1.3 MB (0.4 million events) the optimizing
 * compiler costs more than it saves, at 3.2 MB it makes no difference.
 */
const UNPACKING = 2;

/** The release build, one module for what V8 optimizes less for and one for the rest: each is made once per process. */
const modules: { lessOptimized?: WebAssembly.Module; plain?: WebAssembly.Module } = {};

function moduleFor(inputBytes: number, isText = false): WebAssembly.Module {
  const hasNativeCode = useNativeCode('engine');
  // JavaScript goes over every line of a text, and over a few hundred records of anything else, however large.
  if (inputBytes >= MUCH && (isText || !hasNativeCode)) return (modules.plain ??= compile());
  return (modules.lessOptimized ??= compileLess(hasNativeCode));
}

function isOfText({ lanes }: EngineOptions): boolean {
  return lanes.some(({ layout, blocks, isSamples }) => !layout && !blocks && !isSamples);
}

/** The release build of the WebAssembly engine. */
export const makeWasmEngine = (options: EngineOptions): WasmEngine =>
  new WasmEngine(moduleFor(options.inputBytes ?? Infinity, isOfText(options)), options);

function compile(): WebAssembly.Module {
  return new WebAssembly.Module(readEngineBinary('release') as Uint8Array<ArrayBuffer>);
}

function compileLess(hasNativeCode: boolean): WebAssembly.Module {
  const done = optimizeLess(hasNativeCode);
  try {
    return compile();
  } finally {
    done();
  }
}

/** A capture's lanes and rows in the engine's terms. */
export function engineInput(
  capture: Capture,
): Pick<EngineOptions, 'lanes' | 'rows' | 'bigEndian' | 'samples' | 'inputBytes'> {
  const { total } = capture.progress();
  const bytes = total === null ? null : total * weightOf(capture.lanes);
  return {
    ...(bytes !== null && { inputBytes: bytes }),
    bigEndian: capture.bigEndian,
    samples: capture.samples,
    lanes: capture.lanes.map((lane) => ({
      cpu: lane.cpu,
      layout: lane.input.kind === 'pages' ? lane.input.layout : null,
      isSamples: lane.input.kind === 'samples',
      blocks: lane.input.kind === 'blocks',
      ...lane.clock,
    })),
    rows: attemptsHold(capture) ? capture.rows.map(heldFromAttempt) : capture.rows,
  };
}

/** What a byte of progress counts for: that of a perf.data goes over it twice. */
function weightOf([lane]: readonly Lane[]): number {
  if (lane?.input.kind === 'blocks') return UNPACKING;
  return lane?.input.kind === 'samples' ? 0.5 : 1;
}

/** Does the lane stand for one CPU, as lanes of pages do, and in a container those that were? Others hold events of any. */
export function isOfPages({ input }: Lane): boolean {
  return input.kind === 'pages' || (input.kind === 'blocks' && input.of === 'pages');
}

/**
 * Kernels without CONFIG_LOCK_STAT have lock_acquire and lock_release but neither lock_acquired nor lock_contended
 * (include/trace/events/lock.h, Linux 6.12): nothing tells when a take succeeded, so it counts from lock_acquire on (design
 * rule 3). Known only of captures that describe their events, which text does not. A perf.data
 * describes what was recorded, and so does a trace.dat unless trace-cmd record was given -a (tracecmd/trace-record.c, trace-cmd 3.1.6):
 * it may be the user who left both out, which comes to the same.
 */
export function attemptsHold({ rows, lanes }: Capture): boolean {
  const has = (kind: KindName): boolean =>
    rows.some((row) => isLockdep(row) && row.kind === KINDS.indexOf(kind));
  const isKnown = lanes.every((lane) => isOfPages(lane) || isOfSamples(lane));
  return isKnown && has('attempt') && has('release') && !has('acquire') && !has('contend');
}

function isOfSamples({ input }: Lane): boolean {
  return input.kind === 'samples' || (input.kind === 'blocks' && input.of === 'samples');
}

function isLockdep({ namespace }: DecodeRow): boolean {
  return namespace === NAMESPACE.lockdep;
}

function heldFromAttempt(row: DecodeRow): DecodeRow {
  const isAttempt = isLockdep(row) && row.kind === KINDS.indexOf('attempt');
  return isAttempt ? { ...row, kind: KINDS.indexOf('acquire') } : row;
}

const replayed = new WeakSet<Capture>();

/**
 * Takes a capture for a replay, and has it find its lanes, which deliver once. Throws USAGE for a capture that was replayed
 * before: silence would look like "nothing found".
 */
export function claim(capture: Capture, onProgress: (progress: Progress) => void = () => {}): void {
  if (replayed.has(capture)) {
    throw new SpinbackError('USAGE', 'a capture can be replayed once: open it again', { path: capture.path });
  }
  replayed.add(capture);
  capture.arrange?.((stream, tables, take) =>
    scanInWasm(moduleFor(stream.size), stream, tables, (item) => {
      take(item);
      onProgress(capture.progress());
    }),
  );
}

/** Reads on where a lane ran dry. */
export function refill(engine: Engine, lanes: readonly Lane[], lane: number): void {
  const bytes = lanes[lane]!.read(engine.window(lane));
  if (bytes > 0) engine.supply(lane, bytes);
  else engine.finish(lane);
}

/** Runs an engine over lanes to the end. `onPause` is called between steps: drain there, and report progress. */
export function pump(engine: Engine, lanes: readonly Lane[], onPause: (step: Step) => void): void {
  for (const step of pumping(engine, lanes)) onPause(step);
}

/** The same, one pause at a time: for whoever wants to stop early. */
export function* pumping(engine: Engine, lanes: readonly Lane[]): Generator<Step> {
  for (;;) {
    const step = engine.step();
    if (step.state === 'dry') refill(engine, lanes, step.lane);
    yield step;
    if (step.state === 'done') return;
  }
}

import type { Engine, EngineOptions } from '../engine/engine.ts';
import { WasmEngine } from '../engine/wasm-engine.ts';
import { SpinbackError } from '../base/errors.ts';
import { readEngineBinary } from '../io/engine-binary.ts';
import type { Capture, Lane } from '../trace/capture.ts';

/** How an engine is made; tests pass the debug build or the twin. */
export type EngineMaker = (options: EngineOptions) => Engine;

let release: WebAssembly.Module | undefined;

/** The release build of the WebAssembly engine, compiled once per process. */
export const makeWasmEngine: EngineMaker = (options) => {
  release ??= new WebAssembly.Module(readEngineBinary('release') as Uint8Array<ArrayBuffer>);
  return new WasmEngine(release, options);
};

/** A capture's lanes and rows in the engine's terms. */
export function engineInput(capture: Capture): Pick<EngineOptions, 'lanes' | 'rows'> {
  return {
    lanes: capture.lanes.map((lane) => ({
      cpu: lane.cpu,
      layout: lane.input.kind === 'pages' ? lane.input.layout : null,
      ...lane.clock,
    })),
    rows: capture.rows,
  };
}

const replayed = new WeakSet<Capture>();

/** Lanes deliver once. Throws USAGE for a capture that was replayed before: silence would look like "nothing found". */
export function claim(capture: Capture): void {
  if (replayed.has(capture)) {
    throw new SpinbackError('USAGE', 'a capture can be replayed once: open it again', { path: capture.path });
  }
  replayed.add(capture);
}

/** Runs an engine over lanes to the end. `onPause` is called between steps: drain there, and report progress. */
export function pump(engine: Engine, lanes: readonly Lane[], onPause: () => void): void {
  for (const _ of pumping(engine, lanes)) onPause();
}

/** The same, one pause at a time: for whoever wants to stop early. */
export function* pumping(engine: Engine, lanes: readonly Lane[]): Generator<void> {
  for (;;) {
    const step = engine.step();
    if (step.state === 'dry') {
      const bytes = lanes[step.lane]!.read(engine.window(step.lane));
      if (bytes > 0) engine.supply(step.lane, bytes);
      else engine.finish(step.lane);
    }
    yield;
    if (step.state === 'done') return;
  }
}

import type { LaneTally } from '../blocks/build-block.ts';
import { Items } from '../blocks/items.ts';
import type { LaneState } from '../model/state.ts';
import type { Capture } from '../trace/capture.ts';
import { SpinWriter } from '../trace/spin/writer.ts';
import { claim, engineInput, makeWasmEngine, refill } from './pump.ts';
import type { AnalyzeOptions } from './session.ts';

/**
 * Converts a capture to a .spin container (docs/formats/spin.md) and gives its bytes, front to back. Throws UNSUPPORTED for containers,
 * and for mappings that no mapping file holds. Memory does not grow with the capture.
 */
export async function* convertCapture(
  capture: Capture,
  options: Pick<AnalyzeOptions, 'onProgress'> = {},
): AsyncGenerator<Uint8Array> {
  // What a container keeps of the capture is known when its lanes are.
  claim(capture, options.onProgress);
  const writer = await SpinWriter.of(capture);
  const engine = makeWasmEngine({
    ...engineInput(capture),
    spinNs: Infinity,
    irqOffNs: Infinity,
    silentNs: Infinity,
    collect: true,
  });
  const { lanes } = capture;
  const tallies = new Tallies(() => engine.state().lanes);
  yield* writer.begin();
  for (;;) {
    const step = engine.step();
    const items = new Items(engine.takeItems());
    yield* writer.add(
      items,
      (lane) => engine.window(lane),
      () => tallies.take(),
    );
    if (step.state === 'done') break;
    // Only now: the records of the items lie in the windows.
    if (step.state === 'dry') refill(engine, lanes, step.lane);
    options.onProgress?.(capture.progress());
  }
  yield* writer.finish(() => tallies.take());
}

/** What reading the lanes came upon since the last look. */
class Tallies {
  readonly #now: () => readonly LaneState[];
  #before: readonly LaneState[] = [];

  constructor(now: () => readonly LaneState[]) {
    this.#now = now;
  }

  take(): LaneTally[] {
    const now = this.#now();
    const changed = now.map((lane, n) => difference(lane, this.#before[n]));
    this.#before = now;
    return changed.filter((lane) => lane.events + BigInt(lane.pages + lane.badPages + lane.badEvents) > 0n);
  }
}

function difference(now: LaneState, before: LaneState | undefined): LaneTally {
  return {
    lane: now.lane,
    firstBad: now.firstBad,
    events: now.events - (before?.events ?? 0n),
    pages: now.pages - (before?.pages ?? 0),
    badPages: now.badPages - (before?.badPages ?? 0),
    badEvents: now.badEvents - (before?.badEvents ?? 0),
    backwards: now.backwards - (before?.backwards ?? 0),
  };
}

import type { Engine, EngineOptions } from '../src/engine/engine.ts';
import type { Workload } from './workloads.ts';

/** What of an engine a replay from memory needs. */
export type Replayable = Pick<Engine, 'step' | 'window' | 'supply' | 'finish'> &
  Partial<Pick<Engine, 'drain'>>;
type ReplayableMaker = (options: EngineOptions) => Replayable;

/** Engine options of a workload; findings are off, as on a machine where nothing is wrong. */
export function engineOptions({ options }: Workload): EngineOptions {
  return { spinNs: Infinity, irqOffNs: Infinity, silentNs: Infinity, ...options };
}

/** CPU time of this process in ns: unlike a clock on the wall it does not count what other processes do meanwhile. */
export function cpuNs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

/** CPU time in ns of one replay (see replayed()). */
export function replayNs(make: ReplayableMaker, workload: Workload): number {
  return replayed(make, workload).ns;
}

/**
 * Replays a workload. `ns`: the CPU time that it takes, without the filling of windows and without what the workload calls warm (bytes
 * over all lanes, as the native driver counts them).
 */
export function replayed<E extends Replayable>(
  make: (options: EngineOptions) => E,
  workload: Workload,
): { readonly ns: number; readonly engine: E } {
  const engine = make(engineOptions(workload));
  const used = workload.lanes.map(() => 0);
  let given = 0;
  let spent = 0;
  for (;;) {
    const start = cpuNs();
    const step = engine.step();
    if (given >= workload.warmBytes) spent += cpuNs() - start;
    if (step.state === 'done') return { ns: spent, engine };
    if (step.state === 'full') engine.drain?.();
    if (step.state === 'dry') {
      const bytes = fill(engine, step.lane, workload.lanes[step.lane]!.bytes.subarray(used[step.lane]!));
      used[step.lane]! += bytes;
      given += bytes;
    }
  }
}

function fill(engine: Replayable, lane: number, rest: Uint8Array): number {
  const window = engine.window(lane);
  const piece = rest.subarray(0, window.length);
  window.set(piece);
  if (piece.length > 0) engine.supply(lane, piece.length);
  else engine.finish(lane);
  return piece.length;
}

import type { LostSpan } from '../model/case.ts';
import type { EngineState } from '../model/state.ts';
import type { Capture } from '../trace/capture.ts';

/** CPUs whose last events are missing: their lanes end early, the capture was cut, or they lost events nobody knows when. */
export function lostTailsOf(capture: Capture, { cpus }: EngineState): Set<number> {
  const losses = capture.losses?.() ?? [];
  const isAnywhere = capture.isCut === true || losses.some(({ cpu }) => cpu === null);
  return new Set([
    ...capture.lanes.filter(({ lostTail }) => lostTail).map(({ cpu }) => cpu),
    ...losses.flatMap(({ cpu }) => cpu ?? []),
    ...(isAnywhere ? cpus.map(({ cpu }) => cpu) : []),
  ]);
}

/** Losses nobody knows when, as spans from the capture's first event to its last: they may concern whatever happened there. */
export function unplacedLosses(capture: Capture, state: EngineState): LostSpan[] {
  const { firstTime: from, lastTime: to } = state;
  return (capture.losses?.() ?? []).flatMap((loss): LostSpan[] => {
    const cpus = loss.cpu === null ? state.cpus.map(({ cpu }) => cpu) : [loss.cpu];
    // How many of them were this CPU's is not known where the loss is anywhere.
    const count = loss.cpu === null ? 0n : BigInt(loss.count ?? 0);
    return cpus.map((cpu) => ({ cpu, from, to, count }));
  });
}

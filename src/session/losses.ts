import { RowTable } from '../mapping/row-table.ts';
import type { Case, LostSpan } from '../model/case.ts';
import { COUNTERS } from '../model/engine-numbers.ts';
import { KINDS } from '../model/event.ts';
import type { EngineState } from '../model/state.ts';
import type { Capture } from '../trace/capture.ts';
import { typeCounts } from './summary.ts';

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

const OTHER = KINDS.indexOf('other');

/** Events that would tell of locks and words, if the formats of their records were not damaged, or unlike what we know. */
export function undecodedOf(capture: Capture, state: EngineState): NonNullable<Case['undecoded']> {
  const unknown = Number(state.counters[COUNTERS.unknownTypes] ?? 0n);
  const list = unknown > 0 ? [{ event: null, count: unknown }] : [];
  if (!capture.damage().some(({ name }) => name === 'mapping-misfit')) return list;
  const mapped = new RowTable();
  const wanted = capture.types.filter(({ system, name }) => mapped.find(system, name) !== null);
  const ids = new Set(wanted.map(({ id }) => id));
  const isMisfit = ({ row, type }: EngineState['rows'][number]): boolean =>
    row > 0 && capture.rows[row]?.kind === OTHER && ids.has(type);
  return [...list, ...typeCounts(capture, { rows: state.rows.filter(isMisfit) })];
}

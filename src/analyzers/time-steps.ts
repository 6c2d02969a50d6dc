import type { Case } from '../model/case.ts';
import { endOf, type Confidence } from '../model/report.ts';
import type { TimeStep } from '../model/state.ts';
import { MARGIN_NS } from './clock-order.ts';
import { isStuckCpu, weaker, type Draft } from './draft.ts';
import { at, lasted } from './times.ts';

// The events of one CPU come in the order in which it wrote them. Small steps backwards are normal: ktime_get_mono_fast_ns()
// is not monotonic across an update of the timekeeper (its comment in kernel/time/timekeeping.c, Linux 6.12), which the trace
// clocks mono and boot read, and sched_clock() can step where the time stamp counter is not stable. A clock that was set, or one
// flipped bit in the time of a sub-buffer, which moves hundreds of events by as much as 2^63 ns, makes steps that matter. Which side
// of such a step is wrong nobody knows: times between its two ends happened twice, or not at all.

/** A step that is less than this part of a finding's duration makes no difference to it. */
const MATERIAL = 0.1;
/** From this part on the step may be all that there is to the finding. */
const MOST = 0.5;

interface CpuStep extends TimeStep {
  readonly cpu: number;
}

/**
 * The case as of where the CPUs' records end, where the capture's last time is one from which a CPU's times ran backwards, and
 * which no record reaches again: what is open at the end is measured to a time that more than one event speaks for.
 */
export function untilRecordsEnd(about: Case): Case {
  const end = recordsEnd(about);
  const isBeyond = stepsOf(about).some(({ from }) => isWide(about, end, from));
  return isBeyond ? { ...about, state: { ...about.state, lastTime: end } } : about;
}

/**
 * A finding no surer than the times that it rests on.
 *
 * @param about as of where the records end
 * @param lastTime the latest time of the capture
 */
export function doubtSteps(draft: Draft, about: Case, lastTime: bigint): Draft {
  const steps = stepsOf(about);
  if (steps.length === 0) return draft;
  return doubtStep(measured(draft, about, lastTime), about, steps);
}

/** Says to which time an open end was measured, where that makes a difference. */
function measured(draft: Draft, about: Case, lastTime: bigint): Draft {
  const end = about.state.lastTime;
  if (!draft.openEnded || lastTime === end || !isMaterial(about, draft, end, lastTime)) return draft;
  const length = lasted(about, draft.durationNs);
  const why = `${lastTimeOf(about, lastTime)}: the records of the CPUs show it lasting until ${at(about, end)}${length ? `, for ${length}` : ''}`;
  return { ...draft, taintedBy: [...draft.taintedBy, why] };
}

function lastTimeOf(about: Case, lastTime: bigint): string {
  const step = stepsOf(about).find(({ from }) => from === lastTime);
  const whose = step
    ? `the times of CPU ${step.cpu} ran backwards to ${at(about, step.to)}`
    : 'times ran backwards';
  return `the last time of the capture, ${at(about, lastTime)}, is one from which ${whose}`;
}

/**
 * What lasts long enough to be told only where the capture's last time is right, which a step backwards makes doubtful: possible.
 *
 * @param whole drafts as of the capture's last time
 * @param told drafts as of where the records end
 */
export function openBeyond(
  whole: readonly Draft[],
  told: readonly Draft[],
  about: Case,
  lastTime: bigint,
): Draft[] {
  const known = new Set(told.map(subjectOf));
  const why = `${lastTimeOf(about, lastTime)}: the records of the CPUs end by ${at(about, about.state.lastTime)}, too early to show it`;
  return whole
    .filter((draft) => draft.openEnded && !known.has(subjectOf(draft)))
    .map((draft) => ({ ...draft, confidence: 'possible', taintedBy: [...draft.taintedBy, why] }));
}

function subjectOf({ kind, subject, lock }: Draft): string {
  return [kind, subject?.cpu, subject?.pid, lock?.address, lock?.bit].join();
}

function doubtStep(draft: Draft, about: Case, steps: readonly CpuStep[]): Draft {
  const [start, end] = spanOf(draft);
  const [step] = steps
    .filter(({ cpu }) => restsOn(draft, cpu))
    .filter(({ from, to }) => start <= from && end >= to && isMaterial(about, draft, to, from))
    .toSorted((a, b) => Number(b.from - b.to - (a.from - a.to)));
  if (!step) return draft;
  const { cpu, from, to } = step;
  const why = `times of CPU ${cpu} ran backwards from ${at(about, from)} to ${at(about, to)}: which of them are right is not known`;
  const isMost = Number(from - to) >= MOST * draft.durationNs && !isApart(draft, about, step);
  const most: Confidence = isMost ? 'possible' : 'likely';
  return { ...draft, confidence: weaker(draft.confidence, most), taintedBy: [...draft.taintedBy, why] };
}

/**
 * Does the step come from times that no record reaches again, and the finding from times that they do reach? Then it is the other
 * times that are doubtful. Only of how long a CPU was stuck: what the order of events proves may look otherwise.
 */
function isApart(draft: Draft, about: Case, { cpu, from, to }: CpuStep): boolean {
  const reached = about.state.lastTime;
  const isBeyond = isWide(about, reached, from) && Number(from - reached) >= MATERIAL * Number(from - to);
  const times = [
    ...spanOf(draft),
    ...draft.evidence.filter((e) => e.cpu === cpu).map(({ ns }) => BigInt(ns)),
  ];
  return isBeyond && isStuckCpu(draft) && times.every((time) => time <= reached);
}

function stepsOf({ state }: Case): CpuStep[] {
  return state.cpus.flatMap(({ cpu, step }) => (step ? [{ cpu, ...step }] : []));
}

/** Where the last of the CPUs' records ends. */
function recordsEnd({ state }: Case): bigint {
  return state.cpus.reduce((end, { lastTime }) => (lastTime > end ? lastTime : end), 0n);
}

function spanOf(draft: Draft): readonly [start: bigint, end: bigint] {
  return [BigInt(draft.startNs), endOf(draft)];
}

/** Those that it names; where the order of events is all that there is to it, every CPU. */
function restsOn(draft: Draft, cpu: number): boolean {
  if (!isStuckCpu(draft)) return true;
  const { subject, holder, culprit, waiters, evidence } = draft;
  return [subject, holder, culprit, ...waiters, ...evidence].some((actor) => actor?.cpu === cpu);
}

/** Are these times so far apart that it matters to the finding? */
function isMaterial(about: Case, { durationNs }: Draft, from: bigint, to: bigint): boolean {
  return isWide(about, from, to) && Number(to - from) >= MATERIAL * durationNs;
}

/** Farther apart than clocks may be; where their unit is not known, apart. */
function isWide({ timeIsNs }: Case, from: bigint, to: bigint): boolean {
  return to - from >= (timeIsNs ? MARGIN_NS : 1n);
}

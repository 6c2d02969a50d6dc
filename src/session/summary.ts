import { duration, elapsed, seconds } from '../base/units.ts';
import { unjudgedReleases } from '../analyzers/bad-release.ts';
import { machinePauses } from '../analyzers/pauses.ts';
import { unjudgedSilence } from '../analyzers/silent-cpu.ts';
import type { Case } from '../model/case.ts';
import { COUNTERS } from '../model/engine-numbers.ts';
import {
  HOLDS_FROM_ATTEMPTS,
  UNJUDGED_RELEASES,
  UNJUDGED_SILENCE,
  type CpuSummary,
  type HistogramData,
  type Problem,
  type Stats,
  type TraceSummary,
  type TypeCount,
} from '../model/report.ts';
import { shows } from '../model/shows.ts';
import type { CpuState, EngineState, HistogramState } from '../model/state.ts';
import type { Capture } from '../trace/capture.ts';
import { isOfPages } from './pump.ts';

/** Counters that speak of limits met, with what each means for the user. */
const LIMITS: readonly (readonly [name: string, counter: number, text: string])[] = [
  [
    'untracked-lock-events',
    COUNTERS.untrackedLockEvents,
    'lock events were not tracked: the lock table was full',
  ],
  [
    'untracked-word-events',
    COUNTERS.untrackedWordEvents,
    'word events were not tracked: the word table was full',
  ],
  [
    'untracked-task-events',
    COUNTERS.untrackedTaskEvents,
    'lock events were not tracked: memory for tasks was full',
  ],
  [
    'untracked-cpu-events',
    COUNTERS.untrackedCpuEvents,
    'events came from CPU numbers beyond the limit, or memory was full',
  ],
  [
    'dropped-holds',
    COUNTERS.droppedHolds,
    'held locks were forgotten: a context seemed to hold more than 64',
  ],
  [
    'contradictory-values',
    COUNTERS.contradictions,
    'lock events carry a value of the word that says the opposite (a release that leaves the bit set, a take that leaves it clear); they count as breaks',
  ],
  ['dropped-findings', COUNTERS.droppedFindings, 'findings were dropped: the finding ring was full'],
  ['dropped-suspects', COUNTERS.droppedSuspects, 'suspected lost updates were dropped: memory was full'],
  [
    'unknown-types',
    COUNTERS.unknownTypes,
    'records have a type that the capture does not describe; they count as signs of life only',
  ],
];

/** What was read, from when to when, and what is missing. */
export function summaryOf(capture: Capture, about: Case): TraceSummary {
  const { state } = about;
  const perCpu = [
    ...state.cpus.map((cpu) => cpuSummary(capture, cpu)),
    ...emptyCpus(capture, about),
  ].toSorted((a, b) => a.cpu - b.cpu);
  return {
    path: capture.path,
    format: capture.format,
    clock: capture.clock.name,
    timeUnit: capture.clock.unit,
    kernel: capture.kernel,
    cpus: capture.cpuCount ?? perCpu.length,
    events: Number(state.events),
    startNs: state.events > 0n ? String(state.firstTime) : null,
    endNs: state.events > 0n ? String(state.lastTime) : null,
    perCpu,
    problems: problemsOf(capture, about),
  };
}

function cpuSummary(capture: Capture, cpu: CpuState): CpuSummary {
  const lane = capture.lanes.find((candidate) => candidate.cpu === cpu.cpu && isOfPages(candidate));
  // The pages' own marks count exactly where they count at all; the recorder's statistics fill in.
  const lost = cpu.lostUnknown > 0 ? null : Number(cpu.lost);
  const noted = (lane?.lost ?? 0) + unplaced(capture, cpu.cpu, lost ?? 0);
  return {
    cpu: cpu.cpu,
    firstNs: cpu.events > 0n ? String(cpu.firstTime) : null,
    lastNs: cpu.events > 0n ? String(cpu.lastTime) : null,
    events: Number(cpu.events),
    lost: lost === null ? null : Math.max(lost, noted),
    breaks: cpu.breaks,
  };
}

/** CPUs of which nothing was read: they recorded nothing, or their data is missing. */
function emptyCpus(capture: Capture, { state }: Case): CpuSummary[] {
  const seen = new Set(state.cpus.map(({ cpu }) => cpu));
  const lanes = capture.lanes.filter((lane) => isOfPages(lane) && !seen.has(lane.cpu));
  return lanes.map(({ cpu, lost, lostTail }) => ({
    cpu,
    firstNs: null,
    lastNs: null,
    events: 0,
    lost: lostTail && !lost ? null : (lost ?? 0),
    breaks: 0,
  }));
}

/** What was lost on a CPU nobody knows when, besides the `placed` losses. */
function unplaced(capture: Capture, cpu: number, placed: number): number {
  const losses = (capture.losses?.() ?? []).filter((loss) => loss.cpu === cpu);
  return losses.reduce((sum, { count }) => sum + (count ?? 0), losses.length > 0 ? placed : 0);
}

function problemsOf(capture: Capture, about: Case): Problem[] {
  const { state } = about;
  const problems: Problem[] = capture
    .damage()
    .map(({ offset, ...damage }) => ({ ...damage, offset: offset ?? null }));
  const add = (name: string, severity: Problem['severity'], count: number, text: string): void => {
    if (count > 0) problems.push({ name, severity, text, count, offset: null });
  };
  const sum = (of: (lane: EngineState['lanes'][number]) => number): number =>
    state.lanes.reduce((n, lane) => n + of(lane), 0);
  const firstBad = state.lanes.find((lane) => lane.badPages + lane.badEvents > 0);
  const where = firstBad ? ` (first in CPU ${firstBad.cpu}'s data at byte ${firstBad.firstBad})` : '';
  add(
    'damaged-pages',
    'error',
    sum((lane) => lane.badPages),
    `pages of zeros, or with an impossible length, were skipped${where}`,
  );
  add(
    'damaged-records',
    'error',
    sum((lane) => lane.badEvents),
    `records that do not fit their page or format were skipped${where}`,
  );
  const outOfOrder = about.outOfOrder ?? 0;
  add(
    'out-of-order',
    'data loss',
    outOfOrder,
    'events stand behind later ones: this text is not in order of time, what happened first is not known, and no finding is more than possible; ' +
      "sort the lines by their times (tracefs' own trace and trace-cmd report are in order)",
  );
  add(
    'time-backwards',
    'data loss',
    sum((lane) => lane.backwards) - outOfOrder,
    'times ran backwards within a CPU; durations across such a step are not to be trusted',
  );
  const lostCpus = state.cpus.filter((cpu) => cpu.lostSpans > 0);
  const lostEvents = lostCpus.reduce((n, cpu) => n + cpu.lost, 0n);
  const isMore = lostCpus.some((cpu) => cpu.lostUnknown > 0);
  const howMany =
    lostEvents === 0n
      ? 'an unknown number'
      : `${lostEvents} events${isMore ? ' and an unknown number more' : ''}`;
  // Where the capture's own format tells of the same losses, once is enough.
  const isTold = problems.some(({ name }) => name === 'lost' || name === 'lost-samples');
  add(
    'lost-events',
    'data loss',
    isTold ? 0 : lostCpus.reduce((n, cpu) => n + cpu.lostSpans, 0),
    `stretches of events were lost while recording${firstBad ? ' or are damaged' : ''} ` +
      `(CPU${lostCpus.length === 1 ? '' : 's'} ${lostCpus.map(({ cpu }) => cpu).join(', ')}; ${howMany}); use larger buffers (trace-cmd -b)`,
  );
  for (const [name, counter, text] of LIMITS)
    add(name, 'data loss', Number(state.counters[counter] ?? 0n), text);
  add(
    HOLDS_FROM_ATTEMPTS,
    'info',
    about.attemptsHold && shows(state, 'acquire', 'lockdep') ? 1 : 0,
    'holds begin at lock_acquire: they include waiting, and lockdep annotations (rcu_read_lock, fs_reclaim, seqcounts) count as taken; ' +
      'record lock:lock_acquired and lock:lock_contended too (kernels with CONFIG_LOCK_STAT have them)',
  );
  add(
    UNJUDGED_RELEASES,
    'info',
    unjudgedReleases(about),
    `releases without a take in the last ${duration(about.partialTailNs ?? 0)} of a CPU's record: the recorder switched its events off one by one there, ` +
      'takes perhaps first',
  );
  const silence = unjudgedSilence(about);
  if (silence) add(UNJUDGED_SILENCE, 'info', silence.cpus, `whether a CPU fell silent: ${silence.why}`);
  const pauses = about.timeIsNs ? machinePauses(about) : [];
  const [longest] = pauses.toSorted((a, b) => elapsed(b.from, b.to) - elapsed(a.from, a.to));
  if (longest) {
    add(
      'machine-paused',
      'info',
      pauses.length,
      `no CPU emitted anything although CPU ${longest.witness} was busy before and after, the longest time for ` +
        `${duration(elapsed(longest.from, longest.to))} from ${seconds(longest.from)} on: the machine was stopped as a whole`,
    );
  }
  return problems;
}

/** Events by type, most frequent first. */
export function typeCounts(capture: Capture, state: Pick<EngineState, 'rows'>): TypeCount[] {
  const wanted = new Set(state.rows.map(({ type }) => type));
  const names = new Map(capture.types.filter(({ id }) => wanted.has(id)).map((type) => [type.id, type]));
  const nameOf = ({ row, type }: EngineState['rows'][number]): string => {
    const known = row === 0 ? undefined : names.get(type);
    if (!known) return row === 0 ? 'unknown' : `type ${type}`;
    return known.system ? `${known.system}:${known.name}` : known.name;
  };
  return state.rows
    .map((row) => ({ event: nameOf(row), count: Number(row.count) }))
    .toSorted((a, b) => b.count - a.count || (a.event < b.event ? -1 : 1));
}

/** The engine's counters that are not zero, by name. */
export function engineCounters({ counters }: EngineState): Record<string, number> {
  const named = Object.entries(COUNTERS).map(([name, n]) => [name, Number(counters[n] ?? 0n)] as const);
  return Object.fromEntries(named.filter(([, count]) => count > 0));
}

/** Every figure mergeable: counts, sums, extremes, histograms. */
export function statsOf(capture: Capture, { state, found }: Case): Stats {
  const counter = (n: number): number => Number(state.counters[n] ?? 0n);
  const limits = LIMITS.map(([name, n]) => [name, counter(n)] as const).filter(([, count]) => count > 0);
  return {
    events: typeCounts(capture, state),
    locks: {
      live: state.liveLocks,
      peak: counter(COUNTERS.peakLocks),
      forgotten: counter(COUNTERS.forgottenLocks),
      acquisitions: counter(COUNTERS.acquisitions),
      contentions: counter(COUNTERS.contentions),
      releases: counter(COUNTERS.releases),
    },
    suppressed: found.suppressed,
    engine: Object.fromEntries(limits),
    waitNs: histogram(state.waitNs),
    holdNs: histogram(state.holdNs),
    irqsOffNs: histogram(state.irqsOffNs),
  };
}

function histogram({ bits, count, sum, min, max, buckets }: HistogramState): HistogramData {
  return {
    precisionBits: bits,
    count: Number(count),
    sumNs: String(sum),
    minNs: count > 0n ? Number(min) : 0,
    maxNs: Number(max),
    buckets,
  };
}

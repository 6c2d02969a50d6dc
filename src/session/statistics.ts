import { judge } from '../analyzers/judge.ts';
import { elapsed, hex } from '../base/units.ts';
import type { Case } from '../model/case.ts';
import { COUNTERS, ENTRY, SPLIT } from '../model/engine-numbers.ts';
import { HOLDS_FROM_ATTEMPTS, type Finding, type Problem } from '../model/report.ts';
import type { DistributionState, SeriesState, StatisticsState } from '../model/state.ts';
import type { Block, Exemplar, FoundBrief, Run, Split, StatsRow } from '../model/stats.ts';
import { Histogram } from '../stats/histogram.ts';
import { keyOf, longer, RowSum } from '../stats/rows.ts';
import type { Capture } from '../trace/capture.ts';
import { BlockCutter } from './blocks.ts';
import { sectionOf, SeriesNames, type RowName } from './series-names.ts';
import { replay, type AnalyzeOptions } from './session.ts';
import { summaryOf, typeCounts } from './summary.ts';

export interface StatisticsRequest extends AnalyzeOptions {
  /** What rows are split by, 'class' (not at all) by default. */
  readonly split?: Split;
  /** Only what began within these times, on these CPUs, by tasks of these names counts. */
  readonly since?: bigint;
  readonly until?: bigint;
  readonly cpus?: readonly number[];
  readonly comms?: readonly string[];
  /** Cut the run into blocks of time as well, which a comparison needs where a side has one run only; by default it is. */
  readonly withBlocks?: boolean;
  /**
   * Callers that turned interrupts or preemption off, of each kind, that get a row of their own, those of the longest time first: names of
   * code are what costs most. All of them by default.
   */
  readonly callers?: number;
}

/** Replays a capture once, judges it, and counts by lock, caller, or whatever the request splits by. */
export function statisticsOf(capture: Capture, request: StatisticsRequest = {}): Run {
  const { split = 'class', cpus = [], comms = [], withBlocks = true, callers = Infinity } = request;
  const cutter = new BlockCutter();
  let last: StatisticsState | null = null;
  const about = replay(capture, request, {
    statistics: { split: engineSplit(request), since: request.since, until: request.until },
    onStart: (engine) => withBlocks && engine.pauseAt(cutter.next),
    onPause: (engine) => {
      cutter.cut(engine.statistics());
      engine.pauseAt(cutter.next);
    },
    onEnd: (engine) => {
      last = engine.statistics();
    },
  });
  const statistics = last! as StatisticsState;
  const isWanted = (series: Pick<SeriesState, 'cpu' | 'pid'>): boolean =>
    (cpus.length === 0 || cpus.includes(series.cpu)) &&
    (comms.length === 0 || comms.includes(capture.comm(series.pid) ?? ''));
  const table = new Table(capture, split);
  const wanted = statistics.series.map((series) => isCounted(series) && isWanted(series));
  table.name(wanted, statistics.series, callers);
  table.addOpenWaits(about, isWanted);
  const rows = table.rows(statistics.series);
  const trace = summaryOf(capture, about);
  const findings = judge(about);
  return {
    path: trace.path,
    format: trace.format,
    clock: trace.clock,
    timeUnit: trace.timeUnit,
    kernel: trace.kernel,
    cpus: trace.cpus,
    startNs: trace.startNs,
    endNs: trace.endNs,
    durationNs: elapsed(about.state.firstTime, about.state.lastTime),
    lost: trace.perCpu.reduce<number | null>(
      (sum, { lost }) => (sum === null || lost === null ? null : sum + lost),
      0,
    ),
    problems: trace.problems,
    split,
    events: typeCounts(capture, about.state),
    rows,
    blocks: (withBlocks ? cutter.blocks(statistics, about.state.firstTime) : []).map(
      ({ from, to, series, events }): Block => ({
        durationNs: elapsed(from, to),
        events: typeCounts(capture, { rows: events }),
        rows: table.counts(series).map(([row, sum]) => ({ row, ...sum.counts() })),
      }),
    ),
    findings: findings.map((finding) => briefOf(finding, rows)),
    notes: notesOf(about, trace.problems),
  };
}

function engineSplit({ split, cpus = [], comms = [] }: StatisticsRequest): number {
  const own = split !== undefined && split !== 'class' && split !== 'mode' ? SPLIT[split] : 0;
  return own | (cpus.length > 0 ? SPLIT.cpu : 0) | (comms.length > 0 ? SPLIT.task : 0);
}

interface RowUnderWay extends RowName {
  longestWait: Exemplar | null;
  longestHold: Exemplar | null;
  longestOff: Exemplar | null;
  openWaits: number;
  longestOpenWaitNs: number;
}

/** Series, which the engine tells apart by numbers, gathered into rows, which have names. */
class Table {
  readonly #names: SeriesNames;
  readonly #capture: Capture;
  readonly #rows: RowUnderWay[] = [];
  readonly #byKey = new Map<string, number>();
  /** Row of each series, by its number; undefined: it is not wanted. */
  #rowOf: (number | undefined)[] = [];
  /** Where the rows ended up in the order of their names. */
  #order: number[] = [];

  constructor(capture: Capture, split: Split) {
    this.#capture = capture;
    this.#names = new SeriesNames(capture, split);
  }

  /** Gives every wanted series its row. */
  name(wanted: readonly boolean[], series: readonly SeriesState[], callers: number): void {
    const others = smaller(
      series.filter((one, at) => wanted[at] && one.kind !== 0),
      callers,
    );
    this.#rowOf = series.map((one, at) => {
      if (!wanted[at]) return undefined;
      const rest = others.get(one);
      return rest === undefined
        ? this.#row(this.#names.of(one))
        : this.#row({ ...sectionOf(one), name: rest });
    });
    series.forEach((one, at) => {
      const row = this.#rows[this.#rowOf[at] ?? -1];
      if (row === undefined) return;
      row.longestWait = longer(row.longestWait, this.#exemplar(one.wait));
      if (row.kind === 'lock') row.longestHold = longer(row.longestHold, this.#exemplar(one.hold));
      else row.longestOff = longer(row.longestOff, this.#exemplar(one.hold));
    });
  }

  #row(name: RowName): number {
    const key = keyOf(name);
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    this.#byKey.set(key, this.#rows.length);
    const nothing = {
      longestWait: null,
      longestHold: null,
      longestOff: null,
      openWaits: 0,
      longestOpenWaitNs: 0,
    };
    return this.#rows.push({ ...name, ...nothing }) - 1;
  }

  #exemplar(spans: DistributionState | null): Exemplar | null {
    if (spans?.longest == null) return null;
    const { longest, max, address } = spans;
    return {
      ns: max,
      atNs: String(longest.time),
      cpu: longest.cpu,
      pid: longest.pid,
      comm: this.#capture.comm(longest.pid),
      address: address === 0n ? null : hex(address),
    };
  }

  /** Waits that lasted to the end of the capture: they are in no series yet. */
  addOpenWaits({ state }: Case, isWanted: (about: Pick<SeriesState, 'cpu' | 'pid'>) => boolean): void {
    for (const { pid, cpu, level, stack } of state.contexts.filter(isWanted)) {
      for (const { state: entry, lock, contend, flags } of stack) {
        const subject = state.locks.get(lock);
        if (entry !== ENTRY.waiting || contend === null || subject === undefined) continue;
        const { namespace, bit, address } = subject;
        const about = {
          kind: 0,
          name: '',
          namespace,
          bit,
          address,
          pid,
          cpu,
          level,
          isRead: false,
          first: { ...contend, flags },
        };
        const row = this.#rows[this.#row(this.#names.of(about))]!;
        row.openWaits++;
        row.longestOpenWaitNs = Math.max(row.longestOpenWaitNs, elapsed(contend.time, state.lastTime));
      }
    }
  }

  /** What series add up to, by row. */
  counts(series: readonly SeriesState[]): [row: number, sum: RowSum][] {
    const sums = new Map<number, RowSum>();
    series.forEach((one, at) => {
      const row = this.#rowOf[at];
      if (row === undefined) return;
      const sum = sums.get(row) ?? new RowSum();
      sums.set(row, sum);
      sum.acquisitions += one.acquisitions;
      if (one.isRead) sum.reads += one.acquisitions;
      sum.contentions += one.contentions;
      if (one.wait) sum.addSpans('wait', new Histogram(one.wait));
      if (one.hold) sum.addSpans(this.#rows[row]!.kind === 'lock' ? 'hold' : 'off', new Histogram(one.hold));
    });
    return [...sums]
      .filter(([, sum]) => !sum.isEmpty)
      .map(([row, sum]): [number, RowSum] => [this.#order[row] ?? row, sum])
      .toSorted(([a], [b]) => a - b);
  }

  /** The rows with what all series add up to, in order of their names. */
  rows(series: readonly SeriesState[]): StatsRow[] {
    const sums = new Map(this.counts(series));
    const inOrder = [...this.#byKey].toSorted(([a], [b]) => (a < b ? -1 : 1));
    const rows = inOrder.map(([, at]) => ({
      ...this.#rows[at]!,
      ...(sums.get(at) ?? new RowSum()).counts(),
    }));
    inOrder.forEach(([, at], place) => (this.#order[at] = place));
    return rows;
  }
}

/** Sections beyond the largest `callers` of each kind, with the name that they share. */
function smaller(sections: readonly SeriesState[], callers: number): ReadonlyMap<SeriesState, string> {
  const total = ({ hold }: SeriesState): number => Number(hold?.sum ?? 0n);
  const rest = [...new Set(sections.map(({ kind }) => kind))].flatMap((kind) => {
    const some = sections
      .filter((section) => section.kind === kind)
      .toSorted((a, b) => total(b) - total(a))
      .slice(callers);
    return some.map((section) => [section, `${some.length} other callers`] as const);
  });
  return new Map(rest);
}

/** A lock that was only attempted, as annotations are, is nothing to count. */
function isCounted({ acquisitions, contentions, wait, hold }: SeriesState): boolean {
  return acquisitions + contentions > 0 || wait !== null || hold !== null;
}

function briefOf(finding: Finding, rows: readonly StatsRow[]): FoundBrief {
  const { signature, kind, cause, confidence, headline, lock } = finding;
  const name = lock?.namespace === 'bit' ? `bit ${lock.bit}` : (lock?.class ?? lock?.name);
  const row = name == null ? -1 : rows.findIndex((one) => one.kind === 'lock' && one.name === name);
  return { signature, kind, cause, confidence, headline, row: row < 0 ? null : row };
}

function notesOf({ state }: Case, problems: readonly Problem[]): string[] {
  const of = (counter: number): bigint => state.counters[counter] ?? 0n;
  const notes: string[] = [];
  if (of(COUNTERS.untrackedSeries) > 0n) {
    notes.push(
      `${of(COUNTERS.untrackedSeries)} lock events were not counted: there are too many locks, callers or tasks to keep apart.`,
    );
  }
  if (of(COUNTERS.untrackedSpans) > 0n)
    notes.push(`${of(COUNTERS.untrackedSpans)} waits, holds or sections were not counted: memory was full.`);
  const holds = problems.find(({ name }) => name === HOLDS_FROM_ATTEMPTS);
  return holds ? [...notes, `${holds.text}.`] : notes;
}

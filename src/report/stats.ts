import type { Exemplar, Run, StatsRow } from '../model/stats.ts';
import { figureOf } from '../stats/figures.ts';
import { PLAIN, type Paint } from './paint.ts';
import { printable, printableCopy } from './printable.ts';
import { table, type Align } from './table.ts';
import { clip, hang, MAX_WIDTH, page, plural, task } from './text.ts';
import { timesOf, type Times } from './times.ts';
import { problemLines } from './trace-header.ts';

export interface StatsOptions {
  readonly paint?: Paint;
  readonly width?: number;
  /** Names are whole and no column is left out, however long the lines get: what a pipe reads is searched, not looked at. */
  readonly isWhole?: boolean;
  /** Rows of each table, 10 by default; 0 for all. */
  readonly limit?: number;
  /** The capture has rows that the user did not ask for. */
  readonly areChosen?: boolean;
  /** What tables are sorted by, the largest first: a name of FIGURES. Each table has its own order by default. */
  readonly sort?: string;
}

/** A column: its heading, what it shows of a row, and the order in which narrow terminals do without; absent: they never do. */
type Column = readonly [head: string, text: (row: StatsRow, times: Times) => string, rank?: number];

const number =
  (name: string): Column[1] =>
  (row) =>
    String(figureOf(row, name) ?? '-');
const span =
  (name: string): Column[1] =>
  (row, times) => {
    const figure = figureOf(row, name);
    return figure === undefined ? '-' : times.span(figure);
  };

const LOCK_COLUMNS: readonly Column[] = [
  ['taken', number('acquisitions')],
  ['waits', number('wait.count'), 3],
  ['total wait', span('wait.total')],
  ['max wait', span('wait.max')],
  ['hold p50', span('hold.p50'), 1],
  ['hold p99', span('hold.p99'), 2],
  ['max hold', span('hold.max')],
];

const SECTION_COLUMNS: readonly Column[] = [
  ['times', number('off.count')],
  ['total', span('off.total')],
  ['p50', span('off.p50'), 2],
  ['p99', span('off.p99')],
  ['p99.9', span('off.p99.9'), 1],
  ['longest', span('off.max')],
];

/** A run's statistics for people. Ends with a newline. */
export function statsText(raw: Run, options: StatsOptions = {}): string {
  const run = { ...raw, ...printableCopy(factsOf(raw)), rows: raw.rows.map(printableRow) };
  const { paint = PLAIN, width = MAX_WIDTH } = options;
  const times = timesOf(run);
  const locks = run.rows.filter(({ kind }) => kind === 'lock');
  const sections = (kind: StatsRow['kind']): StatsRow[] => run.rows.filter((row) => row.kind === kind);
  const show = (
    title: string,
    rows: readonly StatsRow[],
    columns: readonly Column[],
    sort: string,
  ): string[] => tableLines(title, rows, columns, sort, options, times);
  return page([
    headLines(run, times, paint, width),
    problemLines(
      run.problems.filter(({ severity }) => severity !== 'info'),
      paint,
      width,
    ),
    show(
      'Locks',
      locks.filter(({ source }) => source !== 'contention'),
      LOCK_COLUMNS,
      'wait.total',
    ),
    show(
      'Waits seen by contention tracepoints (above too where lockdep saw them)',
      locks.filter(({ source }) => source === 'contention'),
      LOCK_COLUMNS.slice(1, 4),
      'wait.total',
    ),
    longestLines('Longest waits', 'wait', locks, ({ longestWait }) => longestWait, times, options),
    longestLines('Longest holds', 'hold', locks, ({ longestHold }) => longestHold, times, options),
    openLines(locks, times, options),
    show(
      'Interrupts off, by the caller that turned them off',
      sections('irqs-off'),
      SECTION_COLUMNS,
      'off.total',
    ),
    show(
      'Preemption off, by the caller that turned it off',
      sections('preempt-off'),
      SECTION_COLUMNS,
      'off.total',
    ),
    run.notes.flatMap((note) => hang('note: ', note, width)),
    emptyLines(run.rows, options),
  ]);
}

function emptyLines(rows: readonly StatsRow[], { areChosen = false }: StatsOptions): string[] {
  if (areChosen) return rows.length === 0 ? ['Nothing of what was asked for.'] : [];
  const hasLocks = rows.some(({ kind }) => kind === 'lock');
  return hasLocks ? [] : ['The capture holds no lock events: spinback info says what to record.'];
}

/** The parts of a run that hold text. */
function factsOf({ path, format, kernel, clock, notes, problems }: Run) {
  return { path, format, kernel, clock, notes, problems };
}

/** Histograms hold no text, and there are many of them. */
function printableRow(row: StatsRow): StatsRow {
  return { ...row, name: printable(row.name), by: row.by === null ? null : printable(row.by) };
}

function headLines(run: Run, times: Times, paint: Paint, width: number): string[] {
  const events = run.events.reduce((sum, { count }) => sum + count, 0);
  const lost = run.lost === null ? 'an unknown number' : run.lost === 0 ? 'none' : String(run.lost);
  const range =
    run.startNs !== null && run.endNs !== null ? `${times.at(run.startNs)} to ${times.at(run.endNs)}, ` : '';
  return [
    ...hang('', `Statistics of ${run.path}`, width).map((line) => paint.title(line)),
    ...hang('  ', `${run.format}, ${run.kernel ?? 'kernel not recorded'}`, width),
    ...hang(
      '  ',
      `${plural(events, 'event')}, ${range}${times.span(run.durationNs)}; lost events: ${lost}`,
      width,
    ),
  ];
}

const FEW_ROWS = 10;
const NAME_WIDTH = 26;
/** Longer names come from damaged files only. */
const LONGEST_NAME = 1024;

function tableLines(
  title: string,
  rows: readonly StatsRow[],
  columns: readonly Column[],
  order: string,
  options: StatsOptions,
  times: Times,
): string[] {
  const { limit = FEW_ROWS, sort = order, width = MAX_WIDTH } = options;
  if (rows.length === 0) return [];
  const size = new Map(rows.map((row) => [row, figureOf(row, sort) ?? 0]));
  const sorted = rows.toSorted(
    (a, b) => size.get(b)! - size.get(a)! || b.acquisitions - a.acquisitions || (a.name < b.name ? -1 : 1),
  );
  const shown = limit === 0 ? sorted : sorted.slice(0, limit);
  const left = sorted.length - shown.length;
  const linesOf = (some: readonly Column[]): string[] =>
    table(
      ['', ...some.map(([head]) => head)],
      shown.map((row) => [shownName(row, NAME_WIDTH, options), ...some.map(([, text]) => text(row, times))]),
      ['left', ...some.map((): Align => 'right')],
    );
  const [lines, fitting] = fittingLines(columns, linesOf, options.isWhole ? Infinity : width);
  const without = columns.filter((column) => !fitting.includes(column)).map(([head]) => head);
  return [
    ...hang('', `${title}, by ${sort}`, width),
    ...lines,
    ...(without.length > 0
      ? [`  without ${without.join(', ')}: the terminal is too narrow (--csv has all)`]
      : []),
    ...(left > 0 ? [`  and ${plural(left, 'more row')} (--limit 0 shows all)`] : []),
  ];
}

/** A table that fits, and its columns: the least important ones are left out one by one. */
function fittingLines(
  columns: readonly Column[],
  linesOf: (some: readonly Column[]) => readonly string[],
  width: number,
): readonly [lines: readonly string[], columns: readonly Column[]] {
  const lines = linesOf(columns);
  const [least] = columns.filter(([, , rank]) => rank !== undefined).toSorted(([, , a], [, , b]) => a! - b!);
  if (least === undefined || lines.every((line) => line.length <= width)) return [lines, columns];
  const fewer = columns.filter((column) => column !== least);
  return fittingLines(fewer, linesOf, width);
}

function shownName(row: StatsRow, width: number, { isWhole = false }: StatsOptions): string {
  return clip(nameOf(row), isWhole ? LONGEST_NAME : width);
}

export function nameOf({ name, by }: Pick<StatsRow, 'name' | 'by'>): string {
  return by === null ? name : `${name} [${by}]`;
}

const FEW_EXEMPLARS = 5;

function longestLines(
  title: string,
  span: 'wait' | 'hold',
  rows: readonly StatsRow[],
  exemplarOf: (row: StatsRow) => Exemplar | null,
  times: Times,
  options: StatsOptions,
): string[] {
  const { isWhole = false, width = MAX_WIDTH } = options;
  const known = rows
    .flatMap((row) => {
      const exemplar = exemplarOf(row);
      return exemplar === null ? [] : [{ row, exemplar }];
    })
    .toSorted((a, b) => b.exemplar.ns - a.exemplar.ns)
    .slice(0, FEW_EXEMPLARS);
  if (known.length === 0) return [];
  const cells = known.map(({ row, exemplar: { ns, atNs, cpu, pid, comm, address } }) => [
    times.span(ns),
    times.at(atNs),
    String(cpu),
    task(comm === null ? null : printable(comm), pid),
    shownName(row, NAME_WIDTH, options),
    address ?? '',
  ]);
  const heads = [span, 'until', 'CPU', 'task', 'lock', 'at'];
  const aligns: readonly Align[] = ['right', 'right', 'right', 'left', 'left', 'left'];
  const lines = table(heads, cells, aligns);
  const isNarrow = !isWhole && lines.some((line) => line.length > width);
  // The address is what is missed least.
  const fitting = isNarrow ? table(heads.slice(0, -1), cells, aligns.slice(0, -1)) : lines;
  return [`${title}, one of each row`, ...fitting];
}

function openLines(rows: readonly StatsRow[], times: Times, options: StatsOptions): string[] {
  const open = rows
    .filter(({ openWaits }) => openWaits > 0)
    .toSorted((a, b) => b.longestOpenWaitNs - a.longestOpenWaitNs);
  if (open.length === 0) return [];
  return [
    'Still waiting when the capture ended (in no table above)',
    ...table(
      ['waiters', 'longest', 'lock'],
      open.map((row) => [
        String(row.openWaits),
        times.span(row.longestOpenWaitNs),
        shownName(row, 60, options),
      ]),
      ['right', 'right', 'left'],
    ),
  ];
}

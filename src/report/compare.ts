import { duration } from '../base/units.ts';
import type { Change, ComparedRow, Comparison, RuleResult } from '../model/comparison.ts';
import { PLAIN, type Paint } from './paint.ts';
import { printableCopy } from './printable.ts';
import { nameOf } from './stats.ts';
import { table, type Align } from './table.ts';
import { clip, hang, MAX_WIDTH, page, plural } from './text.ts';

export interface CompareTextOptions {
  readonly paint?: Paint;
  readonly width?: number;
  /** Rows of the table, 20 by default; 0 for all. */
  readonly limit?: number;
  /** Every figure of a row, not only those that stand out and the surest other one. */
  readonly verbose?: boolean;
}

const FEW_ROWS = 20;
const NAME_WIDTH = 24;
const LEAST_NAME = 12;
/** Where there are fewer columns. */
const LONG_NAME = 44;

/** A comparison for people. Ends with a newline. */
export function compareText(raw: Comparison, options: CompareTextOptions = {}): string {
  const result = printableCopy(raw);
  const { paint = PLAIN, width = MAX_WIDTH } = options;
  return page([
    headLines(result, paint, width),
    changeLines(result, options, paint, width),
    onlyLines('new', result.appeared, result, options),
    onlyLines('base', result.vanished, result, options),
    findingLines(result, paint, width),
    ruleLines(result.rules, paint, width),
    result.notes.flatMap((note) => hang('note: ', note, width)),
  ]);
}

function headLines(result: Comparison, paint: Paint, width: number): string[] {
  const side = (name: string, runs: Comparison['base']): string[] =>
    runs.flatMap(({ path, kernel, durationNs, events }, at) =>
      hang(
        at === 0 ? `  ${name.padEnd(6)}` : '        ',
        `${path} (${kernel ?? 'kernel not recorded'}; ${plural(events, 'event')} in ${duration(durationNs)})`,
        width,
      ),
    );
  return [paint.title('Comparison'), ...side('base', result.base), ...side('new', result.new)];
}

function changeLines(result: Comparison, options: CompareTextOptions, paint: Paint, width: number): string[] {
  if (result.rows.length === 0) return ['Nothing is in both sides.'];
  const { limit = FEW_ROWS, verbose = false } = options;
  const shown = limit === 0 ? result.rows : result.rows.slice(0, limit);
  const left = result.rows.length - shown.length;
  const draw = (nameWidth: number, columns: readonly Column[]): string[] =>
    table(
      ['', 'figure', ...columns.map(([head]) => head), ''],
      shown.flatMap((row) =>
        changesShown(row, verbose).map((change, at) => [
          at === 0 ? clip(nameOf(row), nameWidth) : '',
          metricOf(row, change),
          ...columns.map(([, text]) => text(change)),
          change.standsOut ? '*' : '',
        ]),
      ),
      ['left', 'left', ...columns.map((): Align => 'right'), 'left'],
    );
  const columns = columnsOf(result);
  const whole = fitNames((name) => draw(name, columns), NAME_WIDTH, width);
  const [, ...fewer] = columns;
  return [
    ...(whole ?? fitNames((name) => draw(name, fewer), NAME_WIDTH, width) ?? draw(LEAST_NAME, fewer)),
    ...(whole ? [] : ['  without base: the terminal is too narrow (--json has all)']),
    ...(left > 0 ? [`  and ${plural(left, 'more row')} (--limit 0 shows all)`] : []),
    ...hang('', verdictOf(result), width).map((line) => paint.quiet(line)),
    ...shown.flatMap((row) => aboutRow(row, width)),
  ];
}

/** A column: its heading, and what it shows of a change. */
type Column = readonly [head: string, text: (change: Change) => string];

/** The one that is missed least comes first. */
function columnsOf(result: Comparison): readonly Column[] {
  return [
    ['base', (change) => figureText(change.base, change, result.per)],
    ['new', (change) => figureText(change.new, change, result.per)],
    ['change', ({ change }) => changeText(change)],
    [`${percentOf(result)} interval`, intervalText],
  ];
}

/** Draws a table with names as long as they may be for it to fit; null where they would be too short to be told apart. */
function fitNames(
  draw: (nameWidth: number) => readonly string[],
  most: number,
  width: number,
): readonly string[] | null {
  for (let name = most; name >= LEAST_NAME;) {
    const lines = draw(name);
    const over = lines.reduce((widest, line) => Math.max(widest, line.length), 0) - width;
    if (over <= 0) return lines;
    name -= over;
  }
  return null;
}

/** "95 %". */
export function percentOf({ level }: Comparison): string {
  return `${Math.round(level * 100)} %`;
}

/** Whether anything stands out, and what that means. `marked`: how that is shown. */
export function verdictOf(result: Comparison, marked = '* stands'): string {
  const { evidence, comparisons, rows } = result;
  if (evidence === 'none') return 'There is too little for intervals.';
  const out = rows.some(({ changes }) => changes.some(({ standsOut }) => standsOut));
  const basis = evidence === 'runs' ? 'over runs' : 'over blocks of time';
  return `${out ? marked : 'Nothing stands'} out of the noise: the ${percentOf(result)} intervals (${basis}) hold for all ${comparisons} changes at once.`;
}

/** "hold.p99"; of sections "irqs.p99" and "preempt.p99". */
export function metricOf({ kind }: Pick<ComparedRow, 'kind'>, { metric }: Change): string {
  return kind === 'lock' ? metric : metric.replace('off', kind.replace('-off', ''));
}

/** The changes of a row that a short report shows: all that stand out, or the surest. */
export function changesShown({ changes }: ComparedRow, verbose: boolean): readonly Change[] {
  const known = changes.filter(({ base, new: next }) => base !== null || next !== null);
  if (verbose) return known.length > 0 ? known : changes.slice(0, 1);
  const out = changes.filter(({ standsOut }) => standsOut);
  return out.length > 0 ? out : (known.length > 0 ? known : changes).slice(0, 1);
}

/** What a table has no column for: findings about the lock, a call site that moved, a longest wait that is of another order. */
function aboutRow(row: ComparedRow, width: number): string[] {
  const { base, new: next } = row.longest;
  const factor = Math.max(base, next) / Math.max(1, Math.min(base, next));
  const facts = [
    ...brief('base', row.findings.base),
    ...brief('new', row.findings.new),
    ...(row.was === null ? [] : [`was at ${row.was}`]),
    ...(row.findings.base.length + row.findings.new.length > 0 && factor > 1
      ? [`the longest single wait went from ${duration(base)} to ${duration(next)}`]
      : []),
  ];
  return facts.flatMap((fact) => hang(`  ${clip(nameOf(row), NAME_WIDTH)}: `, fact, width));
}

/** The gravest finding of a side, and how many more there are. */
function brief(side: string, headlines: readonly string[]): string[] {
  const [first, ...more] = headlines;
  if (first === undefined) return [];
  return [`${side}: ${first}${more.length > 0 ? ` (and ${plural(more.length, 'more finding')})` : ''}`];
}

/** A figure in its unit: "1.234 us", "12.5 %", "340.2 / s". */
export function figureText(value: number | null, { unit }: Pick<Change, 'unit'>, per: string): string {
  if (value === null) return '-';
  const each = per === 'second' ? '/s' : per === 'acquisition' ? '/take' : '/event';
  switch (unit) {
    case 'ns':
      return duration(Math.round(value));
    case 'ns per':
      return `${duration(Math.round(value))}${each}`;
    case 'per':
      return `${precise(value)}${each}`;
    case 'share':
      return `${precise(value * 100)} %`;
  }
}

function precise(value: number): string {
  if (value === 0) return '0';
  return value >= 1000 ? value.toFixed(0) : value.toPrecision(3);
}

/** "+10.2 %"; from a tenfold change on "x12.3". */
export function changeText(change: number | null): string {
  return change === Infinity ? 'from 0' : percent(change);
}

function percent(change: number | null): string {
  if (change === null) return '-';
  if (change >= 999) return '> x1000';
  if (change >= 9) return `x${precise(change + 1)}`;
  return `${change < 0 ? '' : '+'}${(change * 100).toFixed(change >= 1 ? 0 : 1)} %`;
}

export function intervalText({ low, high }: Pick<Change, 'low' | 'high'>): string {
  return low === null || high === null ? 'too few samples' : `${percent(low)} .. ${percent(high)}`;
}

function onlyLines(
  side: 'base' | 'new',
  rows: readonly ComparedRow[],
  { per }: Comparison,
  { limit = FEW_ROWS, width = MAX_WIDTH }: CompareTextOptions,
): string[] {
  if (rows.length === 0) return [];
  const shown = limit === 0 ? rows : rows.slice(0, limit);
  const left = rows.length - shown.length;
  const draw = (nameWidth: number): string[] =>
    table(
      ['', 'taken', 'waited', 'longest'],
      shown.map((row) => {
        const taken = row.changes.find(({ metric }) => metric === 'acquired');
        return [
          clip(`${row.kind === 'lock' ? '' : `${row.kind} `}${nameOf(row)}`, nameWidth),
          taken ? figureText(taken[side], taken, per) : '',
          figureText(row.lost[side], { unit: 'ns per' }, per),
          duration(row.longest[side]),
        ];
      }),
      ['left', 'right', 'right', 'right'],
    );
  return [
    `Only in ${side}`,
    ...(fitNames(draw, LONG_NAME, width) ?? draw(LEAST_NAME)),
    ...(left > 0 ? [`  and ${plural(left, 'more row')} (--limit 0 shows all)`] : []),
  ];
}

function findingLines({ findings }: Comparison, paint: Paint, width: number): string[] {
  const list = (
    prefix: string,
    from: Comparison['findings']['both'],
    emphasis: (text: string) => string,
  ): string[] =>
    from.flatMap(({ kind, cause, confidence, headline }) =>
      hang(`  ${prefix.padEnd(10)}`, `${kind}: ${cause} (${confidence}): ${headline}`, width).map(
        (line, at) => (at === 0 ? emphasis(line) : line),
      ),
    );
  const lines = [
    ...list('appeared', findings.appeared, paint.alarm),
    ...list('gone', findings.gone, paint.good),
    ...list('in both', findings.both, paint.caution),
  ];
  return lines.length === 0 ? [] : ['Findings', ...lines];
}

function ruleLines(rules: readonly RuleResult[], paint: Paint, width: number): string[] {
  if (rules.length === 0) return [];
  const emphasis = {
    passed: paint.good,
    failed: paint.alarm,
    unclear: paint.caution,
    'no match': paint.caution,
  };
  return [
    'Rules',
    ...rules.flatMap(({ rule, outcome, matched, violations }) => {
      const [first = '', ...more] = hang(
        `  ${outcome.padEnd(9)} `,
        `${rule} (${plural(matched, 'row')})`,
        width,
      );
      return [
        emphasis[outcome](first.slice(0, 11)) + first.slice(11),
        ...more,
        ...violations.flatMap((violation) => hang('              ', violationText(violation), width)),
      ];
    }),
  ];
}

/** "&ei->i_data_sem: hold.mean 1.2 us -> 1.4 us, +16.7 % (+12.0 % .. +21.5 %)". */
export function violationText({ row, change, certain, finding }: RuleResult['violations'][number]): string {
  if (change === null) return finding ?? row;
  const noise = certain ? '' : ': may be noise';
  const values = `${figureText(change.base, change, '')} -> ${figureText(change.new, change, '')}`;
  return `${row}: ${change.metric} ${values}, ${changeText(change.change)} (${intervalText(change)})${noise}`;
}

import { SpinbackError } from '../base/errors.ts';
import { VERSION } from '../base/version.ts';
import { COMPARE_SCHEMA, type Change, type ComparedRow, type Comparison } from '../model/comparison.ts';
import type { FoundBrief, Run, StatsRow } from '../model/stats.ts';
import { matchRows, type Match } from './match.ts';
import { DEFAULT_METRICS, METRICS, type Metric } from '../stats/metrics.ts';
import { applyRule, applyToFindings, type Policy } from './policy.ts';
import { FINDINGS } from './policy-text.ts';
import { Intervals, type Contrast } from './resample.ts';
import { briefOf, compareFindings, notesOf } from './runs.ts';
import { contrastOf, evidenceOf, sideOf, type Evidence, type Norm, type Side } from './units.ts';

export interface CompareOptions {
  /** What totals are divided by: "second", "acquisition", or the name of an event. */
  readonly per: string;
  readonly policies: readonly Policy[];
  /** How sure the intervals are, for all of them at once. */
  readonly level?: number;
}

const LEVEL = 0.95;

/**
 * Blocks of one run are more alike than runs are: other tasks meet on other locks in the next one, and nothing within a run tells. Of pairs of
 * generated equals, one in four showed a difference somewhere with the intervals as they come, one in twelve with intervals twice as wide,
 * 2 of 100 with intervals three times as wide: these.
 */
const BLOCKS_ARE_ALIKE = 3;

/** One row with everything that can be said of it. */
interface Candidate {
  readonly match: Match;
  readonly base: Side;
  readonly next: Side;
  /** Per metric, its place among the contrasts; absent: it cannot be compared. */
  readonly contrasts: Map<string, number>;
}

/**
 * Holds runs against runs. One run of each is compared by its blocks of time, several by runs. Throws USAGE for runs whose statistics
 * were not split alike, or that do not have the event that totals are divided by.
 */
export function compareRuns(base: readonly Run[], next: readonly Run[], options: CompareOptions): Comparison {
  const { policies, level = LEVEL } = options;
  checkSplit([...base, ...next]);
  const norm = normOf(options.per, [...base, ...next]);
  const evidence = evidenceOf(base, next);
  const { matches, nameless } = matchRows(base, next);
  const contrasts: Contrast[] = [];
  const candidates = matches.map((match): Candidate => {
    const before = sideOf(base, indicesOf(base, match.base), norm, evidence);
    const after = sideOf(next, indicesOf(next, match.next), norm, evidence);
    return {
      match,
      base: before,
      next: after,
      contrasts: addContrasts(contrasts, match, before, after, evidence, policies),
    };
  });
  const intervals = new Intervals(contrasts, evidence === 'blocks' ? BLOCKS_ARE_ALIKE : 1);
  const shown = familyOf(candidates, ({ contrasts: all }) =>
    DEFAULT_METRICS.flatMap((name) => all.get(name) ?? []),
  );
  const critical = intervals.critical(shown, level);
  const changesOf = (candidate: Candidate, names: readonly string[], bound: number): Change[] =>
    metricsOf(candidate.match, names)
      .map((metric) => changeOf(metric, candidate, evidence, intervals, bound))
      .filter(isAboutSomething);

  const row = (candidate: Candidate): ComparedRow =>
    rowOf(candidate, base, next, changesOf(candidate, DEFAULT_METRICS, critical));
  const both = candidates.filter(({ match }) => has(match.base) && has(match.next));
  const findings = compareFindings(base, next);
  const rules = judgeRules(candidates, policies, evidence, intervals, level, row, findings.appeared);
  return {
    schema: COMPARE_SCHEMA,
    spinback: VERSION,
    base: base.map(briefOf),
    new: next.map(briefOf),
    per: options.per,
    evidence,
    level,
    comparisons: shown.length,
    rows: both.map(row).toSorted(byWeight),
    appeared: candidates
      .filter(({ match }) => !has(match.base))
      .map(row)
      .toSorted(byLost),
    vanished: candidates
      .filter(({ match }) => !has(match.next))
      .map(row)
      .toSorted(byLost),
    findings,
    rules,
    notes: notesOf(base, next, evidence, nameless),
  };
}

function checkSplit(runs: readonly Run[]): void {
  const splits = [...new Set(runs.map(({ split }) => split))];
  if (splits.length > 1) {
    throw new SpinbackError(
      'USAGE',
      `statistics split by ${splits.join(' and by ')} cannot be compared: use the same --by`,
    );
  }
  const units = [...new Set(runs.map(({ timeUnit }) => (timeUnit === 'cycles' ? 'cycles' : 'nanoseconds')))];
  if (units.length > 1) {
    throw new SpinbackError(
      'USAGE',
      `times of one capture are in ${units.join(', of another in ')}: they cannot be compared`,
    );
  }
}

function normOf(per: string, runs: readonly Run[]): Norm {
  if (per === 'second' || per === 'acquisition') return { kind: per };
  const without = runs.find(({ events }) => !events.some(({ event, count }) => event === per && count > 0));
  if (without) throw new SpinbackError('USAGE', `${without.path} has no event called ${per}`);
  return { kind: 'event', event: per };
}

const has = (rows: Match['base']): boolean => rows.some((row) => row !== undefined);

function indicesOf(runs: readonly Run[], rows: readonly (StatsRow | undefined)[]): number[] {
  return runs.map((run, at) => (rows[at] === undefined ? -1 : run.rows.indexOf(rows[at])));
}

function metricsOf({ row }: Match, names: readonly string[]): Metric[] {
  return names.flatMap((name) => {
    const metric = METRICS.get(name);
    return metric && metric.kinds.includes(row.kind) ? [metric] : [];
  });
}

function addContrasts(
  contrasts: Contrast[],
  match: Match,
  base: Side,
  next: Side,
  evidence: Evidence,
  policies: readonly Policy[],
): Map<string, number> {
  const places = new Map<string, number>();
  const asked = policies.filter(({ covers }) => covers(match.row)).map(({ rule }) => rule.metric);
  for (const metric of metricsOf(match, [...new Set([...DEFAULT_METRICS, ...asked])])) {
    const contrast = contrastOf(metric, base, next, evidence);
    if (contrast) places.set(metric.name, contrasts.push(contrast) - 1);
  }
  return places;
}

function familyOf(
  candidates: readonly Candidate[],
  of: (candidate: Candidate) => readonly number[],
): number[] {
  return [...new Set(candidates.flatMap(of))];
}

/**
 * One figure on both sides. The change is the ratio of what is shown; what the interval rests on lies a little off it where little was
 * counted (`Figure.log`), so the interval is stretched to the change where it ends short of it.
 */
function changeOf(
  metric: Metric,
  candidate: Candidate,
  evidence: Evidence,
  intervals: Intervals,
  critical: number,
): Change {
  const place = candidate.contrasts.get(metric.name);
  const before = typical(metric, candidate.base, evidence);
  const after = typical(metric, candidate.next, evidence);
  const change = before === null || after === null ? null : changeBetween(before, after);
  const bare = { metric: metric.name, unit: metric.unit, base: before, new: after, change };
  if (place === undefined || change === null) return { ...bare, low: null, high: null, standsOut: false };
  const interval = intervals.interval(place, critical);
  const low = Math.min(Math.expm1(interval.low), change);
  const high = Math.max(Math.expm1(interval.high), change);
  return { ...bare, low, high, standsOut: low > 0 || high < 0 };
}

/** Infinity: from nothing to something. */
const changeBetween = (before: number, after: number): number => (before === after ? 0 : after / before - 1);

/**
 * Of runs that are compared with each other, their geometric mean; where one has too few samples for that or counted nothing, and where blocks of
 * time are compared, the figure of all of them together.
 */
function typical({ figure }: Metric, { whole, runs }: Side, evidence: Evidence): number | null {
  const known = runs.flatMap((run) => {
    const one = figure(run);
    return one !== null && one.value > 0 ? [one.value] : [];
  });
  if (evidence === 'blocks' || runs.length === 1 || known.length < runs.length)
    return figure(whole)?.value ?? null;
  return Math.exp(known.reduce((sum, value) => sum + Math.log(value), 0) / known.length);
}

/** Not: counted on neither side, as acquisitions are of a lock of which only waits are recorded. */
function isAboutSomething({ base, new: next }: Change): boolean {
  return (base === null && next === null) || (base ?? 0) > 0 || (next ?? 0) > 0;
}

function rowOf(
  { match, base, next }: Candidate,
  bases: readonly Run[],
  news: readonly Run[],
  changes: readonly Change[],
): ComparedRow {
  const { kind, source, name, by } = match.row;
  const lost = (rows: Match['base'], side: Side): number => {
    const open = rows.reduce((sum, row) => sum + (row?.longestOpenWaitNs ?? 0), 0);
    const spans = kind === 'lock' ? side.whole.wait : side.whole.off;
    return side.whole.norm > 0 ? (Number(spans.sum) + open) / side.whole.norm : 0;
  };
  return {
    kind,
    source,
    name,
    by,
    was: match.was,
    seen: { base: count(match.base), new: count(match.next) },
    lost: { base: lost(match.base, base), new: lost(match.next, next) },
    longest: { base: longest(match.base), new: longest(match.next) },
    changes: changes.toSorted((a, b) => sureness(b) - sureness(a)),
    findings: { base: headlines(bases, match.base), new: headlines(news, match.next) },
  };
}

const count = (rows: Match['base']): number => rows.filter((row) => row !== undefined).length;

function longest(rows: Match['base']): number {
  return rows.reduce(
    (max, row) =>
      row ? Math.max(max, row.wait?.maxNs ?? 0, row.off?.maxNs ?? 0, row.longestOpenWaitNs) : max,
    0,
  );
}

function headlines(runs: readonly Run[], rows: Match['base']): string[] {
  return runs.flatMap(({ findings, rows: all }, at) =>
    findings
      .filter(({ row }) => row !== null && all[row] === rows[at] && rows[at] !== undefined)
      .map(({ headline }) => headline),
  );
}

/** The end of the interval that is nearest to no change, as a logarithm: at least so much changed. Below 0: it may be noise. */
function sureness({ low, high }: Change): number {
  if (low === null || high === null) return -Infinity;
  return Math.max(Math.log1p(low), -Math.log1p(high));
}

/**
 * The order in which rows are shown: those that a finding is about, for a verdict says more than a figure; those that stand out, the
 * surest change first; and the others by the time that was lost more or less.
 */
function byWeight(a: ComparedRow, b: ComparedRow): number {
  return weight(b) - weight(a) || (weight(a) === 1 ? certainty(b) - certainty(a) : 0) || byLost(a, b);
}

function weight({ findings, changes }: ComparedRow): number {
  if (findings.base.length + findings.new.length > 0) return 2;
  return changes.some(({ standsOut }) => standsOut) ? 1 : 0;
}

const certainty = ({ changes }: ComparedRow): number => Math.max(...changes.map(sureness));

function byLost(a: ComparedRow, b: ComparedRow): number {
  const more = ({ lost }: ComparedRow): number => Math.abs(lost.new - lost.base);
  return more(b) - more(a) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}

/** Rules have intervals of their own, which hold for all that the rules are about: fewer comparisons, surer verdicts. */
function judgeRules(
  candidates: readonly Candidate[],
  policies: readonly Policy[],
  evidence: Evidence,
  intervals: Intervals,
  level: number,
  row: (candidate: Candidate) => ComparedRow,
  appeared: readonly FoundBrief[],
): Comparison['rules'] {
  const coveredBy = ({ rule, covers, enough }: Policy): Candidate[] =>
    candidates.filter(
      ({ match, base, next }) =>
        METRICS.get(rule.metric)!.kinds.includes(match.row.kind) &&
        covers(match.row) &&
        enough(Math.min(samples(rule.metric, base), samples(rule.metric, next))),
    );
  const figures = policies.filter(({ rule }) => rule.metric !== FINDINGS);
  const family = new Set(
    figures.flatMap((policy) =>
      coveredBy(policy).flatMap(({ contrasts }) => contrasts.get(policy.rule.metric) ?? []),
    ),
  );
  const critical = intervals.critical([...family], level);
  return policies.map((policy) => {
    const { metric } = policy.rule;
    if (metric === FINDINGS) return applyToFindings(policy, appeared);
    const changes = coveredBy(policy).map((candidate) => ({
      row: row(candidate),
      change: changeOf(METRICS.get(metric)!, candidate, evidence, intervals, critical),
    }));
    return applyRule(policy, changes);
  });
}

/** How many values a side's figure was made of. */
function samples(metric: string, { whole }: Side): number {
  if (metric.startsWith('wait.')) return whole.wait.count;
  if (metric.startsWith('hold.')) return whole.hold.count;
  return metric.startsWith('off.') ? whole.off.count : whole.acquisitions;
}

import { SpinbackError } from '../base/errors.ts';
import type { Change, ComparedRow, RuleResult, Violation } from '../model/comparison.ts';
import type { FoundBrief, StatsRow } from '../model/stats.ts';
import {
  FINDINGS,
  parseRule,
  pointAt,
  RuleError,
  type Condition,
  type Op,
  type Rule,
} from './policy-text.ts';

/** A rule whose conditions can be asked. */
export interface Policy {
  readonly rule: Rule;
  /** Is the rule about this row? */
  readonly covers: (row: Pick<StatsRow, 'kind' | 'source' | 'name' | 'by'>) => boolean;
  /** Samples that a side must have. */
  readonly enough: (samples: number) => boolean;
  /** Is the rule about this finding? Its headline is what conditions on `lock` look at. */
  readonly coversFinding: (finding: FoundBrief) => boolean;
}

/**
 * Reads a file of rules: one per line, with empty lines and lines that begin with #. Throws USAGE with file, line and column.
 */
export async function readPolicy(text: string, name: string): Promise<Policy[]> {
  const lines = text.split(/\r?\n/).map((line, at) => ({ line, number: at + 1 }));
  const rules = lines.filter(({ line }) => line.trim() !== '' && !line.trim().startsWith('#'));
  if (rules.length === 0) throw new SpinbackError('USAGE', `${name} has no rule in it`);
  return await Promise.all(rules.map(({ line, number }) => policyOf(line, `${name}:${number}`)));
}

/** One rule, ready to be asked. Throws USAGE with the column, and the rule with a mark below it. */
export async function policyOf(text: string, place: string): Promise<Policy> {
  try {
    const rule = parseRule(text, place);
    const tests = await Promise.all(rule.conditions.map(testOf));
    const all = (row: Row): boolean => tests.every((test) => test(row));
    const samples = rule.conditions.filter((condition) => condition.field === 'samples');
    return {
      rule,
      covers: all,
      enough: (count) => samples.every((condition) => holds(count, condition.op, condition.count)),
      coversFinding: (finding) => all({ kind: 'lock', source: null, name: finding.headline, by: null }),
    };
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    throw new SpinbackError(
      'USAGE',
      `${place}:${error.column}: ${error.message}, in ${pointAt(text, error.column)}`,
    );
  }
}

type Row = Pick<StatsRow, 'kind' | 'source' | 'name' | 'by'>;

const VALUES: Readonly<Record<'lock' | 'caller' | 'source' | 'by', (row: Row) => string | null>> = {
  lock: ({ kind, name }) => (kind === 'lock' ? name : null),
  caller: ({ kind, name }) => (kind === 'lock' ? null : name),
  source: ({ source }) => source,
  by: ({ by }) => by,
};

async function testOf(condition: Condition): Promise<(row: Row) => boolean> {
  if (condition.field === 'samples') return () => true;
  const { op, text } = condition;
  const value = VALUES[condition.field];
  const isIt =
    op === '~' || op === '!~' ? await matcher(condition) : (candidate: string) => candidate === text;
  const wanted = op === '~' || op === '=';
  return (row) => {
    const candidate = value(row);
    return candidate !== null && isIt(candidate) === wanted;
  };
}

/** Users' expressions run in linear time whatever they are (RE2), so none can hang a build. */
async function matcher({ text, column }: { readonly text: string; readonly column: number }) {
  const { RE2JS } = await import('re2js');
  try {
    const expression = RE2JS.compile(text);
    return (candidate: string) => expression.matcher(candidate).find();
  } catch (error) {
    throw new RuleError(
      column,
      `no regular expression: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

export function holds(value: number, op: Op, bound: number): boolean {
  switch (op) {
    case '>':
      return value > bound;
    case '>=':
      return value >= bound;
    case '<':
      return value < bound;
    case '<=':
      return value <= bound;
  }
}

/** What a rule says of the changes that it is about. */
export function applyRule(
  { rule }: Policy,
  changes: readonly { readonly row: ComparedRow; readonly change: Change }[],
): RuleResult {
  const violations = changes.flatMap(({ row, change }): Violation[] => {
    const certain = exceeds(rule, change);
    return certain === null ? [] : [{ row: nameOf(row), change, certain, finding: null }];
  });
  return {
    ...about(rule),
    outcome: outcomeOf(violations, changes.length),
    matched: changes.length,
    violations,
  };
}

/** What a rule about findings says. */
export function applyToFindings(
  { rule, coversFinding }: Policy,
  appeared: readonly FoundBrief[],
): RuleResult {
  const covered = appeared.filter(coversFinding);
  const broken = holds(covered.length, rule.op, rule.bound.value);
  const violations = broken
    ? covered.map(({ headline, kind }) => ({ row: kind, change: null, certain: true, finding: headline }))
    : [];
  const none = { row: FINDINGS, change: null, certain: true, finding: `${covered.length} new findings` };
  return {
    ...about(rule),
    outcome: broken ? 'failed' : 'passed',
    matched: covered.length,
    violations: broken && violations.length === 0 ? [none] : violations,
  };
}

function about({ text, place }: Rule): Pick<RuleResult, 'rule' | 'place'> {
  return { rule: text, place };
}

function outcomeOf(violations: readonly Violation[], matched: number): RuleResult['outcome'] {
  if (violations.some(({ certain }) => certain)) return 'failed';
  if (violations.length > 0) return 'unclear';
  return matched === 0 ? 'no match' : 'passed';
}

/**
 * Does a change exceed the rule's bound? null: no. false: it does, but the difference may be noise. The new side's own value needs no
 * comparison, so it is certain.
 */
function exceeds({ op, bound }: Rule, { base, new: next, change, standsOut }: Change): boolean | null {
  if (next === null) return null;
  if (bound.kind === 'value') return holds(next, op, bound.value) ? true : null;
  if (base === null || change === null) return null;
  const size = bound.kind === 'change' ? change : next - base;
  return holds(size, op, bound.value) ? standsOut : null;
}

export function nameOf({ name, by }: Pick<ComparedRow, 'name' | 'by'>): string {
  return by === null ? name : `${name} [${by}]`;
}

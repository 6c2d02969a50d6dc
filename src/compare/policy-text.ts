import { METRICS } from '../stats/metrics.ts';

/**
 * The language of rules.
 *
 *     wait.p99 > +10% where lock ~ "inode|journal" and samples >= 100
 *
 *     rule      = metric op bound [ "where" condition { "and" condition } ]
 *     metric    = "wait.p99" | "hold.mean" | "contended" | ... | "findings"
 *     op        = ">" | ">=" | "<" | "<="
 *     bound     = ("+" | "-") number "%"          a change against the base
 *               | ("+" | "-") number [ unit ]     a difference to the base
 *               | number [ unit | "%" ]           the new side by itself
 *     condition = field ("~" | "!~" | "=" | "!=") text | "samples" op number
 *     field     = "lock" | "caller" | "source" | "by"
 *     text      = "..." or '...', with \" for a quote, or one word
 */
export interface Rule {
  readonly text: string;
  readonly place: string;
  /** A name of METRICS, or "findings": how many findings the new side has that the base has not. */
  readonly metric: string;
  readonly op: Op;
  readonly bound: { readonly kind: 'change' | 'difference' | 'value'; readonly value: number };
  readonly conditions: readonly Condition[];
}

export type Op = '>' | '>=' | '<' | '<=';

export type Condition =
  | {
      readonly field: 'lock' | 'caller' | 'source' | 'by';
      readonly op: '~' | '!~' | '=' | '!=';
      readonly text: string;
      /** Column of the text, from 1. */
      readonly column: number;
    }
  | { readonly field: 'samples'; readonly op: Op; readonly count: number };

/** A rule that cannot be read; `column` counts from 1. */
export class RuleError extends Error {
  readonly column: number;

  constructor(column: number, message: string) {
    super(message);
    this.column = column;
  }
}

interface Token {
  readonly kind: 'word' | 'text' | 'op' | 'number' | 'end';
  readonly text: string;
  readonly column: number;
}

// One token behind blanks. Numbers keep their sign and unit: +10%, 50us, 0.5.
const TOKEN =
  /\s*(?:(?<op>!=|!~|>=|<=|[<>=~])|(?<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:%|[a-z\u00b5]+)?)|(?<word>[A-Za-z_][\w.-]*)|"(?<double>(?:[^"\\]|\\.)*)"|'(?<single>(?:[^'\\]|\\.)*)')/uy;

const LONGEST_RULE = 2000;

function tokensOf(text: string): Token[] {
  if (text.length > LONGEST_RULE)
    throw new RuleError(LONGEST_RULE, `a rule has at most ${LONGEST_RULE} characters`);
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (let at = 0; text.slice(at).trim() !== ''; at = TOKEN.lastIndex) {
    const match = TOKEN.exec(text);
    const start = at + text.slice(at).search(/\S/);
    if (match === null) {
      const quote = text[start] === '"' || text[start] === "'";
      throw new RuleError(
        start + 1,
        quote ? 'this quote is never closed' : `"${text[start]!}" has no meaning here`,
      );
    }
    const { op, number, word, double, single } = match.groups!;
    const column = start + 1;
    if (op !== undefined) tokens.push({ kind: 'op', text: op, column });
    else if (number !== undefined) tokens.push({ kind: 'number', text: number, column });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word, column });
    else tokens.push({ kind: 'text', text: (double ?? single)!.replace(/\\(["'])/g, '$1'), column });
  }
  return [...tokens, { kind: 'end', text: '', column: text.length + 1 }];
}

/** Reads one rule. `place` says where it was written. Throws RuleError. */
export function parseRule(text: string, place: string): Rule {
  const tokens = tokensOf(text);
  let at = 0;
  const next = (): Token => tokens[Math.min(at++, tokens.length - 1)]!;

  const metric = metricOf(next());
  const op = opOf(next());
  const bound = boundOf(next(), metric);
  const conditions: Condition[] = [];
  for (let word = 'where'; tokens[at]!.kind !== 'end'; word = 'and') {
    const joint = next();
    if (joint.text !== word) throw new RuleError(joint.column, `expected "${word}" or the end`);
    conditions.push(conditionOf(next, metric));
  }
  return { text: text.trim(), place, metric, op, bound, conditions };
}

export const FINDINGS = 'findings';

function metricOf({ kind, text, column }: Token): string {
  if (kind === 'word' && (METRICS.has(text) || text === FINDINGS)) return text;
  const names = [...METRICS.keys(), FINDINGS];
  throw new RuleError(column, `expected a figure: ${names.join(', ')}`);
}

function opOf({ text, column }: Token): Op {
  if (text === '>' || text === '>=' || text === '<' || text === '<=') return text;
  throw new RuleError(column, 'expected >, >=, < or <=');
}

const NUMBER = /^([+-]?)([\d.]+)(.*)$/u;
const UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9 };

function boundOf({ kind, text, column }: Token, metric: string): Rule['bound'] {
  const match = kind === 'number' ? NUMBER.exec(text) : null;
  if (match === null) throw new RuleError(column, 'expected a bound such as +10%, +50us or 2ms');
  const [, sign, digits, unit = ''] = match;
  const number = Number(digits) * (sign === '-' ? -1 : 1);
  const measure = METRICS.get(metric)?.unit;
  if (unit === '%') {
    if (measure !== undefined && sign !== '') return { kind: 'change', value: number / 100 };
    if (measure === 'share') return { kind: 'value', value: number / 100 };
    throw new RuleError(column, `write +${digits}% for a change against the base`);
  }
  const isTime = measure === 'ns' || measure === 'ns per';
  const factor = unit === '' && !isTime ? 1 : isTime ? UNITS[unit] : undefined;
  if (factor === undefined) {
    throw new RuleError(
      column,
      isTime ? `${metric} is a time: write ns, us, ms or s behind the number` : `${metric} has no unit`,
    );
  }
  if (metric === FINDINGS && sign !== '')
    throw new RuleError(column, `${FINDINGS} counts those that are new: write a number`);
  return { kind: sign === '' ? 'value' : 'difference', value: number * factor };
}

const FIELDS = ['lock', 'caller', 'source', 'by'] as const;

function conditionOf(next: () => Token, metric: string): Condition {
  const field = next();
  if (field.text === 'samples' && metric !== FINDINGS) {
    const op = opOf(next());
    const count = next();
    if (!/^\d+$/.test(count.text)) throw new RuleError(count.column, 'expected a number of samples');
    return { field: 'samples', op, count: Number(count.text) };
  }
  const known = FIELDS.find((name) => name === field.text);
  if (known === undefined) throw new RuleError(field.column, `expected one of ${FIELDS.join(', ')}, samples`);
  const op = next();
  if (op.text !== '~' && op.text !== '!~' && op.text !== '=' && op.text !== '!=')
    throw new RuleError(op.column, 'expected ~, !~, = or !=');
  const value = next();
  if (value.kind !== 'text' && value.kind !== 'word')
    throw new RuleError(value.column, 'expected a text in quotes');
  return { field: known, op: op.text, text: value.text, column: value.column };
}

/** "'wait.p99 >' HERE 'ten'": the rule, cut in two at a column. Messages are one line: a terminal gets no line end from a file. */
export function pointAt(text: string, column: number): string {
  const [before, behind] = [text.slice(0, column - 1).trimEnd(), text.slice(column - 1)];
  return behind === ''
    ? `'${before}' HERE`
    : before === ''
      ? `HERE '${behind}'`
      : `'${before}' HERE '${behind}'`;
}

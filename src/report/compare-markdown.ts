import { markdownTable } from 'markdown-table';
import type { Comparison } from '../model/comparison.ts';
import {
  changesShown,
  changeText,
  figureText,
  intervalText,
  metricOf,
  percentOf,
  verdictOf,
  violationText,
} from './compare.ts';
import { printableCopy } from './printable.ts';
import { nameOf } from './stats.ts';
import { plural } from './text.ts';

const FEW_ROWS = 20;

/** A comparison as a comment of a pull request (GitHub's Markdown). */
export function compareMarkdown(raw: Comparison, limit = FEW_ROWS): string {
  const result = printableCopy(raw);
  const rows = limit === 0 ? result.rows : result.rows.slice(0, limit);
  const lines = rows.flatMap((row) =>
    changesShown(row, false).map((change, at) => [
      at === 0 ? code(nameOf(row)) : '',
      metricOf(row, change),
      figureText(change.base, change, result.per),
      figureText(change.new, change, result.per),
      change.standsOut ? `**${changeText(change.change)}**` : changeText(change.change),
      intervalText(change),
    ]),
  );
  const left = result.rows.length - rows.length;
  return [
    `### Locks${rulesVerdict(result)}`,
    '',
    ...result.rules.flatMap(({ rule, outcome, violations }) => [
      `- ${outcome}: ${code(rule)}`,
      ...violations.map((violation) => `  - ${text(violationText(violation))}`),
    ]),
    ...(result.rules.length > 0 ? [''] : []),
    markdownTable([['', 'figure', 'base', 'new', 'change', `${percentOf(result)} interval`], ...lines], {
      align: ['l', 'l', 'r', 'r', 'r', 'r'],
    }),
    '',
    ...(left > 0 ? [`and ${plural(left, 'more row')}`, ''] : []),
    verdictOf(result, 'Changes in bold stand'),
    '',
    ...findings(result),
    ...result.notes.flatMap((note) => [`> ${text(note)}`, '']),
  ].join('\n');
}

/** ": 1 of 3 rules failed"; empty where there are no rules. */
function rulesVerdict({ rules }: Comparison): string {
  const count = (wanted: string): number => rules.filter(({ outcome }) => outcome === wanted).length;
  const [failed, passed] = [count('failed'), count('passed')];
  if (rules.length === 0) return '';
  if (failed > 0) return `: ${failed} of ${plural(rules.length, 'rule')} failed`;
  return passed === rules.length
    ? ': all rules passed'
    : `: no rule failed, ${rules.length - passed} of ${rules.length} cannot be told`;
}

function findings({ findings: { appeared, gone } }: Comparison): string[] {
  const list = [
    ...appeared.map(({ headline }) => `- appeared: ${text(headline)}`),
    ...gone.map(({ headline }) => `- gone: ${text(headline)}`),
  ];
  return list.length === 0 ? [] : [...list, ''];
}

/** Text that Markdown takes as it is. */
function text(plain: string): string {
  return plain.replace(/[\\`*_{}[\]<>#|~&]/g, '\\$&');
}

/** As code, also where the text holds backticks; a bar would end the cell of a table. */
function code(plain: string): string {
  const longest = Math.max(0, ...[...plain.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  const pad = plain.startsWith('`') || plain.endsWith('`') ? ' ' : '';
  return `${fence}${pad}${plain.replaceAll('|', '\\|')}${pad}${fence}`;
}

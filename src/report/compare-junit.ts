import { create } from 'xmlbuilder2';
import type { Comparison, RuleResult } from '../model/comparison.ts';
import { violationText } from './compare.ts';
import { printableCopy } from './printable.ts';
import { plural } from './text.ts';

/** The rules' outcomes as JUnit XML, which CI systems show as tests: one test case per rule. Unclear ones count as skipped. */
export function compareJunit(raw: Comparison): string {
  const { rules } = printableCopy(raw);
  const count = (outcomes: readonly RuleResult['outcome'][]): number =>
    rules.filter(({ outcome }) => outcomes.includes(outcome)).length;
  const suite = create({ version: '1.0', encoding: 'UTF-8' })
    .ele('testsuites')
    .ele('testsuite', {
      name: 'spinback compare',
      tests: rules.length,
      failures: count(['failed']),
      errors: 0,
      skipped: count(['unclear', 'no match']),
    });
  for (const { rule, place, outcome, violations } of rules) {
    const test = suite.ele('testcase', { classname: `spinback.${place}`, name: rule });
    const details = violations.map(violationText).join('\n');
    if (outcome === 'failed')
      test.ele('failure', { message: `${plural(violations.length, 'violation')}` }).txt(details);
    if (outcome === 'unclear') test.ele('skipped', { message: `within the noise: ${details}` });
    if (outcome === 'no match')
      test.ele('skipped', { message: 'the rule is about nothing in these captures' });
  }
  return `${suite.end({ prettyPrint: true })}\n`;
}

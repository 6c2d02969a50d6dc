import { create } from 'xmlbuilder2';
import type { Comparison, RuleResult } from '../model/comparison.ts';
import { violationText } from './compare.ts';
import { printableCopy } from './printable.ts';
import { plural } from './text.ts';

/**
 * The rules' outcomes as JUnit XML, which CI systems show as tests: one test case per rule. Those that are unclear or about nothing count as
 * skipped; `isStrict`: as failed.
 */
export function compareJunit(raw: Comparison, isStrict = false): string {
  const { rules } = printableCopy(raw);
  const open = rules.filter(({ outcome }) => OPEN.has(outcome)).length;
  const failed = rules.filter(({ outcome }) => outcome === 'failed').length;
  const suite = create({ version: '1.0', encoding: 'UTF-8' })
    .ele('testsuites')
    .ele('testsuite', {
      name: 'spinback compare',
      tests: rules.length,
      failures: isStrict ? failed + open : failed,
      errors: 0,
      skipped: isStrict ? 0 : open,
    });
  for (const result of rules) {
    const test = suite.ele('testcase', { classname: `spinback.${result.place}`, name: result.rule });
    const { outcome, violations } = result;
    if (outcome === 'failed')
      test.ele('failure', { message: plural(violations.length, 'violation') }).txt(detailsOf(result));
    else if (OPEN.has(outcome))
      test.ele(isStrict ? 'failure' : 'skipped', { message: openText(result, isStrict) });
  }
  return `${suite.end({ prettyPrint: true })}\n`;
}

/** Neither passed nor failed. */
const OPEN: ReadonlySet<RuleResult['outcome']> = new Set(['unclear', 'no match']);

function openText(result: RuleResult, isStrict: boolean): string {
  const text =
    result.outcome === 'unclear'
      ? `within the noise: ${detailsOf(result)}`
      : 'the rule is about nothing in these captures';
  return isStrict ? `${text} (fails for --strict)` : text;
}

function detailsOf({ violations }: RuleResult): string {
  return violations.map(violationText).join('\n');
}

import { describe, expect, it } from 'vitest';
import { SpinbackError } from '../../src/base/errors.ts';
import { parseRule, RuleError } from '../../src/compare/policy-text.ts';
import { policyOf, readPolicy } from '../../src/compare/policy.ts';
import { madeFinding, madeRow } from './made-runs.ts';

describe('parseRule', () => {
  it.each([
    ['wait.p99 > +10%', { metric: 'wait.p99', op: '>', bound: { kind: 'change', value: 0.1 } }],
    ['hold.mean>=-5.5%', { metric: 'hold.mean', op: '>=', bound: { kind: 'change', value: -0.055 } }],
    ['off.max > 2ms', { bound: { kind: 'value', value: 2e6 } }],
    ['wait.total > +50us', { bound: { kind: 'difference', value: 50_000 } }],
    ['contended > 5%', { bound: { kind: 'value', value: 0.05 } }],
    ['contended > +5%', { bound: { kind: 'change', value: 0.05 } }],
    ['acquired < 1000', { bound: { kind: 'value', value: 1000 } }],
    ['findings > 0', { metric: 'findings' }],
    [
      `wait.p99 > +10% where lock ~ "inode|journal" and samples >= 100 and by = 'CPU 3'`,
      {
        conditions: [
          { field: 'lock', op: '~', text: 'inode|journal', column: 30 },
          { field: 'samples', op: '>=', count: 100 },
          { field: 'by', op: '=', text: 'CPU 3' },
        ],
      },
    ],
    ['wait.p99 > 1s where lock = "a\\"b"', { conditions: [{ text: 'a"b' }] }],
  ])('reads %s', (text, expected) => {
    expect(parseRule(text, 'x')).toMatchObject(expected);
  });

  it.each([
    ['', 1, 'expected a figure'],
    ['wait.p98 > 1ms', 1, 'expected a figure: acquired, contended, wait.count'],
    ['wait.p99 ~ 1ms', 10, 'expected >, >=, < or <='],
    ['wait.p99 > ten', 12, 'expected a bound'],
    ['wait.p99 > 10%', 12, 'write +10% for a change'],
    ['wait.p99 > 10', 12, 'is a time: write ns, us, ms or s'],
    ['contended > 10ms', 13, 'has no unit'],
    ['findings > +1', 12, 'write a number'],
    ['wait.p99 > 1ms if lock = a', 16, 'expected "where"'],
    ['wait.p99 > 1ms where lock = a or by = b', 31, 'expected "and"'],
    ['wait.p99 > 1ms where colour = red', 22, 'expected one of lock'],
    ['wait.p99 > 1ms where lock > a', 27, 'expected ~'],
    ['wait.p99 > 1ms where lock ~ "open', 29, 'never closed'],
    ['wait.p99 > 1ms where lock ~', 28, 'expected a text'],
    ['wait.p99 > 1ms where samples > few', 32, 'expected a number of samples'],
    ['wait.p99 > 1ms ; rm', 16, '";" has no meaning'],
    [`${'wait.p99 > 1ms where lock = a'.padEnd(3000)}`, 2000, 'at most 2000'],
  ])('points at what is wrong in %s', (text, column, message) => {
    try {
      parseRule(text, 'x');
      expect.fail('it was read');
    } catch (error) {
      expect(error).toBeInstanceOf(RuleError);
      expect(error).toMatchObject({ column, message: expect.stringContaining(message) as string });
    }
  });
});

describe('policyOf', () => {
  it('asks all conditions', async () => {
    const { covers } = await policyOf(
      'wait.p99 > 1ms where lock ~ "inode|journal" and source = lockdep',
      'x',
    );
    expect(covers(madeRow('&inode->i_lock'))).toBe(true);
    expect(covers(madeRow('&inode->i_lock', {}, { source: 'bit' }))).toBe(false);
    expect(covers(madeRow('&q->lock'))).toBe(false);
    expect(covers(madeRow('inode_foo+0x3', {}, { kind: 'irqs-off', source: null }))).toBe(false);
  });

  it('finds callers by name', async () => {
    const { covers } = await policyOf('off.max > 1ms where caller !~ "^schedule"', 'x');
    expect(covers(madeRow('do_idle+0x3', {}, { kind: 'irqs-off', source: null }))).toBe(true);
    expect(covers(madeRow('schedule+0x3', {}, { kind: 'irqs-off', source: null }))).toBe(false);
    expect(covers(madeRow('do_idle'))).toBe(false);
  });

  it('is not hung by any expression', async () => {
    const { covers } = await policyOf('wait.p99 > 1ms where lock ~ "(a+)+$"', 'x');
    expect(covers(madeRow(`${'a'.repeat(50_000)}b`))).toBe(false);
  });

  it('looks at the headlines of findings', async () => {
    const { coversFinding } = await policyOf('findings > 0 where lock ~ "spin"', 'x');
    expect([madeFinding('spin'), madeFinding('idle')].map(coversFinding)).toEqual([true, false]);
  });

  it('names place and column, and cuts the rule there', async () => {
    await expect(policyOf('wait.p99 > ten', '--fail-on')).rejects.toThrow(
      "--fail-on:12: expected a bound such as +10%, +50us or 2ms, in 'wait.p99 >' HERE 'ten'",
    );
    await expect(policyOf('wait.p99 > 1ms where lock ~ "(a"', '--fail-on')).rejects.toThrow(
      /^--fail-on:29: no regular expression: .*, in 'wait.p99 > 1ms where lock ~' HERE '"\(a"'$/,
    );
  });
});

describe('readPolicy', () => {
  it('reads rules, and leaves comments and empty lines out', async () => {
    const policies = await readPolicy('# waits\n\nwait.p99 > +10%\r\n  off.max > 2ms\n', 'ci.policy');
    expect(policies.map(({ rule }) => [rule.place, rule.text])).toEqual([
      ['ci.policy:3', 'wait.p99 > +10%'],
      ['ci.policy:4', 'off.max > 2ms'],
    ]);
  });

  it.each(['', '\n# only words\n'])('refuses a file without a rule: %j', async (text) => {
    await expect(readPolicy(text, 'ci.policy')).rejects.toThrow('ci.policy has no rule in it');
  });

  it('names file, line and column', async () => {
    const wrong = readPolicy('wait.p99 > +10%\nwait > 3\n', 'ci.policy');
    await expect(wrong).rejects.toBeInstanceOf(SpinbackError);
    await expect(wrong).rejects.toThrow('ci.policy:2:1: expected a figure');
  });
});

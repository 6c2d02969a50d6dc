import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { compareRuns } from '../../src/compare/compare.ts';
import { policyOf } from '../../src/compare/policy.ts';
import type { Run, StatsRow } from '../../src/model/stats.ts';
import { bareRun, madeFinding, madeRow, madeRun, type MadeLock } from './made-runs.ts';

const LOCK: MadeLock = { name: 'a', acquisitions: 800, holdNs: 1000, contended: 0.3, waitNs: 3000 };
const LOCKS: readonly MadeLock[] = [LOCK, { ...LOCK, name: 'b', holdNs: 5000 }];
/** Waits and takes so few that half an event shows. */
const SPARSE: readonly MadeLock[] = [
  { ...LOCK, contended: 0.002 },
  { ...LOCK, name: 'b', acquisitions: 40, contended: 0.05 },
  { ...LOCK, name: 'c', acquisitions: 60, contended: 0.5 },
];
const slower = LOCKS.map((lock) => (lock.name === 'b' ? { ...lock, holdNs: lock.holdNs * 1.3 } : lock));

function runs(seed: number, count: number, locks = LOCKS, blocks = 1): Run[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => madeRun(random, { locks, betweenRuns: 0.01, blocks }));
}

const SECONDS = { per: 'second', policies: [] };

describe('compareRuns', () => {
  it('names the lock that changed first, with an interval around the change', () => {
    const { rows, evidence } = compareRuns(runs(1, 4), runs(2, 4, slower), SECONDS);
    expect(evidence).toBe('runs');
    expect(rows.map(({ name }) => name)).toEqual(['b', 'a']);
    const [first] = rows[0]!.changes;
    expect(first).toMatchObject({ standsOut: true });
    expect(first!.low).toBeGreaterThan(0);
    expect(first!.low).toBeLessThan(0.3);
    expect(first!.high).toBeGreaterThan(0.3);
    for (const { changes } of rows)
      expect(changes.filter(({ high }) => high !== null).length).toBeGreaterThan(3);
  });

  it('has a single run on a side speak for itself by blocks of time, and says that this is weaker', () => {
    const twice = LOCKS.map((lock) => (lock.name === 'b' ? { ...lock, holdNs: lock.holdNs * 2 } : lock));
    const result = compareRuns(runs(1, 1, LOCKS, 16), runs(2, 1, twice, 16), SECONDS);
    expect(result.evidence).toBe('blocks');
    expect(result.notes[0]).toContain('blocks of time within a run');
    expect(result.rows[0]!.name).toBe('b');
    expect(result.rows[0]!.changes[0]!.standsOut).toBe(true);
  });

  it('gives no intervals where there is nothing to resample', () => {
    const result = compareRuns(runs(1, 1), runs(2, 1, slower), SECONDS);
    expect(result.evidence).toBe('none');
    expect(result.rows.flatMap(({ changes }) => changes).every(({ low }) => low === null)).toBe(true);
  });

  it.each([
    ['runs', () => compareRuns(runs(1, 4, SPARSE), runs(2, 4, SPARSE), SECONDS)],
    ['blocks', () => compareRuns(runs(1, 2, SPARSE, 16), runs(2, 1, SPARSE, 16), SECONDS)],
    ['none', () => compareRuns(runs(1, 2, SPARSE), runs(2, 1, SPARSE), SECONDS)],
  ] as const)(
    'changes are the ratios of what is shown, within their intervals (%s)',
    (evidence, compared) => {
      const result = compared();
      expect(result.evidence).toBe(evidence);
      const known = result.rows.flatMap(({ changes }) => changes).filter(({ change }) => change !== null);
      expect(known.length).toBeGreaterThan(10);
      for (const { base, new: next, change, low, high } of known) {
        expect(change).toBe(base === next ? 0 : next! / base! - 1);
        if (low !== null && high !== null) expect([low <= change!, change! <= high]).toEqual([true, true]);
      }
    },
  );

  it('shows rates as they were counted, and none where neither side counted anything', () => {
    const waits = { name: 'waits', acquisitions: 0, contentions: 40 };
    const rare = (contentions: number): Partial<StatsRow> => ({
      name: 'rare',
      acquisitions: 500,
      contentions,
    });
    const sideWith = (...counts: number[]): Run[] =>
      counts.map((contentions) =>
        bareRun({ durationNs: 5e6, rows: [madeRow('', waits), madeRow('', rare(contentions))] }),
      );
    const { rows, comparisons } = compareRuns(sideWith(0, 0, 0), sideWith(0, 1, 2), SECONDS);
    const changesOf = (wanted: string) => rows.find(({ name }) => name === wanted)!.changes;
    expect(changesOf('waits').map(({ metric }) => metric)).not.toContain('acquired');
    const contended = changesOf('rare').find(({ metric }) => metric === 'contended');
    expect(contended).toMatchObject({ base: 0, new: 0.002, change: Infinity, high: Infinity });
    expect(comparisons).toBe(2);
    const [gone] = compareRuns(sideWith(0, 1, 2), sideWith(0, 0, 0), SECONDS).rows.filter(
      ({ name }) => name === 'rare',
    );
    expect(gone!.changes.find(({ metric }) => metric === 'contended')).toMatchObject({ change: -1, low: -1 });
  });

  it('gives the same result again', () => {
    const once = JSON.stringify(compareRuns(runs(1, 3), runs(2, 3), SECONDS));
    expect(JSON.stringify(compareRuns(runs(1, 3), runs(2, 3), SECONDS))).toBe(once);
  });

  it('says what appeared and what vanished', () => {
    const result = compareRuns(runs(1, 2), runs(2, 2, [{ ...LOCK, name: 'c' }]), SECONDS);
    expect(result.appeared.map(({ name }) => name)).toEqual(['c']);
    expect(result.vanished.map(({ name }) => name)).toEqual(['b', 'a']);
    expect(result.rows).toEqual([]);
  });

  it('divides totals by an event, and refuses one that a run does not have', () => {
    const [base, next] = [1, 2].map((seed) =>
      runs(seed, 2).map((run) => ({ ...run, events: [{ event: 'x:y', count: 50 * seed }] })),
    );
    const { rows } = compareRuns(base!, next!, { per: 'x:y', policies: [] });
    const acquired = rows[0]!.changes.find(({ metric }) => metric === 'acquired')!;
    expect(acquired.change).toBeCloseTo(-0.5, 1);
    expect(() => compareRuns(base!, next!, { per: 'x:z', policies: [] })).toThrow('no event called x:z');
  });

  it('refuses runs that were split differently, or count time differently', () => {
    const [base] = [runs(1, 1)];
    expect(() => compareRuns(base, [{ ...base[0]!, split: 'cpu' }], SECONDS)).toThrow('--by');
    expect(() => compareRuns(base, [{ ...base[0]!, timeUnit: 'cycles' }], SECONDS)).toThrow('cycles');
  });

  it('matches call sites that moved within their function or whose clone was renamed, when that is clear', () => {
    const sections = (...names: string[]): Run =>
      bareRun({ rows: names.map((name) => madeRow(name, {}, { kind: 'irqs-off', source: null })) });
    const result = compareRuns(
      [sections('f+0x10', 'g.isra.0+0x8', 'h+0x1', 'h+0x2', '0xffff12+0x1')],
      [sections('f+0x24', 'g.constprop.1+0x4 [mod]', 'h+0x3', '0xffff13')],
      SECONDS,
    );
    expect(result.rows.map(({ name, was }) => [name, was])).toEqual([
      ['f+0x24', 'f+0x10'],
      ['g.constprop.1+0x4 [mod]', 'g.isra.0+0x8'],
    ]);
    expect(result.appeared.map(({ name }) => name)).toEqual(['h+0x3']);
    expect(result.notes.join()).toContain('2 rows could not be matched');
  });

  it('compares findings by signature, and puts their locks first', () => {
    const [base] = runs(1, 1);
    const [next] = runs(1, 1);
    const result = compareRuns(
      [{ ...base!, findings: [madeFinding('gone'), madeFinding('same')] }],
      [{ ...next!, findings: [madeFinding('same'), madeFinding('new', 1)] }],
      SECONDS,
    );
    const { appeared, gone, both } = result.findings;
    expect([appeared, gone, both].map((list) => list.map(({ signature }) => signature))).toEqual([
      ['new'],
      ['gone'],
      ['same'],
    ]);
    expect(result.rows[0]).toMatchObject({ name: 'b', findings: { base: [], new: ['about new'] } });
  });

  it('counts waits without an end as time lost', () => {
    const open = { ...madeRow('a'), openWaits: 1, longestOpenWaitNs: 30e9 };
    const result = compareRuns([bareRun({ rows: [madeRow('a')] })], [bareRun({ rows: [open] })], SECONDS);
    expect(result.rows[0]).toMatchObject({ lost: { base: 0, new: 30e9 }, longest: { base: 0, new: 30e9 } });
  });
});

describe('Rules', () => {
  const judge = async (text: string, base: readonly Run[], next: readonly Run[]) => {
    const policy = await policyOf(text, 'test');
    return compareRuns(base, next, { per: 'second', policies: [policy] }).rules[0]!;
  };

  it.each([
    ['hold.mean > +10%', 'failed', ['b']],
    ['hold.mean > +10% where lock = a', 'passed', []],
    ['hold.mean > +60%', 'passed', []],
    ['hold.mean > +500ns', 'failed', ['b']],
    ['hold.mean > 5us', 'failed', ['b']],
    ['hold.mean < 5us where lock = b', 'passed', []],
    ['hold.mean > +10% where lock = nobody', 'no match', []],
    ['hold.mean > +10% where samples >= 100000', 'no match', []],
    ['findings > 0', 'passed', []],
  ])('%s: %s', async (text, outcome, rows) => {
    const result = await judge(text, runs(1, 4), runs(2, 4, slower));
    expect(result.outcome).toBe(outcome);
    expect(result.violations.map(({ row }) => row)).toEqual(rows);
  });

  it('is unclear about a change that may be noise', async () => {
    const few = [{ ...LOCK, acquisitions: 30 }];
    const result = await judge('hold.mean > -50%', runs(1, 2, few), runs(2, 2, few));
    expect(result).toMatchObject({ outcome: 'unclear', violations: [{ certain: false }] });
  });

  it('counts findings that the base does not have', async () => {
    const next = runs(2, 1).map((run) => ({ ...run, findings: [madeFinding('x')] }));
    expect(await judge('findings > 0', runs(1, 1), next)).toMatchObject({
      outcome: 'failed',
      violations: [{ finding: 'about x' }],
    });
    expect(await judge('findings > 0 where lock ~ "y"', runs(1, 1), next)).toMatchObject({
      outcome: 'passed',
    });
  });
});

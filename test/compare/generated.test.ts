import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { compareRuns } from '../../src/compare/compare.ts';
import { generateTraceDat } from '../../src/generate/index.ts';
import { bytesSource } from '../../src/io/bytes.ts';
import type { Comparison } from '../../src/model/comparison.ts';
import type { Run } from '../../src/model/stats.ts';
import { statisticsOf } from '../../src/session/statistics.ts';
import { openSource } from '../../src/trace/open.ts';

const SLOW = '&xa->xa_lock';
const EVENTS = 150_000;

async function runOf(seed: number, slow: Readonly<Record<string, number>>): Promise<Run> {
  const { bytes } = generateTraceDat({ seed, events: EVENTS, slow });
  return statisticsOf(await openSource(bytesSource(bytes)));
}

/** `count` different runs out of a pool. */
function draw(pool: readonly Run[], count: number, random: Random): Run[] {
  const left = [...pool];
  return Array.from({ length: count }, () => left.splice(random.int(left.length), 1)[0]!);
}

function compare(base: readonly Run[], next: readonly Run[]): Comparison {
  return compareRuns(base, next, { per: 'second', policies: [] });
}

/** Five runs a side out of captures that were generated, replayed and counted one by one. */
describe('generated captures', { timeout: 300_000 }, () => {
  const healthy: Run[] = [];
  const slower: Run[] = [];
  const random = new Random(5);

  beforeAll(async () => {
    for (let seed = 1; seed <= 40; seed++) healthy.push(await runOf(seed, {}));
    // Of a hold, only a part is what the lock is held for: the rest is the time that its events take.
    for (let seed = 101; seed <= 120; seed++) slower.push(await runOf(seed, { [SLOW]: 1.2 }));
  }, 300_000);

  it('the slow class is held 10 % longer', () => {
    const { rows } = compare(healthy, slower);
    const change = rows
      .find(({ name }) => name === SLOW)!
      .changes.find(({ metric }) => metric === 'hold.mean')!;
    expect(change.change).toBeGreaterThan(0.08);
    expect(change.change).toBeLessThan(0.12);
  });

  it('raises a difference between equals in at most 5 % of 200 trials, over all locks together', () => {
    let raised = 0;
    for (let trial = 0; trial < 200; trial++) {
      const drawn = draw(healthy, 10, random);
      const { rows } = compare(drawn.slice(0, 5), drawn.slice(5));
      if (rows.some(({ changes }) => changes.some(({ standsOut }) => standsOut))) raised++;
    }
    expect(raised).toBeLessThanOrEqual(10);
  });

  it('raises one by blocks of time, with a single run a side, in at most 5 % of 100 trials', () => {
    let raised = 0;
    for (let trial = 0; trial < 100; trial++) {
      const [base, next] = draw(healthy, 2, random);
      const { rows, evidence } = compare([base!], [next!]);
      expect(evidence).toBe('blocks');
      if (rows.some(({ changes }) => changes.some(({ standsOut }) => standsOut))) raised++;
    }
    expect(raised).toBeLessThanOrEqual(5);
  });

  it('finds the slow class, and names it first, in at least 95 of 100 trials', () => {
    let found = 0;
    for (let trial = 0; trial < 100; trial++) {
      const [first] = compare(draw(healthy, 5, random), draw(slower, 5, random)).rows;
      if (first!.name === SLOW && first!.changes[0]!.standsOut) found++;
    }
    expect(found).toBeGreaterThanOrEqual(95);
  });
});

import { describe, expect, it } from 'vitest';
import { compareRuns } from '../../src/compare/compare.ts';
import type { Comparison } from '../../src/model/comparison.ts';
import type { Run } from '../../src/model/stats.ts';
import { statisticsOf } from '../../src/session/statistics.ts';
import { openCapture } from '../../src/trace/open.ts';
import { anyCapture } from '../captures.ts';

async function runOf(name: string): Promise<Run> {
  const capture = await openCapture(anyCapture(name)!);
  try {
    return statisticsOf(capture);
  } finally {
    capture.close();
  }
}

// TRUTH.md: in each pair the lock that was stuck, or held too long, is bit 4 of a fake buffer head.
const PAIRS = [
  ['bhslow-3s.dat', 'bhslow-28s.dat', 2.982, 27.829],
  ['bhrace-1.dat', 'bhrace-2.dat', 29.988, 34.685],
] as const;

describe.each(PAIRS)('%s against %s', { timeout: 120_000 }, (base, next, before, after) => {
  const there = [base, next].every((name) => anyCapture(name) !== null);

  it.skipIf(!there)(
    'puts the lock that was stuck first, and gives intervals for every other row',
    async () => {
      const result: Comparison = compareRuns([await runOf(base)], [await runOf(next)], {
        per: 'second',
        policies: [],
      });
      const [first, ...others] = result.rows;
      expect(first).toMatchObject({ kind: 'lock', source: 'bit', name: 'bit 4' });
      expect(first!.findings.base.length).toBeGreaterThan(0);
      expect(first!.findings.new.length).toBeGreaterThan(0);
      expect(first!.longest.base / 1e9).toBeCloseTo(before, 2);
      expect(first!.longest.new / 1e9).toBeCloseTo(after, 2);
      expect(result.evidence).toBe('blocks');
      for (const { changes } of others) {
        for (const { low, high, change, standsOut } of changes) {
          if (low === null || high === null) expect(standsOut).toBe(false);
          else expect(low <= change! && change! <= high).toBe(true);
        }
      }
      const withInterval = others.filter(({ changes }) => changes[0]!.low !== null);
      expect(withInterval.length).toBeGreaterThan(others.length / 2);
    },
  );
});

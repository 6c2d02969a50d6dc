import { describe, expect, it } from 'vitest';
import { generateTraceDat, readFault } from '../../src/generate/index.ts';
import { bytesSource } from '../../src/io/bytes.ts';
import { otherRow } from '../../src/mapping/decode-row.ts';
import { NAMESPACE } from '../../src/model/engine-numbers.ts';
import { KINDS } from '../../src/model/event.ts';
import type { Finding } from '../../src/model/report.ts';
import { analyzeCapture, inspectCapture } from '../../src/session/session.ts';
import type { Capture } from '../../src/trace/capture.ts';
import { openSource } from '../../src/trace/open.ts';

// Kernels without CONFIG_LOCK_STAT: lock_acquire and lock_release, no lock_acquired, no lock_contended (design rule 3).

const HIDDEN: readonly number[] = [KINDS.indexOf('acquire'), KINDS.indexOf('contend')];

async function generated(fault: string | null): Promise<Capture> {
  const faults = fault === null ? [] : [readFault(fault)];
  const { bytes } = generateTraceDat({ seed: 3, cpus: 4, events: 12_000, faults });
  return await openSource(bytesSource(bytes));
}

/** The capture of a kernel that does not have these events. */
function withoutLockStat(capture: Capture): Capture {
  const rows = capture.rows.map((row) =>
    row.namespace === NAMESPACE.lockdep && HIDDEN.includes(row.kind) ? otherRow(row.type) : row,
  );
  return new Proxy(capture, {
    get(target, key) {
      if (key === 'rows') return rows;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

describe('a kernel without CONFIG_LOCK_STAT', () => {
  it('shows holds from lock_acquire on', async () => {
    const whole = analyzeCapture(await generated(null)).stats;
    const { stats, findings } = analyzeCapture(withoutLockStat(await generated(null)));
    expect(findings).toEqual([]);
    expect(stats.holdNs.count).toBeGreaterThanOrEqual(whole.holdNs.count);
    // Attempts of bit locks still are attempts.
    expect(stats.locks.acquisitions).toBeGreaterThan(whole.locks.acquisitions);
  });

  it('says so, and that waiters cannot be told', async () => {
    const { questions } = inspectCapture(withoutLockStat(await generated(null)));
    const answer = questions.find(({ question }) => question.includes('spinlock, mutex or rwsem'));
    expect(answer).toMatchObject({
      answer: 'partly',
      record: expect.stringContaining('CONFIG_LOCK_STAT') as string,
    });
    expect(answer!.why).toContain('counts as held from lock_acquire on');
  });

  it.each([
    'abba',
    'self-deadlock',
    'slow-holder',
    'held-at-end',
    'missing-unlock:how=exit',
    'foreign-release',
  ])('%s: the same victims, and nobody else accused', async (fault) => {
    const whole = strong(analyzeCapture(await generated(fault)).findings);
    const victims = whole.flatMap(({ subject, waiters }) => [subject?.cpu, ...waiters.map(({ cpu }) => cpu)]);
    const holders = whole.map(({ holder }) => holder?.pid);
    for (const { subject, holder, headline } of strong(
      analyzeCapture(withoutLockStat(await generated(fault))).findings,
    )) {
      expect(victims, headline).toContain(subject?.cpu);
      if (holder) expect(holders, headline).toContain(holder.pid);
    }
  });
});

function strong(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ confidence }) => confidence !== 'possible');
}

import { describe, expect, it } from 'vitest';
import { compareRuns } from '../../src/compare/compare.ts';
import { generatePerfData, generateTraceDat } from '../../src/generate/index.ts';
import { bytesSource } from '../../src/io/bytes.ts';
import { HOLDS_FROM_ATTEMPTS } from '../../src/model/report.ts';
import type { Run } from '../../src/model/stats.ts';
import { statsText } from '../../src/report/stats.ts';
import { reportText } from '../../src/report/terminal.ts';
import { analyzeCapture } from '../../src/session/session.ts';
import { statisticsOf } from '../../src/session/statistics.ts';
import type { Capture } from '../../src/trace/capture.ts';
import { openSource } from '../../src/trace/open.ts';

// Of the four events of lockdep only two are recorded, or the kernel has only these two: holds begin at the attempt.

const WHOLE = ['lock', 'sched'];
const TWO = ['lock:lock_acquire', 'lock:lock_release', 'sched'];
const NOTE = /^holds begin at lock_acquire: they include waiting, .*\.$/;

const FORMATS: Record<string, (systems: readonly string[]) => Promise<Capture>> = {
  'trace.dat': async (systems) =>
    await openSource(bytesSource(generateTraceDat({ seed: 3, events: 6000, systems }, { systems }).bytes)),
  'perf.data': async (systems) =>
    await openSource(bytesSource(generatePerfData({ seed: 3, events: 6000, systems }).bytes)),
};

describe.each(Object.entries(FORMATS))('holds that begin at lock_acquire: %s', (_, generated) => {
  async function runOf(systems: readonly string[]): Promise<Run> {
    return statisticsOf(await generated(systems));
  }

  it('stats says so, and only there', async () => {
    const two = await runOf(TWO);
    expect(two.rows.some(({ acquisitions }) => acquisitions > 0)).toBe(true);
    expect(two.notes).toEqual([expect.stringMatching(NOTE)]);
    expect(statsText(two)).toContain('note: holds begin at lock_acquire: they include waiting,');
    expect((await runOf(WHOLE)).notes).toEqual([]);
  });

  it('analyze says who it did not look for', async () => {
    const report = analyzeCapture(await generated(TWO));
    expect(report.trace.problems).toContainEqual(
      expect.objectContaining({ name: HOLDS_FROM_ATTEMPTS, severity: 'info' }),
    );
    const text = reportText(report).replaceAll(/\s+/g, ' ');
    expect(text).toContain('Not checked: who waited for a lock of lockdep, and for how long: holds begin at');
    const whole = analyzeCapture(await generated(WHOLE));
    expect(whole.trace.problems.map(({ name }) => name)).not.toContain(HOLDS_FROM_ATTEMPTS);
    expect(reportText(whole)).not.toContain('Not checked');
  });

  it('compare notes it, and that the captures differ where they do', async () => {
    const [two, whole] = [await runOf(TWO), await runOf(WHOLE)];
    const notes = (base: Run, next: Run): string =>
      compareRuns([base], [next], { per: 'second', policies: [] }).notes.join('\n');
    const differs = 'unlike in the other captures, holds begin at lock_acquire';
    expect(notes(whole, two)).toContain(differs);
    expect(notes(two, whole)).toContain(differs);
    expect(notes(two, two)).toMatch(/^holds begin at lock_acquire/m);
    expect(notes(two, two)).not.toContain(differs);
    expect(notes(whole, whole)).not.toContain('lock_acquire');
  });
});

it('a capture that describes these events and has none of them has no holds to speak of', async () => {
  const { bytes } = generateTraceDat({ seed: 3, events: 6000, systems: ['sched'] }, { systems: TWO });
  expect(statisticsOf(await openSource(bytesSource(bytes))).notes).toEqual([]);
});

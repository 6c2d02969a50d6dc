// Interrupts that seem to be off over a stretch of events that is not there.

import { expect, test } from 'vitest';
import { generatePerfData, generateTraceDat } from '../../src/generate/index.ts';
import { bytesSource } from '../../src/io/bytes.ts';
import type { Report } from '../../src/model/report.ts';
import { analyzeCapture } from '../../src/session/session.ts';
import { openSource } from '../../src/trace/open.ts';

const PAGE = 4096;
const HOLE = 4 * PAGE;
const { bytes } = generateTraceDat({ seed: 424_242, events: 20_000, durationNs: 30e9, cpus: 4 });

async function reportOf(file: Uint8Array): Promise<Report> {
  return analyzeCapture(await openSource(bytesSource(file)));
}

const surest = ({ findings }: Report): string[] =>
  findings
    .filter(({ confidence }) => confidence !== 'possible')
    .map(({ kind, confidence }) => `${kind} ${confidence}`);

test('a healthy machine', async () => {
  expect(surest(await reportOf(bytes))).toEqual([]);
});

// The pages lie behind the metadata, a CPU's after the other's.
const PLACES = Array.from({ length: 12 }, (_, n) => Math.floor(((n + 4) * bytes.length) / 17 / PAGE) * PAGE);

test.each(PLACES)(
  'zeros instead of pages, from byte %i on: nothing is accused, and it is told',
  async (at) => {
    const file = bytes.slice();
    file.fill(0, at, at + HOLE);
    const report = await reportOf(file);
    expect(surest(report)).toEqual([]);
    expect(report.trace.problems.map(({ name }) => name)).toContain('damaged-pages');
  },
);

test.each([0.2, 0.35, 0.5, 0.65, 0.8])('a piece cut out of a perf.data, at %f of it', async (part) => {
  const perf = generatePerfData({ seed: 4, events: 20_000, durationNs: 30e9 }).bytes;
  // Not where a record ends: what follows is searched for the next one.
  const at = Math.floor((part * perf.length) / 8) * 8 + 4;
  const file = new Uint8Array([...perf.subarray(0, at), ...perf.subarray(at + 65_536)]);
  const report = await reportOf(file);
  expect(surest(report)).toEqual([]);
  expect(report.trace.problems.map(({ name }) => name)).toContain('damaged-records');
});

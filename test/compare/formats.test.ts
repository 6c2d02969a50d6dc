// The same events in another format are no difference.

import { describe, expect, test } from 'vitest';
import { compareRuns } from '../../src/compare/compare.ts';
import { generateText, generateTraceDat } from '../../src/generate/index.ts';
import { bytesSource } from '../../src/io/bytes.ts';
import type { Comparison } from '../../src/model/comparison.ts';
import type { Run } from '../../src/model/stats.ts';
import { statisticsOf } from '../../src/session/statistics.ts';
import type { Capture } from '../../src/trace/capture.ts';
import { openSource } from '../../src/trace/open.ts';
import { join, partsOf } from '../trace/spin/container.ts';

const ABOUT = { seed: 11, cpus: 3, events: 20_000, faults: [] };

const binary = (): Promise<Capture> => openSource(bytesSource(generateTraceDat(ABOUT).bytes));
const printed = (): Promise<Capture> =>
  openSource(bytesSource(new TextEncoder().encode(generateText(ABOUT, 'report', true))));
const containerOf = async (capture: Capture): Promise<Capture> =>
  openSource(bytesSource(join(await partsOf(capture))));

async function runOf(opened: Promise<Capture>): Promise<Run> {
  const capture = await opened;
  try {
    return statisticsOf(capture);
  } finally {
    capture.close();
  }
}

async function compared(base: Promise<Capture>, next: Promise<Capture>): Promise<Comparison> {
  return compareRuns([await runOf(base)], [await runOf(next)], { per: 'second', policies: [] });
}

function expectNothingNew({ rows, appeared, vanished, findings }: Comparison): void {
  expect([appeared, vanished, findings.appeared, findings.gone]).toEqual([[], [], [], []]);
  expect(rows.length).toBeGreaterThan(20);
  expect(rows.flatMap(({ changes }) => changes.filter(({ standsOut }) => standsOut))).toEqual([]);
}

describe('a comparison of formats', () => {
  test('a container shows what its trace.dat shows', async () => {
    const result = await compared(binary(), containerOf(await binary()));
    expectNothingNew(result);
    for (const { base, new: next } of result.rows.flatMap(({ changes }) => changes)) expect(next).toBe(base);
  });

  test('a container shows what its text shows', async () => {
    const result = await compared(printed(), containerOf(await printed()));
    expectNothingNew(result);
    for (const { base, new: next } of result.rows.flatMap(({ changes }) => changes)) expect(next).toBe(base);
  });

  test('text, whose times are microseconds, is no different from the trace.dat', async () => {
    const result = await compared(binary(), printed());
    expectNothingNew(result);
    const counts = result.rows.flatMap(({ changes }) =>
      changes.filter(({ metric }) => metric === 'contended'),
    );
    expect(counts.length).toBeGreaterThan(5);
    for (const { base, new: next } of counts) expect(next).toBe(base);
  });
});

import { expect, test } from 'vitest';
import {
  generateTraceDat,
  readFault,
  type SimulationOptions,
  type TraceDatOptions,
} from '../../src/generate/index.ts';
import { bytesSource } from '../../src/io/bytes.ts';
import type { Report } from '../../src/model/report.ts';
import { analyzeCapture } from '../../src/session/session.ts';
import { openSource } from '../../src/trace/open.ts';

// The same workload as kernels of every layout record it: the findings are the same.

const OPTIONS: Partial<SimulationOptions> = {
  seed: 3,
  events: 20_000,
  cpus: 4,
  faults: [readFault('lost-unlock')],
};

async function findingsOf(bytes: Uint8Array): Promise<string[]> {
  const report: Report = analyzeCapture(await openSource(bytesSource(bytes, 'generated')));
  expect(report.trace.problems.filter(({ severity }) => severity === 'error')).toEqual([]);
  return report.findings.map(
    ({ kind, cause, confidence, lock, culprit }) =>
      `${kind} ${cause} ${confidence} bit ${lock?.bit} of ${lock?.address.slice(-8)} by ${culprit?.pid}`,
  );
}

const generated = (more: Partial<TraceDatOptions>) => findingsOf(generateTraceDat(OPTIONS, more).bytes);
const usual = await generated({});

test('there is something to find', () => {
  expect(usual[0]).toMatch(/^never-released lost-unlock certain bit 4 of /);
});

test.each<[string, Partial<TraceDatOptions>]>([
  ['a 32-bit kernel, version 6', { version: 6, wordSize: 4 }],
  ['a 32-bit kernel, version 7', { wordSize: 4 }],
  ['a 32-bit kernel with sub-buffers of 16 KiB', { wordSize: 4, pageSize: 16_384 }],
  ['sub-buffers of 64 KiB', { pageSize: 65_536 }],
  ['sub-buffers of 512 KiB', { pageSize: 1 << 19 }],
  ['version 6 with sub-buffers of 8 KiB', { version: 6, pageSize: 8192 }],
])('%s', async (_, more) => {
  expect(await generated(more)).toEqual(usual);
});

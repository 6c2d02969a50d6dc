import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readRange } from '../../src/io/bytes.ts';
import { openInput } from '../../src/io/node-file.ts';
import { statisticsOf } from '../../src/session/statistics.ts';
import { openCapture } from '../../src/trace/open.ts';
import { anyCapture } from '../captures.ts';

const CAPTURE = anyCapture('perf-ext4-lock.data');
const hasPerf = spawnSync('perf', ['--version']).status === 0;
if (!hasPerf) console.warn('SKIPPED: perf is not installed, so perf lock report cannot be compared with');

const UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9 };

/** A row: name, acquired, contended, then average, total, longest and shortest wait with their units. */
const ROW = /^\s*(\S.*?)\s+(\d+)\s+(\d+)\s+[\d.]+ \w+\s+([\d.]+) (\w+)\s+([\d.]+) (\w+)\s+[\d.]+ \w+\s*$/;

async function perfReport(path: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'spinback-'));
  try {
    const source = await openInput(path);
    writeFileSync(join(folder, 'perf.data'), readRange(source, 0, source.size));
    source.close();
    // perf prints tables to standard error.
    const { stdout, stderr } = spawnSync(
      'perf',
      ['lock', 'report', '-c', '-k', 'wait_total', '-i', join(folder, 'perf.data')],
      {
        encoding: 'utf8',
      },
    );
    return stdout + stderr;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

it.skipIf(CAPTURE === null || !hasPerf)(
  'waits are those of perf lock report, but for the sequences that perf gives up',
  { timeout: 120_000 },
  async () => {
    const report = await perfReport(CAPTURE!);
    const capture = await openCapture(CAPTURE!);
    const { rows } = statisticsOf(capture);
    capture.close();
    let compared = 0;
    for (const line of report.split('\n')) {
      const [, name = '', , contended, total, totalUnit = '', longest, longestUnit = ''] =
        ROW.exec(line) ?? [];
      // perf cuts names at 20 characters.
      const same = rows.filter((row) => row.source === 'lockdep' && row.name === name);
      if (same.length !== 1 || Number(contended) === 0) continue;
      const [row] = same;
      const missed = row!.contentions - Number(contended);
      expect([name, missed >= 0 && missed <= 1]).toEqual([name, true]);
      if (missed > 0) continue;
      compared++;
      // Two decimals are printed.
      expect(Math.abs(Number(row!.wait!.sumNs) - Number(total) * UNITS[totalUnit]!)).toBeLessThanOrEqual(
        0.006 * UNITS[totalUnit]!,
      );
      expect(Math.abs(row!.wait!.maxNs - Number(longest) * UNITS[longestUnit]!)).toBeLessThanOrEqual(
        0.006 * UNITS[longestUnit]!,
      );
    }
    expect(compared).toBeGreaterThan(10);
  },
);

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Report } from '../../src/model/report.ts';
import { analyzeCapture } from '../../src/session/session.ts';
import { openCapture } from '../../src/trace/open.ts';
import { anyCapture } from '../captures.ts';

// Golden reports: what spinback says about each capture, whole. A missing golden fails; UPDATE_GOLDEN=1 writes them, to be read
// before they are committed.
const CAPTURES = [
  'lost-unlock.dat',
  'missing-unlock.dat',
  'slow-holder.dat',
  'stock.dat',
  'kprobe-leak.dat',
  'abba.dat',
  'bhrace-1.dat',
  'bhrace-2.dat',
  'bhleak-lost.dat',
  'bhslow-3s.dat',
  'bhslow-28s.dat',
  'ext4-dm-1k.small.dat',
  'ext4-dm-1k.small-v6.dat',
  'ext4-dm-1k.medium.dat',
  'ext4-dm-1k.medium-zstd.dat',
  'ext4-dm-1k.text.dat',
  'ext4-dm-1k.text.trace.txt',
  'ext4-dm-1k.text.trace-latency.txt',
  'ext4-dm-1k.small.report.txt',
  'ext4-finish-bio-2015/trace.dat',
];

const update = process.env['UPDATE_GOLDEN'] === '1';

function goldenText(report: Report): string {
  const { trace, ...rest } = report;
  return `${JSON.stringify({ ...rest, trace: { ...trace, path: basename(trace.path).replace(/\.zst$/, '') } }, null, 1)}\n`;
}

for (const name of CAPTURES) {
  const path = anyCapture(name);
  describe.skipIf(path === null)(name, () => {
    it('gives the golden report', async () => {
      const capture = await openCapture(path!);
      const text = goldenText(analyzeCapture(capture));
      capture.close();
      const golden = join(import.meta.dirname, `${name.replaceAll('/', '.')}.json`);
      if (update) writeFileSync(golden, text);
      expect(existsSync(golden), `${golden} is missing`).toBe(true);
      expect(JSON.parse(text)).toEqual(JSON.parse(readFileSync(golden, 'utf8')));
    });
  });
}

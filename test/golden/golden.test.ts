import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Report } from '../../src/model/report.ts';
import { analyzeCapture } from '../../src/session/session.ts';
import { openCapture } from '../../src/trace/open.ts';
import { anyCapture, mappingOptions } from '../captures.ts';

// Golden reports: what spinback says about each capture, whole. A missing golden fails; UPDATE_GOLDEN=1 writes them, to be read
// before they are committed.
const CAPTURES = [
  'lost-unlock.dat',
  'missing-unlock.dat',
  'slow-holder.dat',
  'stock.dat',
  'kprobe-leak.dat',
  'panic-dump.console.txt',
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

/** Captures that mean something only with a mapping file: a second report each. */
const MAPPED: Readonly<Record<string, string>> = { 'kprobe-leak.dat': 'mappings/bhrace-kprobes.yaml' };

const GOLDENS: readonly (readonly [golden: string, name: string, mapping?: string])[] = [
  ...CAPTURES.map((name) => [name, name] as const),
  ...Object.entries(MAPPED).map(([name, mapping]) => [`${name}+mapping`, name, mapping] as const),
];

for (const [golden, name, mapping] of GOLDENS) {
  const path = anyCapture(name);
  describe.skipIf(path === null)(golden, () => {
    it('gives the golden report', async () => {
      const capture = await openCapture(path!, await mappingOptions(mapping));
      const text = goldenText(analyzeCapture(capture));
      capture.close();
      const file = join(import.meta.dirname, `${golden.replaceAll('/', '.')}.json`);
      if (update) writeFileSync(file, text);
      expect(existsSync(file), `${file} is missing`).toBe(true);
      expect(JSON.parse(text)).toEqual(JSON.parse(readFileSync(file, 'utf8')));
    });
  });
}

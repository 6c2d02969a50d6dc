import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Report } from '../../src/model/report.ts';
import { analyzeCapture } from '../../src/session/session.ts';
import { openCapture } from '../../src/trace/open.ts';
import { anyCapture, mappingOptions } from '../captures.ts';
import { TRUTHS } from './truths.ts';

// Golden reports: what spinback says about each capture, whole. A missing golden fails; UPDATE_GOLDEN=1 writes them, to be read
// before they are committed.
const update = process.env['UPDATE_GOLDEN'] === '1';

function goldenText(report: Report): string {
  const { trace, ...rest } = report;
  return `${JSON.stringify({ ...rest, trace: { ...trace, path: basename(trace.path).replace(/\.zst$/, '') } }, null, 1)}\n`;
}

describe.each([...TRUTHS])('%s', (golden, { capture: name, mapping, isTrue }) => {
  const path = anyCapture(name);
  it.skipIf(path === null)('gives the golden report, and says what is true', async () => {
    const capture = await openCapture(path!, await mappingOptions(mapping));
    const report = analyzeCapture(capture);
    const text = goldenText(report);
    capture.close();
    const file = join(import.meta.dirname, `${golden.replaceAll('/', '.')}.json`);
    if (update) writeFileSync(file, text);
    expect(existsSync(file), `${file} is missing`).toBe(true);
    expect(JSON.parse(text)).toEqual(JSON.parse(readFileSync(file, 'utf8')));
    isTrue(report);
  });
});

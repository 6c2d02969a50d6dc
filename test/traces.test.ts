import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { analyzeCapture } from '../src/session/session.ts';
import { openCapture } from '../src/trace/open.ts';
import { mappingOptions, smallCapture } from './captures.ts';
import { logOf } from './dmesg/harness.ts';

interface Entry {
  readonly file: string;
  readonly what: string;
  readonly kernel: string;
  readonly recordedBy: string;
  /** The mapping file that belongs to it. */
  readonly mapping?: string;
  readonly bytes: number;
  readonly sha256: string;
}

const { captures, logs } = JSON.parse(readFileSync(smallCapture('manifest.json'), 'utf8')) as {
  captures: readonly (Entry & { readonly findings: readonly string[] })[];
  logs: readonly (Entry & { readonly incidents: readonly string[] })[];
};

function expectContent({ file, bytes, sha256, ...said }: Entry): void {
  for (const text of Object.values(said)) if (typeof text === 'string') expect(text).toMatch(/\S/);
  const content = readFileSync(smallCapture(file));
  expect(content.length).toBe(bytes);
  expect(createHash('sha256').update(content).digest('hex')).toBe(sha256);
}

describe('traces/manifest.json', () => {
  it('lists every capture and log of the folder, and no other', () => {
    const files = readdirSync(smallCapture('.'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !/\.(md|json)$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name).slice(smallCapture('.').length + 1));
    expect([...captures, ...logs].map(({ file }) => file).toSorted()).toEqual(files.toSorted());
  });

  for (const entry of captures) {
    const { file, findings } = entry;
    it(`${file}: is what the manifest says`, async () => {
      expectContent(entry);
      const capture = await openCapture(smallCapture(file), await mappingOptions(entry.mapping));
      const report = analyzeCapture(capture);
      capture.close();
      expect(
        report.findings.map(
          ({ kind, cause, confidence, startNs }) => `${kind} ${cause} ${confidence} ${startNs}`,
        ),
      ).toEqual(findings);
    });
  }

  for (const entry of logs) {
    it(`${entry.file}: is what the manifest says`, async () => {
      expectContent(entry);
      const { incidents } = await logOf(readFileSync(smallCapture(entry.file)));
      expect(incidents.map(({ headline, firstNs }) => `${firstNs} ${headline}`)).toEqual(entry.incidents);
    });
  }
});

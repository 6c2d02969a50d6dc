import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { INFO_SHAPE, REPORT_SHAPE, infoJson, reportJson } from '../../src/report/json.ts';
import * as fixtures from './fixtures.ts';
import { expectGolden } from './golden.ts';

/** The same data with the keys of every object in the opposite order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, item]) => [key, reversed(item)]),
  );
}

/** Every key path of a shape: "findings[].lock.bit". */
function paths(shape: unknown, at = ''): string[] {
  if (shape === 'leaf' || shape === 'sorted') return [at];
  if (Array.isArray(shape)) return paths(shape[0], `${at}[]`);
  const inner = Object.entries(shape as Record<string, unknown>).flatMap(([key, item]) =>
    paths(item, at === '' ? key : `${at}.${key}`),
  );
  return at === '' ? inner : [at, ...inner];
}

const REPORTS = Object.values({
  bhrace1: fixtures.bhrace1,
  missingUnlock: fixtures.missingUnlock,
  stock: fixtures.stock,
  healthy: fixtures.healthy,
  damaged: fixtures.damaged,
  cycles: fixtures.cycles,
});

describe('JSON', () => {
  it('of bhrace-1 is golden/bhrace-1.jsonl, byte for byte', () => {
    expectGolden('bhrace-1.jsonl', `${reportJson(fixtures.bhrace1)}\n`);
  });

  it('holds everything that the report holds, on one line', () => {
    for (const report of REPORTS) {
      expect(JSON.parse(reportJson(report))).toEqual(report);
      expect(reportJson(report)).not.toContain('\n');
    }
    expect(JSON.parse(infoJson(fixtures.stockInfo))).toEqual(fixtures.stockInfo);
  });

  it('does not depend on the order in which an analyzer made its objects', () => {
    for (const report of REPORTS) {
      expect(reportJson(reversed(report) as typeof report)).toBe(reportJson(report));
    }
    expect(infoJson(reversed(fixtures.stockInfo) as typeof fixtures.stockInfo)).toBe(
      infoJson(fixtures.stockInfo),
    );
  });

  it('has the keys in the order of the contract', () => {
    const report = JSON.parse(reportJson(fixtures.bhrace1)) as { findings: object[] };
    expect(Object.keys(report)).toEqual([
      'schema',
      'spinback',
      'trace',
      'thresholds',
      'findings',
      'kernelReports',
      'stats',
    ]);
    expect(Object.keys(report.findings[0]!).slice(0, 7)).toEqual([
      'id',
      'signature',
      'kind',
      'cause',
      'confidence',
      'severity',
      'headline',
    ]);
  });

  it('has no key that docs/report.md does not explain', () => {
    const docs = readFileSync(new URL('../../docs/report.md', import.meta.url), 'utf8');
    const all = new Set(
      [...paths(REPORT_SHAPE), ...paths(INFO_SHAPE)].map((path) => path.split('.').at(-1)!),
    );
    const missing = [...all]
      .map((key) => key.replace('[]', ''))
      .filter((key) => !docs.includes(`\`${key}\``));
    expect(missing).toEqual([]);
  });
});

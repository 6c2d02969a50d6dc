import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LOG_KINDS } from '../../src/model/kernel-log.ts';
import { FIELDS, fixturesIn, precision, recall, scoreOf, type Scores } from './score.ts';

const folders = [join(import.meta.dirname, 'fixtures'), process.env['DMESG_CORPUS']].filter(
  (folder) => folder !== undefined,
);

function table({ scores, faults }: Scores): string {
  const percent = (share: number): string => `${(100 * share).toFixed(1).padStart(6)} %`;
  const rows = (['kind', ...FIELDS] as const).map((name) => {
    const score = scores[name];
    return `${name.padEnd(9)} precision ${percent(precision(score))}  recall ${percent(recall(score))}  (${score.right} right, ${score.found} found, ${score.wanted} wanted)`;
  });
  return [...rows, ...faults].join('\n');
}

describe.each(folders)('the logs of %s', (folder) => {
  const fixtures = fixturesIn(folder);

  it('name their source, and only kinds that there are', () => {
    for (const { source, expected } of fixtures) {
      expect(source).toMatch(/\S/);
      for (const { kind } of expected) expect(LOG_KINDS).toContain(kind);
    }
  });

  it('are read with at least 95 % precision and recall', async () => {
    const result = await scoreOf(fixtures);
    console.log(`${fixtures.length} logs\n${table(result)}`);
    for (const score of Object.values(result.scores)) {
      expect(precision(score)).toBeGreaterThanOrEqual(0.95);
      expect(recall(score)).toBeGreaterThanOrEqual(0.95);
    }
  });
});

it('there are at least 40 fixtures', () => {
  expect(fixturesIn(folders[0]!).length).toBeGreaterThanOrEqual(40);
});

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';

/**
 * Compares `text` with test/report/golden/`name`. A golden that is not there fails: it is written by hand, with
 * UPDATE_GOLDEN=1 in the environment, and read before it is committed. Never where CI is set.
 */
export function expectGolden(name: string, text: string): void {
  const path = new URL(`golden/${name}`, import.meta.url);
  if (process.env['UPDATE_GOLDEN'] === '1' && !process.env['CI']) writeFileSync(path, text);
  if (!existsSync(path)) expect.fail(`golden/${name} is missing; UPDATE_GOLDEN=1 writes it`);
  expect(text).toBe(readFileSync(path, 'utf8'));
}

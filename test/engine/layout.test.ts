// Two fields at one place corrupt each other in silence, and two branches that each add one collide without a conflict.

import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

/** `export const LANE_CPU = 56; // u16`: prefix, name, offset, bits. Fields of other shapes (marks, tables) are not looked at. */
const FIELD = /^export const ([A-Z]+)_(\w+) = (\d+); \/\/ [ui](8|16|32|64)(?=[:,]|$)/gm;

test('no two numbers of a record lie at the same place', () => {
  const folder = resolve(import.meta.dirname, '../../assembly/layout');
  const text = readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('');
  const owners = new Map<string, string>();
  const overlaps: string[] = [];
  for (const [, prefix, name, offset, bits] of text.matchAll(FIELD)) {
    for (let at = Number(offset); at < Number(offset) + Number(bits) / 8; at++) {
      const owner = owners.get(`${prefix} ${at}`);
      if (owner && owner !== name) overlaps.push(`${prefix}_${owner} and ${prefix}_${name} at ${at}`);
      owners.set(`${prefix} ${at}`, name!);
    }
  }
  expect(owners.size).toBeGreaterThan(500);
  expect(overlaps).toEqual([]);
});

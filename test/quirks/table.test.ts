import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

// docs/quirks.yaml: each row names a source, code that exists, and tests that exist.

const ROOT = resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

const said = v.pipe(v.string(), v.minLength(5));
const quirks = v.parse(
  v.array(
    v.strictObject({
      id: v.pipe(v.string(), v.regex(/^[a-z0-9-]+$/)),
      what: said,
      where: said,
      source: said,
      handled: said,
      tests: v.pipe(v.array(v.string()), v.minLength(1)),
    }),
  ),
  parse(read('docs/quirks.yaml')),
);

test('no two rows are about the same', () => {
  expect(new Set(quirks.map(({ id }) => id)).size).toBe(quirks.length);
});

test.each(quirks)('$id: the code is where the table says', ({ handled }) => {
  const places = [...handled.matchAll(/([\w./-]+\.(?:ts|yaml))(?: \(([^)]+)\))?/g)];
  expect(places.length).toBeGreaterThan(0);
  for (const [, file, names] of places) {
    expect(existsSync(join(ROOT, file!)), file).toBe(true);
    // Names of functions are in parentheses; a remark has blanks.
    for (const name of (names ?? '').split(', ').filter((one) => /^[\w-]+$/.test(one)))
      expect(read(file!)).toContain(name);
  }
});

test.each(quirks)('$id: its tests exist', ({ tests }) => {
  for (const named of tests) {
    const [, file, title] = /^([\w./-]+\.test\.ts): (.+)$/.exec(named) ?? [];
    expect(file && existsSync(join(ROOT, file)), named).toBe(true);
    expect(read(file!).includes(`'${title}'`), named).toBe(true);
  }
});

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateTraceDat } from '../../src/generate/index.ts';
import { runWith } from '../cli/harness.ts';

const page = readFileSync(new URL('../../docs/regression-testing.md', import.meta.url), 'utf8');
const before = process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'spinback-'));

/** The page's console lines in order: a command, and what is shown of it. */
function commands(): { readonly command: string; readonly shown: readonly string[] }[] {
  const lines = [...page.matchAll(/```console\n(.*?)```/gs)].flatMap(([, block]) =>
    block!.trimEnd().split('\n'),
  );
  const found: { command: string; shown: string[] }[] = [];
  for (const line of lines) {
    if (line.startsWith('$ ')) found.push({ command: line.slice(2), shown: [] });
    else found.at(-1)!.shown.push(line);
  }
  return found;
}

/** A command line without quotes and `\`, but for '...'. */
function words(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!);
}

beforeAll(() => {
  process.chdir(folder);
  for (let run = 1; run <= 5; run++) {
    const write = (name: string, seed: number, slow = {}): void =>
      writeFileSync(`${name}-${run}.dat`, generateTraceDat({ seed, events: 40_000, slow }).bytes);
    write('base', run);
    write('same', 10 + run);
    write('new', 20 + run, { '&xa->xa_lock': 2 });
  }
});
afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

describe('docs/regression-testing.md', { timeout: 120_000 }, () => {
  it('shows commands that do what it says', async () => {
    const all = commands();
    expect(all.length).toBeGreaterThan(6);
    for (const { command, shown } of all) {
      const [program, ...argv] = words(command);
      if (program === 'cat') {
        writeFileSync(argv[0]!, `${shown.join('\n')}\n`);
        continue;
      }
      expect(program).toBe('spinback');
      const { exit, stderr } = await runWith(argv);
      const status = Number(/^exit status (\d)$/.exec(shown.at(-1) ?? '')?.[1] ?? 0);
      expect([command, exit, stderr]).toEqual([command, status, '']);
    }
    expect(['base.json.gz', 'locks.xml', 'locks.md'].every((name) => existsSync(name))).toBe(true);
    expect(readFileSync('locks.xml', 'utf8')).toContain('failures="1"');
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import * as fixtures from '../report/fixtures.ts';
import { runWith, type FakeFile } from './harness.ts';

const FILES = { 'a.dat': { report: fixtures.healthy, info: fixtures.stockInfo, events: [] } };
const folder = mkdtempSync(join(tmpdir(), 'spinback-map-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const row = (event: string) => `schema: spinback/mapping@1\nevents: [{ event: ${event}, kind: message }]\n`;
const ONE = file('one.yaml', row('a:one'));
const TWO = file(
  'two.json',
  JSON.stringify({ schema: 'spinback/mapping@1', events: [{ event: 'a:two', kind: 'message' }] }),
);

test.each(['analyze', 'info', 'events'])(
  '%s opens captures with the rows of every --map, in order',
  async (command) => {
    const ran = await runWith([command, '--map', ONE, '--map', TWO, 'a.dat'], {
      files: FILES,
    });
    expect(ran.stderr).toBe(command === 'events' ? 'spinback: no event matches\n' : '');
    expect(ran.opened[0]!.options.rows?.map(({ event }) => event)).toEqual(['a:one', 'a:two']);
  },
);

test('a mapping that comes with spinback goes by its name', async () => {
  const ran = await runWith(['info', '--map', 'function-kprobes', 'a.dat'], { files: FILES });
  expect(ran.opened[0]!.options.rows).toContainEqual({
    event: 'bl:*_return',
    kind: 'pass',
    entry: 'bl:*_enter',
  });
});

test.each([
  [
    'a wrong one',
    file('wrong.yaml', 'schema: spinback/mapping@1\nevents:\n  - knid: x\n'),
    /wrong\.yaml:3:5: events\[0\] there is no "knid" here/,
  ],
  [
    'one that is not there',
    join(folder, 'nowhere.yaml'),
    /cannot be read: there is no such file.*these come with spinback: .*bpftrace/,
  ],
  ['a folder', folder, /cannot be read: it is a directory/],
  ['a huge one', file('huge.yaml', new Uint8Array((1 << 20) + 1).fill(0x20)), /has more than 1 MiB/],
])('%s is wrong usage, and no capture is opened', async (_, path, message) => {
  const ran = await runWith(['analyze', '--map', path, 'a.dat'], { files: FILES });
  expect(ran).toMatchObject({ exit: 2, stdout: '', opened: [] });
  expect(ran.stderr).toMatch(message);
});

test('the commands that a report suggests open the file alike', async () => {
  const spaced = file("it's mine.yaml", row('a:one'));
  const named = (path: string): FakeFile => ({
    report: { ...fixtures.healthy, trace: { ...fixtures.healthy.trace, path } },
  });
  const files = { 'dir x/a.dat': named('dir x/a.dat'), '-a.dat': named('-a.dat') };
  const options = ['--map', ONE, '--map', spaced, '--instance', 'foo'];
  const { stdout } = await runWith(['analyze', ...options, 'dir x/a.dat'], { files });
  const quoted = `'${spaced.replace("'", String.raw`'\''`)}'`;
  expect(stdout.replaceAll(/\s+/g, ' ')).toContain(
    `spinback info --map ${ONE} --map ${quoted} --instance foo 'dir x/a.dat'`,
  );
  expect((await runWith(['analyze', '--', '-a.dat'], { files })).stdout).toContain('spinback info ./-a.dat');
});

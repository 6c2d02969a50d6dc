import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LogReport } from '../../src/model/kernel-log.ts';
import { smallCapture } from '../captures.ts';
import { runWith } from './harness.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spinback-test-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const seed = smallCapture('seed-2015.txt');

describe('spinback dmesg', () => {
  it('prints what the report of 2015 says, and ends with 1', async () => {
    const { exit, stdout, stderr } = await runWith(['dmesg', seed]);
    expect({ exit, stderr }).toEqual({ exit: 1, stderr: '' });
    for (const text of [
      'bit\n   4 of 0xffff880826272138',
      'Uptodate | Uptodate_Lock | Mapped |',
      '1. lost-unlock (likely)',
      'Exit status 1',
    ]) {
      expect(stdout).toContain(text);
    }
  });

  it('--json prints one line for each log, all keys in it', async () => {
    const { exit, stdout } = await runWith([
      'dmesg',
      '--json',
      seed,
      file('quiet.txt', '[    1.000000] all is well\n'),
    ]);
    const [first, second] = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as LogReport);
    expect(exit).toBe(1);
    expect(Object.keys(first!)).toEqual(['schema', 'spinback', 'log', 'incidents', 'suppressed']);
    expect(first).toMatchObject({ schema: 'spinback/dmesg@1', log: { path: seed, bytes: 11369 } });
    expect(second!.incidents).toEqual([]);
    expect(JSON.stringify(first)).not.toContain('undefined');
  });

  it('ends with 0 where no report is, with 3 where nothing can be read', async () => {
    expect((await runWith(['dmesg', file('quiet.txt', 'x\n')])).exit).toBe(0);
    expect((await runWith(['dmesg', file('empty.txt', '')])).exit).toBe(3);
    expect(await runWith(['dmesg', join(folder, 'nowhere')])).toMatchObject({ exit: 3, stdout: '' });
    const utf16 = await runWith(['dmesg', file('utf16.txt', Buffer.from('\ufeffsoft lockup', 'utf16le'))]);
    expect(utf16).toMatchObject({ exit: 3, stdout: '' });
    expect(utf16.stderr).toContain('UTF-16');
    expect((await runWith(['dmesg'])).exit).toBe(2);
  });

  it('reads a log that was written over zeros, as after a crash', async () => {
    const line = '[  100.000000] watchdog: BUG: soft lockup - CPU#3 stuck for 22s! [foo:12]\n';
    const { exit, stdout } = await runWith(['dmesg', file('zeros.txt', `${line}${'\0'.repeat(64)}\n`)]);
    expect(exit).toBe(1);
    expect(stdout).toContain('K1 soft lockup on CPU 3: foo-12');
  });

  it.each([
    ['a capture', 'traces/slow-holder.dat', 'spinback analyze reads it'],
    ['a picture', Buffer.from('ffd8ffe000104a464946', 'hex'), 'a JPEG picture'],
    ['zeros', Buffer.alloc(10_000), 'no text'],
  ])('refuses %s', async (_, input, why) => {
    const path = typeof input === 'string' ? join(import.meta.dirname, '../..', input) : file('input', input);
    const ran = await runWith(['dmesg', path]);
    expect(ran).toMatchObject({ exit: 3, stdout: '' });
    expect(ran.stderr).toContain(why);
  });

  it('reads on where a log begins with rubbish', async () => {
    const report = '[  100.000000] watchdog: BUG: soft lockup - CPU#1 stuck for 23s! [stress:1234]\n';
    const log = Buffer.concat([Buffer.alloc(100), Buffer.from(`\n${report}`)]);
    expect((await runWith(['dmesg', file('rubbish.txt', log)])).exit).toBe(1);
  });

  it('reads packed logs, and says so when one is cut', async () => {
    const packed = gzipSync(readFileSync(seed));
    expect((await runWith(['dmesg', file('log.gz', packed)])).exit).toBe(1);
    const cut = await runWith(['dmesg', file('cut.gz', packed.subarray(0, packed.length - 200))]);
    expect(cut.exit).toBe(3);
    expect(cut.stdout).toContain('DAMAGED');
  });
});

describe('spinback analyze --log', () => {
  it('wants one trace', async () => {
    expect((await runWith(['analyze', '--log', seed, 'a.dat', 'b.dat'])).exit).toBe(2);
    expect((await runWith(['analyze', '--own-log', 'a.dat', 'b.dat'])).stderr).toContain('one trace');
    expect((await runWith(['analyze', '--log', seed, '--own-log', 'a.dat'])).stderr).toContain('two logs');
  });

  it('ends with 3 where the log cannot be read', async () => {
    const { exit, stderr } = await runWith(['analyze', '--log', join(folder, 'nowhere'), 'a.dat']);
    expect(exit).toBe(3);
    expect(stderr).toContain('nowhere');
  });
});

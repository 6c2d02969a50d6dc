import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { VERSION } from '../../src/base/version.ts';
import { runWith } from './harness.ts';

describe('usage', () => {
  it('has the version of package.json', () => {
    const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    expect(VERSION).toBe((JSON.parse(text) as { version: string }).version);
  });

  it.each([
    [['--version'], `${VERSION}\n`],
    [['-V'], `${VERSION}\n`],
  ])('answers %j on standard output', async (argv, said) => {
    expect(await runWith(argv)).toMatchObject({ exit: 0, stdout: said, stderr: '', sessions: 0 });
  });

  it.each([
    [['--help']],
    [['analyze', '--help']],
    [['info', '-h']],
    [['events', '--help']],
    [['capture', '--help']],
    [['help', 'events']],
  ])('helps with %j on standard output and lists options', async (argv) => {
    const ran = await runWith(argv);
    expect(ran).toMatchObject({ exit: 0, stderr: '', sessions: 0 });
    expect(ran.stdout).toContain('--help');
    expect(ran.stdout.split('\n').filter((line) => line.length > 100)).toEqual([]);
  });

  it('tells the exit statuses in the help of analyze', async () => {
    expect((await runWith(['analyze', '--help'])).stdout).toMatch(/Exit status: 0 .* 70 internal error/s);
  });

  it.each([
    [[], 'Usage: spinback'],
    [['frobnicate'], "unknown command 'frobnicate'"],
    [['analyze'], "missing required argument 'file'"],
    [['analyze', '--frob', 'a.dat'], "unknown option '--frob'"],
    [['analyze', '--spin', '5', 'a.dat'], 'Give a duration'],
    [['analyze', '--spin', '0s', 'a.dat'], 'Give a duration'],
    [['analyze', '--watchdog', 'soon', 'a.dat'], 'Give a duration'],
    [['analyze', '--irq-off', '-1s', 'a.dat'], ''],
    [['analyze', '--fail-on', 'sometimes', 'a.dat'], 'Allowed choices are possible, likely, certain, never'],
    [['analyze', '--min-confidence', 'never', 'a.dat'], 'Allowed choices are possible, likely, certain'],
    [['analyze', '--limit', 'many', 'a.dat'], 'Give a whole number'],
    [['analyze', '-', '-'], 'standard input can be read only once'],
    [['events'], "missing required argument 'file'"],
    [['events', 'a.dat', 'b.dat'], 'too many arguments'],
    [['events', '--from', 'noon', 'a.dat'], 'Give seconds'],
    [['events', '--from', '1.0000000001', 'a.dat'], 'Give seconds'],
    [['events', '--lock', 'console_sem', 'a.dat'], 'Give an address'],
    [['events', '--lock', '0xffff888104ef4380:400', 'a.dat'], 'Give an address'],
    [['events', '--kind', 'store', 'a.dat'], "There is no kind 'store'"],
    [['events', '--cpu', '1,two', 'a.dat'], 'Give a whole number'],
    [['events', '--pid', '110-100', 'a.dat'], 'Give pids such as'],
    [['events', '--pid', '0-99999999999', 'a.dat'], 'Give pids such as'],
  ])('refuses %j with status 2', async (argv, said) => {
    const ran = await runWith(argv, { files: { 'a.dat': {} } });
    expect(ran.exit).toBe(2);
    expect(ran.stdout).toBe('');
    expect(ran.stderr).toContain(said);
    expect(ran.opened).toEqual([]);
  });
});

import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { SpinbackError } from '../../src/base/errors.ts';
import type { Confidence, Report } from '../../src/model/report.ts';
import { reportJson } from '../../src/report/json.ts';
import * as fixtures from '../report/fixtures.ts';
import { MemoryOutput, runWith, type FakeFile } from './harness.ts';

const files: Record<string, FakeFile> = {
  'race.dat': { report: fixtures.bhrace1 },
  'healthy.dat': { report: fixtures.healthy },
  'cut.dat': { report: fixtures.damaged },
  'text.txt': {
    openError: new SpinbackError('NOT_A_CAPTURE', 'no reader knows its first bytes', { offset: 0 }),
  },
  'gone.dat': {
    openError: new SpinbackError('UNREADABLE', 'gone.dat cannot be opened: ENOENT', { path: 'gone.dat' }),
  },
  'bug.dat': { readError: new TypeError('x is undefined') },
  'instance.dat': { openError: new SpinbackError('USAGE', 'there is no instance called foo') },
};

function withConfidence(confidence: Confidence): Report {
  return {
    ...fixtures.healthy,
    findings: [fixtures.finding({ id: 'F1', kind: 'irq-off', cause: 'unknown', confidence })],
  };
}

describe('where the kernel reports something', () => {
  const said = (text: string): Record<string, FakeFile> => ({
    'a.dat': { report: { ...fixtures.healthy, kernelReports: [{ ns: '62313023963', text }] } },
  });

  it.each([
    ['watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [dd:107]', true],
    // --own-log would find no report of a lockup
    ['Kernel panic - not syncing: Attempted to kill init!', false],
  ])('--own-log is advised where it has something to say: %s', async (text, isAdvised) => {
    const { stdout } = await runWith(['analyze', 'a.dat'], { files: said(text) });
    expect(stdout).toContain('Kernel reports in this capture');
    expect(stdout.includes('spinback analyze --own-log')).toBe(isAdvised);
  });
});

describe('the exit status of analyze', () => {
  it.each([
    ['possible', 'possible', 1],
    ['possible', 'likely', 0],
    ['possible', 'certain', 0],
    ['likely', 'possible', 1],
    ['likely', 'likely', 1],
    ['likely', 'certain', 0],
    ['certain', 'certain', 1],
    ['certain', 'never', 0],
  ] as const)('with a %s finding and --fail-on %s is %d', async (confidence, failOn, exit) => {
    const ran = await runWith(['analyze', '--fail-on', failOn, 'a.dat'], {
      files: { 'a.dat': { report: withConfidence(confidence) } },
    });
    expect(ran.exit).toBe(exit);
    expect(ran.stdout).toContain(`Exit status ${exit}:`);
  });

  it('is likely by default', async () => {
    const possible = { 'a.dat': { report: withConfidence('possible') } };
    const likely = { 'a.dat': { report: withConfidence('likely') } };
    expect((await runWith(['analyze', 'a.dat'], { files: possible })).exit).toBe(0);
    expect((await runWith(['analyze', 'a.dat'], { files: likely })).exit).toBe(1);
  });

  it.each([
    [['healthy.dat'], 0],
    [['race.dat'], 1],
    [['instance.dat'], 2],
    [['cut.dat'], 3],
    [['text.txt'], 3],
    [['gone.dat'], 3],
    [['bug.dat'], 70],
    [['healthy.dat', 'race.dat'], 1],
    [['race.dat', 'instance.dat', 'healthy.dat'], 2],
    [['cut.dat', 'race.dat'], 3],
    [['bug.dat', 'cut.dat', 'race.dat'], 70],
  ])('of %j is %d', async (paths, exit) => {
    expect((await runWith(['analyze', ...paths], { files })).exit).toBe(exit);
  });

  it('does not take the losses of the recorder for damage', async () => {
    const report: Report = {
      ...fixtures.healthy,
      trace: { ...fixtures.healthy.trace, problems: fixtures.bhrace1.trace.problems },
    };
    expect(report.trace.problems.length).toBeGreaterThan(0);
    const ran = await runWith(['analyze', 'a.dat'], { files: { 'a.dat': { report } } });
    expect(ran).toMatchObject({ exit: 0, stderr: '' });
  });
});

describe('analyze', () => {
  it('goes on after a file that fails, and says on standard error what was wrong', async () => {
    const ran = await runWith(['analyze', 'text.txt', 'gone.dat', 'bug.dat', 'cut.dat', 'race.dat'], {
      files,
    });
    expect(ran.stdout).toContain('spinback 0.1.0: cut.dat');
    expect(ran.stdout).toContain('spinback 0.1.0: bhrace-1.dat');
    expect(ran.stderr.split('\n')).toEqual([
      'spinback: text.txt: no reader knows its first bytes (offset 0)',
      'spinback: gone.dat cannot be opened: ENOENT',
      'spinback: bug.dat: internal error: TypeError: x is undefined',
      expect.stringContaining('please report'),
      `spinback: cut.dat: ${fixtures.DAMAGE.text} (offset 1310720)`,
      '',
    ]);
  });

  it('closes every capture that it opened, also those that fail', async () => {
    const ran = await runWith(['analyze', 'bug.dat', 'race.dat', 'cut.dat'], { files });
    expect(ran.closed).toEqual(['bug.dat', 'race.dat', 'cut.dat']);
  });

  it('prints stacks only with SPINBACK_DEBUG', async () => {
    const quiet = await runWith(['analyze', 'bug.dat'], { files });
    const loud = await runWith(['analyze', 'bug.dat'], { files, env: { SPINBACK_DEBUG: '1' } });
    expect(quiet.stderr).not.toContain('    at ');
    expect(loud.stderr).toContain('    at ');
  });

  it('writes one line of JSON per file', async () => {
    const ran = await runWith(['analyze', '--json', 'race.dat', 'text.txt', 'healthy.dat'], { files });
    expect(ran.stdout).toBe(`${reportJson(fixtures.bhrace1)}\n${reportJson(fixtures.healthy)}\n`);
  });

  it('passes thresholds and instance on', async () => {
    const argv = [
      'analyze',
      '--watchdog',
      '20s',
      '--spin',
      '50ms',
      '--irq-off',
      '1.5s',
      '--instance',
      'foo',
      'race.dat',
    ];
    const ran = await runWith(argv, { files });
    expect(ran.analyzed[0]!.thresholds).toEqual({ watchdogNs: 20e9, spinNs: 5e7, irqOffNs: 1.5e9 });
    expect(ran.opened).toEqual([{ path: 'race.dat', options: { instance: 'foo' } }]);
  });

  it('has the thresholds of the contract by default', async () => {
    const ran = await runWith(['analyze', '-'], { files: { '-': { report: fixtures.healthy } } });
    expect(ran.analyzed[0]!.thresholds).toEqual({ watchdogNs: 10e9, spinNs: 1e9, irqOffNs: 1e9 });
    expect(ran.opened).toEqual([{ path: '-', options: {} }]);
  });

  it('colours on a terminal only, and not against the wish of its user', async () => {
    const on = (argv: readonly string[], env: Record<string, string> = {}) =>
      runWith(['analyze', 'race.dat', ...argv], { files, env, stdout: new MemoryOutput(true, 120) });
    expect((await on([])).stdout).toContain('\x1b[31m');
    expect((await on(['--no-color'])).stdout).not.toContain('\x1b');
    expect((await on([], { NO_COLOR: '1' })).stdout).not.toContain('\x1b');
    expect((await on([], { TERM: 'dumb' })).stdout).not.toContain('\x1b');
    expect((await runWith(['analyze', 'race.dat'], { files })).stdout).not.toContain('\x1b');
  });

  it('says the same in colour as without', async () => {
    const stdout = new MemoryOutput(true, 120);
    const colored = await runWith(['analyze', 'race.dat'], { files, stdout });
    const plain = await runWith(['analyze', 'race.dat'], { files });
    expect(stripVTControlCharacters(colored.stdout)).toBe(plain.stdout);
  });

  it('fits a narrow terminal', async () => {
    const stdout = new MemoryOutput(true, 80);
    const ran = await runWith(['analyze', '--no-color', 'race.dat'], { files, stdout });
    expect(ran.stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it('keeps its exit status when the reader has gone', async () => {
    const stdout = new MemoryOutput(false, undefined, 0);
    expect(await runWith(['analyze', 'race.dat'], { files, stdout })).toMatchObject({
      exit: 1,
      stdout: '',
      stderr: '',
    });
  });

  it('lets no escape sequence of a path or an error through', async () => {
    const path = 'a\x1b]0;owned\x07.dat';
    const ran = await runWith(['analyze', path], {
      files: { [path]: { openError: new SpinbackError('DAMAGED', 'bad name "\x1b[2J"') } },
    });
    expect(ran.stderr).toBe('spinback: a\\x1b]0;owned\\x07.dat: bad name "\\x1b[2J"\n');
  });
});

describe('info', () => {
  const infos = { 'stock.dat': { info: fixtures.stockInfo }, 'bug.dat': files['bug.dat']! };

  it('prints text or JSON', async () => {
    const text = await runWith(['info', 'stock.dat'], { files: infos });
    expect(text).toMatchObject({ exit: 0, stderr: '' });
    expect(text.stdout).toContain('who lost an unlock');
    const json = await runWith(['info', '--json', 'stock.dat', 'stock.dat'], { files: infos });
    expect(
      json.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([fixtures.stockInfo, fixtures.stockInfo]);
  });

  it('has status 3 for a damaged file and 70 for a bug', async () => {
    const damaged = { ...fixtures.stockInfo, trace: fixtures.damaged.trace };
    const all = { ...infos, 'cut.dat': { info: damaged } };
    const ran = await runWith(['info', 'cut.dat'], { files: all });
    expect(ran.exit).toBe(3);
    expect(ran.stderr).toContain('spinback: cut.dat: ');
    expect((await runWith(['info', 'bug.dat', 'cut.dat'], { files: all })).exit).toBe(70);
  });
});

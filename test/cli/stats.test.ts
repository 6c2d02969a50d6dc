import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateTraceDat } from '../../src/generate/index.ts';
import type { Comparison } from '../../src/model/comparison.ts';
import type { StatsFile } from '../../src/model/stats.ts';
import { canonicalState } from '../../src/session/canonical-state.ts';
import { replayCapture } from '../../src/session/session.ts';
import { openCapture } from '../../src/trace/open.ts';
import { MemoryOutput, runWith } from './harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'spinback-'));
const at = (name: string): string => join(folder, name);
const A = at('a.dat');
const B = at('b.dat');
const SLOW = at('slow.dat');

beforeAll(() => {
  const write = (path: string, seed: number, slow: Record<string, number> = {}): void =>
    writeFileSync(path, generateTraceDat({ seed, events: 40_000, slow }).bytes);
  write(A, 1);
  write(B, 2);
  write(SLOW, 3, { '&xa->xa_lock': 20 });
});
afterAll(() => rmSync(folder, { recursive: true }));

async function json<T>(argv: readonly string[]): Promise<T> {
  const [command = '', ...rest] = argv;
  const { stdout } = await runWith([command, '--json', ...rest]);
  return JSON.parse(stdout) as T;
}

describe('stats', () => {
  it('prints tables that fit a terminal', async () => {
    const { exit, stdout, stderr } = await runWith(['stats', A]);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
    for (const text of ['Locks, by wait.total', '&dentry->d_lock', 'Longest waits', 'Interrupts off, by']) {
      expect(stdout).toContain(text);
    }
    expect(stdout.split('\n').filter((line) => line.length > 100)).toEqual([]);
  });

  it('in a pipe names are whole, on a terminal they fit', async () => {
    const argv = ['stats', A, '--by', 'site', '--limit', '0', '--no-color'];
    const { runs } = await json<StatsFile>(argv);
    const names = runs[0]!.rows.map(({ name, by }) => (by === null ? name : `${name} [${by}]`));
    expect(names.some((name) => name.length > 40)).toBe(true);
    const piped = await runWith(argv);
    for (const name of names) expect(piped.stdout).toContain(`  ${name}  `);
    const terminal = await runWith(argv, { stdout: new MemoryOutput(true, 80) });
    expect(terminal.stdout).toContain('...');
    expect(terminal.stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it('sorts, and cuts tables', async () => {
    const { stdout } = await runWith([
      'stats',
      A,
      '--type',
      'lockdep',
      '--sort',
      'acquisitions',
      '--limit',
      '3',
    ]);
    const rows = stdout
      .split('\n')
      .slice(stdout.split('\n').findIndex((line) => line.startsWith('Locks, by acq')) + 2);
    const taken = rows.slice(0, 3).map((line) => Number(/^ {2}\S+ +(\d+)/.exec(line)?.[1]));
    expect(taken).toEqual(taken.toSorted((a, b) => b - a));
    expect(rows[3]).toMatch(/and \d+ more rows/);
  });

  it('counts every acquisition and contention once, however rows are split', async () => {
    const totals = await Promise.all(
      ['class', 'lock', 'mode', 'site', 'task', 'cpu', 'context'].map(async (by) => {
        const { runs } = await json<StatsFile>(['stats', A, '--by', by]);
        const sum = (of: (row: StatsFile['runs'][0]['rows'][0]) => number): number =>
          runs[0]!.rows.reduce((all, row) => all + of(row), 0);
        return [
          sum((row) => row.acquisitions),
          sum((row) => row.contentions),
          sum((row) => row.hold?.count ?? 0),
          sum((row) => row.off?.count ?? 0),
        ];
      }),
    );
    expect(totals[0]![0]).toBeGreaterThan(1000);
    for (const total of totals) expect(total).toEqual(totals[0]);
  });

  it('adds up CPUs, tasks and stretches of time', async () => {
    const holds = async (...argv: string[]): Promise<number> => {
      const { runs } = await json<StatsFile>(['stats', A, '--type', 'lock', ...argv]);
      return runs[0]!.rows.reduce((sum, { acquisitions }) => sum + acquisitions, 0);
    };
    const all = await holds();
    const parts = await Promise.all(['0', '1', '2-3'].map((cpu) => holds('--cpu', cpu)));
    expect(parts.reduce((a, b) => a + b)).toBe(all);
    expect(Math.min(...parts)).toBeGreaterThan(0);
    const { runs } = await json<StatsFile>(['stats', A]);
    const middle = (BigInt(runs[0]!.startNs!) + BigInt(runs[0]!.endNs!)) / 2n;
    const seconds = `${middle / 1_000_000_000n}.${String(middle % 1_000_000_000n).padStart(9, '0')}`;
    const before = await holds('--to', seconds);
    const after = await holds('--from', seconds);
    expect(before).toBeGreaterThan(0);
    expect(before + after).toBe(all);
    expect(await holds('--from', '+0s', '--to', '+1000s')).toBe(all);
  });

  it('has blocks that add up to the run', async () => {
    const { runs } = await json<StatsFile>(['stats', A]);
    const [run] = runs;
    expect(run!.blocks.length).toBeGreaterThan(3);
    run!.rows.forEach(({ acquisitions, hold }, row) => {
      const parts = run!.blocks.flatMap((block) => block.rows.filter((part) => part.row === row));
      expect(parts.reduce((sum, part) => sum + part.acquisitions, 0)).toBe(acquisitions);
      expect(parts.reduce((sum, part) => sum + BigInt(part.hold?.sumNs ?? 0), 0n)).toBe(
        BigInt(hold?.sumNs ?? 0),
      );
    });
  });

  it('writes comma-separated values', async () => {
    const { stdout } = await runWith(['stats', A, '--csv', '--lock', '^&rq']);
    const [head, row, ...rest] = stdout.trim().split('\n');
    expect(head).toMatch(/^path,kind,source,name,by,acquisitions,reads,contentions,wait.count,/);
    expect(row!.split(',').slice(1, 4)).toEqual(['lock', 'lockdep', '&rq->__lock']);
    expect(rest).toEqual([]);
  });

  it.each([
    ['&rq_lock', "the nearest are '&rq->__lock'"],
    ['$dentry', "the nearest are '&dentry->d_lock'"],
    ['&RQ->', "--lock '(?i)&RQ->'"],
  ])('--lock %s matches nothing: says so, and what is near', async (pattern, near) => {
    const { exit, stdout, stderr } = await runWith(['stats', A, '--lock', pattern]);
    expect(exit).toBe(0);
    expect(stdout).toContain('Nothing of what was asked for.');
    expect(stdout).not.toContain('no lock events');
    expect(stderr).toContain(near);
  });

  it('a --lock that is no expression is named, and shown as it would work', async () => {
    const { exit, stderr } = await runWith(['stats', A, '--lock', '&(dcache']);
    expect(exit).toBe(2);
    expect(stderr).toContain(
      "--lock '&(dcache' is no RE2 expression, which matches anywhere in a name: missing closing )",
    );
    expect(stderr).toContain(String.raw`--lock '&\(dcache'`);
    expect(await runWith(['stats', A, '--lock', String.raw`&\(dcache`])).toMatchObject({ exit: 0 });
  });

  it('--type of sections alone says nothing of missing locks', async () => {
    const { stdout, stderr } = await runWith(['stats', A, '--type', 'irqs-off']);
    expect(stdout).toContain('Interrupts off, by');
    expect(stdout).not.toContain('no lock events');
    expect(stderr).toBe('');
  });

  it('saves runs that read back as they were', async () => {
    const shown = await json<StatsFile>(['stats', A, B]);
    for (const name of ['saved.json', 'saved.json.gz']) {
      expect(await runWith(['stats', A, B, '--save', at(name)])).toMatchObject({
        exit: 0,
        stdout: '',
        stderr: '',
      });
      expect(await json<StatsFile>(['stats', at(name)])).toEqual(shown);
    }
    expect(readFileSync(at('saved.json.gz')).length).toBeLessThan(readFileSync(at('saved.json')).length / 4);
  });

  it('says what saved statistics cannot tell any more', async () => {
    await runWith(['stats', A, '--by', 'site', '--save', at('by-site.json')]);
    const saved = at('by-site.json');
    expect(await runWith(['stats', saved])).toMatchObject({ exit: 0, stderr: '' });
    expect(await runWith(['stats', saved, '--by', 'site'])).toMatchObject({ exit: 0, stderr: '' });
    const refused = async (...argv: string[]): Promise<string> => {
      const { exit, stderr } = await runWith(argv);
      expect(exit).toBe(2);
      return stderr;
    };
    expect(await refused('stats', saved, '--by', 'lock')).toContain('saved by site: --by lock needs');
    expect(await refused('stats', saved, '--cpu', '0-1', '--to', '3')).toContain('--cpu, --to needs');
    await runWith(['stats', B, '--by', 'cpu', '--save', at('by-cpu.json')]);
    // The file that was given, not the capture that it was made of.
    expect(await refused('compare', saved, at('by-cpu.json'))).toContain(
      `${at('by-cpu.json')} was saved by cpu, ${saved} by site`,
    );
    expect(await refused('compare', A, saved, '--by', 'cpu')).toContain(
      `${saved} was saved by site, and --by cpu needs the capture`,
    );
  });

  it.each([
    [['stats', '--by', 'colour', A], "option '--by <what>' argument 'colour' is invalid"],
    [['stats', '--type', 'door', A], "There is no type 'door'"],
    [['stats', '--lock', '(a', A], 'is no RE2 expression'],
    [['compare', A], 'compare wants BASE NEW'],
    [['compare', A, B, SLOW], 'compare wants BASE NEW'],
    [['compare', A, '--'], 'compare wants BASE NEW'],
    [['compare', A, B, '--fail-on', 'wait.p99 > ten'], '--fail-on:12: expected a bound'],
    [['compare', A, B, '--per', 'no:such'], 'has no event called no:such'],
    [['compare', A, B, '--policy', '/nowhere'], '/nowhere cannot be read: there is no such file'],
    [['stats', '--sort', 'colour', A], "--sort: there is no figure 'colour', only acquisitions, reads,"],
    [['stats', '--json', '--csv', A], "'--csv' cannot be used with option '--json'"],
    [['stats', '--json', '--save', at('x'), A], "'--save <file>' cannot be used with option '--json'"],
    [['bench', '-'], 'a benchmark reads its file again'],
    [['bench', '--repeat', '0', A], 'Give a number above 0'],
  ])('refuses %j', async (argv, said) => {
    const { exit, stdout, stderr } = await runWith(argv);
    expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' });
    expect(stderr).toContain(said);
  });

  it('goes on behind a file that is no capture, and says so', async () => {
    writeFileSync(at('noise'), 'nothing to see');
    const { exit, stdout, stderr } = await runWith(['stats', at('noise'), A]);
    expect(exit).toBe(3);
    expect(stderr).toContain('noise: the input begins with');
    expect(stdout).toContain('Statistics of');
  });

  it('reports what could be read of a damaged capture', async () => {
    const bytes = generateTraceDat({ seed: 1, events: 40_000 }).bytes;
    writeFileSync(at('cut.dat'), bytes.subarray(0, bytes.length - 30_000));
    const { exit, stdout, stderr } = await runWith(['stats', at('cut.dat')]);
    expect(exit).toBe(3);
    expect(stdout).toContain('Locks, by wait.total');
    expect(stderr).not.toBe('');
  });
});

describe('compare', () => {
  it('names the lock that became slow, and fails the rule about it', async () => {
    const rule = 'hold.p50 > +50% where lock ~ "^&xa"';
    const { exit, stdout } = await runWith(['compare', A, SLOW, '--fail-on', rule]);
    expect(exit).toBe(1);
    expect(stdout).toContain(`failed    ${rule}`);
    expect(stdout.split('\n').filter((line) => line.length > 100)).toEqual([]);
    expect((await runWith(['compare', A, B, '--fail-on', rule])).exit).toBe(0);
  });

  it('fits a terminal of 80 columns', async () => {
    const columns = 80;
    const fits = async (...argv: string[]): Promise<string> => {
      const { stdout } = await runWith([...argv, '--no-color'], { stdout: new MemoryOutput(true, columns) });
      expect(stdout.split('\n').filter((line) => line.length > columns)).toEqual([]);
      return stdout;
    };
    expect(await fits('compare', A, SLOW)).toContain('&xa->xa_lock');
    expect(await fits('stats', SLOW)).toContain('&xa->xa_lock');
  });

  it('says so where nothing stands out', async () => {
    const { stdout } = await runWith(['compare', A, A]);
    expect(stdout).toMatch(/^Nothing stands out of the noise: the 95 % intervals/m);
    expect(stdout).not.toMatch(/ \*$/m);
    expect((await runWith(['compare', A, A, '--markdown', '-'])).stdout).toContain('Nothing stands out');
    const slow = await runWith(['compare', A, SLOW, '--markdown', '-']);
    expect(slow.stdout).toContain('Changes in bold stand out of the noise');
  });

  it('splits captures as the saved side is split', async () => {
    await runWith(['stats', A, '--by', 'mode', '--save', at('by-mode.json')]);
    const saved = await json<Comparison>(['compare', at('by-mode.json'), SLOW]);
    expect(saved).toEqual(await json<Comparison>(['compare', A, SLOW, '--by', 'mode']));
    await runWith(['stats', SLOW, '--by', 'mode', '--save', at('slow-by-mode.json')]);
    expect(await json<Comparison>(['compare', A, at('slow-by-mode.json')])).toEqual(saved);
    const sides = await json<Comparison>(['compare', A, B, '--', SLOW, at('slow-by-mode.json')]);
    expect(sides.new).toMatchObject([{ path: SLOW }, { path: SLOW }]);
  });

  it('compares several runs a side', async () => {
    const result = await json<Comparison>(['compare', A, B, '--', SLOW, SLOW]);
    expect(result).toMatchObject({
      evidence: 'runs',
      base: [{ path: A }, { path: B }],
      new: [{ path: SLOW }, { path: SLOW }],
    });
  });

  it('compares with statistics that were saved, as with the capture', async () => {
    await runWith(['stats', A, '--save', at('base.json')]);
    const saved = await json<Comparison>(['compare', at('base.json'), SLOW]);
    const direct = await json<Comparison>(['compare', A, SLOW]);
    expect(saved).toEqual(direct);
  });

  it('is strict about rules that are about nothing only when asked', async () => {
    const argv = ['compare', A, B, '--fail-on', 'wait.p99 > +10% where lock = nobody'];
    expect((await runWith(argv)).exit).toBe(0);
    expect((await runWith([...argv, '--strict'])).exit).toBe(1);
  });

  it('writes Markdown and JUnit XML', async () => {
    writeFileSync(
      at('rules'),
      'hold.p50 > +50% where lock ~ "^&xa"\nwait.max > 100s\noff.max < 0ns where caller = "a<b"\n',
    );
    const argv = [
      'compare',
      A,
      SLOW,
      '--policy',
      at('rules'),
      '--markdown',
      at('out.md'),
      '--junit',
      at('out.xml'),
    ];
    expect((await runWith(argv)).exit).toBe(1);
    const markdown = readFileSync(at('out.md'), 'utf8');
    expect(markdown).toContain('### Locks: 1 of 3 rules failed');
    expect(markdown).toContain('| `&xa->xa_lock`');
    const xml = readFileSync(at('out.xml'), 'utf8');
    expect(xml).toContain('tests="3" failures="1" errors="0" skipped="1"');
    expect(xml).toContain('name="off.max &lt; 0ns where caller = &quot;a&lt;b&quot;"');
    expect((await runWith(['compare', A, B, '--junit', '-'])).stdout).toMatch(/^<\?xml/);
  });

  it('JUnit shows as failed what fails for --strict', async () => {
    const argv = ['compare', A, B, '--junit', '-', '--fail-on', 'wait.p99 > +10% where lock = "nowhere"'];
    const lenient = await runWith(argv);
    expect(lenient.exit).toBe(0);
    expect(lenient.stdout).toMatch(/tests="1" failures="0" errors="0" skipped="1"[^]*<skipped /);
    const strict = await runWith([...argv, '--strict']);
    expect(strict.exit).toBe(1);
    expect(strict.stdout).toMatch(
      /tests="1" failures="1" errors="0" skipped="0"[^]*<failure message="the rule is about nothing in these captures \(fails for --strict\)"/,
    );
  });
});

describe('bench', () => {
  it('gives speed, counters and a checksum that stays', async () => {
    const once = await json<{ events: number; seconds: number[]; checksum: string; counters: object }>([
      'bench',
      A,
      '--repeat',
      '2',
    ]);
    const again = await json<{ checksum: string }>(['bench', A, '--repeat', '1']);
    const other = await json<{ checksum: string }>(['bench', B, '--repeat', '1']);
    expect(once).toMatchObject({
      events: 40_000,
      checksum: again.checksum,
      counters: { acquisitions: expect.any(Number) as number },
    });
    expect(once.seconds).toHaveLength(2);
    expect(other.checksum).not.toBe(again.checksum);
    expect((await runWith(['bench', A, '--repeat', '3'])).stdout).toContain('2 more');
  });

  it('has a checksum of a state that does not depend on how the capture is read', async () => {
    const stateWith = async (windowLimit: number): Promise<string> => {
      const capture = await openCapture(A);
      const state = replayCapture(capture, { limits: { windowLimit } });
      capture.close();
      return canonicalState(state);
    };
    expect(await stateWith(4096)).toBe(await stateWith(256 << 10));
  });
});

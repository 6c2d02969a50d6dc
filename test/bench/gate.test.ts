import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const hasHistory = spawnSync('git', ['rev-parse', '--verify', '--quiet', 'HEAD']).status === 0;
if (!hasHistory) console.warn('SKIPPED: no git repository, so the gate has no commit to compare with');

const which = (program: string): string =>
  spawnSync('bash', ['-c', `command -v ${program}`], { encoding: 'utf8' }).stdout.trim();

/** Polls, for what another process does. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe.skipIf(!hasHistory)('npm run bench:gate', () => {
  let folder: string;
  /** Where the gate makes its temporary folders: nothing may be left there. */
  let scratch: string;
  let bin: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'spinback-test-'));
    [scratch, bin] = [join(folder, 'scratch'), join(folder, 'bin')];
    mkdirSync(scratch);
    mkdirSync(bin);
    for (const program of ['git', 'tar', 'bash', 'sleep']) symlinkSync(which(program), join(bin, program));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const command = (...args: string[]): [string, string[]] => [
    process.execPath,
    ['dist/bench/gate.js', ...args],
  ];
  const environment = () => ({ ...process.env, TMPDIR: scratch, PATH: bin });
  const gate = (...args: string[]) => {
    const [node, words] = command(...args);
    return spawnSync(node, words, { encoding: 'utf8', env: environment() });
  };
  /** A program of that name in place of the real one. */
  const pretend = (name: string, script: string): void => {
    writeFileSync(join(bin, name), `#!${which('bash')}\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  };

  test.each([
    [['--base', 'nosuch'], 'bench:gate: --base nosuch: no such commit\n'],
    [['--base', '--help'], 'bench:gate: --base --help: no such commit\n'],
    [['--base', 'HEAD', 'no-such.dat'], 'bench:gate: no-such.dat cannot be read\n'],
    [[], "bench:gate: required option '--base <rev>' not specified\n"],
    [
      ['--base', 'HEAD', '--rounds', 'many'],
      "bench:gate: option '--rounds <n>' argument 'many' is invalid. It wants a whole number from 3.\n",
    ],
  ])('a wrong call ends with status 2 and one line: %j', (args, stderr) => {
    const { status, ...said } = gate(...args);
    expect({ status, stderr: said.stderr, stdout: said.stdout }).toEqual({ status: 2, stderr, stdout: '' });
    expect(readdirSync(scratch)).toEqual([]);
  });

  test('a base that cannot be built ends with status 70: what the build said, then one line', () => {
    pretend('npm', 'echo the build is broken >&2; exit 9');
    const { status, stderr } = gate('--base', 'HEAD');
    expect(stderr).toBe(
      'the build is broken\nbench:gate: could not measure: npm ci --no-audit --no-fund ended with status 9\n',
    );
    expect(status).toBe(70);
    expect(readdirSync(scratch)).toEqual([]);
    rmSync(join(bin, 'npm'));
    expect(gate('--base', 'HEAD')).toMatchObject({
      status: 70,
      stderr: expect.stringMatching(/^bench:gate: could not measure: npm .* could not be started: .*\n$/),
    });
    expect(readdirSync(scratch)).toEqual([]);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    '%s ends it at once: its children, its folder, nothing in the repository',
    async (signal, status) => {
      const started = join(folder, 'started');
      pretend(
        'npm',
        `echo > $TMPDIR/aside; sleep 300 & echo $! > ${started}.tmp; ${which('mv')} ${started}.tmp ${started}; wait`,
      );
      const worktrees = (): string => spawnSync('git', ['worktree', 'list'], { encoding: 'utf8' }).stdout;
      const before = worktrees();
      const [node, words] = command('--base', 'HEAD');
      const child = spawn(node, words, { env: environment(), stdio: 'ignore' });
      const end = new Promise<number | null>((resolve) => child.once('close', resolve));
      await until(() => existsSync(started));
      expect(readdirSync(scratch)).toHaveLength(1);
      child.kill(signal);
      expect(await end).toBe(status);
      expect(readdirSync(scratch)).toEqual([]);
      expect(worktrees()).toBe(before);
      const pid = Number(readFileSync(started, 'utf8'));
      await until(() => !isRunning(pid));
      rmSync(started);
    },
  );
});

/** A process that has ended may still wait for its parent. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

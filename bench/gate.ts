import { Command, InvalidArgumentError } from 'commander';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { table } from '../src/report/table.ts';
import { Replayer } from './replayer.ts';
import { cpuTimeOf } from './process-cpu.ts';
import { median, ratioOf, ratioText, type Ratio } from './ratio.ts';

// npm run bench:gate -- --base REV: is this working tree slower than that commit?

const ROOT = resolve(import.meta.dirname, '../..');
const GENERATOR = resolve(import.meta.dirname, '../src/generate/main.js');
const GENERATED: Readonly<Record<string, readonly string[]>> = {
  everything: ['--events', '600000', '--cpus', '8'],
  'many-locks': [
    '--events',
    '400000',
    '--cpus',
    '4',
    '--locks',
    '200000',
    '--zipf',
    '0.5',
    '--systems',
    'lock,sched',
  ],
};
const LIMIT = 1.05;
// Replays until the compiler has settled.
const WARM_UP = 3;

function number(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 3) throw new InvalidArgumentError('a whole number from 3');
  return value;
}

const command = new Command('bench:gate')
  .description(
    'Builds a base commit, measures it and this tree in turns, and fails when this tree is slower beyond doubt.',
  )
  .requiredOption('--base <rev>', 'commit to compare with')
  .option('--rounds <n>', 'times that each pair is measured', number, 21)
  .argument('[files...]', 'captures; by default traces/lost-unlock.dat and generated ones')
  .parse();
const { base, rounds } = command.opts<{ base: string; rounds: number }>();

const folder = mkdtempSync(join(tmpdir(), 'spinback-gate-'));
const baseRoot = join(folder, 'base');
try {
  console.log(`building ${base} ...`);
  build(baseRoot);
  const files = command.args.length > 0 ? command.args.map((file) => resolve(file)) : captures();
  process.exitCode = (await judge(files)) ? 1 : 0;
} finally {
  git('worktree', 'remove', '--force', baseRoot);
  rmSync(folder, { recursive: true, force: true });
}

function git(...args: string[]): void {
  execFileSync('git', args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
}

/** The base commit in a folder of its own, installed from its own lock file and built by its own scripts. */
function build(target: string): void {
  git('worktree', 'add', '--detach', target, base);
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: target,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** A small real capture, where the start counts, and generated ones, where the replay does. */
function captures(): string[] {
  const generated = Object.entries(GENERATED).map(([name, options]) => {
    const out = join(folder, `${name}.dat`);
    execFileSync(process.execPath, [GENERATOR, 'workload', '--out', out, ...options], { stdio: 'ignore' });
    return out;
  });
  return [resolve(ROOT, 'traces/lost-unlock.dat'), ...generated];
}

/** Measures every file both ways and prints the table. Is anything slower beyond doubt? */
async function judge(files: readonly string[]): Promise<boolean> {
  const rows: string[][] = [];
  let slower = false;
  const add = (file: string, what: string, pairs: readonly (readonly [number, number])[]): void => {
    const ratio = ratioOf(pairs);
    slower ||= ratio.low > LIMIT;
    const [ours, theirs] = [0, 1].map((side) => median(pairs.map((pair) => pair[side]!)).toFixed(1));
    rows.push([basename(file), what, theirs!, ours!, ratioText(ratio), verdict(ratio)]);
  };
  for (const file of files) {
    add(
      file,
      'whole process',
      inTurns(() => [ROOT, baseRoot].map((root) => wholeProcess(root, file))),
    );
    add(file, 'warm replay', await warmReplays(file));
  }
  console.log(
    `CPU time, ${rounds} rounds in turns; a row fails when the whole 95 % bootstrap interval lies beyond ${LIMIT}.`,
  );
  const head = ['file', 'measured', 'base, CPU ms', 'this tree, CPU ms', 'this tree / base', ''];
  console.log(table(head, rows, ['left', 'left', 'right', 'right', 'right', 'left']).join('\n'));
  return slower;
}

function verdict({ low, high }: Ratio): string {
  if (low > LIMIT) return 'SLOWER';
  return high < 1 / LIMIT ? 'faster' : '';
}

/** One round that does not count, then the pairs. */
function inTurns(run: () => number[]): [number, number][] {
  return Array.from({ length: rounds + 1 }, () => run() as [number, number]).slice(1);
}

function wholeProcess(root: string, file: string): number {
  return cpuTimeOf([process.execPath, join(root, 'bin/spinback.cjs'), 'analyze', file]);
}

/** Both libraries in a process each, asked in turns: compiled code stays, so that this is the replay alone. */
async function warmReplays(file: string): Promise<[number, number][]> {
  const sides = [ROOT, baseRoot].map((root) => new Replayer(root, file));
  try {
    const pairs: [number, number][] = [];
    for (let round = 0; round < rounds + WARM_UP; round++) {
      const pair: [number, number] = [await sides[0]!.replay(), await sides[1]!.replay()];
      if (round >= WARM_UP) pairs.push(pair);
    }
    return pairs;
  } finally {
    for (const side of sides) side.stop();
  }
}

import { Command } from 'commander';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { EXIT } from '../src/cli/exit.ts';
import { parseArguments, usageError, wholeNumber } from './arguments.ts';
import { namedCases, ownCases, type Trees } from './gate-cases.ts';
import { judge } from './gate-verdict.ts';
import { ROOT } from './process-cpu.ts';
import { ProgramFailed, run } from './programs.ts';
import { scratchFolder } from './scratch.ts';

// npm run bench:gate -- --base REV: is this working tree slower than that commit?

const SLOWER = 1;

const command = new Command('bench:gate')
  .description(
    'Builds a base commit, measures it and this tree in turns, and fails when this tree is slower beyond doubt.',
  )
  .requiredOption('--base <rev>', 'commit to compare with')
  .option(
    '--rounds <n>',
    'pairs of processes for a warm replay, half of those for a command',
    wholeNumber(3),
    15,
  )
  .argument('[files...]', 'captures; by default traces/lost-unlock.dat and generated ones')
  .addHelpText(
    'after',
    '\nExit status: 0 nothing is slower beyond doubt, 1 something is, 2 wrong usage, 70 it could not be measured.',
  );
parseArguments(command);
const { base, rounds } = command.opts<{ base: string; rounds: number }>();

try {
  const commit = await commitOf(base);
  if (commit === null) usageError(command, `--base ${base}: no such commit`);
  for (const file of command.args) if (!isReadable(file)) usageError(command, `${file} cannot be read`);
  const folder = scratchFolder();
  console.log(`building ${base} ...`);
  const trees: Trees = { ours: ROOT, base: await build(commit, join(folder, 'base')) };
  const cases = command.args.length > 0 ? namedCases(command.args) : await ownCases(trees, folder);
  if (await judge(cases, trees, rounds)) process.exitCode = SLOWER;
} catch (error) {
  // What a build says goes before the line that says what it means.
  if (error instanceof ProgramFailed) process.stderr.write(error.output);
  process.stderr.write(`${command.name()}: could not measure: ${(error as Error).message}\n`);
  process.exitCode = EXIT.internal;
}

async function commitOf(rev: string): Promise<string | null> {
  const words = ['git', 'rev-parse', '--verify', '--quiet', '--end-of-options', `${rev}^{commit}`];
  return (await run({ words, statuses: [0, 1, 128], cwd: ROOT })).trim() || null;
}

function isReadable(file: string): boolean {
  try {
    accessSync(resolve(file), constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/** The commit in a folder of its own, installed from its own lock file and built by its own scripts. The repository is left as it is. */
async function build(commit: string, target: string): Promise<string> {
  mkdirSync(target);
  const archive = `${target}.tar`;
  await run({ words: ['git', 'archive', '--format=tar', `--output=${archive}`, commit], cwd: ROOT });
  await run({ words: ['tar', '-xf', archive, '-C', target] });
  // What the build puts aside goes where it is cleaned up, however that ends.
  const env = { ...process.env, TMPDIR: dirname(target) };
  await run({ words: ['npm', 'ci', '--no-audit', '--no-fund'], cwd: target, env });
  return target;
}

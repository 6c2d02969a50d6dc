import { spawnSync } from 'node:child_process';
import { basename, dirname, join, resolve } from 'node:path';
import { run, type Program } from './programs.ts';
import { median } from './ratio.ts';

const CODE = resolve(import.meta.dirname, '..');
/** This tree, whether it is the sources that run (in tests) or what was built of them. */
export const ROOT = basename(CODE) === 'dist' ? dirname(CODE) : CODE;

/** Node reads the certificates that this variable names at every start: 30 ms for a usual set, as much as an empty module. Of no concern here. */
const { NODE_EXTRA_CA_CERTS: _, ...ENVIRONMENT } = process.env;

/** A command of spinback, of this tree or another one. */
export function spinback(words: readonly string[], root = ROOT): Program {
  return { words: [process.execPath, join(root, 'bin/spinback.cjs'), ...words] };
}

/** Ends with 0 for findings, too: 1 is also what Node ends with where it cannot even start the program. */
export const ANALYZE = ['analyze', '--fail-on', 'never'] as const;

/** CPU time of one whole process in milliseconds, user and system, children included. Rejects where it did not do its work. */
export async function cpuTimeOf({ words }: Program): Promise<number> {
  // bash's `times` prints user and system time of all children on its second line: 0m1.234s 0m0.056s
  const script = '"$@" >/dev/null; status=$?; times; exit $status';
  const times = await run({ words, through: ['bash', '-c', script, 'bash'], env: ENVIRONMENT });
  let total = 0;
  for (const [, minutes, rest] of times
    .trim()
    .split('\n')
    .at(-1)!
    .matchAll(/(\d+)m([\d.]+)s/g))
    total += 60_000 * Number(minutes) + 1000 * Number(rest);
  return total;
}

/** Is the program installed? */
export function isInstalled(program: string): boolean {
  return spawnSync('bash', ['-c', `command -v ${program}`]).status === 0;
}

/**
 * CPU time in ms of each program, round by round: every round runs them one after another, the next round the other way round, so that
 * none always comes behind the same one. One round before that is not counted.
 */
export async function inTurns(programs: readonly Program[], rounds: number): Promise<number[][]> {
  const table: number[][] = [];
  for (let round = 0; round <= rounds; round++) {
    const row = programs.map(() => 0);
    const order = [...programs.keys()];
    for (const n of round % 2 ? order.toReversed() : order) row[n] = await cpuTimeOf(programs[n]!);
    if (round > 0) table.push(row);
  }
  return table;
}

/** The median of a column of such a table, in whole ms. */
export function medianMs(table: readonly (readonly number[])[], column: number): string {
  return median(table.map((row) => row[column]!)).toFixed(0);
}

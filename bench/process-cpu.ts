import { spawnSync } from 'node:child_process';
import { ratioOf, median, type Ratio } from './ratio.ts';

/** Node reads the certificates that this variable names at every start: 30 ms for a usual set, as much as an empty module. Of no concern here. */
const { NODE_EXTRA_CA_CERTS: _, ...ENVIRONMENT } = process.env;

/** CPU time of one whole process in milliseconds, user and system, children included. */
export function cpuTimeOf(command: readonly string[]): number {
  // bash's `times` prints user and system time of all children on its second line: 0m1.234s 0m0.056s
  const script = '"$@" >/dev/null 2>&1; status=$?; times; exit $status';
  const { stdout, error, status } = spawnSync('bash', ['-c', script, 'bash', ...command], {
    encoding: 'utf8',
    env: ENVIRONMENT,
  });
  if (error) throw error;
  // 1: spinback found something.
  if (status !== 0 && status !== 1) throw new Error(`${command.join(' ')} ended with status ${status}`);
  const children = stdout.trim().split('\n').at(-1) ?? '';
  let total = 0;
  for (const [, minutes, rest] of children.matchAll(/(\d+)m([\d.]+)s/g))
    total += 60_000 * Number(minutes) + 1000 * Number(rest);
  return total;
}

/** Is the program installed? */
export function isInstalled(program: string): boolean {
  return spawnSync('bash', ['-c', `command -v ${program}`]).status === 0;
}

export interface Comparison {
  readonly aMs: number;
  readonly bMs: number;
  /** a / b. */
  readonly ratio: Ratio;
}

/** Runs two commands in turns and compares their CPU time pair by pair. One pair before that is not counted. */
export function compare(a: readonly string[], b: readonly string[], rounds: number): Comparison {
  const pairs: (readonly [number, number])[] = [];
  for (let round = 0; round <= rounds; round++) {
    const pair = [cpuTimeOf(a), cpuTimeOf(b)] as const;
    if (round > 0) pairs.push(pair);
  }
  return {
    aMs: median(pairs.map(([ms]) => ms)),
    bMs: median(pairs.map(([, ms]) => ms)),
    ratio: ratioOf(pairs),
  };
}

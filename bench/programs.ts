import { spawn } from 'node:child_process';
import { atEnd } from './scratch.ts';

/** A program did not end as it should have; `output` is what it said. */
export class ProgramFailed extends Error {
  readonly output: string;

  constructor(words: readonly string[], how: string, output: string) {
    super(`${words.join(' ')} ${how}`);
    this.output = output;
  }
}

export interface Program {
  readonly words: readonly string[];
  /** Exit statuses that mean that it did its work; by default 0. */
  readonly statuses?: readonly number[];
  /** Words before it, of what runs it; errors leave them out. */
  readonly through?: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a program to its end and returns its standard output. Ends with this process, and what it started with it. */
export async function run({ words, statuses = [0], through = [], cwd, env }: Program): Promise<string> {
  const [name, ...args] = [...through, ...words];
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  // A process group of its own, so that all of it can be ended.
  const child = spawn(name!, args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env }),
  });
  const isOver = atEnd(() => endGroup(child.pid));
  child.stdout.on('data', (piece: Buffer) => out.push(piece));
  child.stderr.on('data', (piece: Buffer) => err.push(piece));
  const failed = (how: string): ProgramFailed =>
    new ProgramFailed(words, how, Buffer.concat([...out, ...err]).toString());
  try {
    const status = await new Promise<number | string>((resolve, reject) => {
      child.once('error', (error) => reject(failed(`could not be started: ${error.message}`)));
      child.once('close', (code, signal) => resolve(code ?? signal!));
    });
    if (!statuses.includes(status as number)) throw failed(`ended with status ${status}`);
    return Buffer.concat(out).toString();
  } finally {
    isOver();
  }
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just ended by itself.
  }
}

import type { Problem } from '../model/report.ts';
import { SpinbackError } from '../base/errors.ts';
import { errorText, exitOf, EXIT, fileError } from './exit.ts';
import type { Io } from './io.ts';

/** What one file came to: text for standard output, or a line for standard error; and its exit status. */
export type Outcome = Reported | Failed;

export interface Reported {
  readonly text: string;
  readonly exit: number;
  readonly problems: readonly Pick<Problem, 'severity' | 'name' | 'text' | 'offset'>[];
}

export interface Failed {
  readonly failure: string;
  readonly exit: number;
}

/** Runs `work`; a file that cannot be worked on is an outcome, too. */
export async function outcomeOf(
  path: string,
  debug: boolean,
  work: () => Promise<Reported>,
): Promise<Outcome> {
  try {
    return await work();
  } catch (error) {
    return { failure: errorText(error, path, debug), exit: exitOf(error) };
  }
}

/**
 * Prints what each file comes to, in the order of `paths`; `separator` goes between two outputs. A file that fails does not
 * stop the others. Returns the worst exit status.
 */
export async function eachFile(
  paths: readonly string[],
  io: Io,
  separator: string,
  work: (path: string, at: number) => Promise<Outcome>,
): Promise<number> {
  if (paths.filter((path) => path === '-').length > 1) {
    throw new SpinbackError('USAGE', 'standard input can be read only once');
  }
  let worst: number = EXIT.ok;
  let printed = false;
  for (const [at, path] of paths.entries()) {
    const outcome = await work(path, at);
    worst = Math.max(worst, outcome.exit);
    if ('failure' in outcome) {
      await io.stderr.write(outcome.failure);
      continue;
    }
    try {
      await io.stdout.write(printed ? separator + outcome.text : outcome.text);
      printed = true;
      await reportDamage(path, outcome.problems, io);
    } catch (error) {
      await io.stderr.write(errorText(error, path, isDebug(io)));
      worst = Math.max(worst, exitOf(error));
    }
  }
  return worst;
}

/** Are stacks wanted with internal errors? */
export function isDebug({ env }: Pick<Io, 'env'>): boolean {
  return Boolean(env['SPINBACK_DEBUG']);
}

/**
 * Damage of the file, one line each on standard error. What the recorder lost is no damage; that a mapping does not fit is
 * told like damage, because findings are missing then.
 */
export async function reportDamage(path: string, problems: Reported['problems'], io: Io): Promise<void> {
  for (const { severity, name, text, offset } of problems) {
    if (severity === 'error' || name === 'mapping-unused')
      await io.stderr.write(fileError(path, text, offset));
  }
}

/** Is the file damaged, as far as was seen? */
export function isDamaged(problems: readonly Pick<Problem, 'severity'>[]): boolean {
  return problems.some(({ severity }) => severity === 'error');
}

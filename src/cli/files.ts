import type { Problem } from '../model/report.ts';
import type { AnalyzeOptions } from '../session/session.ts';
import type { Capture } from '../trace/capture.ts';
import type { OpenOptions } from '../trace/reader.ts';
import { printable } from '../report/printable.ts';
import { SpinbackError } from '../base/errors.ts';
import { errorText, exitOf, EXIT, fileError } from './exit.ts';
import type { Io } from './io.ts';
import { progressBar } from './progress.ts';

/** What one file came to: text for standard output, and its exit status. */
export interface Outcome {
  readonly text: string;
  readonly exit: number;
  readonly problems: readonly Pick<Problem, 'severity' | 'name' | 'text' | 'offset'>[];
}

/**
 * Opens each file, works on it and prints what comes out; `separator` goes between two outputs. A file that fails
 * does not stop the others. Returns the worst exit status.
 */
export async function eachFile(
  paths: readonly string[],
  options: OpenOptions,
  io: Io,
  separator: string,
  work: (capture: Capture, options: AnalyzeOptions) => Promise<Outcome>,
): Promise<number> {
  if (paths.filter((path) => path === '-').length > 1) {
    throw new SpinbackError('USAGE', 'standard input can be read only once');
  }
  let worst: number = EXIT.ok;
  let printed = false;
  for (const path of paths) {
    try {
      const { text, exit, problems } = await one(path);
      await io.stdout.write(printed ? separator + text : text);
      printed = true;
      await reportDamage(path, problems, io);
      worst = Math.max(worst, exit);
    } catch (error) {
      await io.stderr.write(errorText(error, path, Boolean(io.env['SPINBACK_DEBUG'])));
      worst = Math.max(worst, exitOf(error));
    }
  }
  return worst;

  async function one(path: string): Promise<Outcome> {
    const session = await io.session();
    const capture = await session.open(path, options);
    const bar = await progressBar(io, printable(path));
    try {
      return await work(capture, { onProgress: bar.report });
    } finally {
      bar.stop();
      capture.close();
    }
  }
}

/** Damage of the file, one line each on standard error. What the recorder lost is no damage. */
export async function reportDamage(path: string, problems: Outcome['problems'], io: Io): Promise<void> {
  for (const { severity, text, offset } of problems) {
    if (severity === 'error') await io.stderr.write(fileError(path, text, offset));
  }
}

/** Is the file damaged, as far as was seen? */
export function isDamaged(problems: readonly Pick<Problem, 'severity'>[]): boolean {
  return problems.some(({ severity }) => severity === 'error');
}

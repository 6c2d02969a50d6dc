import { printable } from '../report/printable.ts';
import type { AnalyzeOptions } from '../session/session.ts';
import type { Capture } from '../trace/capture.ts';
import type { OpenOptions } from '../trace/reader.ts';
import { isDebug, outcomeOf, type Outcome, type Reported } from './files.ts';
import type { Io } from './io.ts';
import { progressBar } from './progress.ts';

/** Opens a file, works on it with a progress bar, and closes it. */
export async function oneFile(
  path: string,
  open: OpenOptions,
  io: Io,
  work: (capture: Capture, options: AnalyzeOptions) => Promise<Reported>,
): Promise<Outcome> {
  return await outcomeOf(path, isDebug(io), async () => {
    const session = await io.session();
    const capture = await session.open(path, open);
    const bar = await progressBar(io, printable(path));
    try {
      return await work(capture, { onProgress: bar.report });
    } finally {
      bar.stop();
      capture.close();
    }
  });
}

export function openOptions({ instance }: { readonly instance?: string }): OpenOptions {
  return instance === undefined ? {} : { instance };
}

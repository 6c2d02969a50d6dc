import type { Progress } from '../session/session.ts';
import { clip } from '../report/text.ts';
import type { Io } from './io.ts';

/** A short run needs no bar. */
const QUIET_MS = 400;

/** A progress bar on standard error while one file is read. */
export interface ProgressBar {
  readonly report: (progress: Progress) => void;
  readonly stop: () => void;
}

const NONE: ProgressBar = { report: () => {}, stop: () => {} };

/** A bar for `path` where standard error is a terminal, nothing elsewhere. */
export async function progressBar({ stderr, env }: Io, path: string): Promise<ProgressBar> {
  if (!stderr.isTTY || env['TERM'] === 'dumb') return NONE;
  const { default: progress } = await import('cli-progress');
  // gracefulExit would catch SIGINT, and as a replay never returns to the event loop, Ctrl-C would do nothing.
  // Without it nobody would turn the terminal's line wrapping on again: so it must stay on, and lines be short.
  const bar = new progress.SingleBar({
    format: '{bar} {percentage}% of {path}',
    stream: process.stderr,
    barsize: 20,
    clearOnComplete: true,
    gracefulExit: false,
    linewrap: true,
    barCompleteChar: '#',
    barIncompleteChar: '-',
  });
  const label = clip(path, 24);
  const begun = Date.now();
  let running = false;
  return {
    report: ({ done, total }) => {
      if (total === null || total === 0 || Date.now() - begun < QUIET_MS) return;
      if (!running) bar.start(total, 0, { path: label });
      running = true;
      // Unpacking a file and reading it count from 0 each.
      bar.setTotal(total);
      bar.update(Math.min(done, total), { path: label });
    },
    stop: () => {
      if (running) bar.stop();
      running = false;
    },
  };
}

/** Does `work`, which says how far it is, with a bar for `path`. */
export async function withBar<T>(
  io: Io,
  path: string,
  work: (report: ProgressBar['report']) => Promise<T>,
): Promise<T> {
  const bar = await progressBar(io, path);
  try {
    return await work(bar.report);
  } finally {
    bar.stop();
  }
}

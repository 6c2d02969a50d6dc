import { parentPort, workerData } from 'node:worker_threads';
import type { Progress } from '../session/session.ts';
import { reportOn } from './analyze-file.ts';
import { outcomeOf } from './files.ts';
import { loadSession } from './io.ts';
import { openOptions } from './one-file.ts';
import type { Answer, ThreadData } from './threads.ts';

const PROGRESS_MS = 100;

/** The life of a worker thread: paths come, outcomes go. */
export function serve(): void {
  const { task, isDebug, wantsProgress } = workerData as ThreadData;
  const open = openOptions(task.command);
  const port = parentPort!;
  const answer = (message: Answer): void => port.postMessage(message);
  port.on('message', async (path: string) => {
    const progress = wantsProgress ? { onProgress: nowAndThen((part) => answer({ part })) } : {};
    const outcome = await outcomeOf(path, isDebug, async () => {
      const session = await loadSession();
      const capture = await session.open(path, { ...(await open), ...progress });
      try {
        return await reportOn(capture, task, session, progress);
      } finally {
        capture.close();
      }
    });
    answer({ outcome });
  });
}

function nowAndThen(tell: (part: number) => void): (progress: Progress) => void {
  let last = Date.now();
  return ({ done, total }) => {
    if (!total || Date.now() - last < PROGRESS_MS) return;
    last = Date.now();
    tell(Math.min(1, done / total));
  };
}

import { openInput } from '../io/node-file.ts';
import { readRange } from '../io/bytes.ts';
import { SpinbackError } from '../base/errors.ts';
import type { Run } from '../model/stats.ts';
import { printable } from '../report/printable.ts';
import { statisticsOf, type StatisticsRequest } from '../session/statistics.ts';
import { isStats, LARGEST } from '../stats/sniff.ts';
import type { Capture } from '../trace/capture.ts';
import type { OpenOptions } from '../trace/reader.ts';
import { openSource } from '../trace/open.ts';
import { isDamaged, reportDamage } from './files.ts';
import type { Io } from './io.ts';
import { progressBar } from './progress.ts';
import { EXIT } from './exit.ts';

const HEAD = 256;

/** What a file came to: one run of a capture, or those that a file of statistics keeps; and the exit status so far. */
export interface LoadedRuns {
  readonly runs: readonly Run[];
  readonly exit: number;
  /** The file keeps statistics: there was nothing to replay. */
  readonly areSaved: boolean;
}

/**
 * Replays a capture, or reads a file of statistics; which it is is told by its first bytes. `request` is asked once the capture is open. A
 * damaged capture gives what could be read, says so on standard error, and the status of a damaged file.
 */
export async function loadRuns(
  path: string,
  open: OpenOptions,
  request: (capture: Capture) => StatisticsRequest | Promise<StatisticsRequest>,
  io: Io,
): Promise<LoadedRuns> {
  const source = await openInput(path);
  if (isStats(readRange(source, 0, HEAD))) {
    try {
      if (source.size > LARGEST) {
        throw new SpinbackError('LIMIT', `statistics of more than ${LARGEST >> 20} MiB are not read`, {
          path,
        });
      }
      const { decodeStats } = await import('../stats/stats-file.ts');
      return { runs: decodeStats(readRange(source, 0, source.size)).runs, exit: EXIT.ok, areSaved: true };
    } finally {
      source.close();
    }
  }
  let capture: Capture;
  try {
    capture = await openSource(source, open);
  } catch (error) {
    source.close();
    throw error;
  }
  const bar = await progressBar(io, printable(path));
  try {
    const run = statisticsOf(capture, { ...(await request(capture)), onProgress: bar.report });
    await reportDamage(path, run.problems, io);
    return { runs: [run], exit: isDamaged(run.problems) ? EXIT.unreadable : EXIT.ok, areSaved: false };
  } finally {
    bar.stop();
    capture.close();
  }
}

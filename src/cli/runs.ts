import { openInput } from '../io/node-file.ts';
import { readRange } from '../io/bytes.ts';
import type { ByteSource } from '../io/source.ts';
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
import { withBar } from './progress.ts';
import { EXIT } from './exit.ts';

const HEAD = 256;

/** What a file came to: one run of a capture, or those that a file of statistics keeps; and the exit status so far. */
export interface LoadedRuns {
  readonly runs: readonly Run[];
  readonly exit: number;
  /** The file keeps statistics: there was nothing to replay. */
  readonly areSaved: boolean;
}

/** An input whose first bytes told what it is. Whoever opened it loads it or closes it. */
export interface RunsFile {
  /** As it was given. */
  readonly path: string;
  /** What a file of statistics keeps; null for a capture. */
  readonly saved: readonly Run[] | null;
  /**
   * Replays the capture, which is closed then; `request` is asked once it is open. A damaged capture gives what could be read, says so on
   * standard error, and the status of a damaged file.
   */
  load(request: (capture: Capture) => StatisticsRequest | Promise<StatisticsRequest>): Promise<LoadedRuns>;
  close(): void;
}

/** Opens a capture or a file of statistics, and reads the latter. */
export async function openRuns(path: string, open: OpenOptions, io: Io): Promise<RunsFile> {
  const source = await withBar(io, printable(path), (onProgress) => openInput(path, onProgress));
  try {
    if (isStats(readRange(source, 0, HEAD))) {
      const saved = await savedRuns(source, path);
      source.close();
      return {
        path,
        saved,
        load: async () => ({ runs: saved, exit: EXIT.ok, areSaved: true }),
        close: () => {},
      };
    }
  } catch (error) {
    source.close();
    throw error;
  }
  return {
    path,
    saved: null,
    async load(request) {
      const run = await withBar(io, printable(path), async (onProgress) => {
        const capture = await openOver(source, { ...open, onProgress });
        try {
          return statisticsOf(capture, { ...(await request(capture)), onProgress });
        } finally {
          capture.close();
        }
      });
      await reportDamage(path, run.problems, io);
      return { runs: [run], exit: isDamaged(run.problems) ? EXIT.unreadable : EXIT.ok, areSaved: false };
    },
    close: () => source.close(),
  };
}

async function openOver(source: ByteSource, open: OpenOptions): Promise<Capture> {
  try {
    return await openSource(source, open);
  } catch (error) {
    source.close();
    throw error;
  }
}

async function savedRuns(source: ByteSource, path: string): Promise<readonly Run[]> {
  if (source.size > LARGEST)
    throw new SpinbackError('LIMIT', `statistics of more than ${LARGEST >> 20} MiB are not read`, { path });
  const { decodeStats } = await import('../stats/stats-file.ts');
  return decodeStats(readRange(source, 0, source.size)).runs;
}

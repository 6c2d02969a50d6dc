import { createHash } from 'node:crypto';
import { SpinbackError } from '../base/errors.ts';
import { VERSION } from '../base/version.ts';
import { BENCH_SCHEMA, type BenchResult } from '../model/bench.ts';
import { benchText } from '../report/bench.ts';
import { jsonLine } from '../report/json.ts';
import { canonicalState } from '../session/canonical-state.ts';
import { replayCapture } from '../session/session.ts';
import { engineCounters } from '../session/summary.ts';
import { openCapture } from '../trace/open.ts';
import { EXIT } from './exit.ts';
import type { Io } from './io.ts';
import { openOptions, type OpenCommand } from './one-file.ts';

/** The options of `spinback bench`. */
export interface BenchCommand extends OpenCommand {
  readonly repeat: number;
  readonly json?: boolean;
}

/**
 * Replays a capture `repeat` times in this process and says how fast that was. Speed is events per second of CPU time, user and system,
 * which other programs on the machine disturb least. Throws when two replays do not end in the same state: that is a bug.
 */
export async function bench(path: string, command: BenchCommand, io: Io): Promise<number> {
  if (path === '-')
    throw new SpinbackError('USAGE', 'a benchmark reads its file again and again: give a file');
  const open = await openOptions(command);
  const seconds: number[] = [];
  let [events, checksum, counters] = [0, '', {}];
  for (let run = 0; run < command.repeat; run++) {
    const capture = await openCapture(path, open);
    try {
      const before = process.cpuUsage();
      const state = replayCapture(capture);
      const { user, system } = process.cpuUsage(before);
      seconds.push((user + system) / 1e6);
      const digest = createHash('sha256').update(canonicalState(state)).digest('hex');
      if (run > 0 && digest !== checksum)
        throw new Error('two replays of the same file ended in different states');
      checksum = digest;
      events = Number(state.events);
      counters = engineCounters(state);
    } finally {
      capture.close();
    }
  }
  const result: BenchResult = {
    schema: BENCH_SCHEMA,
    spinback: VERSION,
    path,
    events,
    seconds,
    checksum,
    counters,
  };
  await io.stdout.write(command.json ? `${jsonLine(result)}\n` : benchText(result));
  return EXIT.ok;
}

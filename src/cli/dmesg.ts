import { SpinbackError } from '../base/errors.ts';
import { analyzeLog } from '../dmesg/analyze-log.ts';
import { readRange } from '../io/bytes.ts';
import { inputDamage } from '../io/input-damage.ts';
import { openInput } from '../io/node-file.ts';
import type { LogReport } from '../model/kernel-log.ts';
import { logJson, logText } from '../report/dmesg.ts';
import { printable } from '../report/printable.ts';
import { appearanceOf, paintOf } from './appearance.ts';
import { EXIT } from './exit.ts';
import { eachFile, isDamaged, isDebug, outcomeOf } from './files.ts';
import type { Io } from './io.ts';
import { progressBar } from './progress.ts';

/** The options of `spinback dmesg`. */
export interface DmesgCommand {
  readonly json?: boolean;
  readonly limit: number;
  readonly color: boolean;
}

/** Reads kernel logs and prints one report per log: text, or one line of JSON. Returns the exit status. */
export async function dmesg(paths: readonly string[], command: DmesgCommand, io: Io): Promise<number> {
  const appearance = appearanceOf(io, command.color);
  const { width } = appearance;
  const { json, limit } = command;
  return await eachFile(paths, io, json ? '' : '\n\n', (path) =>
    outcomeOf(path, isDebug(io), async () => {
      const report = await readLogFile(path, io);
      const exit = exitStatus(report);
      const verdict = `Exit status${paths.length > 1 ? ' of this log' : ''} ${exit}: ${MEANINGS[exit]}.`;
      const paint = await paintOf(appearance);
      const text = json ? `${logJson(report)}\n` : logText(report, { paint, width, limit, verdict });
      return { text, exit, problems: report.log.problems };
    }),
  );
}

const MEANINGS: Readonly<Record<number, string>> = {
  [EXIT.ok]: 'nothing found',
  [EXIT.findings]: 'the log has reports',
  [EXIT.unreadable]: 'the log is damaged, this is what could be read',
};

function exitStatus({ log, incidents }: LogReport): number {
  if (isDamaged(log.problems)) return EXIT.unreadable;
  return incidents.length > 0 ? EXIT.findings : EXIT.ok;
}

/** Reads one kernel log; "-" is standard input. Throws SpinbackError UNREADABLE, or UNSUPPORTED for UTF-16. */
export async function readLogFile(path: string, io: Io): Promise<LogReport> {
  const source = await openInput(path);
  const bar = await progressBar(io, printable(path));
  try {
    const head = readRange(source, 0, 2);
    if (head[0] === 0xff && head[1] === 0xfe) {
      throw new SpinbackError(
        'UNSUPPORTED',
        'this is UTF-16 text: convert it first (iconv -f UTF-16 -t UTF-8)',
        { path, offset: 0 },
      );
    }
    let position = 0;
    const read = (target: Uint8Array): number => {
      const got = source.readInto(target, position);
      position += got;
      return got;
    };
    return await analyzeLog(path, read, {
      problems: inputDamage(source).map((damage) => ({ ...damage, offset: damage.offset ?? null })),
      onProgress: (done) => bar.report({ done, total: source.size }),
    });
  } finally {
    bar.stop();
    source.close();
  }
}

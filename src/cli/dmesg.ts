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

/** So much is looked at to tell text from what is none. */
const HEAD = 4096;

/** What an input is that is no log, as a sentence; null for a log, which may have binary rubbish in it. */
async function strangerOf(head: Uint8Array): Promise<string | null> {
  if (head[0] === 0xff && head[1] === 0xfe)
    return 'this is UTF-16 text: convert it first (iconv -f UTF-16 -t UTF-8)';
  if (!head.includes(0)) return null;
  const { binaryInput } = await import('../trace/open.ts');
  return binaryInput(head.subarray(0, 16));
}

/**
 * Reads one kernel log; "-" is standard input. Throws SpinbackError UNREADABLE, or UNSUPPORTED for captures, UTF-16 and what is
 * no text at all.
 */
export async function readLogFile(path: string, io: Io): Promise<LogReport> {
  const source = await openInput(path);
  const bar = await progressBar(io, printable(path));
  try {
    const head = readRange(source, 0, HEAD);
    const stranger = await strangerOf(head);
    if (stranger) throw new SpinbackError('UNSUPPORTED', stranger, { path, offset: 0 });
    let position = 0;
    const read = (target: Uint8Array): number => {
      const got = source.readInto(target, position);
      position += got;
      return got;
    };
    const report = await analyzeLog(path, read, {
      problems: inputDamage(source).map((damage) => ({ ...damage, offset: damage.offset ?? null })),
      onProgress: (done) => bar.report({ done, total: source.size }),
    });
    if (report.incidents.length === 0 && head.includes(0)) {
      const why = 'this is no text, and there is no report of a kernel in it';
      throw new SpinbackError('UNSUPPORTED', why, { path, offset: head.indexOf(0) });
    }
    return report;
  } finally {
    bar.stop();
    source.close();
  }
}

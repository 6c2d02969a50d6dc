import { SpinbackError } from '../base/errors.ts';
import type { Report } from '../model/report.ts';
import { joinJson, joinText } from '../report/dmesg-join.ts';
import { logText } from '../report/dmesg.ts';
import { reportText } from '../report/terminal.ts';
import { exitStatus, meaning, thresholdsOf, type AnalyzeCommand } from './analyze-file.ts';
import { appearanceOf, paintOf } from './appearance.ts';
import { readLogFile } from './dmesg.ts';
import { errorText, EXIT, exitOf } from './exit.ts';
import { eachFile, isDamaged, isDebug, reportDamage } from './files.ts';
import type { Io } from './io.ts';
import { oneFile, openOptions, openWords } from './one-file.ts';

interface JoinedCommand extends AnalyzeCommand {
  readonly color: boolean;
  readonly log?: string;
  readonly ownLog?: boolean;
}

/**
 * `spinback analyze --log LOG TRACE`, and `--own-log`: what log and trace say about each other, then both reports. The exit status is
 * the trace's, as without --log; a damaged log counts like a damaged trace.
 */
export async function analyzeJoined(
  paths: readonly string[],
  command: JoinedCommand,
  io: Io,
): Promise<number> {
  const { log: logPath, ownLog } = command;
  if (logPath !== undefined && ownLog)
    throw new SpinbackError('USAGE', '--log and --own-log are two logs: give one');
  if (paths.length !== 1)
    throw new SpinbackError('USAGE', `${ownLog ? '--own-log' : '--log'} goes with one trace`);
  if (logPath === '-' && paths[0] === '-')
    throw new SpinbackError('USAGE', 'standard input can be read only once');
  const { json, limit, failOn, minConfidence } = command;
  const appearance = appearanceOf(io, command.color);
  const { width } = appearance;
  const paint = await paintOf(appearance);
  try {
    const given = logPath === undefined ? null : await readLogFile(logPath, io);
    if (given) await reportDamage(logPath!, given.log.problems, io);
    const open = await openOptions(command);
    const session = await io.session();
    return await eachFile(paths, io, '', (path) =>
      oneFile(path, open, io, async (capture, options) => {
        const all = { ...options, thresholds: thresholdsOf(command) };
        const joined = given
          ? session.analyzeWithLog(capture, given, all)
          : await session.analyzeWithOwnLog(capture, all);
        const { report, log } = joined;
        const exit = isDamaged(log.log.problems) ? EXIT.unreadable : exitStatus(report, failOn);
        const verdict = `Exit status ${exit}: ${meaning(exit, failOn)}.`;
        const text = [
          joinText(joined, paint, width),
          logText(log, { paint, width, limit, listed: ownLog ? countReports(report) : 0 }),
          reportText(report, {
            paint,
            width,
            limit,
            verdict,
            openedWith: openWords(command),
            ...(minConfidence && { minConfidence }),
          }),
        ].join('\n\n');
        return { text: json ? `${joinJson(joined)}\n` : text, exit, problems: report.trace.problems };
      }),
    );
  } catch (error) {
    if (error instanceof SpinbackError && error.code === 'USAGE') throw error;
    await io.stderr.write(errorText(error, logPath ?? null, isDebug(io)));
    return exitOf(error);
  }
}

/** What the kernel reported, with findings and without. */
function countReports({ kernelReports, findings }: Report): number {
  const all = [...kernelReports, ...findings.flatMap((finding) => finding.kernelReports)];
  return new Set(all.map(({ ns, text }) => `${ns} ${text}`)).size;
}

import type { Confidence, Report, Thresholds } from '../model/report.ts';
import { reportJson } from '../report/json.ts';
import { atLeast, reportText } from '../report/terminal.ts';
import { appearanceOf } from './appearance.ts';
import { EXIT } from './exit.ts';
import { eachFile, isDamaged } from './files.ts';
import type { Io } from './io.ts';

export type FailOn = Confidence | 'never';

/** The options of `spinback analyze`; durations in nanoseconds. */
export interface AnalyzeCommand {
  readonly json?: boolean;
  readonly watchdog: number;
  readonly spin: number;
  readonly irqOff: number;
  readonly failOn: FailOn;
  readonly minConfidence?: Confidence;
  readonly limit: number;
  readonly color: boolean;
  readonly instance?: string;
}

/** Judges each file and prints one report per file: text, or one line of JSON. Returns the exit status. */
export async function analyze(paths: readonly string[], command: AnalyzeCommand, io: Io): Promise<number> {
  const session = await io.session();
  const { paint, width } = await appearanceOf(io, command.color);
  const { json, minConfidence, limit, failOn, instance } = command;
  const thresholds: Thresholds = {
    watchdogNs: command.watchdog,
    spinNs: command.spin,
    irqOffNs: command.irqOff,
  };
  const open = instance === undefined ? {} : { instance };
  return await eachFile(paths, open, io, json ? '' : '\n\n', async (capture, options) => {
    const report = session.analyze(capture, { ...options, thresholds });
    const exit = exitStatus(report, failOn);
    const verdict = `Exit status${paths.length > 1 ? ' of this file' : ''} ${exit}: ${meaning(exit, failOn)}.`;
    return {
      text: json
        ? `${reportJson(report)}\n`
        : reportText(report, { paint, width, limit, verdict, ...(minConfidence && { minConfidence }) }),
      exit,
      problems: report.trace.problems,
    };
  });
}

/** The exit status that a report stands for. */
export function exitStatus(report: Report, failOn: FailOn): number {
  if (isDamaged(report.trace.problems)) return EXIT.unreadable;
  if (failOn === 'never') return EXIT.ok;
  return report.findings.some(({ confidence }) => atLeast(confidence, failOn)) ? EXIT.findings : EXIT.ok;
}

function meaning(exit: number, failOn: FailOn): string {
  if (exit === EXIT.unreadable) return 'the file is damaged, this is what could be read';
  if (failOn === 'never') return 'findings do not count (--fail-on never)';
  const which = failOn === 'certain' ? 'certain findings' : `findings that are ${failOn} or stronger`;
  return exit === EXIT.findings ? `there are ${which}` : `no ${which}`;
}

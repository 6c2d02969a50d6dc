import type { Confidence, Report, Thresholds } from '../model/report.ts';
import { reportJson } from '../report/json.ts';
import { atLeast, reportText } from '../report/terminal.ts';
import type { AnalyzeOptions } from '../session/session.ts';
import type { Capture } from '../trace/capture.ts';
import { paintOf, type Appearance } from './appearance.ts';
import { EXIT } from './exit.ts';
import { isDamaged, type Reported } from './files.ts';
import type { Session } from './io.ts';
import { openWords, type OpenCommand } from './one-file.ts';

export type FailOn = Confidence | 'never';

/** What `spinback analyze` does with a file; durations in nanoseconds. Plain data: it goes to other threads. */
export interface AnalyzeCommand extends OpenCommand {
  readonly json?: boolean;
  readonly watchdog: number;
  readonly spin: number;
  readonly irqOff: number;
  readonly failOn: FailOn;
  readonly minConfidence?: Confidence;
  readonly limit: number;
}

/** The same for each of several files, and how its report shall look. Plain data, too. */
export interface Task {
  readonly command: AnalyzeCommand;
  readonly appearance: Appearance;
  readonly isOneOfMany: boolean;
}

/** Judges a capture and renders its report. */
export async function reportOn(
  capture: Capture,
  task: Task,
  session: Session,
  options: AnalyzeOptions,
): Promise<Reported> {
  const { json, minConfidence, limit, failOn } = task.command;
  const thresholds = thresholdsOf(task.command);
  const report = session.analyze(capture, { ...options, thresholds });
  const exit = exitStatus(report, failOn);
  const verdict = `Exit status${task.isOneOfMany ? ' of this file' : ''} ${exit}: ${meaning(exit, failOn)}.`;
  const { width } = task.appearance;
  const paint = await paintOf(task.appearance);
  return {
    text: json
      ? `${reportJson(report)}\n`
      : reportText(report, {
          paint,
          width,
          limit,
          verdict,
          openedWith: openWords(task.command),
          offersOwnLog: await ownLogTells(report),
          ...(minConfidence && { minConfidence }),
        }),
    exit,
    problems: report.trace.problems,
  };
}

export function thresholdsOf({ watchdog, spin, irqOff }: AnalyzeCommand): Thresholds {
  return { watchdogNs: watchdog, spinNs: spin, irqOffNs: irqOff };
}

/** The exit status that a report stands for. */
export function exitStatus(report: Report, failOn: FailOn): number {
  if (isDamaged(report.trace.problems)) return EXIT.unreadable;
  if (failOn === 'never') return EXIT.ok;
  return report.findings.some(({ confidence }) => atLeast(confidence, failOn)) ? EXIT.findings : EXIT.ok;
}

export function meaning(exit: number, failOn: FailOn): string {
  if (exit === EXIT.unreadable) return 'the file is damaged, this is what could be read';
  if (failOn === 'never') return 'findings do not count (--fail-on never)';
  const which = failOn === 'certain' ? 'certain findings' : `findings that are ${failOn} or stronger`;
  return exit === EXIT.findings ? `there are ${which}` : `no ${which}`;
}

/** Does the kernel report in it what a kernel log is read for? Of an Oops or a panic --own-log says nothing. */
async function ownLogTells({ kernelReports, findings }: Report): Promise<boolean> {
  const all = [...kernelReports, ...findings.flatMap((finding) => finding.kernelReports)];
  if (all.length === 0) return false;
  const { readMessage } = await import('../session/kernel-messages.ts');
  return all.some(({ text }) => (readMessage(text)?.report?.kind ?? 'other') !== 'other');
}

import { LOG_KINDS, type Incident, type LogReport, type LogSummary } from '../model/kernel-log.ts';
import { PLAIN, type Paint } from './paint.ts';
import { logTime } from './dmesg-facts.ts';
import { incidentLines } from './dmesg-incident.ts';
import { jsonLine } from './json.ts';
import { printableCopy } from './printable.ts';
import { clip, hang, MAX_WIDTH, page, plural } from './text.ts';

const MAX_BRIEF = 40;

export interface LogTextOptions {
  readonly paint?: Paint;
  /** Characters in a line, MAX_WIDTH by default. */
  readonly width?: number;
  /** How many incidents are shown in full, 10 by default. */
  readonly limit?: number;
  /** What the exit status will say, for the last line. */
  readonly verdict?: string;
  /** Reports of the kernel that the trace's own report lists, where the log is that trace's. */
  readonly listed?: number;
}

/** `spinback dmesg --json`: one line, without its newline. Keys in the order of the contract. */
export function logJson(report: LogReport): string {
  return jsonLine(report);
}

/** What a kernel log says, for people: plain lines, strings from the log made printable. Ends with a newline. */
export function logText(raw: LogReport, options: LogTextOptions = {}): string {
  const report = printableCopy(raw);
  const { paint = PLAIN, width = MAX_WIDTH, limit = 10 } = options;
  // The gravest kinds are shown in full first; within a kind the log's order stands.
  const ranked = report.incidents.toSorted((a, b) => LOG_KINDS.indexOf(a.kind) - LOG_KINDS.indexOf(b.kind));
  const full = new Set(ranked.slice(0, limit));
  const brief = report.incidents.filter((incident) => !full.has(incident));
  return page([
    headLines(report.log, report.spinback, paint, width),
    ...report.incidents
      .filter((incident) => full.has(incident))
      .map((incident) => incidentLines(incident, paint, width)),
    briefLines(brief, width),
    closing(report, options),
  ]);
}

function headLines(log: LogSummary, version: string, paint: Paint, width: number): string[] {
  const times =
    log.firstNs === null || log.lastNs === null
      ? 'no times'
      : `${logTime(log.firstNs)} to ${logTime(log.lastNs)}`;
  const layout = log.layout.length === 0 ? '' : `, lines: ${log.layout.join(', ')}`;
  return [
    paint.quiet(`spinback ${version}: kernel log`),
    ...hang('', `${log.path}: kernel ${log.kernel ?? 'unknown'}, ${times}${layout}`, width),
    ...log.problems.flatMap(({ text, severity }) =>
      hang('  ', severity === 'error' ? `DAMAGED: ${text}` : text, width),
    ),
  ];
}

function briefLines(incidents: readonly Incident[], width: number): string[] {
  if (incidents.length === 0) return [];
  const left = incidents.length - MAX_BRIEF;
  return [
    'Not shown in full (--limit):',
    ...incidents
      .slice(0, MAX_BRIEF)
      .map(({ id, firstNs, headline }) =>
        clip(`  ${id.padEnd(4)} ${firstNs === null ? '' : `${logTime(firstNs)}  `}${headline}`, width),
      ),
    ...(left > 0 ? [`  and ${plural(left, 'more', 'more')}: --json has them all`] : []),
  ];
}

function closing(
  { incidents, suppressed, log }: LogReport,
  { paint = PLAIN, width = MAX_WIDTH, verdict, listed = 0 }: LogTextOptions,
): string[] {
  const dropped = Object.values(suppressed).reduce((sum, count) => sum + count, 0);
  return [
    ...(incidents.length > 0 ? [`${plural(incidents.length, 'incident')}.`] : nothing()),
    ...(dropped > 0 ? [`${plural(dropped, 'more report')} counted but not kept.`] : []),
    ...(verdict === undefined ? [] : [verdict]),
  ];

  function nothing(): string[] {
    const isCut = log.problems.some(({ name }) => name === 'messages-dropped');
    const text = `No report of a lockup, stall or lock error found${isCut ? ' in what was read' : ''}`;
    if (listed === 0) return [paint.good(`${text}.`)];
    const others = `${isCut ? 'before it, or of' : 'of'} another sort`;
    return hang(
      '',
      `${text}; ${plural(listed, 'report')} of the kernel, ${others}, ${listed === 1 ? 'is' : 'are'} listed with the trace.`,
      width,
    );
  }
}

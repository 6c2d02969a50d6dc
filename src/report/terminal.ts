import { shellPath, shellWord } from '../base/shell.ts';
import {
  CONFIDENCES,
  HOLDS_FROM_ATTEMPTS,
  UNJUDGED_RELEASES,
  UNJUDGED_SILENCE,
  type Confidence,
  type Finding,
  type KernelReport,
  type Report,
  type Stats,
} from '../model/report.ts';
import { findingLine, findingLines, type FindingStyle } from './finding.ts';
import { PLAIN, type Paint } from './paint.ts';
import { printable, printableCopy } from './printable.ts';
import { MAX_WIDTH, clip, hang, page, plural, suggestion } from './text.ts';
import { countsNanoseconds, timesOf } from './times.ts';
import { cpuLines, problemLines, traceLines } from './trace-header.ts';

/** How many findings get one line each when they are not shown in full. */
const MAX_BRIEF = 20;
/** How many reports of the kernel are listed, and how much of each. */
const MAX_REPORTS = 8;
const MAX_REPORT = 300;

export interface TextOptions {
  readonly paint?: Paint;
  /** Characters in a line, MAX_WIDTH by default. */
  readonly width?: number;
  /** The weakest findings that are shown in full; weaker ones get one line. `likely` where there are such, by default. */
  readonly minConfidence?: Confidence;
  /** How many findings are shown in full, 10 by default. */
  readonly limit?: number;
  /** What the exit status will say, for the last line. */
  readonly verdict?: string;
  /** Point to analyze --own-log: reports of the kernel that it reads are in the capture. */
  readonly offersOwnLog?: boolean;
  /** Options that the capture was opened with (--map FILE): the commands that are suggested need them as well. */
  readonly openedWith?: readonly string[];
}

/** Is `confidence` at least as strong as `least`? */
export function atLeast(confidence: Confidence, least: Confidence): boolean {
  return CONFIDENCES.indexOf(confidence) >= CONFIDENCES.indexOf(least);
}

/**
 * The report for people: plain lines that survive a mail program, strings from the capture made printable. Ends
 * with a newline.
 */
export function reportText(raw: Report, options: TextOptions = {}): string {
  const report = printableCopy({ ...raw, stats: withoutBuckets(raw.stats) });
  const { paint = PLAIN, width = MAX_WIDTH, minConfidence = weakestInFull(report), limit = 10 } = options;
  const style: FindingStyle = { times: timesOf(report.trace), paint, width, isInLog: isDump(report) };
  const strong = report.findings.filter(({ confidence }) => atLeast(confidence, minConfidence));
  const alike = strong.filter((finding) => isToldBefore(finding, strong));
  const single = strong.filter((finding) => !alike.includes(finding));
  const full = single.slice(0, limit);
  const brief = report.findings.filter((finding) => !full.includes(finding) && !alike.includes(finding));
  const problems = report.trace.problems.filter(({ severity }) => severity !== 'info');

  return page([
    traceLines(report.trace, report.spinback, paint, width),
    cpuLines(report.trace, involved(report.findings)),
    problemLines(problems, paint, width),
    ...full.map((finding, at) => findingLines(finding, relatives(finding, full.slice(0, at)), style)),
    alikeLines(alike, style),
    briefLines(brief, single.length - full.length, style, minConfidence),
    kernelLines(report.kernelReports, style),
    closing(report, style, options),
  ]);
}

/** A dump in a kernel log: what the kernel said around it was not read. */
function isDump({ trace }: Report): boolean {
  return trace.problems.some(({ name }) => name === 'log-not-read');
}

/** Thousands of numbers that no text shows. */
function withoutBuckets(stats: Stats): Stats {
  const none = { buckets: [] };
  const { waitNs, holdNs, irqsOffNs } = stats;
  return {
    ...stats,
    waitNs: { ...waitNs, ...none },
    holdNs: { ...holdNs, ...none },
    irqsOffNs: { ...irqsOffNs, ...none },
  };
}

/** Possibilities are for one line each, unless there is nothing else to show. */
function weakestInFull({ findings }: Report): Confidence {
  return findings.some(({ confidence }) => atLeast(confidence, 'likely')) ? 'likely' : 'possible';
}

/** The findings of the same incident that were shown before: what they said is not said again. */
function relatives({ related }: Finding, shown: readonly Finding[]): readonly Finding[] {
  return shown.filter(({ id }) => related.includes(id));
}

/** The CPUs that findings are about, victims first. */
function involved(findings: readonly Finding[]): number[] {
  const actors = findings.map(({ subject, waiters, culprit, holder, lastAcquire }) =>
    [subject, culprit, holder, ...waiters, lastAcquire].flatMap((actor) => actor?.cpu ?? []),
  );
  return [...new Set(actors.flat())];
}

/** One of many victims of an incident: another one's finding, of the same sort, stands before it. */
function isToldBefore(finding: Finding, findings: readonly Finding[]): boolean {
  const before = findings.slice(0, findings.indexOf(finding));
  const isSameIncident = ({ id, related }: Finding): boolean =>
    finding.related.some((other) => other === id || related.includes(other));
  return before.some((other) => other.signature === finding.signature && isSameIncident(other));
}

function alikeLines(findings: readonly Finding[], style: FindingStyle): string[] {
  if (findings.length === 0) return [];
  return [
    ...hang(
      '',
      'Other victims of the same incidents, as the findings above with the same signature:',
      style.width,
    ),
    ...listed(findings, style),
  ];
}

/** A line each, of the first ones. */
function listed(findings: readonly Finding[], style: FindingStyle): string[] {
  const left = findings.length - MAX_BRIEF;
  return [
    ...findings
      .slice(0, MAX_BRIEF)
      .map((finding) => `  ${findingLine(finding, { ...style, width: style.width - 2 })}`),
    ...(left > 0 ? [`  and ${plural(left, 'more', 'more')}: --json has them all`] : []),
  ];
}

function briefLines(
  findings: readonly Finding[],
  overLimit: number,
  style: FindingStyle,
  minConfidence: Confidence,
): string[] {
  if (findings.length === 0) return [];
  const reasons = [
    ...(overLimit > 0 ? [`${overLimit} over the limit (--limit)`] : []),
    ...(findings.length > overLimit ? [`below ${minConfidence} (--min-confidence possible shows them)`] : []),
  ];
  return [...hang('', `Not shown in full: ${reasons.join(', ')}`, style.width), ...listed(findings, style)];
}

/** What the kernel said and no finding carries: nothing that it found may go unseen. */
function kernelLines(reports: readonly KernelReport[], { times, width }: FindingStyle): string[] {
  if (reports.length === 0) return [];
  const left = reports.length - MAX_REPORTS;
  return [
    'Kernel reports in this capture that no finding explains:',
    ...reports
      .slice(0, MAX_REPORTS)
      .flatMap(({ ns, text }) => hang('  ', `${times.at(ns)} ${clip(headlineOf(text), MAX_REPORT)}`, width)),
    ...(left > 0 ? [`  and ${plural(left, 'more', 'more')}: --json has them all`] : []),
  ];
}

/** The line of a message that says something, its line ends made printable: lockdep frames its reports with lines of "=". */
function headlineOf(text: string): string {
  return text.split('\\n').find((line) => /\w/.test(line)) ?? text;
}

function closing(
  report: Report,
  { times, paint, width }: FindingStyle,
  { verdict, offersOwnLog, openedWith = [] }: TextOptions,
): string[] {
  const { findings, stats, thresholds } = report;
  const { locks, waitNs, holdNs, irqsOffNs } = stats;
  const file = [...openedWith.map((word) => shellWord(printable(word))), shellPath(report.trace.path)].join(
    ' ',
  );
  const counts = CONFIDENCES.toReversed().map(
    (level) => `${findings.filter(({ confidence }) => confidence === level).length} ${level}`,
  );
  const scope = report.trace.problems.some(({ severity }) => severity === 'error')
    ? ' in what could be read'
    : '';
  const result =
    findings.length === 0
      ? paint.good(`Nothing found${scope}.`)
      : `${plural(findings.length, 'finding')}${scope}: ${counts.join(', ')}.`;
  const applied = countsNanoseconds(report.trace)
    ? `Thresholds: spin ${times.limit(thresholds.spinNs)}, irqs off ${times.limit(thresholds.irqOffNs)}, ` +
      `watchdog ${times.limit(thresholds.watchdogNs)}.`
    : 'Thresholds: none applied, the time unit is not known.';
  return [
    result,
    // Releases that end a hold; where only functions are known, none does.
    `Locks: ${locks.acquisitions} acquired, ${locks.contentions} contended, ${holdNs.count || locks.releases} released.`,
    `Longest that ended: wait ${longest(waitNs)}, hold ${longest(holdNs)}, irqs off ${longest(irqsOffNs)}.`,
    applied,
    ...unchecked(report).flatMap((line, at) =>
      hang(at === 0 ? 'Not checked: ' : '             ', line, width),
    ),
    ...(offersOwnLog
      ? suggestion(
          "The kernel's reports in it, with registers and code",
          `spinback analyze --own-log ${file}`,
          width,
        )
      : []),
    ...(isDump(report)
      ? suggestion(
          'What the kernel said around the dump',
          `spinback dmesg ${shellPath(report.trace.path)}`,
          width,
        )
      : []),
    ...suggestion('What this capture can and cannot tell', `spinback info ${file}`, width),
    ...(verdict === undefined ? [] : [verdict]),
  ];

  function longest(histogram: { readonly count: number; readonly maxNs: number }): string {
    return histogram.count === 0 ? 'none' : times.span(histogram.maxNs);
  }
}

/** What this report cannot speak about, as sentences. */
function unchecked({ trace, stats }: Report): string[] {
  const lines: string[] = [];
  const { locks } = stats;
  const lossy = trace.perCpu.filter(({ lost, breaks }) => lost !== 0 || breaks > 0);
  if (trace.events === 0) lines.push('anything: the capture holds no events.');
  else if (locks.acquisitions + locks.contentions + locks.releases === 0) {
    lines.push('locks: the capture holds no lock events.');
  }
  const holds = trace.problems.find(({ name }) => name === HOLDS_FROM_ATTEMPTS);
  if (holds) lines.push(`who waited for a lock of lockdep, and for how long: ${holds.text}.`);
  const unjudged = trace.problems.find(({ name }) => name === UNJUDGED_RELEASES);
  if (unjudged) lines.push(`${unjudged.text} (${plural(unjudged.count, 'release')}).`);
  const silence = trace.problems.find(({ name }) => name === UNJUDGED_SILENCE);
  if (silence) lines.push(`${silence.text}.`);
  if (!countsNanoseconds(trace)) lines.push('how long anything took: the unit of the clock is not known.');
  if (lossy.length > 0) {
    lines.push(
      `what the lost events on ${plural(lossy.length, 'CPU')} would have shown; ` +
        'a bug whose cause happened there can be missed.',
    );
  }
  const missing = trace.problems.find(({ name }) => name === 'missing-entries');
  const has = (problem: string): boolean => trace.problems.some(({ name }) => name === problem);
  if (missing) lines.push(`what the ${plural(missing.count, 'missing event')} would have shown.`);
  else if (lossy.length === 0 && has('truncated'))
    lines.push('what stood behind the place where the file was cut.');
  else if (has('cut-last-line'))
    lines.push('what may have stood behind the last line, which has no line end.');
  for (const [kind, count] of Object.entries(stats.suppressed)) {
    lines.push(`${plural(count, 'more finding')} of kind ${kind}, counted but not kept.`);
  }
  return lines;
}

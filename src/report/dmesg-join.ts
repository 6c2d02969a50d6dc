import { duration } from '../base/units.ts';
import type { ClockJoin, IncidentJoin, JoinedReport, LockJoin } from '../model/join.ts';
import { hexLock } from './dmesg-facts.ts';
import { jsonLine } from './json.ts';
import { PLAIN, type Paint } from './paint.ts';
import { printableCopy } from './printable.ts';
import { who } from './story.ts';
import { clip, hang, MAX_WIDTH, page, plural } from './text.ts';
import { timesOf, type Times } from './times.ts';

const LABEL = 14;

/** `analyze --log --json`: one line, without its newline. Keys in the order of the contract. */
export function joinJson(joined: JoinedReport): string {
  return jsonLine(joined);
}

/** What log and trace say about each other, for people. Ends with a newline. */
export function joinText(raw: JoinedReport, paint: Paint = PLAIN, width = MAX_WIDTH): string {
  const joined = printableCopy(raw);
  const times = timesOf(joined.report.trace);
  return page([
    [
      paint.quiet('Log and trace together'),
      ...hang('', `${joined.log.log.path} with ${joined.report.trace.path}`, width),
      ...hang('', clockText(joined.clock), width),
    ],
    ...joined.incidents.map((incident) => incidentLines(incident, joined, times, paint, width)),
    onlyLines(joined, width),
  ]);
}

function clockText({ offsetNs, spreadNs, marks, how }: ClockJoin): string {
  if (offsetNs === null) return `Clocks: not joined, ${how}.`;
  const sign = offsetNs < 0 ? '-' : '+';
  const spread =
    spreadNs === null
      ? ''
      : `, from ${plural(marks, 'common line')}${marks > 1 ? ` that agree within ${duration(spreadNs)}` : ''}`;
  return `Clocks: trace = log ${sign} ${duration(Math.abs(offsetNs))}${spread} (${how}).`;
}

function incidentLines(
  join: IncidentJoin,
  { log }: JoinedReport,
  times: Times,
  paint: Paint,
  width: number,
): string[] {
  const incident = log.incidents.find(({ id }) => id === join.incident);
  const fact = (label: string, text: string): string[] =>
    hang(`  ${`${label}:`.padEnd(LABEL)}`, clip(text, 700), width);
  return [
    ...hang(`${join.incident} `, clip(incident?.headline ?? '', 400), width).map((line) => paint.title(line)),
    ...fact('verdict', join.says),
    ...(join.findings.length === 0 ? [] : fact('findings', join.findings.join(', '))),
    ...(join.atNs === null ? [] : fact('report', `${times.at(join.atNs)} on the trace's clock`)),
    ...(join.lock === null ? [] : lockLines(join.lock, times, fact)),
    ...join.checks.flatMap(({ what, log: said, trace, agree }) => {
      const text = `${agree ? 'agree' : 'DISAGREE'}: log ${said}; trace ${trace}`;
      const lines = fact(what, text);
      return agree ? lines : lines.map((line) => paint.alarm(line));
    }),
  ];
}

function lockLines(lock: LockJoin, times: Times, fact: (label: string, text: string) => string[]): string[] {
  const { lastAcquire, lastRelease, says, inTrace } = lock;
  return [
    ...fact('lock', `${hexLock(lock.address, lock.bit)}, ${inTrace} in the trace: ${says}`),
    ...(lastAcquire === null ? [] : fact('last take', `${times.at(lastAcquire.atNs)}, ${who(lastAcquire)}`)),
    ...(lastRelease === null
      ? []
      : fact('last release', `${times.at(lastRelease.atNs)}, ${who(lastRelease)}`)),
  ];
}

function onlyLines({ onlyInTrace, incidents }: JoinedReport, width: number): string[] {
  return [
    ...(incidents.length === 0 ? ['The log has no report that a trace could be held against.'] : []),
    ...(onlyInTrace.length === 0
      ? []
      : hang('', `Only in the trace, not reported by the kernel: ${onlyInTrace.join(', ')}.`, width)),
  ];
}

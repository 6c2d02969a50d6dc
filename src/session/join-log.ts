import { VERSION } from '../base/version.ts';
import type { Case } from '../model/case.ts';
import {
  JOINED_SCHEMA,
  type ClockJoin,
  type IncidentJoin,
  type JoinedReport,
  type LockJoin,
} from '../model/join.ts';
import type { Incident, LogReport } from '../model/kernel-log.ts';
import type { Actor, Finding, Report } from '../model/report.ts';
import type { LockState, Mark } from '../model/state.ts';
import { checksOf } from './join-checks.ts';
import { joinClocks } from './join-clock.ts';

/** Kinds of the log that a trace can say something about. */
const JOINABLE: ReadonlySet<string> = new Set([
  'hard-lockup',
  'soft-lockup',
  'rcu-stall',
  'spinlock-lockup',
  'csd-lock',
  'hung-task',
  'scheduling-while-atomic',
]);
/** Kinds of findings that a lockup detector would speak about. */
const GRAVE: ReadonlySet<string> = new Set(['never-released', 'irq-off-spin', 'silent-cpu', 'irq-off']);

/** Holds a kernel log's incidents against what a trace of the same time shows. Disagreement is shown, not smoothed. */
export function joinLog(
  log: LogReport,
  report: Report,
  about: Case,
  clock: ClockJoin = joinClocks(log, about.found.messages, report.trace),
): JoinedReport {
  const incidents = log.incidents
    .filter(({ kind }) => JOINABLE.has(kind))
    .map((incident): IncidentJoin => {
      if (!clock.fits) return apartFrom(incident);
      const atNs =
        clock.offsetNs === null || incident.firstNs === null
          ? null
          : (BigInt(incident.firstNs) + BigInt(Math.round(clock.offsetNs))).toString();
      const findings = findingsOf(incident, report.findings);
      const lock = lockOf(incident, findings, about, atNs);
      const checks = checksOf(incident, findings, report, atNs);
      return {
        incident: incident.id,
        atNs,
        findings: findings.map(({ id }) => id),
        lock,
        checks,
        says:
          verdictOf(incident, findings, lock, atNs, report) +
          doubtOf(incident, findings, clock, atNs, report),
      };
    });
  const joined = new Set(incidents.flatMap(({ findings }) => findings));
  return {
    schema: JOINED_SCHEMA,
    spinback: VERSION,
    clock,
    incidents,
    onlyInTrace: (clock.fits ? report.findings : [])
      .filter(({ id, kind, confidence }) => GRAVE.has(kind) && confidence !== 'possible' && !joined.has(id))
      .map(({ id }) => id),
    report,
    log,
  };
}

function apartFrom({ id }: Incident): IncidentJoin {
  const says = 'The log does not fit the trace, so nothing is concluded from the two together.';
  return { incident: id, atNs: null, findings: [], lock: null, checks: [], says };
}

/** Findings about the same event: of the same lock, or of the same CPU and task; the best match first. */
function findingsOf(incident: Incident, findings: readonly Finding[]): Finding[] {
  const matches = findings
    .map((finding) => ({ finding, points: likeness(incident, finding) }))
    .filter(({ points }) => points >= 3)
    .toSorted((a, b) => b.points - a.points)
    .map(({ finding }) => finding);
  return matches.slice(0, 8);
}

/** The lock counts most; a CPU alone is enough where the finding is that it fell silent. */
function likeness(
  incident: Incident,
  { kind, lock, subject, waiters, lastAcquire, holder }: Finding,
): number {
  const word = incident.spin?.word ?? null;
  const actors = [subject, ...waiters, holder, lastAcquire].filter((actor) => actor !== null);
  let points = 0;
  if (word !== null && lock !== null)
    points += lock.address === word.address && (lock.bit === word.bit || lock.bit === null) ? 6 : -2;
  // Who slept in an atomic section is not the victim but the one that kept the lock.
  if (incident.kind.includes('atomic')) return holder !== null && holder.pid === incident.pid ? 3 : 0;
  const victims = [subject, ...waiters].filter((actor) => actor !== null);
  if (incident.cpu !== null && victims.some(({ cpu }) => cpu === incident.cpu))
    points += kind === 'silent-cpu' ? 3 : 1;
  if (incident.pid !== null && incident.pid !== 0 && actors.some(({ pid }) => pid === incident.pid))
    points += 2;
  return points;
}

function actorOf(mark: Mark | null, { narrator }: Case): Actor | null {
  if (mark === null) return null;
  return { cpu: mark.cpu, pid: mark.pid, comm: narrator.comm(mark.pid), atNs: mark.time.toString() };
}

/** The lock that the log's code and registers name, as the trace knows it. */
function lockOf(
  incident: Incident,
  findings: readonly Finding[],
  about: Case,
  atNs: string | null,
): LockJoin | null {
  const word = incident.spin?.word ?? null;
  if (word === null) return null;
  const { address, bit } = word;
  const state = [...about.state.locks.values()].find((lock) => isLock(lock, address, bit));
  if (state) {
    const lastAcquire = actorOf(state.acquire, about);
    const lastRelease = actorOf(state.release, about);
    return { address, bit, inTrace: 'stuck', lastAcquire, lastRelease, says: stuckText(state, atNs) };
  }
  const finding = findings.find(({ lock }) => lock?.address === address);
  if (finding) {
    return {
      address,
      bit,
      inTrace: 'seen',
      lastAcquire: finding.lastAcquire,
      lastRelease: finding.lastRelease,
      says: 'it is free again at the end of the trace',
    };
  }
  return {
    address,
    bit,
    inTrace: 'not seen',
    lastAcquire: null,
    lastRelease: null,
    says:
      about.state.locks.size === 0 && about.state.liveLocks === 0
        ? 'the trace records no locks: the log is what names it'
        : 'the trace has no event of this lock, or none that still matters at its end',
  };
}

function isLock(lock: LockState, address: string, bit: number | null): boolean {
  if (BigInt.asUintN(64, lock.address) !== BigInt(address)) return false;
  return bit === null || lock.bit === bit || lock.bit === 0xff;
}

function stuckText({ acquire, release, owner, seen, waiters }: LockState, atNs: string | null): string {
  const last =
    [acquire, release]
      .filter((mark) => mark !== null)
      .toSorted((a, b) => (a.time < b.time ? -1 : 1))
      .at(-1) ?? null;
  const state =
    owner !== null
      ? 'somebody who took it has not let it go'
      : seen !== null
        ? 'its bit is set although nobody is recorded to hold it'
        : 'nobody is recorded to hold it';
  const when =
    last === null
      ? 'the trace has neither a take nor a release of it'
      : atNs === null
        ? 'the clocks are not joined, so its state at the time of the report is not known'
        : last.time > BigInt(atNs)
          ? 'its last change comes after the report'
          : 'its last take and release come before the report, so this was its state then';
  return `${state}; ${when}; ${waiters} waiting at the end`;
}

/** Causes of the trace in the words of the log's hypotheses. */
const SAME_CAUSE: Readonly<Record<string, string>> = {
  'lost-unlock': 'lost-unlock',
  'missing-unlock': 'missing-unlock',
  deadlock: 'deadlock',
  'slow-holder': 'holder-elsewhere',
  'held-at-end': 'holder-elsewhere',
};

function isCovered({ startNs, endNs }: Report['trace'], atNs: string): boolean {
  const at = BigInt(atNs);
  return startNs !== null && endNs !== null && BigInt(startNs) <= at && at <= BigInt(endNs);
}

/** A match by CPU and task alone may be one of two boots where nothing but the clocks' names joins log and trace. */
function doubtOf(
  { firstNs }: Incident,
  findings: readonly Finding[],
  { marks }: ClockJoin,
  atNs: string | null,
  { trace }: Report,
): string {
  if (findings.length === 0 || marks > 0 || firstNs === null) return '';
  if (atNs === null) return ' But their clocks are not joined: they may be of two boots.';
  if (isCovered(trace, atNs)) return '';
  return ' But the report lies outside the time of the trace, and no line joins their clocks: they may be of two boots.';
}

function verdictOf(
  incident: Incident,
  findings: readonly Finding[],
  lock: LockJoin | null,
  atNs: string | null,
  { trace }: Report,
): string {
  const first = findings[0];
  if (!first) {
    if (atNs === null)
      return 'Nothing in the trace matches, and whether it covers the time of the report is not known.';
    return isCovered(trace, atNs)
      ? 'The trace covers the time of the report but shows nothing that matches: what happened is not in its events.'
      : 'The trace does not cover the time of the report.';
  }
  const guess = incident.hypotheses[0]?.cause ?? null;
  const cause = SAME_CAUSE[first.cause] ?? null;
  const found = `${first.id} (${first.kind}: ${first.cause}, ${first.confidence})`;
  const lockText =
    lock?.inTrace === 'not seen' && first.lock === null
      ? ` The log names the lock that the trace cannot: ${lock.bit === null ? '' : `bit ${lock.bit} of `}${lock.address}.`
      : '';
  if (guess === null || cause === null) return `The trace shows the same event as ${found}.${lockText}`;
  if (guess === cause)
    return `Both sides agree on ${guess}: the trace ${first.confidence === 'certain' ? 'proves' : 'shows'} it as ${found}.${lockText}`;
  const listed = incident.hypotheses.find((hypothesis) => hypothesis.cause === cause);
  return (
    `They disagree on the cause: by the log alone ${guess} came first${listed ? ` and ${cause} was among the others` : ''}; the trace has the history and shows ${found}.` +
    lockText
  );
}

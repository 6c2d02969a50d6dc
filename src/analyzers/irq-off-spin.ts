import { duration, elapsed, seconds } from '../base/units.ts';
import type { Case } from '../model/case.ts';
import type { Cause, Confidence, IrqsOff, Severity, Watchdog } from '../model/report.ts';
import type { Mark, RingRecord } from '../model/state.ts';
import {
  actor,
  commOf,
  draft,
  evidence,
  kernelReports,
  lockName,
  signatureOf,
  subject,
  task,
  type Draft,
} from './draft.ts';
import { isSpin } from './spins.ts';
import { lostTails, taints } from './taint.ts';
import { cpuOf, holdsAreRecorded, offSince, openWaits, waiterOf, type OpenWait } from './waits.ts';
import { watchdogVerdict } from './watchdog.ts';

/** CPUs that spun on a lock with interrupts off for `thresholds.spinNs` or longer: waits that ended, and waits that did not. */
export function irqOffSpins(about: Case): Draft[] {
  if (!about.timeIsNs) return [];
  const open = openWaits(about).filter((wait) => wait.irqsOff && wait.durationNs >= about.thresholds.spinNs);
  const closed = about.found.waits.filter((record) => isSpin(about, record));
  return [
    ...open.map((wait) => openSpin(about, wait)),
    ...oncePerSpin(closed).map((r) => closedSpin(about, r)),
  ];
}

/** The same wait can be seen in two namespaces (a lockdep map and the lock's word): the one with the known holder counts. */
function oncePerSpin(records: readonly RingRecord[]): RingRecord[] {
  const kept: RingRecord[] = [];
  for (const record of records.toSorted(
    (a, b) => Number(b.marks[3] !== null) - Number(a.marks[3] !== null),
  )) {
    const overlaps = kept.some(
      (other) =>
        other.cpu === record.cpu &&
        other.pid === record.pid &&
        other.marks[0]!.time <= record.marks[2]!.time &&
        record.marks[0]!.time <= other.marks[2]!.time,
    );
    if (!overlaps) kept.push(record);
  }
  return kept;
}

function severityOf(watchdog: Watchdog): Severity {
  return watchdog.hard === 'must' ? 'critical' : watchdog.hard === 'may' ? 'high' : 'medium';
}

function openSpin(about: Case, wait: OpenWait): Draft {
  const { lock, since } = wait;
  const off = offSince(wait.irqsOff) ?? since.time;
  const end = wait.until;
  const watchdog = watchdogVerdict(off, elapsed(off, end), true, about.thresholds.watchdogNs);
  const holder = lock.owner !== null && holdsAreRecorded(about, lock) ? lock.acquire : null;
  const name = lockName(about, lock, since);
  const lostTail = about.lostTails.has(wait.hold.cpu);
  const cause: Cause = holder ? 'held-at-end' : 'unknown-holder';
  const reports = kernelReports(about, wait.hold.cpu, wait.context.pid, since.time);
  // A recording can end early on one CPU (design rule 10): only a long spin outlasts that reading.
  const isLong = wait.durationNs >= about.thresholds.watchdogNs || reports.length > 0;
  let confidence: Confidence = isLong && wait.irqsOff?.source === 'preemptirq' ? 'certain' : 'likely';
  // Somebody else's lost events can hold the release, and with it another holder.
  const others = lostTails(about, holder ? end : since.time);
  if (others.length > 0) confidence = 'likely';
  if (lostTail) confidence = 'possible';
  return draft({
    signature: signatureOf(about, 'irq-off-spin', cause, name, since),
    kind: 'irq-off-spin',
    cause,
    confidence,
    severity: severityOf(watchdog),
    headline:
      `CPU ${wait.hold.cpu} (${task(about, since)}) spins with interrupts off since ${seconds(off)}, to the end of ${lostTail ? 'its record' : 'the capture'} ` +
      `${duration(elapsed(off, end))} later` +
      (holder
        ? `; ${task(about, holder)} took the lock at ${seconds(holder.time)} and no release ${others.length > 0 ? 'of it is in the capture' : 'followed'}.`
        : lock.isRead
          ? '; no exclusive holder is recorded, and readers may hold it.'
          : '; nobody is recorded as holding the lock.'),
    subject: subject(about, wait.hold.cpu, wait.context.pid, wait.context.level),
    lock: name,
    startNs: String(off),
    durationNs: elapsed(off, end),
    openEnded: true,
    holder: holder && actor(about, holder),
    lastAcquire: lock.acquire && actor(about, lock.acquire),
    lastRelease: lock.release && actor(about, lock.release),
    waiters: [waiterOf(about, wait)],
    irqsOff: wait.irqsOff,
    watchdog,
    kernelReports: reports,
    evidence: evidence(about, [
      [holder, 'taken by the holder'],
      [wait.irqsOff?.source === 'preemptirq' ? cpuOf(about, wait.hold.cpu)?.irqsOff : null, 'interrupts off'],
      [since, 'begins to spin'],
      [wait.hold.contend, 'found taken'],
      [wait.also, 'the same wait, by the address of the lock itself'],
    ]),
    taintedBy: lostTail
      ? [...others, `the last events of CPU ${wait.hold.cpu} are lost: the spin may have ended`]
      : others,
  });
}

function closedSpin(about: Case, record: RingRecord): Draft {
  const [attempt, contend, acquire, holder, release, offMark] = record.marks as readonly [
    Mark,
    Mark | null,
    Mark,
    Mark | null,
    Mark | null,
    Mark | null,
  ];
  const exact = offMark !== null && offMark.time <= attempt.time;
  const off = exact ? offMark : attempt;
  const span = exact
    ? about.found.irqOff.find(
        (candidate) => candidate.cpu === record.cpu && candidate.marks[0]?.time === offMark.time,
      )
    : undefined;
  const on = span?.marks[1] ?? null;
  const until = on?.time ?? acquire.time;
  const irqsOff: IrqsOff = exact
    ? { source: 'preemptirq', notBeforeNs: String(off.time), notAfterNs: String(off.time) }
    : { source: 'flags', notBeforeNs: null, notAfterNs: String(attempt.time) };
  const watchdog = watchdogVerdict(
    off.time,
    elapsed(off.time, until),
    true,
    about.thresholds.watchdogNs,
    until,
  );
  const name = lockName(about, record, acquire);
  const cause: Cause = holder ? 'slow-holder' : 'unknown-holder';
  const spun = elapsed(attempt.time, acquire.time);
  const letGo = release && holder && release.time > attempt.time ? release : null;
  // Unless its release was seen, the holder may have let go among the lost events, and another one have followed.
  const seen = holder ? (letGo ? [] : lostTails(about, acquire.time)) : null;
  const tainted = seen ?? taints(about, attempt.time, acquire.time, 'the spin began');
  return draft({
    signature: signatureOf(about, 'irq-off-spin', cause, name, acquire),
    kind: 'irq-off-spin',
    cause,
    confidence: exact && !seen?.length ? 'certain' : 'likely',
    severity: severityOf(watchdog),
    headline:
      `CPU ${record.cpu} (${task(about, acquire)}) spun for ${duration(spun)} with interrupts off` +
      (holder
        ? ` on a lock that ${task(about, holder)} on CPU ${holder.cpu} held${letGo ? ` until ${seconds(letGo.time)}` : ''}, and then got it.`
        : ' on a lock whose holder was not recorded, and then got it.'),
    subject: subject(about, record.cpu, record.pid, record.level),
    lock: name,
    startNs: String(off.time),
    durationNs: elapsed(off.time, until),
    openEnded: false,
    holder: holder && actor(about, holder),
    lastAcquire: holder && actor(about, holder),
    lastRelease: release && actor(about, release),
    waiters: [
      {
        cpu: record.cpu,
        pid: record.pid,
        comm: commOf(about, acquire),
        sinceNs: String(attempt.time),
        durationNs: spun,
        irqsOff: true,
      },
    ],
    irqsOff,
    watchdog,
    alternatives: holder
      ? []
      : [
          {
            cause: 'lost-unlock',
            confidence: 'possible',
            why: 'no take by anybody explains the wait: an unrecorded holder, or a bit that was set and cleared outside the lock operations',
          },
        ],
    kernelReports: kernelReports(about, record.cpu, record.pid, off.time, until),
    evidence: evidence(about, [
      [holder, 'taken by the holder'],
      [exact ? off : null, 'interrupts off'],
      [attempt, 'begins to spin'],
      [contend, 'found taken'],
      [letGo, 'the holder lets go'],
      [acquire, 'the spin ends'],
      [on, 'interrupts on'],
    ]),
    taintedBy: tainted,
  });
}

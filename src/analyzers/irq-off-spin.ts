import { duration, elapsed, seconds } from '../base/units.ts';
import type { Case } from '../model/case.ts';
import type { Alternative, Cause, Confidence, IrqsOff, Severity, Watchdog } from '../model/report.ts';
import type { Mark, RingRecord } from '../model/state.ts';
import { orderTaints, outlastsDisorder } from './clock-order.ts';
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
  weaker,
  type Draft,
} from './draft.ts';
import { isSpin, sawTaken } from './spins.ts';
import { pauseDoubt } from './pauses.ts';
import { distinct, losses, lossesWhereHolderRan, lostTails, taints } from './taint.ts';
import {
  cpuOf,
  doubtOf,
  holdsAreRecorded,
  isRecorded,
  offSince,
  openWaits,
  readersOf,
  waiterOf,
  type OpenWait,
} from './waits.ts';
import { isBefore } from './times.ts';
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

const LETS_GO: Alternative = {
  cause: 'slow-holder',
  confidence: 'possible',
  why: 'the holder may let go after the capture ended',
};
const ENDED: Alternative = {
  cause: 'recording ended',
  confidence: 'possible',
  why: 'the recording of this CPU alone may have ended early, and the spin with it',
};

function openSpin(about: Case, wait: OpenWait): Draft {
  const { lock, since } = wait;
  const off = offSince(wait.irqsOff) ?? since.time;
  const end = wait.until;
  const watchdog = watchdogVerdict(off, elapsed(off, end), true, about.thresholds.watchdogNs);
  const taker = lock.owner !== null && holdsAreRecorded(about, lock) ? lock.acquire : null;
  const name = lockName(about, lock, since);
  const lostTail = about.lostTails.has(wait.hold.cpu);
  const reports = kernelReports(about, wait.hold.cpu, wait.context.pid, since.time);
  // A recording can end early on one CPU (design rule 10): only a long spin outlasts that reading.
  const isLong = wait.durationNs >= about.thresholds.watchdogNs || reports.length > 0;
  const isExact = wait.irqsOff?.source === 'preemptirq';
  let confidence: Confidence = isLong && isExact && isRecorded(about, wait) ? 'certain' : 'likely';
  // Events that somebody else lost, or a CPU that the taker ran on, can hold the release, and with it another holder. Far from
  // its own CPU that is before the spin: later, the spinner would have got the lock.
  const others = distinct(
    lostTails(about, taker ? end : since.time),
    taker ? losses(about, taker.time, end, taker.cpu) : [],
    taker ? lossesWhereHolderRan(about, lock, since.time) : [],
  );
  if (others.length > 0) confidence = 'likely';
  const holder = others.length > 0 ? null : taker;
  const cause: Cause = holder ? 'held-at-end' : 'unknown-holder';
  const doubt = doubtOf(about, wait, about.thresholds.spinNs);
  if (doubt) confidence = weaker(confidence, doubt.atMost);
  if (wait.mayHaveEnded.length > 0) confidence = 'possible';
  const readers = taker ? [] : readersOf(about, lock);
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
        ? `; ${task(about, holder)} took the lock at ${seconds(holder.time)} and no release followed.`
        : taker
          ? `; ${task(about, taker)} took the lock at ${seconds(taker.time)}, and its release may be among the events that were lost.`
          : readers[0]
            ? `; ${task(about, readers[0])} took the lock shared at ${seconds(readers[0].time)}, and no release of it is in the capture.`
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
    alternatives: [
      ...(doubt ? [doubt.alternative] : []),
      ...(confidence === 'certain' ? [] : [holder ? LETS_GO : ENDED]),
    ],
    kernelReports: reports,
    evidence: evidence(about, [
      [taker, holder ? 'taken by the holder' : 'the last recorded take'],
      [readers[0], 'taken shared'],
      [wait.irqsOff?.source === 'preemptirq' ? cpuOf(about, wait.hold.cpu)?.irqsOff : null, 'interrupts off'],
      [since, 'begins to spin'],
      [wait.hold.contend, 'found taken'],
      [wait.also, 'the same wait, by the address of the lock itself'],
      ...(doubt ? [doubt.evidence] : []),
    ]),
    taintedBy: distinct(others, wait.mayHaveEnded),
  });
}

const SHARED: Alternative = {
  cause: 'slow-holder',
  confidence: 'likely',
  why: 'the lock is taken for reading, too, by several at once: any of its readers, of whom only the last one to let go is named, may have held it for long',
};

const UNRECORDED: Alternative = {
  cause: 'lost-unlock',
  confidence: 'possible',
  why: 'no take by anybody explains the wait: an unrecorded holder, or a bit that was set and cleared outside the lock operations',
};

function closedSpin(about: Case, record: RingRecord): Draft {
  const [attempt, contend, acquire, taker, release, offMark] = record.marks as readonly [
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
  const spun = elapsed(attempt.time, acquire.time);
  const letGo = release && isBefore(attempt, release) ? release : null;
  const isHolders = letGo !== null && letGo.pid === taker?.pid;
  const reader = letGo && !taker && wasShared(record) ? letGo : null;
  const unsure = taker ? holderLosses(about, taker, isHolders ? letGo : null, acquire) : [];
  const order = taker ? orderTaints(about, [[taker, attempt]]) : [];
  // Whether it took the lock just before the spin began or just after: it was waited for nearly all the while.
  const isLong = taker !== null && outlastsDisorder(heldDuring(record, taker, isHolders ? letGo : null));
  const holder = unsure.length > 0 || (order.length > 0 && !isLong) ? null : taker;
  const cause: Cause = holder ? 'slow-holder' : 'unknown-holder';
  const tainted = taker
    ? distinct(unsure, order)
    : taints(about, attempt.time, acquire.time, 'the spin began');
  // A first try takes as long where the CPU itself did not run.
  const confidence = !sawTaken(record)
    ? 'possible'
    : exact && unsure.length + order.length === 0
      ? 'certain'
      : 'likely';
  const reports = kernelReports(about, record.cpu, record.pid, off.time, until);
  const involved = holder ? [record.cpu, holder.cpu] : [record.cpu];
  const doubt =
    reports.length > 0
      ? null
      : pauseDoubt(about, involved, [attempt.time, acquire.time], about.thresholds.spinNs);
  return draft({
    signature: signatureOf(about, 'irq-off-spin', cause, name, acquire),
    kind: 'irq-off-spin',
    cause,
    confidence: weaker(confidence, doubt?.atMost ?? 'certain'),
    severity: severityOf(watchdog),
    headline:
      `CPU ${record.cpu} (${task(about, acquire)}) spun for ${duration(spun)} with interrupts off` +
      (holder
        ? ` on a lock that ${task(about, holder)} on CPU ${holder.cpu} held${heldUntil(about, record, isHolders, letGo)}, and then got it.`
        : taker
          ? `, and then got the lock; ${task(about, taker)} on CPU ${taker.cpu} took it at ${seconds(taker.time)}, and may or may not have held it all the while.`
          : reader
            ? ` on a lock that was held for reading, last by ${task(about, reader)} on CPU ${reader.cpu} until ${seconds(reader.time)}, and then got it.`
            : letGo
              ? ` on a lock that ${task(about, letGo)} on CPU ${letGo.cpu} let go at ${seconds(letGo.time)}, and then got it; who held it when the spin began was not recorded.`
              : ' on a lock whose holder was not recorded, and then got it.'),
    subject: subject(about, record.cpu, record.pid, record.level),
    lock: name,
    startNs: String(off.time),
    durationNs: elapsed(off.time, until),
    openEnded: false,
    holder: holder && actor(about, holder),
    lastAcquire: taker && actor(about, taker),
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
    alternatives: [...(doubt ? [doubt.alternative] : []), ...(taker ? [] : [reader ? SHARED : UNRECORDED])],
    kernelReports: reports,
    evidence: evidence(about, [
      [taker, holder ? 'taken by the holder' : 'the last recorded take before the spin'],
      [exact ? off : null, 'interrupts off'],
      [attempt, 'begins to spin'],
      [contend, 'found taken'],
      [
        letGo,
        holder && isHolders
          ? 'the holder lets go'
          : reader
            ? 'the last reader lets go'
            : 'the last release before the spin ends',
      ],
      [acquire, 'the spin ends'],
      [on, 'interrupts on'],
      ...(doubt ? [doubt.evidence] : []),
    ]),
    taintedBy: tainted,
  });
}

/**
 * Was it readers, who are nobody's holders, that the spin ended with? The lock is taken for reading, too, and nobody was seen to take it
 * alone meanwhile.
 */
function wasShared({ marks, extra }: RingRecord): boolean {
  const [attempt, , , , , , alone] = marks;
  return extra !== 0n && !(attempt && alone && isBefore(attempt, alone));
}

/** " until 18.686"; who held the lock when the spin began need not be who was waited for at its end. */
function heldUntil(about: Case, { count }: RingRecord, isHolders: boolean, letGo: Mark | null): string {
  if (!letGo) return '';
  if (isHolders) return ` until ${seconds(letGo.time)}`;
  const times = count === 1 ? 'once' : `${count} times`;
  return ` when it began; it was released ${times} meanwhile, last by ${task(about, letGo)} at ${seconds(letGo.time)}`;
}

/**
 * What makes it unsure that this task kept the lock from its take on: with its own release seen, events that its CPU lost in
 * between (of any CPU, where it was released elsewhere); otherwise those that anybody lost up to the end of the spin.
 */
function holderLosses(about: Case, holder: Mark, letGo: Mark | null, acquire: Mark): string[] {
  if (!letGo) return distinct(losses(about, holder.time, acquire.time), lostTails(about, acquire.time));
  const cpu = letGo.cpu === holder.cpu ? holder.cpu : undefined;
  return losses(about, holder.time, letGo.time, cpu);
}

/** For how long of the spin the lock was this holder's, by the recorded times; 0 where it may have changed hands. */
function heldDuring({ marks, count }: RingRecord, holder: Mark, letGo: Mark | null): number {
  if (count > (letGo ? 1 : 0)) return 0;
  const [attempt, , acquire] = marks as readonly [Mark, Mark | null, Mark];
  const from = holder.time > attempt.time ? holder.time : attempt.time;
  return elapsed(from, (letGo ?? acquire).time);
}

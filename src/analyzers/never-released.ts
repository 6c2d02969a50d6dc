import { groupBy } from '../base/group.ts';
import { duration, elapsed } from '../base/units.ts';
import { WHOLE_LOCK } from '../model/engine-numbers.ts';
import { FLAGS, KINDS } from '../model/event.ts';
import type { Case } from '../model/case.ts';
import type { Alternative, KernelReport, Severity } from '../model/report.ts';
import { shows } from '../model/shows.ts';
import type { ContextState, LockState, Mark } from '../model/state.ts';
import { deadlock, findCycle, type CycleStep } from './deadlock.ts';
import {
  actor,
  draft,
  evidence,
  kernelReports,
  lockName,
  reportsOfTask,
  signatureOf,
  subject,
  type Draft,
} from './draft.ts';
import { stuckInside } from './passes.ts';
import {
  heldAtEnd,
  heldShared,
  lostUnlock,
  missingUnlock,
  unknownSetter,
  type Leave,
  type Verdict,
} from './stuck-causes.ts';
import { distinct } from './taint.ts';
import { byTime } from './times.ts';
import { isCulprit } from './updates.ts';
import {
  cpuOf,
  doubtOf,
  holdsAreRecorded,
  isKnownByPasses,
  offSince,
  type OpenWait,
  openWaits,
  readersOf,
  waiterOf,
} from './waits.ts';
import { watchdogVerdict } from './watchdog.ts';

/**
 * Locks that were taken and stayed taken: those that somebody still waits for when the capture ends, and those whose holder
 * exited. How long somebody waited matters where that is the evidence: spinning from `thresholds.spinNs` on, a sleeping wait
 * from the watchdog's threshold on. A cycle of waits, an unlock whose undoing the word's values show, and a holder that is gone
 * are proven by the events themselves: of shorter waits, or where no unit of time is known, these alone are told.
 */
export function neverReleased(about: Case): Draft[] {
  const byLock = groupBy(openWaits(about), (wait) => wait.lock.id);
  const cycles = new Set<string>();
  const stuck = [...byLock.values()].flatMap(
    (waits) => judgeWaited(about, waits[0]!.lock, waits, cycles) ?? [],
  );
  const left = [...about.state.locks.values()]
    .filter((lock) => !byLock.has(lock.id))
    .flatMap((lock) => judgeAbandoned(about, lock) ?? []);
  return [...stuck, ...left];
}

function isLong(about: Case, wait: OpenWait): boolean {
  return about.timeIsNs && wait.durationNs >= longEnough(about, wait);
}

function longEnough({ thresholds }: Case, wait: OpenWait): number {
  return wait.spins ? thresholds.spinNs : thresholds.watchdogNs;
}

/** `cycles`: the cycles of waits that were reported; one that goes through several locks is one finding. */
function judgeWaited(
  about: Case,
  lock: LockState,
  all: readonly OpenWait[],
  cycles: Set<string>,
): Draft | null {
  if (!holdsAreRecorded(about, lock)) return null;
  const long = all.filter((wait) => isLong(about, wait));
  const waits = (long.length > 0 ? long : all).toSorted((a, b) => byTime(a.since, b.since));
  const first = waits[0]!;
  if (isKnownByPasses(about, lock)) {
    const verdict = long.length > 0 ? stuckInside(about, lock, waits) : null;
    return verdict && finish(about, lock, waits, verdict);
  }
  const owner = ownerOf(about, lock);
  const cycle = findCycle(about, first, openWaits(about));
  if (cycle && (long.length > 0 || isProvenCycle(cycle))) {
    const key = cycle
      .map(({ wait }) => wait.lock.id)
      .toSorted((a, b) => a - b)
      .join();
    if (cycles.has(key)) return null;
    cycles.add(key);
    return finish(about, lock, waits, deadlock(about, lock, first, cycle));
  }
  const left = orphanedAt(lock) ?? (owner ? leftAt(about, lock, owner, first) : null);
  if (long.length === 0) {
    const verdict = proven(about, lock, left, first);
    return verdict && finish(about, lock, waits, verdict);
  }
  if (left && lock.acquire) return finish(about, lock, waits, missingUnlock(about, lock, left, first));
  if (owner && lock.acquire) return finish(about, lock, waits, heldAtEnd(about, lock, first));
  const readers = lock.bit === WHOLE_LOCK ? readersOf(about, lock) : [];
  if (readers.length > 0) return finish(about, lock, waits, heldShared(about, readers, first));
  // Whether the lock is free by replay can only be told where its takes and releases are recorded.
  if (lock.bit === WHOLE_LOCK) return null;
  if (lock.suspect && isCulprit(about, lock.suspect)) {
    return finish(about, lock, waits, lostUnlock(about, lock, lock.suspect, first));
  }
  return finish(about, lock, waits, unknownSetter(about, lock, first));
}

/** A cycle in which everybody waits by their own events, or whose waiter found the lock of the context below it taken. */
function isProvenCycle(cycle: readonly CycleStep[]): boolean {
  return cycle.length > 1 || cycle.every(({ wait }) => wait.hold.contend !== null || wait.also !== null);
}

// A take can be reported so much later than it happened: as long as the emulated machines of our captures left a virtual CPU
// stand still. Until then, whoever took the bit that a store seems to have put back may not have been heard of yet.
const SETTLED_NS = 100e6;

/** What the events prove about a lock that nobody has waited for long, or nobody knows how long. */
function proven(about: Case, lock: LockState, left: Leave | null, first: OpenWait): Verdict | null {
  if (left && lock.acquire) {
    return isExit(left) && !left.doubt ? missingUnlock(about, lock, left, first) : null;
  }
  if (lock.owner !== null || lock.bit === WHOLE_LOCK) return null;
  if (!lock.suspect || !isCulprit(about, lock.suspect)) return null;
  const verdict = lostUnlock(about, lock, lock.suspect, first);
  if (verdict.confidence !== 'certain') return null;
  const isSettled = about.timeIsNs
    ? first.durationNs >= Math.min(SETTLED_NS, about.thresholds.spinNs)
    : kernelReports(about, first.hold.cpu, first.context.pid, first.since.time).length > 0;
  return isSettled ? verdict : { ...verdict, confidence: 'likely' };
}

function isExit({ mark }: Leave): boolean {
  return KINDS[mark.kind] === 'task exit';
}

/** Where the owner left; an exit from before the take was another task's, whose pid was used again. */
function orphanedAt({ acquire, left, isOrphaned }: LockState): Leave | null {
  return isOrphaned && left && acquire && left.time >= acquire.time ? { mark: left } : null;
}

function ownerOf(about: Case, lock: LockState): ContextState | null {
  return about.state.contexts.find((context) => context.id === lock.owner) ?? null;
}

/** Where the owner left the context that the lock belongs to; null while it may still be inside its critical section. */
function leftAt(about: Case, lock: LockState, owner: ContextState, wait: OpenWait | null): Leave | null {
  const taken = lock.acquire?.time ?? 0n;
  if (owner.isExiting && owner.exit && owner.exit.time >= taken) return exitOf(about, owner, owner.exit);
  const mark = switchedOutAt(about, lock, owner, wait);
  return mark && { mark };
}

function switchedOutAt(
  about: Case,
  lock: LockState,
  owner: ContextState,
  wait: OpenWait | null,
): Mark | null {
  // Whoever holds a sleeping lock may be switched out with it, any number of times.
  if (lock.isSleeping) return null;
  const { left } = lock;
  // lockdep does not say which lock spins (rule 7). One that somebody waits for with interrupts off does. The run queue's own
  // lock is held across the switch event, and released by the first events after it.
  if (lock.bit === WHOLE_LOCK)
    return left && wait?.spins && wait.irqsOff && wentOn(about, owner, left.time) ? left : null;
  // A bit lock belongs to a context: whoever is switched out, or returns from its interrupt, has left it.
  if (left) return left;
  const taken = lock.acquire?.time ?? 0n;
  const last = cpuOf(about, owner.cpu)?.last;
  const tookAtomically = ((lock.acquire?.flags ?? 0) & FLAGS['preempt-off']) !== 0;
  if (!last || !tookAtomically || owner.level > 0) return null;
  const isSame = last.pid === owner.pid && last.time > taken;
  const isPreemptible = (last.flags & (FLAGS['preempt-off'] | FLAGS.softirq | FLAGS.hardirq)) === 0;
  return isSame && isPreemptible ? last : null;
}

/**
 * sched_process_exit fires early (design rule 7): the task is gone when it was switched out, or its CPU went on to other tasks.
 * Where nothing is seen of its CPU afterwards it is, after so long, most likely gone too.
 */
function exitOf(about: Case, owner: ContextState, exit: Mark): Leave | null {
  const isOut = owner.out !== null && owner.out.time >= exit.time;
  if (isOut ? owner.inTime <= owner.out.time : ranOthersAfter(about, owner, exit.time)) return { mark: exit };
  const last = cpuOf(about, owner.cpu)?.last;
  const isLast = !isOut && last != null && last.time <= exit.time;
  const isLongAgo = about.timeIsNs && elapsed(exit.time, about.state.lastTime) >= about.thresholds.spinNs;
  if (!isLast || !isLongAgo) return null;
  // Where switches are recorded, the one that ends the task is missing as well.
  const atMost = shows(about.state, 'switch') ? 'possible' : 'likely';
  const why = `its exit is the last event of CPU ${owner.cpu}: nothing shows that it was over, and the lock not released on the way out`;
  return { mark: exit, doubt: { atMost, why } };
}

/** It came back after it was switched out, or its CPU went on with other tasks. */
function wentOn(about: Case, owner: ContextState, out: bigint): boolean {
  return owner.inTime > out || ranOthersAfter(about, owner, out);
}

function ranOthersAfter(about: Case, { cpu, pid }: ContextState, time: bigint): boolean {
  const last = cpuOf(about, cpu)?.last;
  return last != null && last.time > time && last.pid !== pid;
}

/** A lock without waiters whose holder is gone: latent, and only told where the events leave no other reading. */
function judgeAbandoned(about: Case, lock: LockState): Draft | null {
  if (!lock.acquire || lock.isRead || !holdsAreRecorded(about, lock)) return null;
  const owner = ownerOf(about, lock);
  const left = orphanedAt(lock) ?? (owner?.isExiting ? leftAt(about, lock, owner, null) : null);
  if (!left || left.doubt || !isExit(left)) return null;
  const verdict = missingUnlock(about, lock, left, null);
  // Where attempts count as takes, a wait that the task gave up and annotations look like holds.
  return finish(about, lock, [], about.attemptsHold ? { ...verdict, confidence: 'possible' } : verdict);
}

function finish(about: Case, lock: LockState, waits: readonly OpenWait[], verdict: Verdict): Draft {
  const victim = waits.toSorted((a, b) => byTime(a.since, b.since))[0];
  const end = victim?.until ?? about.state.lastTime;
  const known = lockName(about, lock, lock.acquire ?? victim?.since);
  const name = isKnownByPasses(about, lock) ? { ...known, knownBy: 'functions' as const } : known;
  const unsure = victim ? victim.mayHaveEnded : [];
  // Causes that the events prove are the same whether the machine stopped meanwhile or not.
  const byLength = verdict.cause === 'held-at-end' || verdict.cause === 'unknown-setter';
  const doubt = victim && byLength ? doubtOf(about, victim, longEnough(about, victim)) : null;
  const off = victim ? offSince(victim.irqsOff) : null;
  const isShort = victim !== undefined && about.timeIsNs && !isLong(about, victim);
  const severity: Severity = victim?.irqsOff && !isShort ? 'critical' : victim ? 'high' : 'medium';
  const stuckSince = off ?? victim?.since.time;
  return draft({
    signature:
      verdict.signature ??
      signatureOf(about, 'never-released', verdict.cause, name, lock.acquire ?? victim?.since),
    kind: 'never-released',
    cause: verdict.cause,
    confidence: unsure.length || doubt?.atMost === 'possible' ? 'possible' : verdict.confidence,
    severity,
    headline: verdict.headline,
    subject: victim ? subject(about, victim.hold.cpu, victim.context.pid, victim.context.level) : null,
    lock: name,
    startNs: String(verdict.start.time),
    durationNs: elapsed(verdict.start.time, end),
    openEnded: true,
    holder: verdict.holder && actor(about, verdict.holder),
    lastAcquire: lock.acquire && actor(about, lock.acquire),
    lastRelease: lock.release && actor(about, lock.release),
    culprit: verdict.culprit,
    waiters: waits.map((wait) => waiterOf(about, wait)),
    irqsOff: victim?.irqsOff ?? null,
    watchdog:
      victim?.spins && stuckSince !== undefined && about.timeIsNs
        ? watchdogVerdict(
            stuckSince,
            elapsed(stuckSince, end),
            waiterOf(about, victim).irqsOff,
            about.thresholds.watchdogNs,
          )
        : null,
    alternatives: [
      ...verdict.alternatives,
      ...(doubt ? [doubt.alternative] : []),
      ...(isShort ? [shortWait(victim)] : []),
    ],
    kernelReports: reportsOn(
      about,
      victim,
      verdict.holder ?? (name.knownBy === 'functions' ? lock.acquire : null),
    ),
    evidence: evidence(about, [
      ...verdict.evidence,
      [
        victim?.irqsOff?.source === 'preemptirq' ? cpuOf(about, victim.hold.cpu)?.irqsOff : null,
        'the waiter turns interrupts off',
      ],
      [
        victim && !verdict.evidence.some(([mark]) => mark === victim.since) ? victim.since : null,
        'the take that never ends',
      ],
      [victim?.also, 'the same wait, by the address of the lock itself'],
      ...(doubt ? [doubt.evidence] : []),
    ]),
    taintedBy: distinct(verdict.taintedBy, unsure),
  });
}

/** What the kernel said of the victim, and then of whoever had the lock last: one that is kept is often noticed there first. */
function reportsOn(about: Case, victim: OpenWait | undefined, holder: Mark | null): KernelReport[] {
  const of = victim ? kernelReports(about, victim.hold.cpu, victim.context.pid, victim.since.time) : [];
  const more = holder ? reportsOfTask(about, holder.pid, holder.time) : [];
  return [
    ...of,
    ...more.filter(({ ns, text }) => !of.some((known) => known.ns === ns && known.text === text)),
  ];
}

function shortWait({ durationNs }: OpenWait): Alternative {
  return {
    cause: 'recording ended',
    confidence: 'possible',
    why: `the capture ends ${duration(durationNs)} into the wait: the events prove the cause, not that anybody suffered for long`,
  };
}

// Lock state: who holds what, who waits for what, and since when.
//
//   lockdep, bit locks:   attempt .. [contend] .. acquire .... release
//   contention points:    contend ............... wait end             (creates no owner: its release is never seen)
//
// Event order is only nearly the order of what happened (design rule 14), so an exclusive lock belongs to whoever took
// it last; the release of an earlier owner that comes late ends that owner's entry and nothing else.

import * as L from '../../../assembly/layout.ts';
import type { CanonicalEvent } from '../../model/event.ts';
import type { Mark } from '../../model/state.ts';
import {
  contextOf,
  findHold,
  findTask,
  findTop,
  findWait,
  isHeld,
  pushEntry,
  removeEntry,
} from './contexts.ts';
import { levelOf, noteBreak } from './cpu-life.ts';
import { lockOf } from './lock-table.ts';
import { bareMark, since, timeOf } from './marks.ts';
import { addSpan, seriesOfLock } from './series.ts';
import { pushWriter } from './word-table.ts';
import { checkValue, noteSeenSet, settleSuspect } from './words.ts';
import type { Context, Cpu, Entry, Lock, World } from './world.ts';

export function attempt(world: World, cpu: Cpu, event: CanonicalEvent): void {
  world.count(L.COUNTER_ATTEMPTS);
  // A try that is reported is a try that succeeded: no lock_acquired follows it.
  if (event.flags & L.FLAG_TRY) {
    take(world, cpu, event);
    return;
  }
  const context = contextOf(world, cpu, levelOf(event.flags));
  const lock = lockOf(world, event);
  // The word at a function's entry: a set bit is somebody's who is inside such a function, or nobody's.
  if (event.value !== 0n && lock.waiters === 0) noteSeenSet(world, lock, event, 0n);
  beginWait(world, context, lock, event);
}

/** A waiting entry on top of the context's stack, with the lock's holder at this moment. */
function beginWait(world: World, context: Context, lock: Lock, event: CanonicalEvent): Entry {
  const entry = pushEntry(world, context, lock);
  lock.waiters++;
  entry.state = L.ENTRY_IS_ATTEMPT;
  entry.cpu = event.cpu;
  entry.flags = event.flags;
  entry.type = event.type;
  entry.attempt = world.moment(event);
  entry.releases = lock.releases;
  entry.series = seriesOfLock(world, event);
  rememberHolder(entry, lock);
  return entry;
}

function rememberHolder(entry: Entry, lock: Lock): void {
  if (lock.owner) entry.holder = lock.acquire;
}

export function contend(world: World, cpu: Cpu, event: CanonicalEvent): void {
  world.count(L.COUNTER_CONTENTIONS);
  const context = contextOf(world, cpu, levelOf(event.flags));
  const lock = lockOf(world, event);
  lock.contentions++;
  let entry = findWait(context, lock);
  // Kernels before mid-2021 report the take before its contention.
  if (!entry && findHold(context, lock)) return;
  entry ??= beginWait(world, context, lock, event);
  // A mutex begins several times before it ends: the first one counts.
  if (entry.state === L.ENTRY_IS_WAITING) return;
  entry.state = L.ENTRY_IS_WAITING;
  if (entry.series) entry.series.contentions++;
  entry.contend = world.moment(event);
  entry.contendValue = event.value;
  if (timeOf(entry.holder) === 0n) rememberHolder(entry, lock);
  noteSeenSet(world, lock, event, entry.attempt.time);
}

/** contention_end: the wait is over, with or without the lock. */
export function waitEnd(world: World, cpu: Cpu, event: CanonicalEvent): void {
  const context = contextOf(world, cpu, levelOf(event.flags));
  const lock = lockOf(world, event);
  const entry = findWait(context, lock);
  if (!entry) return;
  endWait(world, cpu, event, lock, entry);
  removeEntry(context, entry);
}

/** Counts a wait that is over and reports a long spin. The entry still is as it was while waiting. */
function endWait(world: World, cpu: Cpu, event: CanonicalEvent, lock: Lock, entry: Entry): void {
  if (entry.contend.time !== 0n) {
    const wait = since(entry.contend.time, event.time);
    world.waitNs.add(wait);
    if (entry.series) addSpan(world, entry.series, 'wait', wait, event, lock.address);
  }
  if (since(entry.attempt.time, event.time) < world.spinNs) return;
  const spins = lock.namespace === L.NAMESPACE_WORD || (entry.flags & (L.FLAG_SPIN | L.FLAG_IRQS_OFF)) !== 0;
  if (!spins) return;
  world.report(L.RECORD_IS_WAIT, event, {
    ...identityOf(lock),
    level: levelOf(entry.flags),
    flags: entry.flags,
    count: lock.releases - entry.releases,
    extra: lock.isRead ? 1n : 0n,
    marks: [
      bareMark(entry.attempt, cpu.pid, entry.cpu, L.KIND_ATTEMPT),
      contentionOf(entry, cpu.pid),
      world.mark(event),
      holderOf(entry),
      lock.release,
      cpu.irqs === L.IRQS_ARE_OFF ? cpu.irqsOff : null,
      lock.acquire,
    ],
  });
}

function contentionOf({ contend: begin, contendValue, cpu }: Entry, pid: number): Mark | null {
  if (begin.time === 0n) return null;
  return { ...bareMark(begin, pid, cpu, L.KIND_CONTEND), value: contendValue };
}

/** The holder's take, of which an entry keeps the time, the place and who. */
export function holderOf({ holder }: Entry): Mark | null {
  if (!holder || holder.time === 0n) return null;
  return bareMark({ time: holder.time, place: holder }, holder.pid, holder.cpu, L.KIND_ACQUIRE);
}

function identityOf({ namespace, address, bit }: Lock): Pick<Lock, 'namespace' | 'address' | 'bit'> {
  return { namespace, address, bit };
}

/** The lock is taken: lock_acquired, bit_spin_acquired, or a successful try. */
export function take(world: World, cpu: Cpu, event: CanonicalEvent): void {
  world.count(L.COUNTER_ACQUISITIONS);
  const context = contextOf(world, cpu, levelOf(event.flags));
  const lock = lockOf(world, event);
  lock.acquisitions++;
  if (event.kind === L.KIND_ACQUIRE) {
    lock.isTakenVisibly = true;
    checkValue(world, cpu, lock, event, true);
  }

  const wait = findWait(context, lock);
  if (wait) {
    endWait(world, cpu, event, lock, wait);
    lock.waiters--;
  }
  const flags = wait ? wait.flags : event.flags;
  const reads = (flags & L.FLAG_READ) !== 0;
  if (!reads) endOldHold(world, context, lock);

  const entry =
    wait ??
    Object.assign(pushEntry(world, context, lock), {
      cpu: event.cpu,
      flags,
      series: seriesOfLock(world, event),
    });
  if (entry.series) entry.series.acquisitions++;
  entry.state = L.ENTRY_IS_HELD;
  entry.acquire = world.moment(event);
  if (reads) {
    lock.isRead = true;
    return;
  }
  if (flags & L.FLAG_MUTEX) lock.isSleeping = true;
  if (lock.suspect) settleSuspect(world, lock, lock.suspect, event);
  adopt(world, lock);
  lock.isSeenSet = false;
  lock.owner = context;
  lock.acquire = world.mark(event);
  if (lock.word) pushWriter(world, lock.word, event);
}

/**
 * The lock is taken although somebody is believed to hold it: the same context (its release was not seen, the old hold
 * ends as unknown), or another one (its release comes late, or was not seen: its entry stays for now).
 */
function endOldHold(world: World, context: Context, lock: Lock): void {
  if (!lock.owner) return;
  world.count(L.COUNTER_TAKEN_TWICE);
  if (lock.owner !== context) return;
  const old = findHold(context, lock);
  if (old) removeEntry(context, old);
}

export function release(world: World, cpu: Cpu, event: CanonicalEvent): void {
  world.count(L.COUNTER_RELEASES);
  const own = contextOf(world, cpu, levelOf(event.flags));
  const lock = lockOf(world, event);
  checkValue(world, cpu, lock, event, false);
  const context = releasingContext(world, cpu, own, lock);
  const { owner } = lock;
  if (context) {
    // An attempt on top of a hold is the release's own: an annotation, and the hold below ended unseen.
    const entry = findTop(context, lock)!;
    if (isHeld(entry)) {
      const held = since(entry.acquire.time, event.time);
      world.holdNs.add(held);
      if (entry.series) addSpan(world, entry.series, 'hold', held, event, lock.address);
    }
    removeEntry(context, entry);
  } else {
    unpairedRelease(world, cpu, event, lock);
  }
  lock.releases++;
  // Somebody held it: that explains the bit which a suspected store seemed to have set.
  lock.suspect = null;
  // A late release of an earlier owner says nothing about the present one.
  if (!owner || owner === context || !context) {
    lock.release = world.mark(event);
    adopt(world, lock);
    lock.isSeenSet = false;
  }
  if (lock.word) pushWriter(world, lock.word, event);
}

/** The lock was taken or released: if it was abandoned, then it is so no more. */
function adopt(world: World, lock: Lock): void {
  if (lock.isOrphaned) world.orphans--;
  lock.isOrphaned = false;
  lock.isLeft = false;
}

/**
 * The context whose hold this release ends: the event's own, or another level of the same CPU (the flags of an event at
 * the edge of an interrupt can be off by one level). Null: nobody here is known to have taken it.
 */
function releasingContext(world: World, cpu: Cpu, own: Context, lock: Lock): Context | null {
  const candidates = [own, findTask(world, cpu.pid, cpu.number), ...cpu.contexts];
  return candidates.find((context) => context && findTop(context, lock)) ?? null;
}

/** A release by nobody who is known to have taken the lock. */
function unpairedRelease(world: World, cpu: Cpu, event: CanonicalEvent, lock: Lock): void {
  world.count(L.COUNTER_UNPAIRED_RELEASES);
  const { owner } = lock;
  const about = { ...identityOf(lock), count: lock.acquisitions };
  if (owner) {
    world.report(L.RECORD_IS_FOREIGN_RELEASE, event, { ...about, marks: [lock.acquire, world.mark(event)] });
    const hold = findHold(owner, lock);
    if (hold) removeEntry(owner, hold);
    return;
  }
  if (lock.isOrphaned) {
    const marks = [lock.acquire, world.mark(event), lock.isLeft ? lock.left : null];
    world.report(L.RECORD_IS_FOREIGN_RELEASE, event, { ...about, marks });
    return;
  }
  const taken = timeOf(lock.acquire);
  const released = timeOf(lock.release);
  if (taken === 0n && !lock.isRead && isTakeMissing(world, cpu, event)) noteBreak(cpu, event.time);
  // Only after a take and its release were both seen is one more release one too many; readers come in numbers.
  if (taken === 0n || released < taken || lock.isRead) return;
  const marks = [lock.acquire, lock.release, world.mark(event)];
  world.report(L.RECORD_IS_DOUBLE_RELEASE, event, { ...about, marks });
}

/**
 * Whoever releases with preemption off took the lock in the same stretch on this CPU, after the last switch there: where
 * that switch was seen and takes are recorded, the take is missing (design rule 13). Sleeping locks may be held since before
 * the capture began; annotations come with an attempt.
 */
function isTakeMissing({ kinds }: World, cpu: Cpu, { flags }: CanonicalEvent): boolean {
  const namespace = flags >>> L.FLAG_NAMESPACE_SHIFT;
  const takes = kinds[L.KIND_ATTEMPT * 4 + namespace]! + kinds[L.KIND_ACQUIRE * 4 + namespace]!;
  return cpu.switchNext !== null && (flags & L.FLAG_PREEMPT_OFF) !== 0 && takes > 0n;
}

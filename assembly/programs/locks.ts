// Lock state: who holds what, who waits for what, and since when.
//
//   lockdep, bit locks:   attempt .. [contend] .. acquire .... release
//   contention points:    contend ............... wait end             (creates no owner: its release is never seen)
//
// Event order is only nearly the order of what happened (design rule 14), so an exclusive lock belongs to whoever took
// it last; the release of an earlier owner that comes late ends that owner's entry and nothing else.

import {
  COUNTER_ACQUISITIONS,
  COUNTER_ATTEMPTS,
  COUNTER_CONTENTIONS,
  COUNTER_TAKEN_TWICE,
  CPU_IRQS,
  CPU_IRQS_OFF,
  CPU_PID,
  ENTRY_ACQUIRE_POSITION,
  ENTRY_ACQUIRE_TIME,
  ENTRY_ATTEMPT_POSITION,
  ENTRY_ATTEMPT_TIME,
  ENTRY_CONTEND_POSITION,
  ENTRY_CONTEND_TIME,
  ENTRY_CONTEND_VALUE,
  ENTRY_CPU,
  ENTRY_FLAGS,
  ENTRY_HOLDER_CPU,
  ENTRY_HOLDER_PID,
  ENTRY_HOLDER_POSITION,
  ENTRY_HOLDER_TIME,
  ENTRY_IS_ATTEMPT,
  ENTRY_IS_HELD,
  ENTRY_IS_WAITING,
  ENTRY_RELEASES,
  ENTRY_SERIES,
  ENTRY_STATE,
  ENTRY_TYPE,
  EVENT_ADDRESS,
  EVENT_BIT,
  EVENT_CPU,
  EVENT_FLAGS,
  EVENT_KIND,
  EVENT_TIME,
  EVENT_TYPE,
  EVENT_VALUE,
  FLAG_IRQS_OFF,
  FLAG_MUTEX,
  FLAG_NAMESPACE_SHIFT,
  FLAG_READ,
  FLAG_SPIN,
  FLAG_TRY,
  HEAD_HIST_BITS,
  HEAD_HIST_WAIT,
  HEAD_POSITION,
  HEAD_SPIN_NS,
  IRQS_ARE_OFF,
  KIND_ACQUIRE,
  KIND_ATTEMPT,
  KIND_CONTEND,
  LOCK_ACQUIRE,
  LOCK_ACQUISITIONS,
  LOCK_ADDRESS,
  LOCK_BIT,
  LOCK_CONTENTIONS,
  LOCK_IS_LEFT,
  LOCK_IS_ORPHANED,
  LOCK_IS_READ,
  LOCK_IS_SEEN_SET,
  LOCK_IS_SLEEPING,
  LOCK_IS_TAKEN_VISIBLY,
  LOCK_NAMESPACE,
  LOCK_OWNER,
  LOCK_RELEASE,
  LOCK_RELEASES,
  LOCK_STATE,
  LOCK_SUSPECT,
  LOCK_WAITERS,
  LOCK_WORD,
  MARK_CPU,
  MARK_PID,
  MARK_POSITION,
  MARK_TIME,
  MARK_VALUE,
  NAMESPACE_WORD,
  RECORD_ADDRESS,
  RECORD_BIT,
  RECORD_COUNT,
  RECORD_EXTRA,
  RECORD_FLAGS,
  RECORD_IS_WAIT,
  RECORD_LEVEL,
  RECORD_NAMESPACE,
  STATE,
} from '../layout';
import { count } from '../memory/counters';
import { record as recordValue } from '../memory/histogram';
import { copyMark, setBareMark, setMark } from '../memory/mark';
import { markOf, push } from '../memory/ring';
import { contextOf, dropOrphan, findEntry, pushEntry, removeEntry } from '../state/contexts';
import { lockNear, lockOf } from '../state/locks';
import { pushWriter } from '../state/words';
import { levelOf, since } from './cpu-life';
import { countAcquisition, countContention, countWait, seriesOfLock } from './series';
import { checkValue, noteSeenSet, settleSuspect } from './words';

export function namespaceOf(event: usize): u8 {
  return u8(u32(load<u16>(event, EVENT_FLAGS)) >> FLAG_NAMESPACE_SHIFT);
}

function lockOfEvent(event: usize): usize {
  return lockOf(namespaceOf(event), load<u64>(event, EVENT_ADDRESS), load<u8>(event, EVENT_BIT));
}

/** The event's lock, looked for on top of the context's stack first. */
export function lockIn(context: usize, event: usize): usize {
  if (!context) return lockOfEvent(event);
  return lockNear(context, namespaceOf(event), load<u64>(event, EVENT_ADDRESS), load<u8>(event, EVENT_BIT));
}

export function contextOfEvent(cpu: usize, event: usize): usize {
  return contextOf(cpu, levelOf(u32(load<u16>(event, EVENT_FLAGS))));
}

/** A waiting entry on top of the context's stack, with the lock's holder at this moment. 0 when memory is full. */
function beginWait(context: usize, lock: usize, event: usize): usize {
  const entry = pushEntry(context, lock);
  if (!entry) return 0;
  store<u32>(lock, load<u32>(lock, LOCK_WAITERS) + 1, LOCK_WAITERS);
  store<u8>(entry, ENTRY_IS_ATTEMPT, ENTRY_STATE);
  store<u16>(entry, load<u16>(event, EVENT_CPU), ENTRY_CPU);
  store<u16>(entry, load<u16>(event, EVENT_FLAGS), ENTRY_FLAGS);
  store<u16>(entry, load<u16>(event, EVENT_TYPE), ENTRY_TYPE);
  store<u64>(entry, load<u64>(event, EVENT_TIME), ENTRY_ATTEMPT_TIME);
  store<u64>(entry, load<u64>(STATE, HEAD_POSITION), ENTRY_ATTEMPT_POSITION);
  store<u32>(entry, load<u32>(lock, LOCK_RELEASES), ENTRY_RELEASES);
  store<u16>(entry, u16(seriesOfLock(event, lock)), ENTRY_SERIES);
  rememberHolder(entry, lock);
  return entry;
}

function rememberHolder(entry: usize, lock: usize): void {
  if (!load<u32>(lock, LOCK_OWNER)) return;
  const take = lock + LOCK_ACQUIRE;
  store<u64>(entry, load<u64>(take, MARK_TIME), ENTRY_HOLDER_TIME);
  store<u64>(entry, load<u64>(take, MARK_POSITION), ENTRY_HOLDER_POSITION);
  store<i32>(entry, load<i32>(take, MARK_PID), ENTRY_HOLDER_PID);
  store<u16>(entry, load<u16>(take, MARK_CPU), ENTRY_HOLDER_CPU);
}

/** Begins a wait. True instead for a try: one that is reported is one that succeeded, and no lock_acquired follows it. */
export function attempt(cpu: usize, event: usize): bool {
  count(COUNTER_ATTEMPTS);
  if (load<u16>(event, EVENT_FLAGS) & FLAG_TRY) return true;
  const context = contextOfEvent(cpu, event);
  const lock = lockOfEvent(event);
  if (!context || !lock) return false;
  // The word at a function's entry: a set bit is somebody's who is inside such a function, or nobody's.
  if (load<u64>(event, EVENT_VALUE) && !load<u32>(lock, LOCK_WAITERS)) noteSeenSet(lock, event, 0);
  beginWait(context, lock, event);
  return false;
}

export function contend(cpu: usize, event: usize): void {
  count(COUNTER_CONTENTIONS);
  const context = contextOfEvent(cpu, event);
  const lock = lockIn(context, event);
  if (!context || !lock) return;
  store<u32>(lock, load<u32>(lock, LOCK_CONTENTIONS) + 1, LOCK_CONTENTIONS);
  let entry = findEntry(context, lock, false);
  if (!entry) {
    // Kernels before mid-2021 report the take before its contention.
    if (findEntry(context, lock, true)) return;
    entry = beginWait(context, lock, event);
    if (!entry) return;
  }
  // A mutex begins several times before it ends: the first one counts.
  if (load<u8>(entry, ENTRY_STATE) == ENTRY_IS_WAITING) return;
  store<u8>(entry, ENTRY_IS_WAITING, ENTRY_STATE);
  countContention(load<u16>(entry, ENTRY_SERIES));
  store<u64>(entry, load<u64>(event, EVENT_TIME), ENTRY_CONTEND_TIME);
  store<u64>(entry, load<u64>(STATE, HEAD_POSITION), ENTRY_CONTEND_POSITION);
  store<u64>(entry, load<u64>(event, EVENT_VALUE), ENTRY_CONTEND_VALUE);
  if (!load<u64>(entry, ENTRY_HOLDER_TIME)) rememberHolder(entry, lock);
  noteSeenSet(lock, event, load<u64>(entry, ENTRY_ATTEMPT_TIME));
}

/** contention_end: the wait is over, with or without the lock. */
export function waitEnd(cpu: usize, event: usize): void {
  const context = contextOfEvent(cpu, event);
  const lock = lockIn(context, event);
  if (!context || !lock) return;
  const entry = findEntry(context, lock, false);
  if (!entry) return;
  endWait(cpu, event, lock, entry);
  removeEntry(context, entry);
}

/** Counts a wait that is over and reports a long spin. The entry still is as it was while waiting. */
function endWait(cpu: usize, event: usize, lock: usize, entry: usize): void {
  const time = load<u64>(event, EVENT_TIME);
  const contended = load<u64>(entry, ENTRY_CONTEND_TIME);
  if (contended) {
    const wait = since(contended, time);
    recordValue(load<u32>(STATE, HEAD_HIST_WAIT), load<u32>(STATE, HEAD_HIST_BITS), wait);
    countWait(load<u16>(entry, ENTRY_SERIES), wait, event, load<u64>(lock, LOCK_ADDRESS));
  }
  const attempted = load<u64>(entry, ENTRY_ATTEMPT_TIME);
  if (since(attempted, time) < load<u64>(STATE, HEAD_SPIN_NS)) return;
  const flags = u32(load<u16>(entry, ENTRY_FLAGS));
  const spins =
    load<u8>(lock, LOCK_NAMESPACE) == NAMESPACE_WORD || (flags & (FLAG_SPIN | FLAG_IRQS_OFF)) != 0;
  if (!spins) return;
  const record = push(RECORD_IS_WAIT, event);
  if (!record) return;
  store<u8>(record, u8(levelOf(flags)), RECORD_LEVEL);
  store<u16>(record, u16(flags), RECORD_FLAGS);
  aboutLock(record, lock);
  store<u32>(record, load<u32>(lock, LOCK_RELEASES) - load<u32>(entry, ENTRY_RELEASES), RECORD_COUNT);
  store<u64>(record, load<u16>(lock, LOCK_STATE) & LOCK_IS_READ ? 1 : 0, RECORD_EXTRA);
  const cpuNumber = load<u16>(entry, ENTRY_CPU);
  const pid = load<i32>(cpu, CPU_PID);
  setBareMark(
    markOf(record, 0),
    attempted,
    load<u64>(entry, ENTRY_ATTEMPT_POSITION),
    pid,
    cpuNumber,
    KIND_ATTEMPT,
  );
  if (contended) {
    setBareMark(
      markOf(record, 1),
      contended,
      load<u64>(entry, ENTRY_CONTEND_POSITION),
      pid,
      cpuNumber,
      KIND_CONTEND,
    );
    store<u64>(markOf(record, 1), load<u64>(entry, ENTRY_CONTEND_VALUE), MARK_VALUE);
  }
  setMark(markOf(record, 2), event);
  const holder = load<u64>(entry, ENTRY_HOLDER_TIME);
  if (holder) {
    setBareMark(
      markOf(record, 3),
      holder,
      load<u64>(entry, ENTRY_HOLDER_POSITION),
      load<i32>(entry, ENTRY_HOLDER_PID),
      load<u16>(entry, ENTRY_HOLDER_CPU),
      KIND_ACQUIRE,
    );
  }
  copyMark(markOf(record, 4), lock + LOCK_RELEASE);
  if (load<u8>(cpu, CPU_IRQS) == IRQS_ARE_OFF) copyMark(markOf(record, 5), cpu + CPU_IRQS_OFF);
  copyMark(markOf(record, 6), lock + LOCK_ACQUIRE);
}

export function aboutLock(record: usize, lock: usize): void {
  store<u8>(record, load<u8>(lock, LOCK_NAMESPACE), RECORD_NAMESPACE);
  store<u8>(record, load<u8>(lock, LOCK_BIT), RECORD_BIT);
  store<u64>(record, load<u64>(lock, LOCK_ADDRESS), RECORD_ADDRESS);
}

/** The lock is taken: lock_acquired, bit_spin_acquired, or a successful try. */
export function take(cpu: usize, event: usize): void {
  count(COUNTER_ACQUISITIONS);
  const context = contextOfEvent(cpu, event);
  const lock = lockIn(context, event);
  if (!context || !lock) return;
  store<u32>(lock, load<u32>(lock, LOCK_ACQUISITIONS) + 1, LOCK_ACQUISITIONS);

  let entry = findEntry(context, lock, false);
  if (entry) {
    endWait(cpu, event, lock, entry);
    store<u32>(lock, load<u32>(lock, LOCK_WAITERS) - 1, LOCK_WAITERS);
  }
  let state = i32(load<u16>(lock, LOCK_STATE));
  // A successful try is an attempt event: it does not tell whether takes after a wait are recorded too.
  if (load<u8>(event, EVENT_KIND) == KIND_ACQUIRE) {
    state |= LOCK_IS_TAKEN_VISIBLY;
    checkValue(cpu, lock, event, true);
  }
  const flags = entry ? load<u16>(entry, ENTRY_FLAGS) : load<u16>(event, EVENT_FLAGS);
  const reads = (flags & FLAG_READ) != 0;
  if (!reads) {
    endOldHold(context, lock);
    // The old hold may have lain below the entry.
    if (entry) entry = findEntry(context, lock, false);
  }
  if (!entry) {
    entry = pushEntry(context, lock);
    if (!entry) return;
    store<u16>(entry, load<u16>(event, EVENT_CPU), ENTRY_CPU);
    store<u16>(entry, flags, ENTRY_FLAGS);
    store<u16>(entry, u16(seriesOfLock(event, lock)), ENTRY_SERIES);
  }
  countAcquisition(load<u16>(entry, ENTRY_SERIES));
  store<u8>(entry, ENTRY_IS_HELD, ENTRY_STATE);
  store<u64>(entry, load<u64>(event, EVENT_TIME), ENTRY_ACQUIRE_TIME);
  store<u64>(entry, load<u64>(STATE, HEAD_POSITION), ENTRY_ACQUIRE_POSITION);
  if (reads) {
    store<u16>(lock, u16(state | LOCK_IS_READ), LOCK_STATE);
    return;
  }
  if (flags & FLAG_MUTEX) state |= LOCK_IS_SLEEPING;
  if (load<u32>(lock, LOCK_SUSPECT)) settleSuspect(lock, event);
  if (state & LOCK_IS_ORPHANED) dropOrphan();
  store<u16>(lock, u16(state & ~(LOCK_IS_ORPHANED | LOCK_IS_LEFT | LOCK_IS_SEEN_SET)), LOCK_STATE);
  store<u32>(lock, u32(context), LOCK_OWNER);
  setMark(lock + LOCK_ACQUIRE, event);
  if (load<u32>(lock, LOCK_WORD)) pushWriter(load<u32>(lock, LOCK_WORD), event);
}

/**
 * The lock is taken although somebody is believed to hold it: the same context (its release was not seen, the old hold
 * ends as unknown), or another one (its release comes late, or was not seen: its entry stays for now).
 */
function endOldHold(context: usize, lock: usize): void {
  const owner: usize = load<u32>(lock, LOCK_OWNER);
  if (!owner) return;
  count(COUNTER_TAKEN_TWICE);
  if (owner != context) return;
  const old = findEntry(context, lock, true);
  if (old) removeEntry(context, old);
}

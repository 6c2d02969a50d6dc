// Words that carry bit locks: plain loads and stores, atomic updates, values seen in passing.
//
// The race this is about (ext4, 2015): a bit lock shares its word with flags that somebody updates without atomics.
//
//   CPU 3   lock .. critical section .. unlock (clears the bit)
//   CPU 2              load (bit set) ..................... store (sets the bit again): locked by nobody
//
// A store event follows its store, so the order of events alone proves nothing: a suspect is kept with the lock until the
// lock is taken again, and a value seen after the store with the bit set confirms it.

import {
  COUNTER_CONTRADICTIONS,
  COUNTER_DROPPED_SUSPECTS,
  EVENT_ADDRESS,
  EVENT_CPU,
  EVENT_FLAGS,
  EVENT_PID,
  EVENT_TIME,
  EVENT_VALUE,
  HEAD_SUSPECT_SLAB,
  KIND_WORD_RMW,
  LOCK_ACQUIRE,
  LOCK_ADDRESS,
  LOCK_BIT,
  LOCK_IS_SEEN_SET,
  LOCK_NAMESPACE,
  LOCK_NEXT,
  LOCK_OWNER,
  LOCK_RELEASE,
  LOCK_SEEN,
  LOCK_STATE,
  LOCK_SUSPECT,
  MARK_CPU,
  MARK_FLAGS,
  MARK_KIND,
  MARK_PID,
  MARK_SIZE,
  MARK_TIME,
  MARK_VALUE,
  NAMESPACE_WORD,
  RECORD_ADDRESS,
  RECORD_BIT,
  RECORD_COUNT,
  RECORD_IS_LOST_UPDATE,
  RECORD_NAMESPACE,
  STATE,
  SUSPECT_ACQUIRE,
  SUSPECT_CAUSE,
  SUSPECT_CONFIRM,
  SUSPECT_ERASES,
  SUSPECT_LOAD,
  SUSPECT_NEXT,
  SUSPECT_SETS,
  SUSPECT_SIZE,
  SUSPECT_STORE,
  SUSPECT_UPDATE,
  WORD_LOADS,
  WORD_LOADS_COUNT,
  WORD_LOAD_LIMIT,
  WORD_LOCKS,
  WORD_WRITERS,
  WORD_WRITERS_COUNT,
  WORD_WRITER_LIMIT,
} from '../layout';
import { count } from '../memory/counters';
import { giveSlot, takeSlot } from '../memory/heap';
import { clearMark, copyMark, setMark } from '../memory/mark';
import { markOf, push } from '../memory/ring';
import { WORD_BITS } from '../state/chain';
import { pushWriter, wordOf } from '../state/words';
import { levelOf, noteBreak } from './cpu-life';

const SUSPECTS = STATE + HEAD_SUSPECT_SLAB;

function hasBit(value: u64, bit: u8): bool {
  return ((value >> u64(bit)) & 1) != 0;
}

/**
 * The event shows the word's value. A set bit that nobody holds is kept with the lock, and confirms a suspect if the value
 * was read after the suspect's store: `readAfter` is a time before which it cannot have been read.
 */
export function noteSeenSet(lock: usize, event: usize, readAfter: u64): void {
  const bit = load<u8>(lock, LOCK_BIT);
  if (u32(bit) >= WORD_BITS || load<u8>(lock, LOCK_NAMESPACE) != NAMESPACE_WORD) return;
  if (load<u32>(lock, LOCK_OWNER) || !hasBit(load<u64>(event, EVENT_VALUE), bit)) return;
  const state = load<u16>(lock, LOCK_STATE);
  if (!(state & LOCK_IS_SEEN_SET)) {
    store<u16>(lock, state | LOCK_IS_SEEN_SET, LOCK_STATE);
    setMark(lock + LOCK_SEEN, event);
  }
  const suspect: usize = load<u32>(lock, LOCK_SUSPECT);
  if (!suspect || load<u64>(suspect + SUSPECT_CONFIRM, MARK_TIME)) return;
  if (readAfter > load<u64>(suspect + SUSPECT_STORE, MARK_TIME)) setMark(suspect + SUSPECT_CONFIRM, event);
}

/**
 * A lock event's value is the word as the operation left it. One that says the opposite was read at another moment, or
 * belongs to an operation that was not recorded: nobody is to blame, but this stretch of the record is not whole.
 */
export function checkValue(cpu: usize, lock: usize, event: usize, held: bool): void {
  const bit = load<u8>(lock, LOCK_BIT);
  const value = load<u64>(event, EVENT_VALUE);
  // 0 stands for events without a value; a word with a lock bit set is never 0.
  if (!value || u32(bit) >= WORD_BITS || load<u8>(lock, LOCK_NAMESPACE) != NAMESPACE_WORD) return;
  if (hasBit(value, bit) == held) return;
  count(COUNTER_CONTRADICTIONS);
  noteBreak(cpu, load<u64>(event, EVENT_TIME));
}

/** A value seen in passing: no program's load, so never part of a lost update. */
export function observed(event: usize): void {
  const word = wordOf(load<u64>(event, EVENT_ADDRESS));
  if (!word) return;
  for (let lock: usize = load<u32>(word, WORD_LOCKS); lock; lock = load<u32>(lock, LOCK_NEXT))
    noteSeenSet(lock, event, 0);
}

/** The place of this context's latest plain load of the word: its own, or the oldest one of others. */
function loadPlace(word: usize, event: usize): usize {
  const own = ownLoad(word, event);
  if (own) return own;
  const loads = load<u32>(word, WORD_LOADS_COUNT);
  store<u32>(word, loads + 1, WORD_LOADS_COUNT);
  return word + WORD_LOADS + (loads % WORD_LOAD_LIMIT) * MARK_SIZE;
}

/** The context's latest plain load of the word, 0 for none. */
function ownLoad(word: usize, event: usize): usize {
  const pid = load<i32>(event, EVENT_PID);
  const level = levelOf(u32(load<u16>(event, EVENT_FLAGS)));
  for (let n = 0; n < WORD_LOAD_LIMIT; n++) {
    const mark = word + WORD_LOADS + n * MARK_SIZE;
    if (!load<u64>(mark, MARK_TIME) || load<i32>(mark, MARK_PID) != pid) continue;
    if (levelOf(u32(load<u16>(mark, MARK_FLAGS))) != level) continue;
    if (pid || load<u16>(mark, MARK_CPU) == load<u16>(event, EVENT_CPU)) return mark;
  }
  return 0;
}

export function wordLoaded(event: usize): void {
  const word = wordOf(load<u64>(event, EVENT_ADDRESS));
  if (!word) return;
  setMark(loadPlace(word, event), event);
  for (let lock: usize = load<u32>(word, WORD_LOCKS); lock; lock = load<u32>(lock, LOCK_NEXT)) {
    // The same task's later load comes after its store whatever the events' delays.
    const suspect: usize = load<u32>(lock, LOCK_SUSPECT);
    const same = suspect && load<i32>(suspect + SUSPECT_STORE, MARK_PID) == load<i32>(event, EVENT_PID);
    noteSeenSet(lock, event, same ? load<u64>(event, EVENT_TIME) : 0);
  }
}

export function wordStored(event: usize): void {
  const word = wordOf(load<u64>(event, EVENT_ADDRESS));
  if (!word) return;
  const loaded = ownLoad(word, event);
  if (loaded) {
    for (let lock: usize = load<u32>(word, WORD_LOCKS); lock; lock = load<u32>(lock, LOCK_NEXT)) {
      judgeLockBit(lock, loaded, event);
    }
    judgeUpdates(word, loaded, event);
    clearMark(loaded);
  }
  pushWriter(word, event);
}

export function wordUpdated(event: usize): void {
  const word = wordOf(load<u64>(event, EVENT_ADDRESS));
  if (word) pushWriter(word, event);
}

/** Did this load-modify-store put a released lock bit back, or erase one that was taken meanwhile? */
function judgeLockBit(lock: usize, loaded: usize, event: usize): void {
  const bit = load<u8>(lock, LOCK_BIT);
  const owner: usize = load<u32>(lock, LOCK_OWNER);
  const loadedSet = hasBit(load<u64>(loaded, MARK_VALUE), bit);
  const storedSet = hasBit(load<u64>(event, EVENT_VALUE), bit);
  const taken = load<u64>(lock + LOCK_ACQUIRE, MARK_TIME);
  if (!owner && storedSet && loadedSet) {
    const released = load<u64>(lock + LOCK_RELEASE, MARK_TIME);
    // The loaded bit was the last holder's: its release was seen, and no value has shown the bit set since.
    if (!taken || !released || released < taken || load<u32>(lock, LOCK_SUSPECT)) return;
    // A load event follows its load: one behind the release that saw the bit set was itself delayed, unless the bit was
    // seen set by others before.
    if (load<u64>(loaded, MARK_TIME) > released && wasSeenSetBefore(lock, loaded)) return;
    suspect(lock, loaded, event);
  } else if (owner && !storedSet && !loadedSet && load<u64>(loaded, MARK_TIME) <= taken) {
    const take = lock + LOCK_ACQUIRE;
    if (load<i32>(take, MARK_PID) == load<i32>(event, EVENT_PID)) return;
    const record = lostUpdate(load<u64>(lock, LOCK_ADDRESS), bit, event, loaded, SUSPECT_ERASES);
    if (!record) return;
    copyMark(markOf(record, 1), take);
    copyMark(markOf(record, 3), take);
  }
}

function wasSeenSetBefore(lock: usize, loaded: usize): bool {
  return (
    (load<u16>(lock, LOCK_STATE) & LOCK_IS_SEEN_SET) != 0 &&
    load<u64>(lock + LOCK_SEEN, MARK_TIME) < load<u64>(loaded, MARK_TIME)
  );
}

function suspect(lock: usize, loaded: usize, event: usize): void {
  const slot = takeSlot(SUSPECTS, SUSPECT_SIZE, SUSPECT_NEXT);
  if (!slot) {
    count(COUNTER_DROPPED_SUSPECTS);
    return;
  }
  store<u8>(slot, SUSPECT_SETS, SUSPECT_CAUSE);
  copyMark(slot + SUSPECT_LOAD, loaded);
  copyMark(slot + SUSPECT_UPDATE, lock + LOCK_RELEASE);
  setMark(slot + SUSPECT_STORE, event);
  copyMark(slot + SUSPECT_ACQUIRE, lock + LOCK_ACQUIRE);
  store<u32>(lock, u32(slot), LOCK_SUSPECT);
}

/** The lock was released after a suspected store without a take that was seen: somebody held it, which explains the set bit. */
export function dropSuspect(lock: usize): void {
  giveSlot(SUSPECTS, load<u32>(lock, LOCK_SUSPECT), SUSPECT_NEXT);
  store<u32>(lock, 0, LOCK_SUSPECT);
}

/** The lock was taken after a suspected store: the suspicion is reported with what came of it, and ends. */
export function settleSuspect(lock: usize, event: usize): void {
  const slot: usize = load<u32>(lock, LOCK_SUSPECT);
  const record = push(RECORD_IS_LOST_UPDATE, event);
  if (record) {
    store<u8>(record, NAMESPACE_WORD, RECORD_NAMESPACE);
    store<u8>(record, load<u8>(lock, LOCK_BIT), RECORD_BIT);
    store<u64>(record, load<u64>(lock, LOCK_ADDRESS), RECORD_ADDRESS);
    store<u32>(record, load<u8>(slot, SUSPECT_CAUSE), RECORD_COUNT);
    copyMark(markOf(record, 0), slot + SUSPECT_LOAD);
    copyMark(markOf(record, 1), slot + SUSPECT_UPDATE);
    copyMark(markOf(record, 2), slot + SUSPECT_STORE);
    copyMark(markOf(record, 3), slot + SUSPECT_ACQUIRE);
    copyMark(markOf(record, 4), slot + SUSPECT_CONFIRM);
    setMark(markOf(record, 5), event);
  }
  dropSuspect(lock);
}

/** Atomic updates by others between load and store whose changed bits the store put back to what was loaded. */
function judgeUpdates(word: usize, loaded: usize, event: usize): void {
  const writers = load<u32>(word, WORD_WRITERS_COUNT);
  const kept = min<u32>(writers, WORD_WRITER_LIMIT);
  const before = load<u64>(loaded, MARK_VALUE);
  const stored = load<u64>(event, EVENT_VALUE);
  for (let n: u32 = 0; n < kept; n++) {
    const writer = word + WORD_WRITERS + n * MARK_SIZE;
    if (load<u8>(writer, MARK_KIND) != KIND_WORD_RMW) continue;
    if (load<u64>(writer, MARK_TIME) <= load<u64>(loaded, MARK_TIME)) continue;
    if (load<i32>(writer, MARK_PID) == load<i32>(event, EVENT_PID)) continue;
    const changed = before ^ load<u64>(writer, MARK_VALUE);
    if (!changed || (stored & changed) != (before & changed)) continue;
    const erased = (load<u64>(writer, MARK_VALUE) & changed) != 0;
    const record = lostUpdate(
      load<u64>(event, EVENT_ADDRESS),
      u8(ctz<u64>(changed)),
      event,
      loaded,
      erased ? SUSPECT_ERASES : SUSPECT_SETS,
    );
    if (record) copyMark(markOf(record, 1), writer);
  }
}

function lostUpdate(address: u64, bit: u8, event: usize, loaded: usize, cause: u32): usize {
  const record = push(RECORD_IS_LOST_UPDATE, event);
  if (!record) return 0;
  store<u8>(record, NAMESPACE_WORD, RECORD_NAMESPACE);
  store<u8>(record, bit, RECORD_BIT);
  store<u64>(record, address, RECORD_ADDRESS);
  store<u32>(record, cause, RECORD_COUNT);
  copyMark(markOf(record, 0), loaded);
  setMark(markOf(record, 2), event);
  return record;
}

// Words that carry bit locks: plain loads and stores, atomic updates, values seen in passing.
//
// A bit lock shares its word with flags that somebody updates without atomics:
//
//   CPU 3   lock .. critical section .. unlock (clears the bit)
//   CPU 2              load (bit set) ..................... store (sets the bit again): locked by nobody
//
// A store event follows its store, so the order of events alone proves nothing: a suspect is kept with the lock until the
// lock is taken again, and a value seen after the store with the bit set confirms it.

import * as L from '../../../assembly/layout.ts';
import type { CanonicalEvent } from '../../model/event.ts';
import type { Mark } from '../../model/state.ts';
import { levelOf, noteBreak } from './cpu-life.ts';
import { WORD_BITS } from './lock-table.ts';
import { timeOf } from './marks.ts';
import { pushWriter, wordOf } from './word-table.ts';
import type { Cpu, LiveSuspect, Lock, Word, World } from './world.ts';

function hasBit(value: bigint, bit: number): boolean {
  return ((value >> BigInt(bit)) & 1n) === 1n;
}

/**
 * The event shows the word's value. A set bit that nobody holds is kept with the lock, and confirms a suspect if the value
 * was read after the suspect's store: `readAfter` is a time before which it cannot have been read.
 */
export function noteSeenSet(world: World, lock: Lock, event: CanonicalEvent, readAfter: bigint): void {
  if (lock.bit >= WORD_BITS || lock.namespace !== L.NAMESPACE_WORD) return;
  if (lock.owner || !hasBit(event.value, lock.bit)) return;
  if (!lock.isSeenSet) {
    lock.isSeenSet = true;
    lock.seen = world.mark(event);
  }
  const { suspect } = lock;
  if (!suspect || timeOf(suspect.confirm) !== 0n) return;
  if (readAfter > suspect.store.time) suspect.confirm = world.mark(event);
}

/**
 * A lock event's value is the word as the operation left it. One that says the opposite was read at another moment, or
 * belongs to an operation that was not recorded: nobody is to blame, but this stretch of the record is not whole.
 */
export function checkValue(world: World, cpu: Cpu, lock: Lock, event: CanonicalEvent, held: boolean): void {
  // 0 stands for events without a value; a word with a lock bit set is never 0.
  const isTold = event.value !== 0n && lock.bit < WORD_BITS && lock.namespace === L.NAMESPACE_WORD;
  if (!isTold || hasBit(event.value, lock.bit) === held) return;
  world.count(L.COUNTER_CONTRADICTIONS);
  noteBreak(cpu, event.time);
}

/** A value seen in passing: no program's load, so never part of a lost update. */
export function observed(world: World, event: CanonicalEvent): void {
  for (const lock of wordOf(world, event.address).locks) noteSeenSet(world, lock, event, 0n);
}

/** Which of the word's places holds the latest plain load of the event's context; -1 for none. */
function ownLoad(word: Word, event: CanonicalEvent): number {
  return word.loads.findIndex(
    (load) =>
      load !== null &&
      load.time !== 0n &&
      load.pid === event.pid &&
      levelOf(load.flags) === levelOf(event.flags) &&
      (event.pid !== 0 || load.cpu === event.cpu),
  );
}

export function wordLoaded(world: World, event: CanonicalEvent): void {
  const word = wordOf(world, event.address);
  const own = ownLoad(word, event);
  const place = own >= 0 ? own : word.loaded++ % L.WORD_LOAD_LIMIT;
  word.loads[place] = world.mark(event);
  for (const lock of word.locks) {
    // The same task's later load comes after its store whatever the events' delays.
    const isSame = lock.suspect !== null && lock.suspect.store.pid === event.pid;
    noteSeenSet(world, lock, event, isSame ? event.time : 0n);
  }
}

export function wordStored(world: World, event: CanonicalEvent): void {
  const word = wordOf(world, event.address);
  const own = ownLoad(word, event);
  const loaded = word.loads[own];
  if (loaded) {
    for (const lock of word.locks) judgeLockBit(world, lock, loaded, event);
    judgeUpdates(world, word, loaded, event);
    word.loads[own] = null;
  }
  pushWriter(world, word, event);
}

export function wordUpdated(world: World, event: CanonicalEvent): void {
  pushWriter(world, wordOf(world, event.address), event);
}

/** Did this load-modify-store put a released lock bit back, or erase one that was taken meanwhile? */
function judgeLockBit(world: World, lock: Lock, loaded: Mark, event: CanonicalEvent): void {
  const loadedSet = hasBit(loaded.value, lock.bit);
  const storedSet = hasBit(event.value, lock.bit);
  if (!lock.owner && loadedSet && storedSet) judgeSetAgain(world, lock, loaded, event);
  if (lock.owner && !loadedSet && !storedSet) judgeErased(world, lock, loaded, event);
}

function judgeSetAgain(world: World, lock: Lock, loaded: Mark, event: CanonicalEvent): void {
  const taken = timeOf(lock.acquire);
  const released = timeOf(lock.release);
  // The loaded bit was the last holder's: its release was seen, and no value has shown the bit set since.
  if (taken === 0n || released === 0n || released < taken || lock.suspect) return;
  // A load event follows its load: one behind the release that saw the bit set was itself delayed, unless the bit was
  // seen set by others before.
  if (loaded.time > released && lock.isSeenSet && timeOf(lock.seen) < loaded.time) return;
  lock.suspect = {
    cause: L.SUSPECT_SETS,
    load: loaded,
    update: lock.release,
    store: world.mark(event),
    acquire: lock.acquire,
    confirm: null,
  };
}

function judgeErased(world: World, lock: Lock, loaded: Mark, event: CanonicalEvent): void {
  const take = lock.acquire;
  if (!take || loaded.time > take.time || take.pid === event.pid) return;
  reportLostUpdate(world, event, lock.address, lock.bit, L.SUSPECT_ERASES, [
    loaded,
    take,
    world.mark(event),
    take,
  ]);
}

/** The lock was taken after a suspected store: the suspicion is reported with what came of it, and ends. */
export function settleSuspect(world: World, lock: Lock, suspect: LiveSuspect, event: CanonicalEvent): void {
  const { load, update, store, acquire, confirm } = suspect;
  const marks = [load, update, store, acquire, confirm, world.mark(event)];
  reportLostUpdate(world, event, lock.address, lock.bit, suspect.cause, marks);
  lock.suspect = null;
}

/** Atomic updates by others between load and store whose changed bits the store put back to what was loaded. */
function judgeUpdates(world: World, word: Word, loaded: Mark, event: CanonicalEvent): void {
  for (const writer of word.writers) {
    if (writer.kind !== L.KIND_WORD_RMW || writer.time <= loaded.time || writer.pid === event.pid) continue;
    const changed = loaded.value ^ writer.value;
    if (changed === 0n || (event.value & changed) !== (loaded.value & changed)) continue;
    const cause = (writer.value & changed) !== 0n ? L.SUSPECT_ERASES : L.SUSPECT_SETS;
    const marks = [loaded, writer, world.mark(event)];
    reportLostUpdate(world, event, event.address, lowestBit(changed), cause, marks);
  }
}

function lowestBit(value: bigint): number {
  let bit = 0;
  while (!hasBit(value, bit)) bit++;
  return bit;
}

function reportLostUpdate(
  world: World,
  event: CanonicalEvent,
  address: bigint,
  bit: number,
  cause: number,
  marks: readonly (Mark | null)[],
): void {
  const namespace = L.NAMESPACE_WORD;
  world.report(L.RECORD_IS_LOST_UPDATE, event, { namespace, address, bit, count: cause, marks });
}

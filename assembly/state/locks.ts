// The lock table: (namespace, address, bit) -> slot. See layout.ts, LOCK_*.

import {
  CONTEXT_DEPTH,
  CONTEXT_STACK,
  COUNTER_FORGOTTEN_LOCKS,
  COUNTER_PEAK_LOCKS,
  COUNTER_UNTRACKED_LOCK_EVENTS,
  ENTRY_LOCK,
  ENTRY_SIZE,
  HEAD_LOCK_INDEX,
  HEAD_LOCK_SLAB,
  HEAD_KEPT,
  HEAD_NOW,
  HEAD_ORPHANS,
  INDEX_COUNT,
  INDEX_FLOOR,
  LOCK_ADDRESS,
  LOCK_BIT,
  LOCK_IS_ORPHANED,
  LOCK_IS_SEEN_SET,
  LOCK_LAST_USE,
  LOCK_NAMESPACE,
  LOCK_NEXT,
  LOCK_OWNER,
  LOCK_REFERENCES,
  LOCK_SIZE,
  LOCK_STATE,
  LOCK_SUSPECT,
  NAMESPACE_WORD,
  STATE,
} from '../layout';
import { count, raise } from '../memory/counters';
import { giveSlot } from '../memory/heap';
import { firstEntry, hash, nextEntry, put } from '../memory/index-table';
import { takeRoom } from '../memory/room';
import { findWord, linkLock, unlinkLock, WORD_BITS } from './chain';
import { dropOrphan } from './contexts';

const INDEX = STATE + HEAD_LOCK_INDEX;
const SLAB = STATE + HEAD_LOCK_SLAB;

function saltOf(namespace: u8, bit: u8): u64 {
  return (u64(namespace) << 8) | u64(bit);
}

/** Its hash in the index. */
export function tagOfLock(namespace: u8, address: u64, bit: u8): u32 {
  return hash(address, saltOf(namespace, bit));
}

/** The lock's slot, or 0. */
export function findLock(namespace: u8, address: u64, bit: u8): usize {
  return probe(hash(address, saltOf(namespace, bit)), namespace, address, bit);
}

function probe(tag: u32, namespace: u8, address: u64, bit: u8): usize {
  let entry = firstEntry(INDEX, tag);
  while (true) {
    const lock: usize = load<u32>(entry, 4);
    if (!lock) return 0;
    if (load<u32>(entry) == tag && isLock(lock, namespace, address, bit)) return lock;
    entry = nextEntry(INDEX, entry);
  }
}

/** Is this slot that lock's? */
function isLock(lock: usize, namespace: u8, address: u64, bit: u8): bool {
  return (
    load<u64>(lock, LOCK_ADDRESS) == address &&
    load<u8>(lock, LOCK_BIT) == bit &&
    load<u8>(lock, LOCK_NAMESPACE) == namespace
  );
}

/**
 * The same as lockOf, for a context that most likely means the lock on top of its stack: what was attempted is taken next,
 * and what was taken last is released first. Spares the look-up.
 */
export function lockNear(context: usize, namespace: u8, address: u64, bit: u8): usize {
  const depth = load<u32>(context, CONTEXT_DEPTH);
  if (depth) {
    const top = load<usize>(context, CONTEXT_STACK) + usize(depth - 1) * ENTRY_SIZE;
    const lock = load<usize>(top, ENTRY_LOCK);
    if (isLock(lock, namespace, address, bit)) {
      store<u64>(lock, load<u64>(STATE, HEAD_NOW), LOCK_LAST_USE);
      return lock;
    }
  }
  return lockOf(namespace, address, bit);
}

/** The lock's slot, made if need be; 0 when the table is full and nothing can be forgotten. */
export function lockOf(namespace: u8, address: u64, bit: u8): usize {
  const tag = hash(address, saltOf(namespace, bit));
  let lock = probe(tag, namespace, address, bit);
  if (!lock) lock = addLock(tag, namespace, address, bit);
  if (lock) store<u64>(lock, load<u64>(STATE, HEAD_NOW), LOCK_LAST_USE);
  return lock;
}

function addLock(tag: u32, namespace: u8, address: u64, bit: u8): usize {
  // More abandoned locks than a small table holds are no findings any more, but the traces of a lossy recording.
  const keepsOrphans = load<u32>(STATE, HEAD_ORPHANS) <= load<u32>(INDEX, INDEX_FLOOR);
  store<u32>(STATE, LOCK_IS_SEEN_SET | (keepsOrphans ? LOCK_IS_ORPHANED : 0), HEAD_KEPT);
  const lock = takeRoom(INDEX, SLAB, LOCK_SIZE, LOCK_NEXT, LOCK_LAST_USE, isForgettable, forget);
  if (!lock) {
    count(COUNTER_UNTRACKED_LOCK_EVENTS);
    return 0;
  }
  store<u64>(lock, address, LOCK_ADDRESS);
  store<u8>(lock, namespace, LOCK_NAMESPACE);
  store<u8>(lock, bit, LOCK_BIT);
  put(INDEX, tag, u32(lock));
  raise(COUNTER_PEAK_LOCKS, u64(load<u32>(INDEX, INDEX_COUNT)));
  if (namespace == NAMESPACE_WORD && u32(bit) < WORD_BITS) {
    const word = findWord(address);
    if (word) linkLock(word, lock);
  }
  return lock;
}

/**
 * May it be forgotten? Only what is free, unwaited for and whose last known value agrees: a set bit without an owner and a
 * suspected lost update stay for ever, abandoned locks while there are few of them.
 */
function isForgettable(lock: usize): bool {
  return (
    !load<u32>(lock, LOCK_REFERENCES) &&
    !load<u32>(lock, LOCK_OWNER) &&
    !load<u32>(lock, LOCK_SUSPECT) &&
    !(load<u16>(lock, LOCK_STATE) & load<u32>(STATE, HEAD_KEPT))
  );
}

function forget(lock: usize): void {
  unlinkLock(lock);
  if (load<u16>(lock, LOCK_STATE) & LOCK_IS_ORPHANED) dropOrphan();
  giveSlot(SLAB, lock, LOCK_NEXT);
  count(COUNTER_FORGOTTEN_LOCKS);
}

// The lock table: (namespace, address, bit) -> lock.

import * as L from '../../../assembly/layout.ts';
import { namespaceOf } from '../../model/event-record.ts';
import type { CanonicalEvent } from '../../model/event.ts';
import type { Lock, Word, World } from './world.ts';

/** Bits of a word; a lock with a higher number has no bit there. */
export const WORD_BITS = 64;

function keyOf(namespace: number, address: bigint, bit: number): string {
  return `${namespace}:${address}:${bit}`;
}

export function findLock(world: World, namespace: number, address: bigint, bit: number): Lock | null {
  return world.locks.get(keyOf(namespace, address, bit));
}

/** The lock that a lock event is about, made if need be. */
export function lockOf(world: World, { flags, address, bit }: CanonicalEvent): Lock {
  const namespace = namespaceOf(flags);
  const lock = findLock(world, namespace, address, bit) ?? addLock(world, namespace, address, bit);
  lock.lastUse = world.now;
  return lock;
}

function addLock(world: World, namespace: number, address: bigint, bit: number): Lock {
  makeRoom(world);
  const lock: Lock = {
    id: world.nextId(),
    namespace,
    address,
    bit,
    references: 0,
    waiters: 0,
    owner: null,
    word: null,
    suspect: null,
    isTakenVisibly: false,
    isRead: false,
    isSleeping: false,
    isSeenSet: false,
    isOrphaned: false,
    isLeft: false,
    releases: 0,
    acquisitions: 0,
    contentions: 0,
    lastUse: 0n,
    acquire: null,
    release: null,
    seen: null,
    left: null,
  };
  world.locks.add(keyOf(namespace, address, bit), lock);
  const peak = world.counters[L.COUNTER_PEAK_LOCKS]!;
  if (world.locks.size > peak) world.counters[L.COUNTER_PEAK_LOCKS] = BigInt(world.locks.size);
  const word = namespace === L.NAMESPACE_WORD && bit < WORD_BITS ? world.words.get(address) : null;
  if (word) linkLock(word, lock);
  return lock;
}

export function linkLock(word: Word, lock: Lock): void {
  lock.word = word;
  word.locks.unshift(lock);
}

/**
 * May it be forgotten? Only what is free, unwaited for and whose last known value agrees: a set bit without an owner and a
 * suspected lost update stay for ever (design rule 15), abandoned locks while there are few of them.
 */
function isForgettable(lock: Lock, keepsOrphans: boolean): boolean {
  const isKept = lock.isSeenSet || (lock.isOrphaned && keepsOrphans);
  return lock.references === 0 && !lock.owner && !lock.suspect && !isKept;
}

function makeRoom(world: World): void {
  // More abandoned locks than a small table holds are no findings any more, but the traces of a lossy recording.
  const keepsOrphans = world.orphans <= world.tableFloor;
  const isIdle = (lock: Lock): boolean => isForgettable(lock, keepsOrphans);
  for (const lock of world.locks.makeRoom(isIdle, ({ lastUse }) => lastUse)) {
    if (lock.isOrphaned) world.orphans--;
    lock.word?.locks.splice(lock.word.locks.indexOf(lock), 1);
    world.count(L.COUNTER_FORGOTTEN_LOCKS);
  }
}

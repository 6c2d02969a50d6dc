// The word table: address -> history of a word that plain loads, stores or atomic updates were recorded for.

import * as L from '../../../assembly/layout.ts';
import type { CanonicalEvent } from '../../model/event.ts';
import { findLock, linkLock, WORD_BITS } from './lock-table.ts';
import type { Word, World } from './world.ts';

/** The word at an address, made if need be. */
export function wordOf(world: World, address: bigint): Word {
  const word = world.words.get(address) ?? addWord(world, address);
  word.lastUse = world.now;
  return word;
}

function addWord(world: World, address: bigint): Word {
  if (world.words.isHalfFull) makeRoom(world);
  const word: Word = {
    address,
    locks: [],
    writers: [],
    written: 0,
    loads: Array.from({ length: L.WORD_LOAD_LIMIT }, () => null),
    loaded: 0,
    lastUse: 0n,
  };
  world.words.add(address, word);
  for (let bit = 0; bit < WORD_BITS; bit++) {
    const lock = findLock(world, L.NAMESPACE_WORD, address, bit);
    if (lock) linkLock(word, lock);
  }
  return word;
}

/**
 * A word without locks carries no verdict. Where at least half of the words have none, those of them go that were last used
 * before the mean of their times; otherwise the table doubles.
 */
function makeRoom(world: World): void {
  const { words } = world;
  const idle = words.isAboveFloor ? words.values().filter((word) => word.locks.length === 0) : [];
  if (2 * idle.length < words.size) {
    words.double();
    return;
  }
  const mean = meanTime(idle.map((word) => word.lastUse));
  for (const word of idle) {
    if (word.lastUse > mean) continue;
    words.remove(word.address);
    world.count(L.COUNTER_FORGOTTEN_WORDS);
  }
}

/** The mean, by the engine's rule: each time's part is rounded down, so that 64 bits are enough. Never below the oldest. */
function meanTime(times: readonly bigint[]): bigint {
  const oldest = times.reduce((a, b) => (b < a ? b : a));
  return times.reduce((mean, time) => mean + (time - oldest) / BigInt(times.length), oldest);
}

/** Remembers the event being replayed as the word's latest writer. */
export function pushWriter(world: World, word: Word, event: CanonicalEvent): void {
  word.writers[word.written % L.WORD_WRITER_LIMIT] = world.mark(event);
  word.written++;
}

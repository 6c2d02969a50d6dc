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
  makeRoom(world);
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

/** A word without locks carries no verdict, so it may be forgotten. */
function makeRoom(world: World): void {
  const forgotten = world.words.makeRoom(
    (word) => word.locks.length === 0,
    ({ lastUse }) => lastUse,
  );
  for (const _ of forgotten) world.count(L.COUNTER_FORGOTTEN_WORDS);
}

/** Remembers the event being replayed as the word's latest writer. */
export function pushWriter(world: World, word: Word, event: CanonicalEvent): void {
  word.writers[word.written % L.WORD_WRITER_LIMIT] = world.mark(event);
  word.written++;
}

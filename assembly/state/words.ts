// The word table: address -> history of a word that plain loads, stores or read-modify-writes were recorded for, and
// that carries (or may carry) bit locks. See layout.ts, WORD_*. Words that only ever see lock operations have no slot: their
// locks' last take and release are their history.

import {
  COUNTER_FORGOTTEN_WORDS,
  COUNTER_UNTRACKED_WORD_EVENTS,
  HEAD_NOW,
  HEAD_WORD_SLAB,
  MARK_SIZE,
  NAMESPACE_WORD,
  STATE,
  WORD_ADDRESS,
  WORD_LAST_USE,
  WORD_LOCKS,
  WORD_NEXT,
  WORD_SIZE,
  WORD_WRITERS,
  WORD_WRITERS_COUNT,
  WORD_WRITER_LIMIT,
} from '../layout';
import { count } from '../memory/counters';
import { giveSlot } from '../memory/heap';
import { hash, put } from '../memory/index-table';
import { setMark } from '../memory/mark';
import { takeRoom } from '../memory/room';
import { findWord, linkLock, WORD_BITS, WORD_INDEX } from './chain';
import { findLock } from './locks';

const SLAB = STATE + HEAD_WORD_SLAB;

/** The word's slot, made if need be; 0 when the table is full and nothing can be forgotten. */
export function wordOf(address: u64): usize {
  let word = findWord(address);
  if (!word) word = addWord(address);
  if (word) store<u64>(word, load<u64>(STATE, HEAD_NOW), WORD_LAST_USE);
  return word;
}

function addWord(address: u64): usize {
  const word = takeRoom(WORD_INDEX, SLAB, WORD_SIZE, WORD_NEXT, WORD_LAST_USE, isForgettable, forget);
  if (!word) {
    count(COUNTER_UNTRACKED_WORD_EVENTS);
    return 0;
  }
  store<u64>(word, address, WORD_ADDRESS);
  put(WORD_INDEX, hash(address, 0), u32(word));
  for (let bit: u32 = 0; bit < WORD_BITS; bit++) {
    const lock = findLock(u8(NAMESPACE_WORD), address, u8(bit));
    if (lock) linkLock(word, lock);
  }
  return word;
}

/** A word without locks carries no verdict. */
function isForgettable(word: usize): bool {
  return !load<u32>(word, WORD_LOCKS);
}

function forget(word: usize): void {
  giveSlot(SLAB, word, WORD_NEXT);
  count(COUNTER_FORGOTTEN_WORDS);
}

/** Remembers the event being replayed as the word's latest writer. */
export function pushWriter(word: usize, event: usize): void {
  const written = load<u32>(word, WORD_WRITERS_COUNT);
  setMark(word + WORD_WRITERS + (written % WORD_WRITER_LIMIT) * MARK_SIZE, event);
  store<u32>(word, written + 1, WORD_WRITERS_COUNT);
}

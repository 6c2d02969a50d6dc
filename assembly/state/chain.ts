// A word and the bit locks on it: the chain of locks that hangs on a word's slot. See layout.ts, WORD_LOCKS and LOCK_NEXT.

import { HEAD_WORD_INDEX, LOCK_NEXT, LOCK_WORD, STATE, WORD_ADDRESS, WORD_LOCKS } from '../layout';
import { firstEntry, hash, nextEntry } from '../memory/index-table';

export const WORD_INDEX = STATE + HEAD_WORD_INDEX;
// A lock with a higher bit number, such as WHOLE_LOCK, has no bit in its word: it is not on the word's chain.
export const WORD_BITS: u32 = 64;

/** The word's slot, or 0. */
export function findWord(address: u64): usize {
  const tag = hash(address, 0);
  let entry = firstEntry(WORD_INDEX, tag);
  while (true) {
    const word: usize = load<u32>(entry, 4);
    if (!word) return 0;
    if (load<u32>(entry) == tag && load<u64>(word, WORD_ADDRESS) == address) return word;
    entry = nextEntry(WORD_INDEX, entry);
  }
}

/** Puts a lock on its word's chain. */
export function linkLock(word: usize, lock: usize): void {
  store<u32>(lock, u32(word), LOCK_WORD);
  store<u32>(lock, load<u32>(word, WORD_LOCKS), LOCK_NEXT);
  store<u32>(word, u32(lock), WORD_LOCKS);
}

/** Takes a lock off its word's chain, if it is on one. */
export function unlinkLock(lock: usize): void {
  const word: usize = load<u32>(lock, LOCK_WORD);
  if (!word) return;
  let link = word + WORD_LOCKS;
  while (load<u32>(link) != u32(lock)) link = load<u32>(link) + LOCK_NEXT;
  store<u32>(link, load<u32>(lock, LOCK_NEXT));
}

// Open-addressing index: 64-bit entries {tag u32, slot address u32}, linear probing from the tag's low bits, at most half
// full. Probes of a table that is never more than half full always meet an empty entry. Entries are removed only by
// sweeping the whole table, so there are no tombstones, and neither sweeping nor growing looks at the slots.

import { HEAD_SEED, INDEX_COUNT, INDEX_ENTRIES, INDEX_MASK, STATE } from '../layout';
import { giveTable, takeTable } from './heap';

const POWER_LIMIT: u32 = 27;

/** Stands for the slot in an entry that sweep() shall take out. */
export const FORGOTTEN: u32 = 1;

/** Spreads an address and a small discriminator over 32 bits (multiplicative hashing by the golden ratio, with the engine's own seed). */
export function hash(key: u64, salt: u64): u32 {
  const mixed = (key ^ (salt << 48) ^ load<u64>(STATE, HEAD_SEED)) * 0x9e3779b97f4a7c15;
  return u32((mixed ^ (mixed >> 17)) >> 24);
}

/** Makes an empty table for 2^power entries. False when memory is at its limit. */
export function initIndex(index: usize, power: u32): bool {
  const entries = takeTable(power + 3);
  if (!entries) return false;
  store<u32>(index, u32(entries), INDEX_ENTRIES);
  store<u32>(index, (u32(1) << power) - 1, INDEX_MASK);
  store<u32>(index, 0, INDEX_COUNT);
  return true;
}

/** Address of the first entry of a probe; walk on with nextEntry until an entry's slot is 0. */
export function firstEntry(index: usize, tag: u32): usize {
  return load<usize>(index, INDEX_ENTRIES) + (usize(tag & load<u32>(index, INDEX_MASK)) << 3);
}

export function nextEntry(index: usize, entry: usize): usize {
  const entries: usize = load<u32>(index, INDEX_ENTRIES);
  return entries + ((entry - entries + 8) & ((usize(load<u32>(index, INDEX_MASK)) << 3) | 7));
}

/** Puts a slot in. The caller made sure that the table is less than half full and that the key is not there. */
export function put(index: usize, tag: u32, slot: u32): void {
  let entry = firstEntry(index, tag);
  while (load<u32>(entry, 4)) entry = nextEntry(index, entry);
  store<u32>(entry, tag);
  store<u32>(entry, slot, 4);
  store<u32>(index, load<u32>(index, INDEX_COUNT) + 1, INDEX_COUNT);
}

export function isHalfFull(index: usize): bool {
  return load<u32>(index, INDEX_COUNT) << 1 > load<u32>(index, INDEX_MASK);
}

/** Doubles the table. False when memory is at its limit: the table stays as it was. */
export function grow(index: usize): bool {
  const old: usize = load<u32>(index, INDEX_ENTRIES);
  const power = 32 - clz<u32>(load<u32>(index, INDEX_MASK));
  const end = old + (usize(1) << (power + 3));
  if (power == POWER_LIMIT || !initIndex(index, power + 1)) return false;
  for (let entry = old; entry < end; entry += 8) {
    const slot = load<u32>(entry, 4);
    if (slot) put(index, load<u32>(entry), slot);
  }
  giveTable(old, power + 3);
  return true;
}

/**
 * Takes out the entries whose slot is FORGOTTEN. In place: it is needed most when memory is full. Every entry is put anew,
 * in order from behind an empty one, which no run of entries crosses; so it lands between its home and where it was, and
 * what lies between is final.
 */
export function sweep(index: usize): void {
  let start: usize = load<u32>(index, INDEX_ENTRIES);
  while (load<u32>(start, 4)) start = nextEntry(index, start);
  store<u32>(index, 0, INDEX_COUNT);
  for (let entry = nextEntry(index, start); entry != start; entry = nextEntry(index, entry)) {
    const slot = load<u32>(entry, 4);
    if (!slot) continue;
    store<u32>(entry, 0, 4);
    if (slot != FORGOTTEN) put(index, load<u32>(entry), slot);
  }
}

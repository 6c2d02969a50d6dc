// Open-addressing index: 64-bit entries {tag u32, slot address u32}, linear probing from the tag's low bits, at most half
// full. Probes of a table that is never more than half full always meet an empty entry. An entry is removed only by
// rebuilding the table, so there are no tombstones and a rebuild needs no look at the slots.

import { INDEX_COUNT, INDEX_ENTRIES, INDEX_MASK } from '../layout';
import { giveTable, takeTable } from './heap';

const POWER_LIMIT: u32 = 27;

/** Spreads an address and a small discriminator over 32 bits (multiplicative hashing by the golden ratio). */
export function hash(key: u64, salt: u64): u32 {
  const mixed = (key ^ (salt << 48)) * 0x9e3779b97f4a7c15;
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

export function indexPower(index: usize): u32 {
  return 32 - clz<u32>(load<u32>(index, INDEX_MASK));
}

/**
 * Moves the entries that still have a slot to a table of 2^power entries; before that, whoever forgets a slot sets its
 * entry's slot to 0. False when memory is at its limit: the old table stays as it was.
 */
export function rebuild(index: usize, power: u32): bool {
  if (power > POWER_LIMIT) return false;
  const old: usize = load<u32>(index, INDEX_ENTRIES);
  const oldPower = indexPower(index);
  const end = old + (usize(1) << (oldPower + 3));
  if (!initIndex(index, power)) return false;
  for (let entry = old; entry < end; entry += 8) {
    const slot = load<u32>(entry, 4);
    if (slot) put(index, load<u32>(entry), slot);
  }
  giveTable(old, oldPower + 3);
  return true;
}

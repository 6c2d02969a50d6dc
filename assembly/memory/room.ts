// Room in the tables of locks, words and tasks. A table that is half full forgets the older half of what may be forgotten,
// where that is at least half of its entries; otherwise it doubles. So its size follows what is live, and the work per
// new entry stays constant, whatever the times are.
//
// At the memory limit forgetting is all that is left, however little there is to forget. As a look through the table costs
// time in proportion to its size, new entries are then refused for a while before the next one.

import { INDEX_COUNT, INDEX_ENTRIES, INDEX_FLOOR, INDEX_MASK, INDEX_PATIENCE } from '../layout';
import { takeSlot } from './heap';
import { FORGOTTEN, grow, isHalfFull, sweep } from './index-table';

/** In place of the offset of a slot's time of last use: all that may be forgotten goes at once. */
export const AGELESS: usize = usize.MAX_VALUE;

/** Bisections in search of an age: they need not be exact, and each costs a pass over the table. */
const PASSES = 20;

/**
 * A zeroed slot for one more entry of a table, whose index then has room to put it; 0 when memory is full.
 * `isIdle`: may this slot be forgotten? `lastUse`: offset of its time of last use (u64), or AGELESS. `forget` gives an
 * idle slot back, its entry apart.
 */
export function takeRoom(
  index: usize,
  slab: usize,
  size: u32,
  link: u32,
  lastUse: usize,
  isIdle: (slot: usize) => bool,
  forget: (slot: usize) => void,
): usize {
  if (!isHalfFull(index)) {
    const slot = takeSlot(slab, size, link);
    if (slot) return slot;
  }
  const patience = load<u32>(index, INDEX_PATIENCE);
  if (patience) {
    store<u32>(index, patience - 1, INDEX_PATIENCE);
    return 0;
  }
  if (isHalfFull(index) && makeRoom(index, lastUse, isIdle, forget)) {
    const slot = takeSlot(slab, size, link);
    if (slot) return slot;
  }
  store<u32>(index, load<u32>(index, INDEX_MASK) >> 2, INDEX_PATIENCE);
  return forgetIdle(index, lastUse, isIdle, forget) ? takeSlot(slab, size, link) : 0;
}

function makeRoom(
  index: usize,
  lastUse: usize,
  isIdle: (slot: usize) => bool,
  forget: (slot: usize) => void,
): bool {
  const total = load<u32>(index, INDEX_COUNT);
  if (total < load<u32>(index, INDEX_FLOOR)) return grow(index);
  const idle = countIdle(index, lastUse, u64.MAX_VALUE, isIdle);
  return idle << 1 < total ? grow(index) : forgetIdle(index, lastUse, isIdle, forget);
}

/** Forgets the older half of the idle slots. False: there are none. */
function forgetIdle(
  index: usize,
  lastUse: usize,
  isIdle: (slot: usize) => bool,
  forget: (slot: usize) => void,
): bool {
  const entries: usize = load<u32>(index, INDEX_ENTRIES);
  const end = endOf(index);
  let idle: u32 = 0;
  let oldest = u64.MAX_VALUE;
  let newest: u64 = 0;
  for (let entry = entries; entry < end; entry += 8) {
    const slot: usize = load<u32>(entry, 4);
    if (!slot || !isIdle(slot)) continue;
    idle++;
    oldest = min<u64>(oldest, ageOf(slot, lastUse));
    newest = max<u64>(newest, ageOf(slot, lastUse));
  }
  if (!idle) return false;
  const limit = olderHalf(index, lastUse, isIdle, idle, oldest, newest);
  for (let entry = entries; entry < end; entry += 8) {
    const slot: usize = load<u32>(entry, 4);
    if (!slot || ageOf(slot, lastUse) > limit || !isIdle(slot)) continue;
    forget(slot);
    store<u32>(entry, FORGOTTEN, 4);
  }
  sweep(index);
  return true;
}

/** A time of last use that at least half of the idle slots do not exceed, and not many more, by bisection over time. */
function olderHalf(
  index: usize,
  lastUse: usize,
  isIdle: (slot: usize) => bool,
  idle: u32,
  oldest: u64,
  newest: u64,
): u64 {
  let low = oldest;
  let high = newest;
  for (let pass = 0; pass < PASSES && low < high; pass++) {
    const middle = low + ((high - low) >> 1);
    const older = countIdle(index, lastUse, middle, isIdle);
    if (older << 1 < idle) low = middle + 1;
    else if (older > idle - (idle >> 2)) high = middle;
    else return middle;
  }
  return high;
}

/** Idle slots that were last used at `limit` or before. */
function countIdle(index: usize, lastUse: usize, limit: u64, isIdle: (slot: usize) => bool): u32 {
  const end = endOf(index);
  let idle: u32 = 0;
  for (let entry: usize = load<u32>(index, INDEX_ENTRIES); entry < end; entry += 8) {
    const slot: usize = load<u32>(entry, 4);
    if (slot && ageOf(slot, lastUse) <= limit && isIdle(slot)) idle++;
  }
  return idle;
}

function ageOf(slot: usize, lastUse: usize): u64 {
  return lastUse == AGELESS ? 0 : load<u64>(slot + lastUse);
}

function endOf(index: usize): usize {
  return load<usize>(index, INDEX_ENTRIES) + ((usize(load<u32>(index, INDEX_MASK)) + 1) << 3);
}

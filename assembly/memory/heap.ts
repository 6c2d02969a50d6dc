// Where state lives: one contiguous region from STATE to HEAD_TOP that only grows. Nothing here is managed by a
// garbage collector, so a copy of the region is a snapshot of the engine.

import {
  HEAD_LIMIT,
  HEAD_SPARE,
  HEAD_TOP,
  SLAB_CARVE,
  SLAB_END,
  SLAB_FREE,
  SLAB_USED,
  STATE,
} from '../layout';

/** Two cache lines: processors fetch them in pairs. */
const LINES: u32 = 128;
const CHUNK: u32 = 1 << 16;
// Pages of 64 KiB.
const GROWTH: u64 = 64;

/** `size` zeroed bytes at a pair of cache lines, or 0 when the limit is reached. */
export function reserve(size: u32): usize {
  const start = (load<u32>(STATE, HEAD_TOP) + LINES - 1) & ~(LINES - 1);
  const end = u64(start) + u64(size);
  if (end > u64(load<u32>(STATE, HEAD_LIMIT))) return 0;
  if (end > u64(memory.size()) << 16 && !growTo(end)) return 0;
  store<u32>(STATE, u32(end), HEAD_TOP);
  return start;
}

/**
 * Grows linear memory to hold `end`, by a step at least: every growth makes the host replace its buffer and look for garbage.
 */
function growTo(end: u64): bool {
  const have = u64(memory.size());
  const needed = ((end + 0xffff) >> 16) - have;
  const room =
    (u64(load<u32>(STATE, HEAD_LIMIT)) >> 16) - min<u64>(have, u64(load<u32>(STATE, HEAD_LIMIT)) >> 16);
  const step = min<u64>(max<u64>(needed, GROWTH), max<u64>(room, needed));
  return memory.grow(i32(step)) >= 0 || memory.grow(i32(needed)) >= 0;
}

/** A table of 2^power bytes, zeroed; a table given back before is used again. */
export function takeTable(power: u32): usize {
  const spare = STATE + HEAD_SPARE + (power << 2);
  const table = load<u32>(spare);
  if (!table) return reserve(u32(1) << power);
  store<u32>(spare, load<u32>(table));
  memory.fill(table, 0, usize(1) << power);
  return table;
}

/** Gives a table of 2^power bytes back. */
export function giveTable(table: usize, power: u32): void {
  const spare = STATE + HEAD_SPARE + (power << 2);
  store<u32>(table, load<u32>(spare));
  store<u32>(spare, u32(table));
}

/** A zeroed slot of `size` bytes from a slab, or 0 when memory is at its limit. `link` is the slot's free-list field. */
export function takeSlot(slab: usize, size: u32, link: u32): usize {
  let slot: usize = load<u32>(slab, SLAB_FREE);
  if (slot) {
    store<u32>(slab, load<u32>(slot + link), SLAB_FREE);
    memory.fill(slot, 0, size);
  } else {
    slot = load<u32>(slab, SLAB_CARVE);
    if (!slot || slot + size > load<u32>(slab, SLAB_END)) {
      const chunk = size > CHUNK ? size : CHUNK;
      slot = reserve(chunk);
      if (!slot) return 0;
      store<u32>(slab, u32(slot) + chunk, SLAB_END);
    }
    store<u32>(slab, u32(slot) + size, SLAB_CARVE);
  }
  store<u32>(slab, load<u32>(slab, SLAB_USED) + 1, SLAB_USED);
  return slot;
}

export function giveSlot(slab: usize, slot: usize, link: u32): void {
  store<u32>(slot + link, load<u32>(slab, SLAB_FREE));
  store<u32>(slab, u32(slot), SLAB_FREE);
  store<u32>(slab, load<u32>(slab, SLAB_USED) - 1, SLAB_USED);
}

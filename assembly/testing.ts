// Exports of the testing build only: inner functions that no caller outside needs, for tests to hold against plain rules.

import { HEAD_LOCK_INDEX, LANE_MULT, LANE_OFFSET_NS, LANE_SHIFT, STATE } from './layout';
import { toNs } from './decode/pages';
import { firstEntry, hash, initIndex, isHalfFull, nextEntry, put, grow } from './memory/index-table';
import { reserve } from './memory/heap';

export { setup } from './setup';
export { bucketOf, histogramSize } from './memory/histogram';

const INDEX = STATE + HEAD_LOCK_INDEX;

/** Makes the index of locks anew with 2^power entries. */
export function resetIndex(power: u32): bool {
  return initIndex(INDEX, power);
}

/** Puts `value` under `key`, growing where the table is half full. False when it cannot grow. */
export function putKey(key: u64, value: u32): bool {
  if (isHalfFull(INDEX) && !grow(INDEX)) return false;
  put(INDEX, hash(key, 0), value);
  return true;
}

/** The value put under `key` whose tag matches first, 0 for none; a probe ends at the first empty entry. */
export function getKey(key: u64): u32 {
  const tag = hash(key, 0);
  let entry = firstEntry(INDEX, tag);
  while (load<u32>(entry, 4)) {
    if (load<u32>(entry) == tag) return load<u32>(entry, 4);
    entry = nextEntry(INDEX, entry);
  }
  return 0;
}

/** Converts a raw time by a lane's clock rule. */
export function convert(time: u64, mult: u32, shift: u32, offset: u64): u64 {
  const lane = reserve(256);
  store<u32>(lane, mult, LANE_MULT);
  store<u32>(lane, shift, LANE_SHIFT);
  store<u64>(lane, offset, LANE_OFFSET_NS);
  return toNs(lane, time);
}

/** Reads whole words from `from` up to `to` and adds them up: what no replay can be faster than. */
export function readPass(from: usize, to: usize): u64 {
  let sum: u64 = 0;
  for (let at = from; at + 8 <= to; at += 8) sum += load<u64>(at);
  return sum;
}

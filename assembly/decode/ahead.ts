// Looking ahead: the locks of a lane's next events are fetched into the cache, many at a time. A look-up waits for memory twice, for the
// index and for the slot. Of events one after another these waits add up; those of a whole batch overlap. Nothing changes but the cache, and
// what is not found here (a long record, a bit or a type that is no lock's) is found later, as ever.

import {
  AHEAD_EVENTS,
  EVENT_ADDRESS,
  EVENT_BIT,
  EVENT_FLAGS,
  EVENT_SIZE,
  FLAG_NAMESPACE_SHIFT,
  HEAD_AHEAD,
  HEAD_AHEAD_SUM,
  HEAD_LOCK_INDEX,
  INDEX_ENTRIES,
  INDEX_MASK,
  LOCK_RELEASE,
  ROW_ADDRESS_AT,
  ROW_ADDRESS_SIZE,
  ROW_BIT_AT,
  ROW_BIT_CONST,
  ROW_BIT_SIZE,
  ROW_FLAGS,
  ROW_MIN_SIZE,
  STATE,
} from '../layout';
import { tagOfLock } from '../state/locks';
import { rowOf } from './rows';

const INDEX = STATE + HEAD_LOCK_INDEX;
/** Locks of a smaller index stay in the cache by themselves. */
const WORTHWHILE: u32 = 1 << 15;
const SLOTS: usize = STATE + HEAD_AHEAD;
const SLOTS_END: usize = SLOTS + (AHEAD_EVENTS << 2);

const TYPE_LONGEST: u32 = 28;
const TYPE_TIME_EXTEND: u32 = 30;

/** Looks at the canonical events from `event` on, as many as are looked at in one go, as far as `end`. Returns where it stopped. */
export function lookAtEvents(event: usize, end: usize): usize {
  const stop = min<usize>(event + AHEAD_EVENTS * EVENT_SIZE, end);
  const mask = load<u32>(INDEX, INDEX_MASK);
  if (mask < WORTHWHILE) return stop;
  let slots = SLOTS;
  for (; event < stop; event += EVENT_SIZE) {
    const namespace = u8(u32(load<u16>(event, EVENT_FLAGS)) >> FLAG_NAMESPACE_SHIFT);
    const tag = tagOfLock(namespace, load<u64>(event, EVENT_ADDRESS), load<u8>(event, EVENT_BIT));
    slots = fetchEntry(slots, tag & mask);
  }
  fetchSlots(slots);
  return stop;
}

/** The same for the events of a page from `cursor` on (pages.ts), as far as they are short ones one after another. */
export function lookAtPage(cursor: usize, end: usize): usize {
  const mask = load<u32>(INDEX, INDEX_MASK);
  if (mask < WORTHWHILE) return end;
  let slots = SLOTS;
  while (cursor + 8 <= end && slots < SLOTS_END) {
    const kind = load<u32>(cursor) & 31;
    if (kind == TYPE_TIME_EXTEND) {
      cursor += 8;
      continue;
    }
    const record = cursor + 4;
    const size = kind << 2;
    if (size < 8 || kind > TYPE_LONGEST || record + size > end) {
      cursor = end;
      break;
    }
    cursor = record + size;
    const row = rowOf(load<u16>(record));
    if (load<u8>(row, ROW_ADDRESS_SIZE) != 8 || size < u32(load<u16>(row, ROW_MIN_SIZE))) continue;
    const namespace = u8(u32(load<u16>(row, ROW_FLAGS)) >> FLAG_NAMESPACE_SHIFT);
    let bit = load<u8>(row, ROW_BIT_CONST);
    if (load<u8>(row, ROW_BIT_SIZE)) bit = load<u8>(record + load<u16>(row, ROW_BIT_AT)) & 63;
    const tag = tagOfLock(namespace, load<u64>(record + load<u16>(row, ROW_ADDRESS_AT)), bit);
    slots = fetchEntry(slots, tag & mask);
  }
  fetchSlots(slots);
  return cursor;
}

/** Notes the slot of an entry of the index. Most locks are at their hash's first entry, for the table is at most half full. */
function fetchEntry(slots: usize, n: u32): usize {
  store<u32>(slots, load<u32>(load<usize>(INDEX, INDEX_ENTRIES) + (usize(n) << 3), 4));
  return slots + 4;
}

/** Fetches both lines of the noted slots. The sum is kept so that no compiler takes the loads for idle; an empty entry's slot is page 0. */
function fetchSlots(end: usize): void {
  let sum: u32 = 0;
  for (let at = SLOTS; at < end; at += 4) {
    const lock: usize = load<u32>(at);
    sum += load<u32>(lock) + load<u32>(lock, LOCK_RELEASE);
  }
  store<u32>(STATE, sum, HEAD_AHEAD_SUM);
}

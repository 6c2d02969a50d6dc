// Raw ftrace sub-buffer pages -> pending event of a lane. Layout: include/linux/ring_buffer.h and
// kernel/trace/ring_buffer.c, Linux 6.12.
//
// A page:    time u64 | commit (4 or 8 bytes) | data
//            commit: bits 0..19 bytes of data, bit 31 events were missed before this page, bit 30 their number is
//            stored behind the data
// An event:  u32 word = type_len:5 | time_delta:27, then by type_len
//              0      u32 length (itself included), data       29  padding: rest of the page, or u32 length to skip
//              1..28  type_len * 4 bytes of data               30  time extend: delta |= u32 << 27
//                                                              31  time stamp: absolute, the top 5 bits inherited
//
// Raw loads never trap inside linear memory, so every length is checked here before it is used.

import {
  LANE_AHEAD,
  LANE_BACKWARDS,
  LANE_BAD_EVENTS,
  LANE_BAD_PAGES,
  LANE_COMMIT_SIZE,
  LANE_CPU,
  LANE_CURSOR,
  LANE_DATA_AT,
  LANE_EVENTS,
  LANE_FILLED,
  LANE_FIRST_BAD,
  LANE_HOLES,
  LANE_MULT,
  LANE_NEXT_TIME,
  LANE_OFFSET_NS,
  LANE_ORIGIN,
  LANE_PAGE,
  LANE_PAGES,
  LANE_PAGE_END,
  LANE_PAGE_SIZE,
  LANE_PENDING_LOST,
  LANE_RECORD,
  LANE_RECORD_SIZE,
  LANE_ROW,
  LANE_SHIFT,
  LANE_SLOT,
  LANE_TIME,
  LANE_WINDOW,
} from '../layout';
import { lookAtPage } from './ahead';
import { knownCpu } from '../state/cpus';
import { rowOf } from './rows';

export const COMMIT_MASK: u32 = 0xfffff;
const MISSED_EVENTS: u32 = 0x80000000;
export const MISSED_STORED: u32 = 0x40000000;
/** The offset in a position. */
export const OFFSET_MASK: u64 = (1 << 48) - 1;
const TOP_5_BITS: u64 = 0xf800000000000000;

export const TYPE_PADDING: u32 = 29;
export const TYPE_TIME_EXTEND: u32 = 30;
const TYPE_TIME_STAMP: u32 = 31;

// The smallest record: u16 type, u8 flags, u8 preempt count, s32 pid.
export const COMMON_SIZE: u32 = 8;

/** Raw clock -> ns: (time * mult >> shift) + offset, with a 96-bit product (trace-cmd's tsc2nsec rule). */
export function toNs(lane: usize, time: u64): u64 {
  const mult = u64(load<u32>(lane, LANE_MULT));
  if (!mult) return time + load<u64>(lane, LANE_OFFSET_NS);
  const shift = u64(load<u32>(lane, LANE_SHIFT));
  const low = (time & 0xffffffff) * mult;
  const high = (time >> 32) * mult + (low >> 32);
  // product = high << 32 | low's low half
  let ns: u64;
  if (shift == 0) ns = (high << 32) | (low & 0xffffffff);
  else if (shift <= 32) ns = (high << (32 - shift)) | ((low & 0xffffffff) >> shift);
  else ns = high >> (shift - 32);
  return ns + load<u64>(lane, LANE_OFFSET_NS);
}

/** Counts damage at `at` in the window; `field` is LANE_BAD_PAGES or LANE_BAD_EVENTS. */
export function damaged(lane: usize, at: usize, field: usize): void {
  const known = load<u32>(lane, LANE_BAD_PAGES) + load<u32>(lane, LANE_BAD_EVENTS);
  if (!known) store<u64>(lane, (load<u64>(lane, LANE_ORIGIN) + u64(at)) & OFFSET_MASK, LANE_FIRST_BAD);
  store<u32>(lane + field, load<u32>(lane + field) + 1);
}

/**
 * Opens the page at `page`, which lies whole in the window. Sets cursor and end; a page whose commit does not fit is
 * counted and skipped.
 */
function openPage(lane: usize, page: usize): void {
  const dataAt = load<u32>(lane, LANE_DATA_AT);
  const pageSize = load<u32>(lane, LANE_PAGE_SIZE);
  const commit = load<u32>(page, 8);
  let length = commit & COMMIT_MASK;
  const data = page + dataAt;
  const room = pageSize - dataAt;
  store<u32>(lane, load<u32>(lane, LANE_PAGES) + 1, LANE_PAGES);
  store<u32>(lane, u32(page), LANE_PAGE);
  store<u32>(lane, u32(knownCpu(u32(load<u16>(lane, LANE_CPU)))), LANE_SLOT);
  if (commit & MISSED_EVENTS) {
    let missed: i64 = -1;
    const size = u32(load<u8>(lane, LANE_COMMIT_SIZE));
    if (commit & MISSED_STORED && length + size <= room) {
      missed = size == 8 ? load<i64>(data + length) : i64(load<u32>(data + length));
      if (missed <= 0) missed = -1;
    }
    const before = load<i64>(lane, LANE_PENDING_LOST);
    store<i64>(lane, missed > 0 && before >= 0 ? before + missed : -1, LANE_PENDING_LOST);
  }
  if (length > room) {
    lose(lane, page, LANE_BAD_PAGES);
    length = 0;
  }
  noteHole(lane, page, !commit && !load<u64>(page));
  store<u64>(lane, load<u64>(page), LANE_TIME);
  store<u32>(lane, u32(data), LANE_CURSOR);
  store<u32>(lane, u32(data), LANE_AHEAD);
  store<u32>(lane, u32(data) + length, LANE_PAGE_END);
}

/** Damage that events are missing for. */
function lose(lane: usize, at: usize, field: usize): void {
  damaged(lane, at, field);
  store<i64>(lane, -1, LANE_PENDING_LOST);
}

/**
 * Zeros where a page was: what a disk that was full, or a machine that lost power, leaves in a file. No tracer writes such a page, but
 * the rest of a lane may be preallocated: only in front of other pages they are damage.
 */
function noteHole(lane: usize, page: usize, isHole: bool): void {
  const holes = load<u32>(lane, LANE_HOLES);
  if (isHole) store<u32>(lane, holes + 1, LANE_HOLES);
  else if (holes) {
    lose(lane, page, LANE_BAD_PAGES);
    store<u32>(lane, load<u32>(lane, LANE_BAD_PAGES) + holes - 1, LANE_BAD_PAGES);
    store<u32>(lane, 0, LANE_HOLES);
  }
}

/**
 * Finds the lane's next record and makes it pending (LANE_RECORD, LANE_RECORD_SIZE, LANE_NEXT_TIME).
 * Returns false when the window holds no further record: the lane is dry.
 */
export function advancePages(lane: usize): bool {
  let cursor: usize = load<u32>(lane, LANE_CURSOR);
  let end: usize = load<u32>(lane, LANE_PAGE_END);
  let time = load<u64>(lane, LANE_TIME);
  while (true) {
    if (cursor + 4 > end) {
      const page = usize(load<u32>(lane, LANE_PAGE));
      const pageSize = load<u32>(lane, LANE_PAGE_SIZE);
      const window: usize = load<u32>(lane, LANE_WINDOW);
      const next = page ? page + pageSize : window;
      if (next + pageSize > window + load<u32>(lane, LANE_FILLED)) {
        store<u32>(lane, u32(cursor), LANE_CURSOR);
        store<u64>(lane, time, LANE_TIME);
        return false;
      }
      openPage(lane, next);
      cursor = load<u32>(lane, LANE_CURSOR);
      end = load<u32>(lane, LANE_PAGE_END);
      time = load<u64>(lane, LANE_TIME);
      continue;
    }
    if (cursor >= load<u32>(lane, LANE_AHEAD)) store<u32>(lane, u32(lookAtPage(cursor, end)), LANE_AHEAD);
    const word = load<u32>(cursor);
    const kind = word & 31;
    const delta = u64(word >> 5);
    // Data of 2 to 28 words: a single one has no room for the common fields.
    if (kind - 2 < TYPE_PADDING - 2) {
      const size = kind << 2;
      if (cursor + 4 + size <= end) {
        time += delta;
        found(lane, cursor + 4, size, time);
        store<u32>(lane, u32(cursor + 4 + size), LANE_CURSOR);
        return true;
      }
    } else if (kind != 1 && cursor + 8 <= end) {
      const extra = load<u32>(cursor, 4);
      if (kind == TYPE_TIME_EXTEND) {
        time += (u64(extra) << 27) + delta;
        cursor += 8;
        continue;
      }
      if (kind == TYPE_TIME_STAMP) {
        time = (time & TOP_5_BITS) | (u64(extra) << 27) | delta;
        cursor += 8;
        continue;
      }
      if (kind == 0) {
        // The length counts itself; data follows it, padded to 4 bytes.
        const size = extra - 4;
        const padded = (u64(size) + 3) & ~3;
        if (extra >= 4 + COMMON_SIZE && u64(cursor) + 8 + padded <= u64(end)) {
          time += delta;
          found(lane, cursor + 8, size, time);
          store<u32>(lane, u32(u64(cursor) + 8 + padded), LANE_CURSOR);
          return true;
        }
      } else if (delta == 0) {
        cursor = end; // padding to the end of the page
        continue;
      } else if (extra >= 4 && u64(cursor) + 4 + u64(extra) <= u64(end)) {
        // A discarded event: its length is in the first data word, and its time counts.
        time += delta;
        cursor += 4 + extra;
        continue;
      }
    } else if (kind == TYPE_PADDING) {
      cursor = end;
      continue;
    }
    // The event does not fit its page: nothing behind it can be found.
    lose(lane, cursor, LANE_BAD_EVENTS);
    cursor = end;
  }
}

function found(lane: usize, record: usize, size: u32, time: u64): void {
  const ns = toNs(lane, time);
  store<u64>(lane, time, LANE_TIME);
  store<u32>(lane, u32(record), LANE_RECORD);
  store<u32>(lane, size, LANE_RECORD_SIZE);
  // Looked up here, and not where it is needed, so that it is there by then.
  store<u32>(lane, u32(rowOf(load<u16>(record))), LANE_ROW);
  if (ns < load<u64>(lane, LANE_NEXT_TIME))
    store<u32>(lane, load<u32>(lane, LANE_BACKWARDS) + 1, LANE_BACKWARDS);
  store<u64>(lane, ns, LANE_NEXT_TIME);
  store<u64>(lane, load<u64>(lane, LANE_EVENTS) + 1, LANE_EVENTS);
}

// What statistics know an event's lock, and the code that used it, by: two numbers, 0 where nobody knows.
//
//   pages, samples   a hash of the name in the raw record; the code's address in it, or a hash of the sample's callers
//   records          the reader's numbers for the name and for who called (EVENT_RAW)
//   blocks           what the original's were (EVENT_RAW is the label's address)

import {
  EVENT_KIND,
  EVENT_RAW,
  EVENT_TYPE,
  HEAD_LANES,
  HEAD_POSITION,
  KIND_ACQUIRE,
  KIND_ATTEMPT,
  KIND_CONTEND,
  KIND_IRQS_OFF,
  KIND_PREEMPT_OFF,
  LABEL_CLASS,
  LABEL_SITE,
  LANE_BLOCKS_FORMAT,
  LANE_FORMAT,
  LANE_PAGES_FORMAT,
  LANE_RECORDS_FORMAT,
  LANE_RECORD_SIZE,
  LANE_SAMPLES_FORMAT,
  LANE_SIZE,
  LANE_WINDOW,
  NAME_NONE,
  NAME_REL_LOC,
  ROW_NAME,
  ROW_NAME_AT,
  ROW_SITE_AT,
  ROW_SITE_SIZE,
  SPLIT_BY_STACK,
  STATE,
} from '../layout';
import { rowOf } from '../decode/rows';
import { callersOfSample } from '../decode/samples';

/** The lane that the event being replayed came from. */
function laneOf(): usize {
  return load<usize>(STATE, HEAD_LANES) + usize(load<u64>(STATE, HEAD_POSITION) >> 48) * LANE_SIZE;
}

/** Do statistics ask for labels of this kind? */
export function isLabelled(event: usize): bool {
  const kind = i32(load<u8>(event, EVENT_KIND));
  return (
    kind == KIND_ATTEMPT ||
    kind == KIND_CONTEND ||
    kind == KIND_ACQUIRE ||
    kind == KIND_IRQS_OFF ||
    kind == KIND_PREEMPT_OFF
  );
}

function isRaw(lane: usize): bool {
  const format = i32(load<u8>(lane, LANE_FORMAT));
  return format == LANE_PAGES_FORMAT || format == LANE_SAMPLES_FORMAT;
}

/**
 * Where the lock's name lies, as length << 32 | address, without the zero byte at its end; 0 where the event has no record, or
 * that no name.
 */
export function nameOf(event: usize): u64 {
  const lane = laneOf();
  if (!isRaw(lane)) return 0;
  const row = rowOf(load<u16>(event, EVENT_TYPE));
  const how = load<u8>(row, ROW_NAME);
  if (how == NAME_NONE) return 0;
  const record = load<usize>(lane, LANE_WINDOW) + load<u32>(event, EVENT_RAW);
  const size = load<u32>(lane, LANE_RECORD_SIZE);
  const at = u32(load<u16>(row, ROW_NAME_AT));
  if (at + 4 > size) return 0;
  // length << 16 | offset, which counts from the record's start or, __rel_loc, from the end of this word.
  const word = load<u32>(record + at);
  const start = (word & 0xffff) + (how == NAME_REL_LOC ? at + 4 : 0);
  let length = word >> 16;
  if (start + length > size) return 0;
  if (length && !load<u8>(record + start + length - 1)) length--;
  return length ? (u64(length) << 32) | u64(record + start) : 0;
}

/** The class of the event's lock. `name`: as nameOf has it. */
export function classOf(event: usize, name: u64): u64 {
  if (name) return hashOf(name);
  const format = i32(load<u8>(laneOf(), LANE_FORMAT));
  const raw = load<u32>(event, EVENT_RAW);
  if (format == LANE_RECORDS_FORMAT) return u64(raw & 0xffff);
  return format == LANE_BLOCKS_FORMAT && raw ? load<u64>(usize(raw), LABEL_CLASS) : 0;
}

/** The code: where the record names it, that, unless `split` is by stack; otherwise all of the event's callers. */
export function siteOf(event: usize, split: u32): u64 {
  const lane = laneOf();
  const raw = load<u32>(event, EVENT_RAW);
  if (isRaw(lane)) {
    const site = siteIn(event, load<usize>(lane, LANE_WINDOW) + raw, load<u32>(lane, LANE_RECORD_SIZE));
    if (site && !(split & SPLIT_BY_STACK)) return site;
    const callers = load<u8>(lane, LANE_FORMAT) == LANE_SAMPLES_FORMAT ? callersOfSample(lane) : 0;
    return callers ? hashOfCallers(callers) : site;
  }
  if (load<u8>(lane, LANE_FORMAT) == LANE_RECORDS_FORMAT) return u64(raw >> 16);
  return raw ? load<u64>(usize(raw), LABEL_SITE) : 0;
}

function siteIn(event: usize, record: usize, recordSize: u32): u64 {
  const row = rowOf(load<u16>(event, EVENT_TYPE));
  const size = u32(load<u8>(row, ROW_SITE_SIZE));
  const at = u32(load<u16>(row, ROW_SITE_AT));
  if (!size || at + size > recordSize) return 0;
  return size == 8 ? load<u64>(record + at) : u64(load<u32>(record + at));
}

/** A hash of a name, eight bytes at a time and the last ones padded with zeros. */
function hashOf(name: u64): u64 {
  const start = usize(u32(name));
  const length = u32(name >> 32);
  let all = u64(length);
  let n: u32 = 0;
  for (; n + 8 <= length; n += 8) all = mixed(all, load<u64>(start + n));
  let rest: u64 = 0;
  for (let byte = length; byte > n; byte--) rest = (rest << 8) | u64(load<u8>(start + byte - 1));
  return mixed(all, rest);
}

/** A hash of "u64 number, that many u64". */
function hashOfCallers(callers: usize): u64 {
  const end = callers + 8 + (usize(load<u64>(callers)) << 3);
  let all: u64 = 0;
  for (let at = callers; at < end; at += 8) all = mixed(all, load<u64>(at));
  return all;
}

export function mixed(all: u64, next: u64): u64 {
  const product = (all ^ next) * 0x9e3779b97f4a7c15;
  return product ^ (product >> 29);
}

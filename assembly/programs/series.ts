// Statistics: what is counted by lock class, and by whatever else the user splits by. Off unless asked for (HEAD_SPLIT).
//
// A series is found when a lock is attempted, or taken without an attempt, and its number is kept in the context's stack entry: so a
// wait and a hold count where they began. The class of a lock is the name in its records (labels.ts); where they are raw the series
// keeps it for user space. Locks without a name (contention tracepoints) get a series each, which user space merges.

import {
  CALLER_KIND,
  CALLER_LIMIT,
  CALLER_SERIES,
  CALLER_SITE,
  CALLER_SIZE,
  COUNTER_UNTRACKED_SERIES,
  EVENT_ADDRESS,
  EVENT_BIT,
  EVENT_CPU,
  EVENT_FLAGS,
  EVENT_PID,
  EVENT_TIME,
  FLAG_NAMESPACE_SHIFT,
  FLAG_READ,
  HEAD_CALLERS,
  HEAD_SERIES,
  HEAD_SERIES_COUNT,
  HEAD_SERIES_INDEX,
  HEAD_SERIES_SLAB,
  HEAD_SINCE,
  HEAD_SPLIT,
  HEAD_UNTIL,
  NAMESPACE_WORD,
  LOCK_SERIES,
  SECTION_SERIES,
  SECTION_TIME,
  SERIES_ACQUISITIONS,
  SERIES_ADDRESS,
  SERIES_BIT,
  SERIES_CLASS,
  SERIES_CONTENTIONS,
  SERIES_CPU,
  SERIES_FIRST,
  SERIES_HOLD,
  SERIES_IS_LOCK,
  SERIES_KEY,
  SERIES_KIND,
  SERIES_LEVEL,
  SERIES_LIMIT,
  SERIES_NAME,
  SERIES_NAMESPACE,
  SERIES_NAME_LENGTH,
  SERIES_NAME_LIMIT,
  SERIES_NEXT,
  SERIES_PID,
  SERIES_READS,
  SERIES_SITE,
  SERIES_SIZE,
  SERIES_WAIT,
  SPLIT_BY_CONTEXT,
  SPLIT_BY_CPU,
  SPLIT_BY_LOCK,
  SPLIT_BY_SITE,
  SPLIT_BY_STACK,
  SPLIT_BY_TASK,
  SPLIT_IS_ON,
  STATE,
} from '../layout';
import { count } from '../memory/counters';
import { addTo } from '../memory/distribution';
import { takeSlot } from '../memory/heap';
import { firstEntry, grow, hash, isHalfFull, nextEntry, put } from '../memory/index-table';
import { setMark } from '../memory/mark';
import { sectionAt } from '../state/sections';
import { levelOf, since } from './cpu-life';
import { classOf, mixed, nameOf, siteOf } from './labels';

const INDEX = STATE + HEAD_SERIES_INDEX;
const KEY = STATE + SERIES_KEY;

const KEY_SIZE: usize = 40;
/** What of the key's last word is key: namespace, bit and mode. */
const LAST_WORD: u64 = 0xffffff;

function isOn(): bool {
  return load<u32>(STATE, HEAD_SPLIT) != 0;
}

/**
 * The number of the series that an attempt or take of `lock` belongs to; 0 while statistics are off, or where there is no room. Most
 * often it is the one that counted the lock last time: an address may be used again for a lock of another class.
 */
export function seriesOfLock(event: usize, lock: usize): u32 {
  const split = load<u32>(STATE, HEAD_SPLIT);
  if (!split || !isWithin(event)) return 0;
  const namespace = u8(u32(load<u16>(event, EVENT_FLAGS)) >> FLAG_NAMESPACE_SHIFT);
  const reads: u8 = load<u16>(event, EVENT_FLAGS) & FLAG_READ ? 1 : 0;
  const name = nameOf(event);
  const last = lock + LOCK_SERIES + (usize(reads) << 1);
  const isByLock = !(split & ~u32(SPLIT_IS_ON | SPLIT_BY_LOCK));
  const number: u32 = isByLock && name ? load<u16>(last) : 0;
  if (number && isNamed(seriesAt(number), name)) return number;
  const known = classOf(event, name);
  store<u64>(KEY, known, SERIES_CLASS);
  // Bit locks have no name: the number of the bit is their class.
  const isKnown = known != 0 || namespace == NAMESPACE_WORD;
  const byLock = !isKnown || (split & SPLIT_BY_LOCK) != 0;
  store<u64>(KEY, byLock ? load<u64>(event, EVENT_ADDRESS) : 0, SERIES_ADDRESS);
  store<u8>(KEY, SERIES_IS_LOCK, SERIES_KIND);
  store<u8>(KEY, namespace, SERIES_NAMESPACE);
  store<u8>(KEY, load<u8>(event, EVENT_BIT), SERIES_BIT);
  store<u8>(KEY, reads, SERIES_READS);
  const found = find(event, split & (SPLIT_BY_SITE | SPLIT_BY_STACK) ? siteOf(event, split) : 0, name);
  store<u16>(last, u16(found));
  return found;
}

function isWithin(event: usize): bool {
  const time = load<u64>(event, EVENT_TIME);
  return time >= load<u64>(STATE, HEAD_SINCE) && time <= load<u64>(STATE, HEAD_UNTIL);
}

/** Does the series keep this very name? */
function isNamed(series: usize, name: u64): bool {
  const length = usize(name >> 32);
  if (usize(load<u8>(series, SERIES_NAME_LENGTH)) != length) return false;
  const start = usize(u32(name));
  const kept = series + SERIES_NAME;
  if (length < 8) return memory.compare(start, kept, length) == 0;
  for (let n: usize = 0; n + 8 < length; n += 8)
    if (load<u64>(start + n) != load<u64>(kept + n)) return false;
  return load<u64>(start + length - 8) == load<u64>(kept + length - 8);
}

/** The series of the sections that the event's caller begins; 0 where there is no room. */
function seriesOfSection(event: usize, kind: i32): u32 {
  if (!isWithin(event)) return 0;
  const split = load<u32>(STATE, HEAD_SPLIT);
  const site = siteOf(event, split);
  // Sections are the commonest of all spans, and their callers few.
  const caller = callerAt(site, kind);
  const isBySite = !(split & (SPLIT_BY_TASK | SPLIT_BY_CPU | SPLIT_BY_CONTEXT));
  if (isBySite && load<u64>(caller, CALLER_SITE) == site && load<i32>(caller, CALLER_KIND) == kind) {
    const number = load<u32>(caller, CALLER_SERIES);
    if (number) return number;
  }
  store<u64>(KEY, 0, SERIES_CLASS);
  store<u64>(KEY, 0, SERIES_ADDRESS);
  store<u8>(KEY, u8(kind), SERIES_KIND);
  store<u8>(KEY, 0, SERIES_NAMESPACE);
  store<u8>(KEY, 0, SERIES_BIT);
  store<u8>(KEY, 0, SERIES_READS);
  const number = find(event, site, 0);
  store<u64>(caller, site, CALLER_SITE);
  store<u32>(caller, number, CALLER_SERIES);
  store<u32>(caller, u32(kind), CALLER_KIND);
  return number;
}

/** The place of a caller's series, whoever's it was last. */
function callerAt(site: u64, kind: i32): usize {
  const place = (u32(site) ^ (u32(site) >> 9) ^ u32(kind)) & u32(CALLER_LIMIT - 1);
  return load<usize>(STATE, HEAD_CALLERS) + usize(place) * CALLER_SIZE;
}

/** Fills in what the user splits by, then finds or makes the series of the key. */
function find(event: usize, site: u64, name: u64): u32 {
  const split = load<u32>(STATE, HEAD_SPLIT);
  store<u64>(KEY, site, SERIES_SITE);
  store<i32>(KEY, split & SPLIT_BY_TASK ? load<i32>(event, EVENT_PID) : 0, SERIES_PID);
  store<u16>(KEY, split & SPLIT_BY_CPU ? load<u16>(event, EVENT_CPU) : 0, SERIES_CPU);
  const level = levelOf(u32(load<u16>(event, EVENT_FLAGS)));
  store<u8>(KEY, split & SPLIT_BY_CONTEXT ? u8(level) : 0, SERIES_LEVEL);
  const tag = tagOfKey();
  let entry = firstEntry(INDEX, tag);
  while (true) {
    const number = load<u32>(entry, 4);
    if (!number) break;
    if (load<u32>(entry) == tag && isKey(seriesAt(number))) return number;
    entry = nextEntry(INDEX, entry);
  }
  return make(tag, event, name);
}

/** The key's five words, mixed. */
function tagOfKey(): u32 {
  let all: u64 = 0;
  for (let at: usize = 0; at < KEY_SIZE; at += 8) all = mixed(all, load<u64>(usize(KEY) + at));
  return hash(all, 0);
}

function isKey(series: usize): bool {
  return (
    load<u64>(series) == load<u64>(KEY) &&
    load<u64>(series, 8) == load<u64>(KEY, 8) &&
    load<u64>(series, 16) == load<u64>(KEY, 16) &&
    load<u64>(series, 24) == load<u64>(KEY, 24) &&
    (load<u64>(series, 32) & LAST_WORD) == load<u64>(KEY, 32)
  );
}

function make(tag: u32, event: usize, name: u64): u32 {
  const number = load<u32>(STATE, HEAD_SERIES_COUNT) + 1;
  const isFull = number == SERIES_LIMIT || (isHalfFull(INDEX) && !grow(INDEX));
  const series: usize = isFull ? 0 : takeSlot(usize(STATE) + HEAD_SERIES_SLAB, SERIES_SIZE, SERIES_NEXT);
  if (!series) {
    count(COUNTER_UNTRACKED_SERIES);
    return 0;
  }
  memory.copy(series, KEY, KEY_SIZE);
  setMark(series + SERIES_FIRST, event);
  const length = u32(name >> 32);
  if (length <= u32(SERIES_NAME_LIMIT)) {
    store<u8>(series, u8(length), SERIES_NAME_LENGTH);
    memory.copy(series + SERIES_NAME, usize(u32(name)), length);
  }
  store<u32>(load<usize>(STATE, HEAD_SERIES) + (usize(number) << 2), u32(series));
  store<u32>(STATE, number, HEAD_SERIES_COUNT);
  put(INDEX, tag, number);
  return number;
}

function seriesAt(number: u32): usize {
  return load<u32>(load<usize>(STATE, HEAD_SERIES) + (usize(number) << 2));
}

export function countContention(number: u32): void {
  if (number) increment(seriesAt(number) + SERIES_CONTENTIONS);
}

export function countAcquisition(number: u32): void {
  if (number) increment(seriesAt(number) + SERIES_ACQUISITIONS);
}

function increment(at: usize): void {
  store<u64>(at, load<u64>(at) + 1);
}

/** A wait of `ns` for the lock at `address` ended. */
export function countWait(number: u32, ns: u64, event: usize, address: u64): void {
  if (number) addTo(seriesAt(number) + SERIES_WAIT, ns, event, address);
}

/** A hold of `ns` of the lock at `address` ended. */
export function countHold(number: u32, ns: u64, event: usize, address: u64): void {
  if (number) addTo(seriesAt(number) + SERIES_HOLD, ns, event, address);
}

/** Interrupts or preemption went off: remembers by whom. */
export function sectionBegins(event: usize, kind: i32): void {
  if (!isOn()) return;
  const section = sectionAt(load<u16>(event, EVENT_CPU), kind);
  if (!section) return;
  store<u64>(section, load<u64>(event, EVENT_TIME), SECTION_TIME);
  store<u32>(section, seriesOfSection(event, kind), SECTION_SERIES);
}

/** They went on again: the section counts, unless nobody saw it begin. */
export function sectionEnds(event: usize, kind: i32): void {
  if (!isOn()) return;
  const section = sectionAt(load<u16>(event, EVENT_CPU), kind);
  const number = section ? load<u32>(section, SECTION_SERIES) : 0;
  if (!number) return;
  const ns = since(load<u64>(section, SECTION_TIME), load<u64>(event, EVENT_TIME));
  addTo(seriesAt(number) + SERIES_HOLD, ns, event, 0);
  store<u32>(section, 0, SECTION_SERIES);
}

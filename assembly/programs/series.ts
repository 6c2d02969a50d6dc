// Statistics: what is counted by lock class, and by whatever else the user splits by. Off unless asked for (HEAD_SPLIT).
//
// A series is found when a lock is attempted, or taken without an attempt, and its number is kept in the context's stack entry: so a
// wait and a hold count where they began. The class of a lock is the name in its records (labels.ts); where they are raw the series
// keeps it for user space. Locks without a name (contention tracepoints) get a series each, which user space merges.

import {
  COUNTER_UNTRACKED_SERIES,
  EVENT_ADDRESS,
  EVENT_BIT,
  EVENT_CPU,
  EVENT_FLAGS,
  EVENT_PID,
  EVENT_TIME,
  FLAG_NAMESPACE_SHIFT,
  FLAG_READ,
  HEAD_SERIES,
  HEAD_SERIES_COUNT,
  HEAD_SERIES_INDEX,
  HEAD_SERIES_SLAB,
  HEAD_SINCE,
  HEAD_SPLIT,
  HEAD_UNTIL,
  NAMESPACE_WORD,
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

/** The number of the series that a lock's attempt or take belongs to; 0 while statistics are off, or where there is no room. */
export function seriesOfLock(event: usize): u32 {
  if (!isOn()) return 0;
  const namespace = u8(u32(load<u16>(event, EVENT_FLAGS)) >> FLAG_NAMESPACE_SHIFT);
  const reads: u8 = load<u16>(event, EVENT_FLAGS) & FLAG_READ ? 1 : 0;
  const name = nameOf(event);
  const known = classOf(event, name);
  store<u64>(KEY, known, SERIES_CLASS);
  // Bit locks have no name: the number of the bit is their class.
  const isKnown = known != 0 || namespace == NAMESPACE_WORD;
  const byLock = !isKnown || (load<u32>(STATE, HEAD_SPLIT) & SPLIT_BY_LOCK) != 0;
  store<u64>(KEY, byLock ? load<u64>(event, EVENT_ADDRESS) : 0, SERIES_ADDRESS);
  store<u8>(KEY, SERIES_IS_LOCK, SERIES_KIND);
  store<u8>(KEY, namespace, SERIES_NAMESPACE);
  store<u8>(KEY, load<u8>(event, EVENT_BIT), SERIES_BIT);
  store<u8>(KEY, reads, SERIES_READS);
  return find(event, name, false);
}

/** The series of the sections that the event's caller begins; 0 as above. */
function seriesOfSection(event: usize, kind: i32): u32 {
  if (!isOn()) return 0;
  store<u64>(KEY, 0, SERIES_CLASS);
  store<u64>(KEY, 0, SERIES_ADDRESS);
  store<u8>(KEY, u8(kind), SERIES_KIND);
  store<u8>(KEY, 0, SERIES_NAMESPACE);
  store<u8>(KEY, 0, SERIES_BIT);
  store<u8>(KEY, 0, SERIES_READS);
  return find(event, 0, true);
}

/** Fills in what the user splits by, then finds or makes the series of the key. */
function find(event: usize, name: u64, bySite: bool): u32 {
  const time = load<u64>(event, EVENT_TIME);
  if (time < load<u64>(STATE, HEAD_SINCE) || time > load<u64>(STATE, HEAD_UNTIL)) return 0;
  const split = load<u32>(STATE, HEAD_SPLIT);
  const site = bySite || split & (SPLIT_BY_SITE | SPLIT_BY_STACK) ? siteOf(event, split) : 0;
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

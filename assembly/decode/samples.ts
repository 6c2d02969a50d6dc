// Lanes of perf records -> pending event of a lane. Layout: include/uapi/linux/perf_event.h, Linux 6.16, enum perf_event_type.
//
// A record:  type u32 | misc u16 | size u16 (itself included) | body
// A sample:  id, ip, pid tid, time, addr, id, stream id, cpu, period: 8 bytes each, those that the event asked for;
//            then the parts of variable length that it asked for, up to the one that matters here:
//              read       one value or a group of them, see skipRead()
//              callchain  u64 number, that many u64
//              raw        u32 size, the tracepoint's record as ftrace has it: type u16, flags u8, preempt count u8, pid s32, ...
//
// Windows hold whole records, for scan-samples.ts cut the stream between records. All the same every length is checked before
// it is used: raw loads never trap inside linear memory.

import {
  HEAD_SAMPLES,
  ID_CPU,
  ID_LAYOUT,
  ID_NUMBER,
  ID_SIZE,
  LANE_BACKWARDS,
  LANE_BAD_EVENTS,
  LANE_CPU,
  LANE_CURSOR,
  LANE_EVENTS,
  LANE_FILLED,
  LANE_NEXT_TIME,
  LANE_PAGE,
  LANE_PENDING_LOST,
  LANE_RECORD,
  LANE_RECORD_SIZE,
  LANE_ROW,
  LANE_SLOT,
  LANE_TIME,
  LANE_WINDOW,
  PERF_LOST,
  PERF_SAMPLE,
  PERF_THROTTLE,
  PERF_UNTHROTTLE,
  SAMPLE_CPU_AT,
  SAMPLE_HAS_CALLCHAIN,
  SAMPLE_HAS_RAW,
  SAMPLE_HAS_READ,
  SAMPLE_PARTS,
  SAMPLE_READ,
  SAMPLE_REST_AT,
  SAMPLE_TID_AT,
  SAMPLE_TIME_AT,
  SAMPLE_TRAILER_CPU,
  SAMPLE_TRAILER_TIME,
  SAMPLE_TYPE,
  SAMPLES_DEFAULT,
  SAMPLES_DEPTH,
  SAMPLES_ID_AT,
  SAMPLES_ID_MASK,
  SAMPLES_IDS,
  STATE,
} from '../layout';
import { knownCpu } from '../state/cpus';
import { damaged } from './pages';
import { rowOf } from './rows';

export const HEADER: u32 = 8;
// u16 type, u8 flags, u8 preempt count, s32 pid: no raw record is shorter.
const COMMON_SIZE: u32 = 8;

// enum perf_event_read_format.
const READ_ENABLED: u32 = 1;
const READ_RUNNING: u32 = 2;
const READ_ID: u32 = 4;
export const READ_GROUP: u32 = 8;
const READ_LOST: u32 = 16;

// struct lost:     u64 id, u64 lost           (PERF_RECORD_LOST)
// struct throttle: u64 time, u64 id, u64 stream id
export const LOST_BODY: u32 = 16;
export const THROTTLE_BODY: u32 = 24;

// Spreads ids over their table (multiplicative hashing by the golden ratio); src/engine/sample-tables.ts puts them in.
const GOLDEN: u64 = 0x9e3779b97f4a7c15;

// The NMI flag of a record (enum trace_flag_type). Samples that carry no flags of their own get it, for they may come from an
// NMI: no sign of life, and no word about interrupts.
const RECORD_NMI: u8 = 0x40;

/** The table's entry of an event's id, 0 where it is not known. */
export function entryOf(tables: usize, id: u64): usize {
  const mask = load<u32>(tables, SAMPLES_ID_MASK);
  const ids: usize = load<u32>(tables, SAMPLES_IDS);
  let n = u32((id * GOLDEN) >> 32) & mask;
  while (true) {
    const entry = ids + usize(n) * ID_SIZE;
    if (!load<u32>(entry, ID_LAYOUT)) return 0;
    if (load<u64>(entry, ID_NUMBER) == id) return entry;
    n = (n + 1) & mask;
  }
}

export function layoutOf(tables: usize, entry: usize): usize {
  return entry ? load<u32>(entry, ID_LAYOUT) : load<u32>(tables, SAMPLES_DEFAULT);
}

/** The table's entry of a sample's event, 0 where it is not known. */
export function entryOfSample(tables: usize, record: usize, size: u32): usize {
  const at = load<u32>(tables, SAMPLES_ID_AT);
  return at && at + 8 <= size ? entryOf(tables, load<u64>(record + at)) : 0;
}

/** How the sample is laid out, 0 where nobody knows or it is too short for that. */
export function layoutOfSample(tables: usize, entry: usize, size: u32): usize {
  const layout = layoutOf(tables, entry);
  return layout && u32(load<u8>(layout, SAMPLE_REST_AT)) <= size ? layout : 0;
}

export function timeOfSample(layout: usize, record: usize): u64 {
  return load<u64>(record + load<u8>(layout, SAMPLE_TIME_AT));
}

/** The raw record of a sample that has one; 0 where it does not fit. Its size is the u32 in front of it. */
export function rawOfSample(layout: usize, record: usize, size: u32): usize {
  const end = record + size;
  let at = record + load<u8>(layout, SAMPLE_REST_AT);
  const parts = u32(load<u8>(layout, SAMPLE_PARTS));
  if (parts != SAMPLE_HAS_RAW) at = skipParts(at, end, parts, load<u8>(layout, SAMPLE_READ));
  if (!at || at + 4 > end) return 0;
  const length = load<u32>(at);
  at += 4;
  return length >= COMMON_SIZE && u64(length) <= u64(end - at) ? at : 0;
}

/** Behind read values and callchain; 0 where they do not fit. */
function skipParts(at: usize, end: usize, parts: u32, readFormat: u32): usize {
  if (parts & SAMPLE_HAS_READ) at = skipRead(at, end, readFormat);
  return at && parts & SAMPLE_HAS_CALLCHAIN ? skipCallchain(at, end) : at;
}

/** Behind a callchain, u64 number and as many u64; 0 where that does not fit. */
export function skipCallchain(at: usize, end: usize): usize {
  if (at + 8 > end) return 0;
  const callers = load<u64>(at);
  return callers <= u64(end - at - 8) >> 3 ? at + 8 + (usize(callers) << 3) : 0;
}

/** Behind the values of PERF_SAMPLE_READ (struct read_format); 0 where they do not fit. */
export function skipRead(at: usize, end: usize, format: u32): usize {
  const times = (format & READ_ENABLED ? 8 : 0) + (format & READ_RUNNING ? 8 : 0);
  const words: u64 = 1 + (format & READ_ID ? 1 : 0) + (format & READ_LOST ? 1 : 0);
  if (!(format & READ_GROUP)) {
    const behind = at + usize(words << 3) + times;
    return behind <= end ? behind : 0;
  }
  // The number of values comes first, the times lie between it and the values.
  if (at + 8 + times > end) return 0;
  const values = load<u64>(at);
  const room = u64(end - at - 8 - times) >> 3;
  return values <= room && values * words <= room ? at + 8 + times + (usize(values * words) << 3) : 0;
}

/** Makes the next sample, or the next loss, pending; false when the lane is dry. */
export function advanceSamples(lane: usize): bool {
  const tables: usize = load<u32>(STATE, HEAD_SAMPLES);
  const window: usize = load<u32>(lane, LANE_WINDOW);
  const end = window + load<u32>(lane, LANE_FILLED);
  let record: usize = load<u32>(lane, LANE_CURSOR);
  if (!record) record = window;
  while (record + HEADER <= end) {
    const type = load<u32>(record);
    const size = u32(load<u16>(record, 6));
    if (size < HEADER || record + size > end) {
      damaged(lane, record, LANE_BAD_EVENTS);
      break;
    }
    const next = record + size;
    if (type == PERF_SAMPLE) {
      if (openSample(lane, tables, record, size)) return pending(lane, next);
      damaged(lane, record, LANE_BAD_EVENTS);
    } else if (type == PERF_LOST || type == PERF_THROTTLE || type == PERF_UNTHROTTLE) {
      if (openLoss(lane, tables, record, size, type)) return pending(lane, next);
    }
    record = next;
  }
  store<u32>(lane, u32(end), LANE_CURSOR);
  return false;
}

/**
 * The callers of a lane's pending sample, "u64 number, that many u64" and checked to fit; 0 where it has none. What statistics count
 * has a raw record, so the header is still there.
 */
export function callersOfSample(lane: usize): usize {
  const record: usize = load<u32>(lane, LANE_PAGE);
  if (load<usize>(lane, LANE_RECORD) == record) return 0;
  const tables: usize = load<u32>(STATE, HEAD_SAMPLES);
  const size = u32(load<u16>(record, 6));
  const layout = layoutOfSample(tables, entryOfSample(tables, record, size), size);
  if (!layout) return 0;
  const parts = u32(load<u8>(layout, SAMPLE_PARTS));
  if (!(parts & SAMPLE_HAS_CALLCHAIN)) return 0;
  const end = record + size;
  let at = record + load<u8>(layout, SAMPLE_REST_AT);
  if (parts & SAMPLE_HAS_READ) at = skipRead(at, end, load<u8>(layout, SAMPLE_READ));
  return at && skipCallchain(at, end) && load<u64>(at) ? at : 0;
}

function pending(lane: usize, next: usize): bool {
  store<u32>(lane, u32(next), LANE_CURSOR);
  return true;
}

function openSample(lane: usize, tables: usize, record: usize, size: u32): bool {
  const entry = entryOfSample(tables, record, size);
  const layout = layoutOfSample(tables, entry, size);
  if (!layout) return false;
  if (load<u8>(layout, SAMPLE_PARTS) & SAMPLE_HAS_RAW) {
    const raw = rawOfSample(layout, record, size);
    if (!raw) return false;
    takeBackDepth(tables, raw);
    store<u32>(lane, u32(raw), LANE_RECORD);
    store<u32>(lane, load<u32>(raw - 4), LANE_RECORD_SIZE);
  } else {
    // Its header, which is read, makes room for the common fields of a record.
    const tidAt = load<u8>(layout, SAMPLE_TID_AT);
    store<u16>(record, load<u16>(layout, SAMPLE_TYPE));
    store<u8>(record, RECORD_NMI, 2);
    store<u8>(record, 0, 3);
    store<u32>(record, tidAt ? load<u32>(record + tidAt) : 0, 4);
    store<u32>(lane, u32(record), LANE_RECORD);
    store<u32>(lane, COMMON_SIZE, LANE_RECORD_SIZE);
  }
  store<u32>(lane, u32(record), LANE_PAGE);
  const time = timeOfSample(layout, record);
  if (time < load<u64>(lane, LANE_TIME))
    store<u32>(lane, load<u32>(lane, LANE_BACKWARDS) + 1, LANE_BACKWARDS);
  store<u64>(lane, time, LANE_TIME);
  store<u64>(lane, time, LANE_NEXT_TIME);
  const cpuAt = load<u8>(layout, SAMPLE_CPU_AT);
  const cpu = cpuAt ? load<u32>(record + cpuAt) : entry ? load<u32>(entry, ID_CPU) : 0;
  setCpu(lane, cpu);
  // Looked up here, and not where they are needed, so that they are there by then.
  store<u32>(lane, u32(knownCpu(cpu)), LANE_SLOT);
  store<u32>(lane, u32(rowOf(load<u16>(load<usize>(lane, LANE_RECORD)))), LANE_ROW);
  store<u64>(lane, load<u64>(lane, LANE_EVENTS) + 1, LANE_EVENTS);
  return true;
}

/**
 * Tracepoints run with preemption disabled by tracing itself, which perf, unlike ftrace, leaves in the record's count. Stored as
 * a whole word, for it is loaded as one right afterwards.
 */
function takeBackDepth(tables: usize, raw: usize): void {
  const common = load<u32>(raw);
  const added = load<u32>(tables, SAMPLES_DEPTH);
  if (((common >> 24) & 15) >= added) store<u32>(raw, common - (added << 24));
}

function setCpu(lane: usize, cpu: u32): void {
  store<u16>(lane, u16(min<u32>(cpu, 0xffff)), LANE_CPU);
}

/** A loss that stands for itself: deliver() takes it from LANE_PENDING_LOST, and there is no record. */
function openLoss(lane: usize, tables: usize, record: usize, size: u32, type: u32): bool {
  const body = type == PERF_LOST ? LOST_BODY : THROTTLE_BODY;
  if (size < HEADER + body) return false;
  const entry = entryOf(tables, load<u64>(record + (type == PERF_LOST ? 8 : 16)));
  const layout = layoutOf(tables, entry);
  const lost: i64 = type == PERF_LOST ? load<i64>(record, 16) : -1;
  if (!lost) return false;
  let time = type == PERF_LOST ? load<u64>(lane, LANE_TIME) : load<u64>(record, 8);
  let cpu = u32(load<u16>(lane, LANE_CPU));
  if (entry && load<i32>(entry, ID_CPU) >= 0) cpu = load<u32>(entry, ID_CPU);
  if (layout) {
    const room = size - HEADER - body;
    const timeBack = u32(load<u8>(layout, SAMPLE_TRAILER_TIME));
    const cpuBack = u32(load<u8>(layout, SAMPLE_TRAILER_CPU));
    if (timeBack && timeBack <= room) time = load<u64>(record + size - timeBack);
    if (cpuBack && cpuBack <= room) cpu = load<u32>(record + size - cpuBack);
  }
  store<i64>(lane, lost > 0 ? lost : -1, LANE_PENDING_LOST);
  store<u64>(lane, time, LANE_NEXT_TIME);
  setCpu(lane, cpu);
  store<u32>(lane, u32(record), LANE_RECORD);
  store<u32>(lane, 0, LANE_RECORD_SIZE);
  return true;
}

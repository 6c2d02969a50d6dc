// Input of big-endian machines (s390x, ppc64) -> the layouts that pages.ts and samples.ts read, in place and before the first
// event of a window is looked at. So decoding knows one byte order, and little-endian captures pay nothing for the other.
//
// Turned are headers, what leads from one record to the next, and of each record the common type and pid and the fields that
// its row reads. User space, which goes back to records by itself, finds them as they lie in the file.
//
// Bit fields begin at the high end of a big-endian word (kbuffer-parse.c of libtraceevent 1.8, type_len4host and ts4host), so
// with its bytes turned an event's word is five bits off:
//
//    type_len:5 | time_delta:27   ->   time_delta:27 | type_len:5
//
// The walk makes the same checks as the decoders: where they stop, it has stopped, and no byte is turned twice.

import {
  HEAD_LANES,
  HEAD_ROWS,
  HEAD_SAMPLES,
  HEAD_TURNS,
  LANE_COMMIT_SIZE,
  LANE_DATA_AT,
  LANE_FILLED,
  LANE_FORMAT,
  LANE_PAGES_FORMAT,
  LANE_PAGE_SIZE,
  LANE_SAMPLES_FORMAT,
  LANE_SIZE,
  LANE_WINDOW,
  PERF_AUXTRACE,
  PERF_HEADER_TRACING_DATA,
  PERF_LOST,
  PERF_SAMPLE,
  PERF_THROTTLE,
  PERF_UNTHROTTLE,
  ROW_SIZE,
  SAMPLE_CPU_AT,
  SAMPLE_HAS_CALLCHAIN,
  SAMPLE_HAS_RAW,
  SAMPLE_HAS_READ,
  SAMPLE_PARTS,
  SAMPLE_READ,
  SAMPLE_REST_AT,
  SAMPLE_TID_AT,
  SAMPLE_TRAILER_CPU,
  SAMPLE_TRAILER_TIME,
  SAMPLES_ID_AT,
  STATE,
  TURN_SIZE,
} from '../layout';
import { rowOf } from './rows';
import { COMMIT_MASK, COMMON_SIZE, MISSED_STORED, TYPE_PADDING, TYPE_TIME_EXTEND } from './pages';
import {
  entryOf,
  entryOfSample,
  HEADER,
  layoutOf,
  layoutOfSample,
  LOST_BODY,
  READ_GROUP,
  skipCallchain,
  skipRead,
  THROTTLE_BODY,
} from './samples';

/** Turns what lies in the window of lane `number`: whole pages or records that were put there just now. */
export function turn(number: u32): void {
  const lane = load<usize>(STATE, HEAD_LANES) + usize(number) * LANE_SIZE;
  const format = load<u8>(lane, LANE_FORMAT);
  const window: usize = load<u32>(lane, LANE_WINDOW);
  const end = window + load<u32>(lane, LANE_FILLED);
  if (format == LANE_PAGES_FORMAT) {
    const pageSize: usize = load<u32>(lane, LANE_PAGE_SIZE);
    for (let page = window; page + pageSize <= end; page += pageSize) turnPage(lane, page);
  } else if (format == LANE_SAMPLES_FORMAT) {
    const tables: usize = load<u32>(STATE, HEAD_SAMPLES);
    let record = window;
    while (record + HEADER <= end) {
      const size = bswap(load<u16>(record, 6));
      if (size < u16(HEADER) || record + size > end) {
        turnHeader(record);
        break;
      }
      turnRecord(tables, record, size);
      record += size;
    }
  }
}

function turn16(at: usize): void {
  store<u16>(at, bswap(load<u16>(at)));
}

function turn32(at: usize): void {
  store<u32>(at, bswap(load<u32>(at)));
}

function turn64(at: usize): void {
  store<u64>(at, bswap(load<u64>(at)));
}

/**
 * A record's common fields, u16 type and s32 pid (flags and preempt count between them are bytes), and behind them those that its
 * row reads, as far as they lie within its `size` bytes.
 */
function turnFields(record: usize, size: u32): void {
  turn16(record);
  turn32(record + 4);
  const turns: usize = load<u32>(STATE, HEAD_TURNS);
  if (!turns) return;
  const row = (rowOf(load<u16>(record)) - load<usize>(STATE, HEAD_ROWS)) / ROW_SIZE;
  for (let entry = turns + row * TURN_SIZE; ; entry += 4) {
    const field = load<u32>(entry);
    if (!field) return;
    const at = field & 0xffff;
    const width = field >> 16;
    if (at + width > size) continue;
    if (width == 8) turn64(record + at);
    else if (width == 4) turn32(record + at);
    else turn16(record + at);
  }
}

// ---- Pages -----------------------------------------------------------------------------------------------------

function turnPage(lane: usize, page: usize): void {
  const commitSize = u32(load<u8>(lane, LANE_COMMIT_SIZE));
  const dataAt = load<u32>(lane, LANE_DATA_AT);
  const room = load<u32>(lane, LANE_PAGE_SIZE) - dataAt;
  turn64(page);
  if (commitSize == 8) turn64(page + 8);
  else turn32(page + 8);
  const commit = load<u32>(page, 8);
  const length = commit & COMMIT_MASK;
  if (length > room) return;
  const data = page + dataAt;
  const end = data + length;
  if (commit & MISSED_STORED && length + commitSize <= room) {
    if (commitSize == 8) turn64(end);
    else turn32(end);
  }
  turnEvents(data, end);
}

/** The events of a page, as advancePages() goes through them. */
function turnEvents(data: usize, end: usize): void {
  let cursor = data;
  while (cursor + 4 <= end) {
    const word = rotl(bswap(load<u32>(cursor)), 5);
    store<u32>(cursor, word);
    const kind = word & 31;
    if (kind != 0 && kind < TYPE_PADDING) {
      const size = kind << 2;
      if (size < COMMON_SIZE || cursor + 4 + size > end) return;
      turnFields(cursor + 4, size);
      cursor += 4 + size;
      continue;
    }
    if (cursor + 8 > end) return;
    turn32(cursor + 4);
    const extra = load<u32>(cursor, 4);
    if (kind >= TYPE_TIME_EXTEND) {
      cursor += 8;
    } else if (kind == 0) {
      const padded = (u64(extra) - 4 + 3) & ~3;
      if (extra < 4 + COMMON_SIZE || u64(cursor) + 8 + padded > u64(end)) return;
      turnFields(cursor + 8, extra - 4);
      cursor = usize(u64(cursor) + 8 + padded);
    } else {
      // Padding: without a time delta to the end of the page, otherwise an event that was discarded.
      if (word >> 5 == 0 || extra < 4 || u64(cursor) + 4 + u64(extra) > u64(end)) return;
      cursor += 4 + extra;
    }
  }
}

// ---- perf's records ----------------------------------------------------------------------------------------------

function turnHeader(record: usize): void {
  turn32(record);
  turn16(record + 4);
  turn16(record + 6);
}

/** Turns one record, which is there whole: its header, and what the scan or the decoder reads of it. */
export function turnRecord(tables: usize, record: usize, size: u32): void {
  turnHeader(record);
  const type = load<u32>(record);
  if (type == PERF_SAMPLE) {
    turnSample(tables, record, size);
  } else if (type == PERF_LOST) {
    // u64 id, u64 lost
    turnLoss(tables, record, size, LOST_BODY, 8);
  } else if (type == PERF_THROTTLE || type == PERF_UNTHROTTLE) {
    // u64 time, u64 id, u64 stream id
    turnLoss(tables, record, size, THROTTLE_BODY, 16);
  } else if (type == PERF_AUXTRACE) {
    if (size >= HEADER + 8) turn64(record + 8);
  } else if (type == PERF_HEADER_TRACING_DATA) {
    if (size >= HEADER + 4) turn32(record + 8);
  }
}

/**
 * The fixed part of a sample is of 64-bit numbers, but for two pairs of 32-bit ones: pid and tid, cpu and a reserved word. The id
 * tells how it is laid out.
 */
function turnSample(tables: usize, record: usize, size: u32): void {
  const idAt = load<u32>(tables, SAMPLES_ID_AT);
  if (idAt && idAt + 8 <= size) turn64(record + idAt);
  const layout = layoutOfSample(tables, entryOfSample(tables, record, size), size);
  if (!layout) return;
  const restAt = u32(load<u8>(layout, SAMPLE_REST_AT));
  const tidWord = u32(load<u8>(layout, SAMPLE_TID_AT)) & ~7;
  const cpuWord = u32(load<u8>(layout, SAMPLE_CPU_AT));
  for (let at = HEADER; at < restAt; at += 8) {
    if (at == idAt) continue;
    if (at == tidWord || at == cpuWord) {
      turn32(record + at);
      turn32(record + at + 4);
    } else turn64(record + at);
  }
  const parts = u32(load<u8>(layout, SAMPLE_PARTS));
  if (parts & SAMPLE_HAS_RAW)
    turnRest(record + restAt, record + size, parts, u32(load<u8>(layout, SAMPLE_READ)));
}

/** The parts of variable length: the numbers that say how long they are, and the raw record's common fields. */
function turnRest(at: usize, end: usize, parts: u32, readFormat: u32): void {
  if (parts & SAMPLE_HAS_READ) {
    if (readFormat & READ_GROUP && at + 8 <= end) turn64(at);
    at = skipRead(at, end, readFormat);
  }
  if (at && parts & SAMPLE_HAS_CALLCHAIN) {
    if (at + 8 <= end) turn64(at);
    at = skipCallchain(at, end);
  }
  if (!at || at + 4 > end) return;
  turn32(at);
  const length = load<u32>(at);
  if (length >= COMMON_SIZE && u64(length) <= u64(end - at - 4)) turnFields(at + 4, length);
}

/** A loss: `body` bytes of 64-bit numbers, the id among them at `idAt`; behind them, counted from the end, time and CPU. */
function turnLoss(tables: usize, record: usize, size: u32, body: u32, idAt: u32): void {
  if (size < HEADER + body) return;
  for (let at: u32 = HEADER; at < HEADER + body; at += 8) turn64(record + at);
  const layout = layoutOf(tables, entryOf(tables, load<u64>(record + idAt)));
  if (!layout) return;
  const room = size - HEADER - body;
  const time = u32(load<u8>(layout, SAMPLE_TRAILER_TIME));
  const cpu = u32(load<u8>(layout, SAMPLE_TRAILER_CPU));
  if (time && time <= room) turn64(record + size - time);
  if (cpu && cpu <= room) turn32(record + size - cpu);
}

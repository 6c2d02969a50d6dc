// A pass over a stream of perf records that finds pieces whose samples are in order of time.
//
//     stream   | CPU 0, round 1 | CPU 1, round 1 | FINISHED_ROUND | CPU 0, round 2 | CPU 1, round 2 | ...
//     pieces   |----|----|------|-----|-----|----|                |-----|----|-----|-------|--------|
//
// perf record copies one CPU's ring buffer after the other, each in its own order of time. Where time goes backwards a new run
// begins. A run is cut into pieces of at most PIECE_LIMIT bytes, so that a reader can fill windows without looking for the
// ends of records. Runs that do not overlap make a lane; what one pass found, the merge puts in order. So the order holds
// whatever rounds the recorder announced, and memory follows the number of pieces.

import {
  ITEM_AT,
  ITEM_FIRST,
  ITEM_IS_CUT,
  ITEM_IS_DAMAGE,
  ITEM_IS_NOTE,
  ITEM_IS_PIECE,
  ITEM_KIND,
  ITEM_LAST,
  ITEM_SIZE,
  ITEM_SIZE_OF,
  HEAD_SAMPLES,
  PERF_AUXTRACE,
  PERF_COMM,
  PERF_COMPRESSED,
  PERF_COMPRESSED2,
  PERF_EXIT,
  PERF_FORK,
  PERF_HEADER_ATTR,
  PERF_HEADER_TRACING_DATA,
  PERF_KERNEL_TYPES,
  PERF_LOST,
  PERF_LOST_SAMPLES,
  PERF_SAMPLE,
  PERF_THROTTLE,
  PERF_UNTHROTTLE,
  PERF_USER_TYPES,
  PIECE_LIMIT,
  SAMPLE_HAS_RAW,
  SAMPLE_PARTS,
  SAMPLE_REST_AT,
  SAMPLE_TIME_AT,
  SAMPLES_BIG_ENDIAN,
  SAMPLES_DEFAULT,
  SAMPLES_ID_AT,
  SCAN_BASE,
  SCAN_CONSUMED,
  SCAN_DAMAGE_AT,
  SCAN_DEPTH,
  SCAN_FILLED,
  SCAN_FIRST,
  SCAN_IS_LAST,
  SCAN_IS_LOST,
  SCAN_LAST,
  SCAN_OUTPUT,
  SCAN_OUTPUT_CAPACITY,
  SCAN_OUTPUT_COUNT,
  SCAN_OUTPUT_FULL,
  SCAN_PIECE_AT,
  SCAN_PIECE_END,
  SCAN_RAW,
  SCAN_SAMPLES,
  SCAN_SKIP,
  SCAN_UNKNOWN,
  SCAN_WANTS_INPUT,
  SCAN_WINDOW,
  STATE,
} from '../layout';
import { turnRecord } from './big-endian';
import { entryOfSample, layoutOfSample, rawOfSample, timeOfSample } from './samples';

const HEADER: u32 = 8;

// One record may end a piece, begin another, and be told itself.
const MOST_ITEMS: u32 = 4;

// So many records in a row that can be believed end a search for them.
const CHAIN = 4;

// So many raw records tell the lowest preempt depth.
const DEPTH_RECORDS: u32 = 1 << 16;

/**
 * Goes through the input in the window. Returns SCAN_WANTS_INPUT when SCAN_CONSUMED bytes of it are done with, the rest to be seen
 * again in front of what follows; or SCAN_OUTPUT_FULL: take the items, then call again.
 */
export function scanSamples(scan: usize): u32 {
  const tables: usize = load<u32>(STATE, HEAD_SAMPLES);
  const window: usize = load<u32>(scan, SCAN_WINDOW);
  const end = window + load<u32>(scan, SCAN_FILLED);
  const isLast = load<u32>(scan, SCAN_IS_LAST) != 0;
  const isBig = load<u32>(tables, SAMPLES_BIG_ENDIAN) != 0;
  let at = window + load<u32>(scan, SCAN_CONSUMED);
  while (true) {
    if (load<u32>(scan, SCAN_OUTPUT_COUNT) + MOST_ITEMS > load<u32>(scan, SCAN_OUTPUT_CAPACITY)) {
      store<u32>(scan, u32(at - window), SCAN_CONSUMED);
      return SCAN_OUTPUT_FULL;
    }
    const skip = load<u64>(scan, SCAN_SKIP);
    if (!skip && !isBig && !load<u32>(scan, SCAN_IS_LOST)) at = passAlike(scan, tables, at, end);
    if (skip) {
      const step = min<u64>(skip, u64(end - at));
      at += usize(step);
      store<u64>(scan, skip - step, SCAN_SKIP);
      if (step < skip) break;
    }
    if (at + HEADER > end) break;
    if (load<u32>(scan, SCAN_IS_LOST)) {
      if (!isChain(at, end, isLast, isBig)) {
        // Kernel and recorder align every record to 8 bytes.
        at += HEADER;
        continue;
      }
      endDamage(scan, offsetOf(scan, at));
    }
    if (!isRecord(at, isBig)) {
      closePiece(scan);
      store<u32>(scan, 1, SCAN_IS_LOST);
      store<u64>(scan, offsetOf(scan, at), SCAN_DAMAGE_AT);
      at += HEADER;
      continue;
    }
    const size = sizeOf(at, isBig);
    if (at + size > end) break;
    if (isBig) turnRecord(tables, at, size);
    scanRecord(scan, tables, at, size);
    at += size;
  }
  store<u32>(scan, u32(at - window), SCAN_CONSUMED);
  if (isLast) finish(scan, at, end);
  return SCAN_WANTS_INPUT;
}

/** The input is at its end, and what lies from `at` on is no whole record. */
function finish(scan: usize, at: usize, end: usize): void {
  closePiece(scan);
  if (load<u32>(scan, SCAN_IS_LOST)) endDamage(scan, offsetOf(scan, end));
  else if (at < end || load<u64>(scan, SCAN_SKIP))
    put(scan, ITEM_IS_CUT, u32(end - at), offsetOf(scan, at), 0, 0);
  store<u32>(scan, u32(end - load<u32>(scan, SCAN_WINDOW)), SCAN_CONSUMED);
}

function offsetOf(scan: usize, at: usize): u64 {
  return load<u64>(scan, SCAN_BASE) + u64(at - load<u32>(scan, SCAN_WINDOW));
}

function endDamage(scan: usize, offset: u64): void {
  const from = load<u64>(scan, SCAN_DAMAGE_AT);
  store<u32>(scan, 0, SCAN_IS_LOST);
  put(scan, ITEM_IS_DAMAGE, u32(min<u64>(offset - from, u32.MAX_VALUE)), from, 0, 0);
}

/** The size of a record whose header is as it lies in the file. */
function sizeOf(at: usize, isBig: bool): u32 {
  const size = load<u16>(at, 6);
  return u32(isBig ? bswap(size) : size);
}

/** Can what lies here be the header of a record? */
function isRecord(at: usize, isBig: bool): bool {
  const type = isBig ? bswap(load<u32>(at)) : load<u32>(at);
  const size = sizeOf(at, isBig);
  if (size < HEADER) return false;
  if (type >= u32(PERF_HEADER_ATTR)) return type < u32(PERF_USER_TYPES);
  return type > 0 && type < u32(PERF_KERNEL_TYPES) && (size & 7) == 0;
}

/** Do a few records follow each other from here on, as far as input is there? A stream's last ones may be fewer. */
function isChain(at: usize, end: usize, isLast: bool, isBig: bool): bool {
  for (let n = 0; n < CHAIN; n++) {
    if (at + HEADER > end) return n > 0 && (!isLast || at == end);
    if (!isRecord(at, isBig)) return false;
    at += sizeOf(at, isBig);
  }
  return true;
}

function scanRecord(scan: usize, tables: usize, record: usize, size: u32): void {
  const type = load<u32>(record);
  if (type == PERF_SAMPLE) {
    scanSample(scan, tables, record, size);
    return;
  }
  switch (type) {
    case PERF_LOST:
    case PERF_THROTTLE:
    case PERF_UNTHROTTLE:
      // They count at their place among the samples, too.
      extend(scan, offsetOf(scan, record), size);
      note(scan, record, size, type);
      break;
    case PERF_COMM:
    case PERF_EXIT:
    case PERF_FORK:
    case PERF_LOST_SAMPLES:
    case PERF_COMPRESSED:
    case PERF_COMPRESSED2:
      note(scan, record, size, type);
      break;
    case PERF_AUXTRACE:
      // u64 size of data that follow the record
      if (size >= HEADER + 8) skip(scan, load<u64>(record, 8));
      break;
    case PERF_HEADER_TRACING_DATA:
      // u32 size of data that follow the record, padded to 8 bytes
      if (size >= HEADER + 4) skip(scan, (u64(load<u32>(record, 8)) + 7) & ~7);
      break;
  }
}

function skip(scan: usize, bytes: u64): void {
  closePiece(scan);
  store<u64>(scan, bytes, SCAN_SKIP);
}

function note(scan: usize, record: usize, size: u32, type: u32): void {
  put(scan, ITEM_IS_NOTE, size, offsetOf(scan, record), u64(type), 0);
}

function scanSample(scan: usize, tables: usize, record: usize, size: u32): void {
  store<u64>(scan, load<u64>(scan, SCAN_SAMPLES) + 1, SCAN_SAMPLES);
  const layout = layoutOfSample(tables, entryOfSample(tables, record, size), size);
  if (!layout) {
    // It goes along in the piece, where the decoder counts it as damaged.
    store<u64>(scan, load<u64>(scan, SCAN_UNKNOWN) + 1, SCAN_UNKNOWN);
    extend(scan, offsetOf(scan, record), size);
    return;
  }
  if (load<u32>(scan, SCAN_RAW) < DEPTH_RECORDS && load<u8>(layout, SAMPLE_PARTS) & SAMPLE_HAS_RAW)
    lookAtDepth(scan, rawOfSample(layout, record, size));
  const time = timeOfSample(layout, record);
  if (time < load<u64>(scan, SCAN_LAST)) closePiece(scan);
  extend(scan, offsetOf(scan, record), size);
  if (!load<u64>(scan, SCAN_FIRST)) store<u64>(scan, time, SCAN_FIRST);
  store<u64>(scan, time, SCAN_LAST);
}

/**
 * Goes over samples that only make the open piece longer, as nearly all do where all samples lie alike. Returns where the first
 * record lies that is anything else: scanRecord() knows about it.
 */
function passAlike(scan: usize, tables: usize, from: usize, end: usize): usize {
  const layout: usize = load<u32>(tables, SAMPLES_DEFAULT);
  const first = load<u64>(scan, SCAN_FIRST);
  if (!layout || load<u32>(tables, SAMPLES_ID_AT) || !first) return from;
  const restAt = u32(load<u8>(layout, SAMPLE_REST_AT));
  const timeAt: usize = load<u8>(layout, SAMPLE_TIME_AT);
  const hasRaw = (load<u8>(layout, SAMPLE_PARTS) & SAMPLE_HAS_RAW) != 0;
  const room = i64(load<u64>(scan, SCAN_PIECE_AT) + u64(PIECE_LIMIT) - offsetOf(scan, from));
  const limit = min<i64>(end, i64(from) + room);
  let last = load<u64>(scan, SCAN_LAST);
  let samples: u64 = 0;
  let at = from;
  while (i64(at + HEADER) <= limit) {
    const size = u32(load<u16>(at, 6));
    if (load<u32>(at) != PERF_SAMPLE || size < restAt || size & 7 || i64(at + size) > limit) break;
    const time = load<u64>(at + timeAt);
    if (time < last) break;
    if (hasRaw && load<u32>(scan, SCAN_RAW) < DEPTH_RECORDS) lookAtDepth(scan, rawOfSample(layout, at, size));
    last = time;
    samples++;
    at += size;
  }
  if (at == from) return from;
  store<u64>(scan, load<u64>(scan, SCAN_SAMPLES) + samples, SCAN_SAMPLES);
  store<u64>(scan, offsetOf(scan, at), SCAN_PIECE_END);
  store<u64>(scan, last, SCAN_LAST);
  return at;
}

function lookAtDepth(scan: usize, raw: usize): void {
  if (!raw) return;
  store<u32>(scan, load<u32>(scan, SCAN_RAW) + 1, SCAN_RAW);
  const depth = u32(load<u8>(raw, 3)) & 15;
  if (depth < load<u32>(scan, SCAN_DEPTH)) store<u32>(scan, depth, SCAN_DEPTH);
}

/** The record belongs into the piece; a new one begins where there is none, or this one would become too large. */
function extend(scan: usize, offset: u64, size: u32): void {
  const end = offset + u64(size);
  const start = load<u64>(scan, SCAN_PIECE_AT);
  const isOpen = load<u64>(scan, SCAN_PIECE_END) > start;
  if (!isOpen || end - start > u64(PIECE_LIMIT)) {
    closePiece(scan);
    store<u64>(scan, offset, SCAN_PIECE_AT);
  }
  store<u64>(scan, end, SCAN_PIECE_END);
}

/** A piece's times: 0 and 0 where it holds losses only. */
function closePiece(scan: usize): void {
  const start = load<u64>(scan, SCAN_PIECE_AT);
  const end = load<u64>(scan, SCAN_PIECE_END);
  if (end > start)
    put(
      scan,
      ITEM_IS_PIECE,
      u32(end - start),
      start,
      load<u64>(scan, SCAN_FIRST),
      load<u64>(scan, SCAN_LAST),
    );
  store<u64>(scan, end, SCAN_PIECE_AT);
  store<u64>(scan, 0, SCAN_FIRST);
  store<u64>(scan, 0, SCAN_LAST);
}

function put(scan: usize, kind: u32, size: u32, at: u64, first: u64, last: u64): void {
  const n = load<u32>(scan, SCAN_OUTPUT_COUNT);
  const item = load<usize>(scan, SCAN_OUTPUT) + usize(n) * ITEM_SIZE;
  store<u32>(item, kind, ITEM_KIND);
  store<u32>(item, size, ITEM_SIZE_OF);
  store<u64>(item, at, ITEM_AT);
  store<u64>(item, first, ITEM_FIRST);
  store<u64>(item, last, ITEM_LAST);
  store<u32>(scan, n + 1, SCAN_OUTPUT_COUNT);
}

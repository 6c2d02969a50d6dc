// Laying out memory before a replay. TypeScript passes sizes; nothing is laid out after the first step but what grows.

import {
  CALLER_LIMIT,
  CALLER_SIZE,
  CPU_LIMIT,
  HEAD_CPUS,
  HEAD_HEAP,
  HEAD_HIST_BITS,
  HEAD_HIST_HOLD,
  HEAD_HIST_IRQS_OFF,
  HEAD_HIST_WAIT,
  HEAD_IRQ_OFF_NS,
  HEAD_LANES,
  HEAD_LANE_COUNT,
  HEAD_LIMIT,
  HEAD_LOCK_INDEX,
  HEAD_OUTPUT,
  HEAD_OUTPUT_CAPACITY,
  HEAD_RING,
  HEAD_RING_CAPACITY,
  HEAD_ROWS,
  HEAD_ROW_COUNT,
  HEAD_ROW_INDEX,
  HEAD_SILENT_NS,
  HEAD_SIZE,
  HEAD_CALLERS,
  HEAD_BUCKETS,
  HEAD_PAUSE_AT,
  HEAD_SPIN_NS,
  HEAD_TASK_INDEX,
  HEAD_TOP,
  HEAD_SECTIONS,
  HEAD_SERIES,
  HEAD_SERIES_INDEX,
  HEAD_SPLIT,
  HEAD_WORD_INDEX,
  INDEX_FLOOR,
  LANE_SIZE,
  OUTPUT_SIZE,
  RECORD_SIZE,
  ROW_SIZE,
  SECTION_SIZE,
  SERIES_LIMIT,
  STATE,
} from './layout';
import { reserve } from './memory/heap';
import { histogramSize, initHistogram } from './memory/histogram';
import { initIndex } from './memory/index-table';

const TYPES: u32 = 1 << 16;
/** A capture has some hundred lock classes and callers. */
const SERIES_TABLE: u32 = 11;

/**
 * Lays out an empty engine in memory that is all zero. `limit`: bytes that linear memory may grow to; `tablePower`: the
 * lock, word and task tables start with 2^tablePower entries; `floor`: tables below this many entries grow rather than
 * forget. False when the limit is too small for that.
 */
export function setup(
  limit: u32,
  lanes: u32,
  rows: u32,
  ringRecords: u32,
  histogramBits: u32,
  tablePower: u32,
  floor: u32,
): bool {
  store<u32>(STATE, STATE + HEAD_SIZE, HEAD_TOP);
  store<u32>(STATE, limit, HEAD_LIMIT);
  store<u32>(STATE, lanes, HEAD_LANE_COUNT);
  store<u32>(STATE, rows, HEAD_ROW_COUNT);
  store<u32>(STATE, ringRecords, HEAD_RING_CAPACITY);
  store<u32>(STATE, histogramBits, HEAD_HIST_BITS);
  store<u64>(STATE, u64.MAX_VALUE, HEAD_SPIN_NS);
  store<u64>(STATE, u64.MAX_VALUE, HEAD_IRQ_OFF_NS);
  store<u64>(STATE, u64.MAX_VALUE, HEAD_SILENT_NS);
  store<u64>(STATE, u64.MAX_VALUE, HEAD_PAUSE_AT);
  return (
    table(HEAD_LANES, lanes * LANE_SIZE) &&
    table(HEAD_HEAP, lanes << 2) &&
    table(HEAD_ROWS, rows * ROW_SIZE) &&
    table(HEAD_ROW_INDEX, TYPES << 2) &&
    table(HEAD_CPUS, CPU_LIMIT << 2) &&
    table(HEAD_RING, ringRecords * RECORD_SIZE) &&
    histogram(HEAD_HIST_WAIT, histogramBits) &&
    histogram(HEAD_HIST_HOLD, histogramBits) &&
    histogram(HEAD_HIST_IRQS_OFF, histogramBits) &&
    index(HEAD_LOCK_INDEX, tablePower, floor) &&
    index(HEAD_WORD_INDEX, tablePower, floor) &&
    index(HEAD_TASK_INDEX, tablePower, floor)
  );
}

function table(head: usize, size: u32): bool {
  const at = reserve(size);
  store<usize>(usize(STATE) + head, at);
  return at != 0;
}

function histogram(head: usize, bits: u32): bool {
  if (!table(head, histogramSize(bits))) return false;
  initHistogram(load<usize>(usize(STATE) + head));
  return true;
}

function index(head: usize, power: u32, floor: u32): bool {
  store<u32>(usize(STATE) + head, floor, INDEX_FLOOR);
  return initIndex(usize(STATE) + head, power);
}

/** A window of `size` bytes for a lane's input; 0 when memory is at its limit. */
export function window(size: u32): usize {
  return reserve(size);
}

/** Switches to collect mode: events go to an output of `capacity` items instead of the programs. */
export function collectInto(capacity: u32): usize {
  const output = reserve(capacity * OUTPUT_SIZE);
  store<u32>(STATE, u32(output), HEAD_OUTPUT);
  store<u32>(STATE, output ? capacity : 0, HEAD_OUTPUT_CAPACITY);
  return output;
}

/** Switches statistics on: `split` says what they are kept by (SPLIT_*). False when memory is at its limit. */
export function splitBy(split: u32): bool {
  const bits = load<u32>(STATE, HEAD_HIST_BITS);
  const ready =
    table(HEAD_SERIES, (SERIES_LIMIT + 1) << 2) &&
    table(HEAD_SECTIONS, (CPU_LIMIT << 1) * SECTION_SIZE) &&
    table(HEAD_CALLERS, CALLER_LIMIT * CALLER_SIZE) &&
    table(HEAD_BUCKETS, ((65 - bits) << bits) << 3) &&
    initIndex(STATE + HEAD_SERIES_INDEX, SERIES_TABLE);
  if (ready) store<u32>(STATE, split, HEAD_SPLIT);
  return ready;
}

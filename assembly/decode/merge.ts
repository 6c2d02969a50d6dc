// K-way merge by time: a binary heap of the lanes that have a pending event, ordered by (time, lane). Ties keep lane order.

import {
  HEAD_HEAP,
  HEAD_HEAP_SIZE,
  LANE_FORMAT,
  LANE_ID,
  LANE_NEXT_TIME,
  LANE_PAGES_FORMAT,
  LANE_RECORDS_FORMAT,
  LANE_SAMPLES_FORMAT,
  STATE,
} from '../layout';
import { advanceBlocks } from './blocks';
import { advancePages } from './pages';
import { advanceRecords } from './records';
import { advanceSamples } from './samples';

/** Makes the lane's next event pending; false when its window is used up. */
export function advance(lane: usize): bool {
  const format = load<u8>(lane, LANE_FORMAT);
  if (format == LANE_PAGES_FORMAT) return advancePages(lane);
  if (format == LANE_RECORDS_FORMAT) return advanceRecords(lane);
  return format == LANE_SAMPLES_FORMAT ? advanceSamples(lane) : advanceBlocks(lane);
}

/** Order of the merge: by time, ties by lane. */
export function isBefore(a: usize, b: usize): bool {
  const left = load<u64>(a, LANE_NEXT_TIME);
  const right = load<u64>(b, LANE_NEXT_TIME);
  return left < right || (left == right && load<u16>(a, LANE_ID) < load<u16>(b, LANE_ID));
}

function laneAt(n: u32): usize {
  return load<usize>(load<usize>(STATE, HEAD_HEAP) + (usize(n) << 2));
}

function setLaneAt(n: u32, lane: usize): void {
  store<u32>(load<usize>(STATE, HEAD_HEAP) + (usize(n) << 2), u32(lane));
}

export function heapSize(): u32 {
  return load<u32>(STATE, HEAD_HEAP_SIZE);
}

/** The lane with the earliest pending event. */
export function firstLane(): usize {
  return laneAt(0);
}

/** The lane that comes first when the first one is left out; 0 when there is no other. While the first lane is before it, no
 *  sifting is needed: runs of one CPU cost one comparison per event. */
export function secondLane(): usize {
  const size = heapSize();
  if (size < 2) return 0;
  return size > 2 && isBefore(laneAt(2), laneAt(1)) ? laneAt(2) : laneAt(1);
}

/** Puts the first lane where its pending event belongs. */
export function siftFirst(): void {
  const size = heapSize();
  if (!size) return;
  const lane = laneAt(0);
  let n: u32 = 0;
  while (true) {
    let child: u32 = 2 * n + 1;
    if (child >= size) break;
    if (child + 1 < size && isBefore(laneAt(child + 1), laneAt(child))) child++;
    if (!isBefore(laneAt(child), lane)) break;
    setLaneAt(n, laneAt(child));
    n = child;
  }
  setLaneAt(n, lane);
}

/** Takes the first lane out: it has ended. */
export function dropFirst(): void {
  const last = heapSize() - 1;
  store<u32>(STATE, last, HEAD_HEAP_SIZE);
  setLaneAt(0, laneAt(last));
  siftFirst();
}

/** Adds a lane with a pending event. */
export function addLane(lane: usize): void {
  let n = heapSize();
  store<u32>(STATE, n + 1, HEAD_HEAP_SIZE);
  while (n > 0) {
    const parent = (n - 1) >> 1;
    if (!isBefore(lane, laneAt(parent))) break;
    setLaneAt(n, laneAt(parent));
    n = parent;
  }
  setLaneAt(n, lane);
}

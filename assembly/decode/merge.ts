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

/** The earlier one of the children of place `n` in a heap of `size` lanes; 0 when it has none. */
function childOf(n: u32, size: u32): u32 {
  const child: u32 = 2 * n + 1;
  if (child >= size) return 0;
  return child + 1 < size && isBefore(laneAt(child + 1), laneAt(child)) ? child + 1 : child;
}

/**
 * The place of the lane that comes first when the first one is left out; 0 when there is no other. While the first lane is before that
 * one, no sifting is needed: runs of one CPU cost one comparison per event.
 */
export function secondPlace(): u32 {
  return childOf(0, heapSize());
}

/** The lane at a place of the heap; 0 for place 0, which is nobody's second. */
export function laneBehind(place: u32): usize {
  return place ? laneAt(place) : 0;
}

/** Puts `lane` in the first place or, where its pending event is not the earliest, further down. `child`: what secondPlace() said. */
export function siftFirst(lane: usize, child: u32): void {
  const size = heapSize();
  let n: u32 = 0;
  while (child && isBefore(laneAt(child), lane)) {
    setLaneAt(n, laneAt(child));
    n = child;
    child = childOf(n, size);
  }
  setLaneAt(n, lane);
}

/** Takes the first lane out: it has ended. */
export function dropFirst(): void {
  const last = heapSize() - 1;
  store<u32>(STATE, last, HEAD_HEAP_SIZE);
  if (last) siftFirst(laneAt(last), secondPlace());
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

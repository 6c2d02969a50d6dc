// Lanes of canonical 40-byte records (text captures, generated streams): the record in the window is the event.

import {
  EVENT_SIZE,
  EVENT_TIME,
  LANE_AHEAD,
  LANE_BACKWARDS,
  LANE_CURSOR,
  LANE_EVENTS,
  LANE_FILLED,
  LANE_NEXT_TIME,
  LANE_RECORD,
  LANE_RECORD_SIZE,
  LANE_WINDOW,
} from '../layout';
import { lookAtEvents } from './ahead';

/** Makes the next record pending; false when the lane is dry. */
export function advanceRecords(lane: usize): bool {
  const window: usize = load<u32>(lane, LANE_WINDOW);
  let cursor: usize = load<u32>(lane, LANE_CURSOR);
  const end = window + load<u32>(lane, LANE_FILLED);
  if (!cursor) {
    cursor = window;
    store<u32>(lane, u32(window), LANE_AHEAD);
  }
  if (cursor + EVENT_SIZE > end) return false;
  if (cursor >= load<u32>(lane, LANE_AHEAD)) store<u32>(lane, u32(lookAtEvents(cursor, end)), LANE_AHEAD);
  const time = load<u64>(cursor, EVENT_TIME);
  if (time < load<u64>(lane, LANE_NEXT_TIME))
    store<u32>(lane, load<u32>(lane, LANE_BACKWARDS) + 1, LANE_BACKWARDS);
  store<u64>(lane, time, LANE_NEXT_TIME);
  store<u32>(lane, u32(cursor), LANE_RECORD);
  store<u32>(lane, EVENT_SIZE, LANE_RECORD_SIZE);
  store<u32>(lane, u32(cursor) + EVENT_SIZE, LANE_CURSOR);
  store<u64>(lane, load<u64>(lane, LANE_EVENTS) + 1, LANE_EVENTS);
  return true;
}

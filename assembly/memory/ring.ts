// The finding ring: programs push fixed-size records, TypeScript drains them between steps. A push that leaves fewer than
// RING_RESERVE records free asks for a pause before the next event, so a record is only dropped (and counted) where one
// single event pushes more than that.

import {
  COUNTER_DROPPED_FINDINGS,
  EVENT_CPU,
  EVENT_FLAGS,
  EVENT_PID,
  HEAD_PAUSE,
  HEAD_RING,
  HEAD_RING_CAPACITY,
  HEAD_RING_HEAD,
  HEAD_RING_TAIL,
  RECORD_CPU,
  RECORD_FLAGS,
  RECORD_KIND,
  RECORD_MARKS,
  RECORD_PID,
  RECORD_SIZE,
  STATE,
  MARK_SIZE,
} from '../layout';
import { count } from './counters';

const RING_RESERVE: u32 = 16;

/** Is it time to drain the ring? */
export function ringIsFull(): bool {
  const used = load<u32>(STATE, HEAD_RING_HEAD) - load<u32>(STATE, HEAD_RING_TAIL);
  return used + RING_RESERVE > load<u32>(STATE, HEAD_RING_CAPACITY);
}

/** A new record about `event`, zeroed but for who and where; 0 when the ring is full. */
export function push(kind: u32, event: usize): usize {
  const head = load<u32>(STATE, HEAD_RING_HEAD);
  const capacity = load<u32>(STATE, HEAD_RING_CAPACITY);
  if (head - load<u32>(STATE, HEAD_RING_TAIL) >= capacity) {
    count(COUNTER_DROPPED_FINDINGS);
    return 0;
  }
  const record: usize = load<u32>(STATE, HEAD_RING) + (head % capacity) * RECORD_SIZE;
  memory.fill(record, 0, RECORD_SIZE);
  store<u32>(STATE, head + 1, HEAD_RING_HEAD);
  if (ringIsFull()) store<u32>(STATE, 1, HEAD_PAUSE);
  store<u8>(record, u8(kind), RECORD_KIND);
  store<u16>(record, load<u16>(event, EVENT_CPU), RECORD_CPU);
  store<u16>(record, load<u16>(event, EVENT_FLAGS), RECORD_FLAGS);
  store<i32>(record, load<i32>(event, EVENT_PID), RECORD_PID);
  return record;
}

/** Address of a record's n-th mark. */
export function markOf(record: usize, n: u32): usize {
  return record + RECORD_MARKS + n * MARK_SIZE;
}

// A mark is one event remembered: when, where in the capture, who, and the value it carried.

import {
  EVENT_BIT,
  EVENT_CPU,
  EVENT_FLAGS,
  EVENT_KIND,
  EVENT_PID,
  EVENT_TIME,
  EVENT_TYPE,
  EVENT_VALUE,
  HEAD_POSITION,
  MARK_BIT,
  MARK_CPU,
  MARK_FLAGS,
  MARK_KIND,
  MARK_PID,
  MARK_POSITION,
  MARK_SIZE,
  MARK_TIME,
  MARK_TYPE,
  MARK_VALUE,
  STATE,
} from '../layout';

/** Remembers the event that is being replayed. */
export function setMark(mark: usize, event: usize): void {
  store<u64>(mark, load<u64>(event, EVENT_TIME), MARK_TIME);
  store<u64>(mark, load<u64>(STATE, HEAD_POSITION), MARK_POSITION);
  store<u64>(mark, load<u64>(event, EVENT_VALUE), MARK_VALUE);
  store<i32>(mark, load<i32>(event, EVENT_PID), MARK_PID);
  store<u16>(mark, load<u16>(event, EVENT_CPU), MARK_CPU);
  store<u16>(mark, load<u16>(event, EVENT_FLAGS), MARK_FLAGS);
  store<u8>(mark, load<u8>(event, EVENT_KIND), MARK_KIND);
  store<u8>(mark, load<u8>(event, EVENT_BIT), MARK_BIT);
  store<u16>(mark, load<u16>(event, EVENT_TYPE), MARK_TYPE);
}

/** A mark of which only time, place and owner are known. */
export function setBareMark(mark: usize, time: u64, position: u64, pid: i32, cpu: u16, kind: u32): void {
  clearMark(mark);
  store<u64>(mark, time, MARK_TIME);
  store<u64>(mark, position, MARK_POSITION);
  store<i32>(mark, pid, MARK_PID);
  store<u16>(mark, cpu, MARK_CPU);
  store<u8>(mark, u8(kind), MARK_KIND);
}

export function copyMark(to: usize, from: usize): void {
  memory.copy(to, from, MARK_SIZE);
}

export function clearMark(mark: usize): void {
  memory.fill(mark, 0, MARK_SIZE);
}

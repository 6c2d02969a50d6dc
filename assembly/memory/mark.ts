// A mark is one event remembered: when, where in the capture, who, and the value it carried. Its layout is the canonical
// event's with the position in place of the address (layout.ts), so it is copied as five words. memory.copy would be a call.

import { HEAD_POSITION, MARK_CPU, MARK_KIND, MARK_PID, MARK_POSITION, MARK_TIME, STATE } from '../layout';

/** Remembers the event that is being replayed. */
export function setMark(mark: usize, event: usize): void {
  store<u64>(mark, load<u64>(event));
  store<u64>(mark, load<u64>(STATE, HEAD_POSITION), 8);
  store<u64>(mark, load<u64>(event, 16), 16);
  store<u64>(mark, load<u64>(event, 24), 24);
  store<u64>(mark, load<u64>(event, 32), 32);
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
  store<u64>(to, load<u64>(from));
  store<u64>(to, load<u64>(from, 8), 8);
  store<u64>(to, load<u64>(from, 16), 16);
  store<u64>(to, load<u64>(from, 24), 24);
  store<u64>(to, load<u64>(from, 32), 32);
}

export function clearMark(mark: usize): void {
  store<u64>(mark, 0);
  store<u64>(mark, 0, 8);
  store<u64>(mark, 0, 16);
  store<u64>(mark, 0, 24);
  store<u64>(mark, 0, 32);
}

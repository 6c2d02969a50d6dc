import { HEAD_COUNTERS, STATE } from '../layout';

/** Adds 1 to one of the COUNTER_* counters. */
export function count(counter: u32): void {
  const at = STATE + HEAD_COUNTERS + (counter << 3);
  store<u64>(at, load<u64>(at) + 1);
}

export function counterOf(counter: u32): u64 {
  return load<u64>(STATE + HEAD_COUNTERS + (counter << 3));
}

/** Raises a counter that keeps a maximum. */
export function raise(counter: u32, value: u64): void {
  const at = STATE + HEAD_COUNTERS + (counter << 3);
  if (value > load<u64>(at)) store<u64>(at, value);
}

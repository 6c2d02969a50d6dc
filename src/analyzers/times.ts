import { duration, seconds } from '../base/units.ts';
import type { Case } from '../model/case.ts';

// Times for sentences. Where the clock counts something else than nanoseconds, its numbers stand as they are.

/** "47.340668709". */
export function at({ timeIsNs }: Pick<Case, 'timeIsNs'>, time: bigint): string {
  return timeIsNs ? seconds(time) : String(time);
}

/** "1.490 us"; null where nobody knows how long the clock's unit is. */
export function lasted({ timeIsNs }: Pick<Case, 'timeIsNs'>, ns: number): string | null {
  return timeIsNs ? duration(ns) : null;
}

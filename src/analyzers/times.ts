import { duration, seconds } from '../base/units.ts';
import type { Case } from '../model/case.ts';
import type { Mark } from '../model/state.ts';

// Times for sentences. Where the clock counts something else than nanoseconds, its numbers stand as they are.

/** "47.340668709". */
export function at({ timeIsNs }: Pick<Case, 'timeIsNs'>, time: bigint): string {
  return timeIsNs ? seconds(time) : String(time);
}

/** "1.490 us"; null where nobody knows how long the clock's unit is. */
export function lasted({ timeIsNs }: Pick<Case, 'timeIsNs'>, ns: number): string | null {
  return timeIsNs ? duration(ns) : null;
}

/** Compares marks by time, those of one time as they were replayed: text with microseconds has many of them. */
export function byTime(a: Mark, b: Mark): number {
  if (a.time !== b.time) return a.time < b.time ? -1 : 1;
  return a.lane - b.lane || a.offset - b.offset;
}

/** Did `a` come first? Of events of one time that is known only where they are of one lane, which is in order. */
export function isBefore(a: Mark, b: Mark): boolean {
  return a.time < b.time || (a.time === b.time && a.lane === b.lane && a.offset < b.offset);
}

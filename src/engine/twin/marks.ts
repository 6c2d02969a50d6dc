import * as L from '../../../assembly/layout.ts';
import type { CanonicalEvent, EventPlace } from '../../model/event.ts';
import type { Mark } from '../../model/state.ts';

/** A moment of which only time and place are kept. Time 0 stands for "never". */
export interface Moment {
  readonly time: bigint;
  readonly place: EventPlace;
}

export const NEVER: Moment = { time: 0n, place: { lane: 0, offset: 0 } };

/** Remembers an event. */
export function markOf(event: CanonicalEvent, place: EventPlace): Mark {
  return {
    time: event.time,
    lane: place.lane,
    offset: place.offset,
    value: event.value,
    pid: event.pid,
    cpu: event.cpu,
    flags: event.flags,
    kind: event.kind,
    bit: event.bit,
    type: event.type,
  };
}

/** A mark of which only time, place, owner and kind are known. */
export function bareMark({ time, place }: Moment, pid: number, cpu: number, kind: number): Mark {
  return {
    time,
    lane: place.lane,
    offset: place.offset,
    value: 0n,
    pid,
    cpu,
    flags: 0,
    kind,
    bit: 0,
    type: 0,
  };
}

/** The mark's time, 0 where there is no mark. */
export function timeOf(mark: Mark | null): bigint {
  return mark ? mark.time : 0n;
}

/** The mark as it is told: one of an unmapped event at time 0 cannot be told from none. */
export function told(mark: Mark | null): Mark | null {
  return mark && mark.time === 0n && mark.kind === L.KIND_OTHER ? null : mark;
}

/** `later - earlier`, 0 where time ran backwards. */
export function since(earlier: bigint, later: bigint): bigint {
  return later > earlier ? later - earlier : 0n;
}

import { EVENT_AT } from '../src/model/event-record.ts';

// What the typed-array engine kept, as its test holds it against the engine's: figures of src/model/state.ts as plain numbers.

/** Positions of a lane, in bytes: a position is lane * LANE_POSITIONS + offset. */
const LANE_POSITIONS = 2 ** 48;

/** The mark at cell `at`; null for none. Behind time and position it is the event's own bytes. */
export function readMark(cells: Float64Array, at: number) {
  const time = cells[at]!;
  const position = cells[at + 1]!;
  if (time === 0) return null;
  const view = new DataView(cells.buffer, 8 * at);
  return {
    time,
    lane: Math.floor(position / LANE_POSITIONS),
    offset: position % LANE_POSITIONS,
    value: view.getBigUint64(EVENT_AT.value, true),
    cpu: view.getUint16(EVENT_AT.cpu, true),
    pid: view.getInt32(EVENT_AT.pid, true),
    type: view.getUint16(EVENT_AT.type, true),
  };
}

/** Buckets that are not empty, by index, beside count, sum, least and largest. */
export function readHistogram(cells: Float64Array, buckets: Uint32Array) {
  const [count, sum, min, max] = cells;
  return { count, sum, min, max, buckets: [...buckets.entries()].filter(([, values]) => values > 0) };
}

import { describe, expect, it } from 'vitest';
import { noise, NOISE_DEFAULTS } from '../../src/generate/index.ts';
import { KINDS } from '../../src/model/event.ts';
import { EVENT_RECORD_SIZE, readEvent, writeEvent } from '../../src/model/event-record.ts';

describe('noise', () => {
  it('is in order of time, of every kind, and the same for the same seed', () => {
    const events = [...noise({ ...NOISE_DEFAULTS, events: 5000 })];
    expect(events).toHaveLength(5000);
    expect(events.every(({ time }, index) => index === 0 || time >= events[index - 1]!.time)).toBe(true);
    expect(new Set(events.map(({ kind }) => kind)).size).toBe(KINDS.length);
    expect(events).toEqual([...noise({ ...NOISE_DEFAULTS, events: 5000 })]);
    expect(events).not.toEqual([...noise({ ...NOISE_DEFAULTS, events: 5000, seed: 2 })]);
  });

  it('fits canonical records', () => {
    const view = new DataView(new ArrayBuffer(EVENT_RECORD_SIZE));
    for (const event of noise(NOISE_DEFAULTS)) {
      writeEvent(view, 0, event);
      expect(readEvent(view, 0)).toEqual(event);
    }
  });
});

import { describe, expect, it } from 'vitest';
import * as L from '../../assembly/layout.ts';
import type { CanonicalEvent } from '../../src/model/event.ts';
import { recordsOf } from '../property/event-streams.ts';
import { agree, options, row } from './harness.ts';

function event(about: Partial<CanonicalEvent>): CanonicalEvent {
  return {
    time: 0n,
    address: 0n,
    value: 0n,
    kind: 0,
    bit: 0xff,
    cpu: 0,
    pid: 7,
    flags: 0,
    type: 1,
    ...about,
  };
}

const ON = { statistics: { split: 0 } };

describe('statistics', () => {
  it('keep the longest wait and hold with the event that ended it', () => {
    const word = L.NAMESPACE_WORD << L.FLAG_NAMESPACE_SHIFT;
    const at = (time: number, kind: number): CanonicalEvent =>
      event({ time: BigInt(time), kind, address: 0x1000n, bit: 4, flags: word });
    const events = [
      at(10, L.KIND_ATTEMPT),
      at(20, L.KIND_CONTEND),
      at(70, L.KIND_ACQUIRE),
      at(75, L.KIND_RELEASE),
      at(80, L.KIND_ATTEMPT),
      at(90, L.KIND_ACQUIRE),
      at(190, L.KIND_RELEASE),
    ];
    const { statistics } = agree({ options: options(ON), lanes: [recordsOf(events)] });
    expect(statistics.series).toMatchObject([
      {
        kind: L.SERIES_IS_LOCK,
        namespace: L.NAMESPACE_WORD,
        bit: 4,
        acquisitions: 2,
        contentions: 1,
        wait: { count: 1, sum: 50n, min: 50, max: 50, longest: { time: 70n }, address: 0x1000n },
        hold: { count: 2, sum: 105n, min: 5, max: 100, longest: { time: 190n } },
      },
    ]);
  });

  it('count what begins within the times asked for', () => {
    const of = (time: bigint): CanonicalEvent[] => [
      event({ time, kind: L.KIND_ATTEMPT, flags: L.FLAG_TRY }),
      event({ time: time + 5n, kind: L.KIND_RELEASE }),
    ];
    const { statistics } = agree({
      options: options({ statistics: { split: 0, since: 200n, until: 300n } }),
      lanes: [recordsOf([100n, 200n, 300n, 301n].flatMap(of))],
    });
    expect(statistics.series).toMatchObject([{ acquisitions: 2, hold: { count: 2 } }]);
  });

  it('leave out sections that a loss or the idle task cuts short', () => {
    const rows = [row(0, 0), row(1, 0)];
    const off = (time: bigint): CanonicalEvent => event({ time, kind: L.KIND_PREEMPT_OFF });
    const on = (time: bigint): CanonicalEvent => event({ time, kind: L.KIND_PREEMPT_ON });
    const events = [
      off(10n),
      on(20n),
      off(30n),
      event({ time: 35n, kind: L.KIND_LOST, value: 3n }),
      on(40n),
      off(50n),
      event({ time: 55n, kind: L.KIND_SWITCH, value: 7n }),
      on(60n),
      on(70n),
    ];
    const { statistics } = agree({ options: options({ ...ON, rows }), lanes: [recordsOf(events)] });
    expect(statistics.series).toMatchObject([
      { kind: L.SERIES_IS_PREEMPT_OFF, hold: { count: 1, sum: 10n } },
    ]);
  });

  it('count what finds no series any more', { timeout: 60_000 }, () => {
    const locks = L.SERIES_LIMIT + 10;
    const events = Array.from({ length: locks }, (_, n) =>
      event({ time: BigInt(n), kind: L.KIND_ATTEMPT, flags: L.FLAG_TRY, address: BigInt(n + 1) }),
    );
    const { statistics, last } = agree({
      options: options({ ...ON, tableFloor: 1 << 20 }),
      lanes: [recordsOf(events)],
    });
    expect(statistics.series).toHaveLength(L.SERIES_LIMIT - 1);
    expect(last.counters[L.COUNTER_UNTRACKED_SERIES]).toBe(11n);
  });

  it('are off unless asked for', () => {
    const { statistics } = agree({
      options: options(),
      lanes: [recordsOf([event({ kind: L.KIND_ATTEMPT, flags: L.FLAG_TRY })])],
    });
    expect(statistics.series).toEqual([]);
  });
});

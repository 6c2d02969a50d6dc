import { describe, expect, test } from 'vitest';
import { replayed } from '../../bench/replay.ts';
import { fitsTypedArrays, replayTypedArrays } from '../../bench/typed-arrays.ts';
import { FIXED_LOCKS, WORKLOADS } from '../../bench/workloads.ts';
import { COUNTERS } from '../../src/model/engine-numbers.ts';
import { makeWasmEngine } from '../../src/session/pump.ts';

describe('the peers of the benchmark', () => {
  test('the typed-array engine takes, releases and holds what the engine does', () => {
    const workload = FIXED_LOCKS(30_000, 7);
    expect(fitsTypedArrays(workload)).toBe(true);
    const { acquisitions, releases, holds } = replayTypedArrays(workload);
    const { counters, holdNs } = replayed(makeWasmEngine, workload).engine.state();
    expect({ acquisitions, releases, holds }).toEqual({
      acquisitions: Number(counters[COUNTERS.acquisitions]),
      releases: Number(counters[COUNTERS.releases]),
      holds: Number(holdNs.count),
    });
    expect(holds).toBe(workload.events / 3);
  });

  test('every workload is replayed to its end, and nothing in it is wrong', () => {
    // Four million locks are for the benchmark alone.
    for (const make of WORKLOADS) {
      const workload = make(5_000, 3);
      if (workload.warmBytes > 2 ** 24) continue;
      const state = replayed(makeWasmEngine, workload).engine.state();
      expect(Number(state.events), workload.name).toBe(workload.events);
      expect(state.counters[COUNTERS.takenTwice], workload.name).toBe(0n);
      expect(state.counters[COUNTERS.unpairedReleases], workload.name).toBe(0n);
    }
  });
});

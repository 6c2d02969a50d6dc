import fc from 'fast-check';
import { it, expect } from 'vitest';
import { generateEvents, SIMULATION_DEFAULTS } from '../../src/generate/index.ts';
import { Watcher } from './invariants.ts';
it('stress', { timeout: 600000 }, () => {
  fc.assert(
    fc.property(
      fc.record({
        seed: fc.nat(),
        cpus: fc.constantFrom(1, 2, 3, 8, 40, 200),
        locks: fc.constantFrom(1, 100, 5000),
        zipf: fc.constantFrom(0, 1, 1.6),
        skewNs: fc.constantFrom(0, 400, 3000),
        debugMutex: fc.boolean(),
        tasksPerCpu: fc.constantFrom(1, 2, 4, 9),
        migration: fc.constantFrom(0, 0.1, 0.9),
        exits: fc.constantFrom(0, 0.001, 0.1),
        durationNs: fc.constantFrom(null, 1e9, 20e9),
        mix: fc.constantFrom({}, { mutex: 50 }, { rwsem: 50 }, { 'spin-nested': 80 }, { buffer: 90 }),
      }),
      (o) => {
        const w = new Watcher();
        let n = 0;
        for (const e of generateEvents({ ...SIMULATION_DEFAULTS, ...o, events: 30000 })) {
          w.event(e);
          n++;
        }
        expect(w.breaches).toEqual([]);
        expect(w.longestOverlap).toBeLessThanOrEqual(o.skewNs);
        expect(n).toBeGreaterThan(o.durationNs ? 10000 : 29999);
      },
    ),
    { numRuns: 250 },
  );
});

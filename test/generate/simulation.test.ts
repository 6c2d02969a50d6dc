import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  E,
  generateEvents,
  generateTraceDat,
  Simulation,
  SIMULATION_DEFAULTS,
  SYSTEMS,
  type SimulationOptions,
} from '../../src/generate/index.ts';
import { Watcher } from './invariants.ts';

function watch(options: Partial<SimulationOptions>): { watcher: Watcher; counts: Map<string, number> } {
  const watcher = new Watcher();
  const counts = new Map<string, number>();
  for (const event of generateEvents({ ...SIMULATION_DEFAULTS, ...options })) {
    watcher.event(event);
    counts.set(event.name, (counts.get(event.name) ?? 0) + 1);
  }
  return { watcher, counts };
}

/** Longer than any interrupt with its softirqs takes. */
const INTERRUPT_NS = 1e6;

describe('a healthy machine', () => {
  it('gives the same bytes for the same seed, and others for another', () => {
    const bytes = (seed: number): Uint8Array => generateTraceDat({ seed, events: 5000 }).bytes;
    expect(bytes(4)).toEqual(bytes(4));
    expect(bytes(4)).not.toEqual(bytes(5));
  });

  it(
    'breaks no rule, whatever the seed, the number of CPUs and the crowd at the locks',
    { timeout: 60_000 },
    () => {
      fc.assert(
        fc.property(
          fc.record({
            seed: fc.nat(),
            cpus: fc.constantFrom(1, 2, 3, 8, 40),
            locks: fc.constantFrom(1, 100, 5000),
            zipf: fc.constantFrom(0, 1, 1.6),
            skewNs: fc.constantFrom(0, 400, 3000),
            debugMutex: fc.boolean(),
          }),
          (options) => {
            const { watcher } = watch({ ...options, events: 20_000 });
            expect(watcher.breaches).toEqual([]);
            // An interrupt may come between an unlock and its event.
            const most = options.skewNs === 0 ? 0 : options.skewNs + INTERRUPT_NS;
            expect(watcher.longestOverlap).toBeLessThanOrEqual(most);
          },
        ),
        {
          numRuns: 15,
          examples: [[{ seed: 16, cpus: 40, locks: 1, zipf: 0, skewNs: 400, debugMutex: true }]],
        },
      );
    },
  );

  it('shows every sort of event, waits and two owners within the skew', () => {
    const { watcher, counts } = watch({ seed: 3, events: 400_000, cpus: 8, zipf: 1.3 });
    const missing = Object.keys(E).length - counts.size;
    // Only the console and function calls stay silent without a fault.
    expect([...counts.keys()].filter((name) => name === 'console')).toEqual([]);
    expect(missing).toBe(3);
    expect(watcher.waits).toBeGreaterThan(100);
    expect(watcher.longestOverlap).toBeGreaterThan(0);
  });

  it('moves tasks between CPUs, and ends and starts some', () => {
    const places = new Map<number, Set<number>>();
    for (const event of generateEvents({ ...SIMULATION_DEFAULTS, events: 100_000, exits: 1 / 200 })) {
      if (event.type === E.schedSwitch && event.c !== 0) {
        places.set(event.c, (places.get(event.c) ?? new Set()).add(event.cpu));
      }
    }
    expect([...places.values()].filter((cpus) => cpus.size > 1).length).toBeGreaterThan(3);
    expect(places.size).toBeGreaterThan(SIMULATION_DEFAULTS.cpus * SIMULATION_DEFAULTS.tasksPerCpu);
  });

  it('stops at exactly the number of events asked for', () => {
    let count = 0;
    for (const _ of generateEvents({ ...SIMULATION_DEFAULTS, events: 12_345 })) count++;
    expect(count).toBe(12_345);
  });

  it('spreads its events over a duration', () => {
    const options = { ...SIMULATION_DEFAULTS, events: 30_000, durationNs: 10e9 };
    const perSecond = Array.from({ length: 10 }, () => 0);
    let count = 0;
    for (const event of generateEvents(options)) {
      perSecond[Math.floor((event.time - options.startNs) / 1e9)]!++;
      count++;
    }
    expect(count).toBeGreaterThan(24_000);
    expect(count).toBeLessThan(36_000);
    expect(Math.min(...perSecond)).toBeGreaterThan(1000);
  });

  it('records only what it is told to', () => {
    const { counts } = watch({ events: 30_000, systems: ['bitlock', 'irq:softirq_entry'] });
    expect([...counts.keys()].sort()).toEqual([
      'bit_spin_acquire',
      'bit_spin_acquired',
      'bit_spin_contended',
      'bit_spin_release',
      'softirq_entry',
    ]);
    expect(SYSTEMS).toContain('bitlock');
  });

  it('runs four million locks', () => {
    const { watcher } = watch({ events: 20_000, locks: 4_000_000, zipf: 0.6 });
    expect(watcher.breaches).toEqual([]);
  });

  it.each([{ cpus: 0 }, { cpus: 513 }, { locks: 5_000_000 }, { events: 0 }])('refuses %o', (wrong) => {
    const sink = { event: () => {}, lost: () => {} };
    expect(() => new Simulation({ ...SIMULATION_DEFAULTS, ...wrong }, sink)).toThrow(/must lie between/);
  });
});

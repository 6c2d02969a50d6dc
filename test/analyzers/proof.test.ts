import { describe, expect, it } from 'vitest';
import * as L from '../../assembly/layout.ts';
import { generateTraceDat, readFault } from '../../src/generate/index.ts';
import { bytesSource } from '../../src/io/bytes.ts';
import { CONFIDENCES, type Finding, type Report } from '../../src/model/report.ts';
import { analyzeCapture } from '../../src/session/session.ts';
import { openSource } from '../../src/trace/open.ts';
import { ATOMIC, IRQS_OFF, sort, Story, type StoryOptions } from './story.ts';

// Causes that the events prove, however long anybody waited. Times in milliseconds; default thresholds.

const { KIND_ATTEMPT: ATTEMPT, KIND_CONTEND: CONTEND, KIND_ACQUIRE: ACQUIRE, KIND_RELEASE: RELEASE } = L;

/** CPU 2 puts back the bit that CPU 3 cleared; CPU 3 comes back for `waited` ms, then the capture ends. */
function race(waited: number, options: StoryOptions = {}): Story {
  const locker = { cpu: 3, pid: 103, flags: IRQS_OFF };
  const writer = { cpu: 2, pid: 102 };
  return new Story(options)
    .ticks(0, 110 + waited, { cpu: 2, pid: 102 })
    .bit(100, locker, ACQUIRE, 0x131n)
    .bit(100.001, writer, L.KIND_WORD_LOAD, 0x131n)
    .bit(100.002, locker, RELEASE, 0x21n)
    .bit(100.003, writer, L.KIND_WORD_STORE, 0x131n)
    .bit(110, locker, ATTEMPT, 0n)
    .bit(110.001, locker, CONTEND, 0x131n);
}

/** Two CPUs, each with the lock that the other wants, at the end of the capture. */
function cycle(options: StoryOptions = {}): Story {
  const [one, two] = [
    { cpu: 1, pid: 101, flags: IRQS_OFF },
    { cpu: 2, pid: 102, flags: IRQS_OFF },
  ];
  return new Story(options)
    .map(0.1, one, ACQUIRE, 0x9000n)
    .map(0.2, one, RELEASE, 0x9000n)
    .event(0.3, two, L.KIND_OTHER)
    .event(0.3, { cpu: 0, pid: 0 }, L.KIND_OTHER)
    .map(10, one, ACQUIRE, 0x1000n)
    .map(10.001, two, ACQUIRE, 0x3000n)
    .map(10.002, one, ATTEMPT, 0x3000n)
    .map(10.003, one, CONTEND, 0x3000n)
    .map(10.004, two, ATTEMPT, 0x1000n)
    .map(10.005, two, CONTEND, 0x1000n)
    .event(11, { cpu: 0, pid: 0 }, L.KIND_OTHER);
}

describe('a wait that is shorter than --spin', () => {
  it('a lost unlock that the word’s values prove is told, and that the wait was short', () => {
    expect(race(400).findings()).toEqual(['never-released lost-unlock certain']);
    const [finding] = race(400).report().findings;
    expect(finding).toMatchObject({ severity: 'high', culprit: { cpu: 2, pid: 102 } });
    expect(finding!.alternatives.map(({ cause }) => cause)).toContain('recording ended');
    expect(race(1200).report().findings[0]).toMatchObject({ severity: 'critical', cause: 'lost-unlock' });
  });

  it('is no more than likely where a take may still be on its way to the record', () => {
    expect(race(20).findings()).toEqual(['never-released lost-unlock likely']);
  });

  it('proves nothing by itself: no store, no finding', () => {
    const waiter = { cpu: 3, pid: 103, flags: IRQS_OFF };
    const held = new Story()
      .ticks(0, 500, { cpu: 2, pid: 102 })
      .bit(100, { cpu: 2, pid: 102 }, ACQUIRE, 0x131n)
      .bit(100.1, { cpu: 2, pid: 102 }, RELEASE, 0x21n)
      .bit(110, waiter, ATTEMPT, 0n)
      .bit(110.001, waiter, CONTEND, 0x131n);
    expect(held.findings()).toEqual([]);
  });

  it('a cycle of holders and waiters needs no time', () => {
    const { findings } = cycle().report();
    expect(findings.map(sort)).toEqual(['never-released deadlock certain']);
    expect(findings[0]).toMatchObject({ severity: 'high' });
  });

  it('a lock whose event of release may be late is no deadlock of the interrupt that wants it', () => {
    const [task, irq] = [
      { cpu: 1, pid: 101, flags: ATOMIC },
      { cpu: 1, pid: 101, flags: IRQS_OFF | L.FLAG_HARDIRQ },
    ];
    const story = new Story()
      .ticks(0, 11, { cpu: 0, pid: 100 })
      .bit(1, task, ACQUIRE, 0x131n)
      .bit(2, task, RELEASE, 0x21n)
      .bit(10, task, ACQUIRE, 0x131n)
      .bit(10.1, irq, ATTEMPT, 0n);
    expect(story.findings()).toEqual([]);
  });
});

describe('a clock without a unit of time', () => {
  const cycles = (story: Story): Report => {
    const capture = story.capture();
    return analyzeCapture(
      new Proxy(capture, {
        get: (target, key): unknown =>
          key === 'clock' ? { name: 'x86-tsc', unit: 'cycles' } : Reflect.get(target, key, target),
      }),
    );
  };

  it('proven causes are told, in the clock’s own numbers', () => {
    const { findings } = cycles(race(400));
    expect(findings.map(sort)).toEqual(['never-released lost-unlock likely']);
    expect(findings[0]!.headline).toContain('at 100002000; then a plain store');
    expect(findings[0]!.watchdog).toBeNull();
    expect(cycles(cycle()).findings.map(sort)).toEqual(['never-released deadlock certain']);
  });

  it('the kernel’s own report tells that the wait was no short one', () => {
    const told = race(400).message(500, { cpu: 2, pid: 102 }, 'Watchdog detected hard LOCKUP on cpu 3');
    expect(cycles(told).findings.map(sort)).toEqual(['never-released lost-unlock certain']);
  });

  it('a generated capture in cycles', async () => {
    const { bytes } = generateTraceDat(
      { seed: 932, cpus: 6, events: 20_000, faults: [readFault('lost-unlock')] },
      { clock: 'x86-tsc' },
    );
    const { findings, trace } = analyzeCapture(await openSource(bytesSource(bytes)));
    expect(trace.timeUnit).toBe('cycles');
    expect(findings.map(sort)).toEqual(['never-released lost-unlock certain']);
  });
});

describe('a holder’s exit', () => {
  const holder = { cpu: 2, pid: 102 };
  const waiter = { cpu: 3, pid: 103, flags: IRQS_OFF };
  const left = (more: (story: Story) => Story = (same) => same): Finding =>
    more(
      new Story()
        .bit(1, holder, ACQUIRE, 0x131n)
        .bit(1.1, holder, RELEASE, 0x21n)
        .bit(100, holder, ACQUIRE, 0x131n)
        .exit(110, holder)
        .bit(116, waiter, ATTEMPT, 0n)
        .bit(116.001, waiter, CONTEND, 0x931n),
    )
      .event(14_000, { cpu: 3, pid: 103, flags: L.FLAG_NMI | L.FLAG_IRQS_OFF }, L.KIND_OTHER)
      .report()
      .findings.find(({ kind }) => kind === 'never-released')!;

  it('counts where it is the last that is seen of its CPU', () => {
    expect(left()).toMatchObject({ cause: 'missing-unlock', confidence: 'likely', holder: { pid: 102 } });
    expect(left().alternatives.map(({ cause }) => cause)).toContain('held-at-end');
  });

  it('proves less where switches are recorded and none follows', () => {
    const switches = (story: Story): Story => story.switch(5, 1, 101, 0);
    expect(left(switches)).toMatchObject({ cause: 'missing-unlock', confidence: 'possible' });
  });

  it('proves nothing while the task still runs', () => {
    expect(left((story) => story.event(111, holder, L.KIND_OTHER))).toMatchObject({ cause: 'held-at-end' });
  });
});

describe('findings of one incident', () => {
  it.each([
    ['missing-unlock', 5],
    ['missing-unlock:how=exit', 5],
    ['abba', 5],
    ['abba', 6],
  ])('agree on the cause: %s on %i CPUs', async (fault, cpus) => {
    for (const seed of [901, 902, 903, 8]) {
      const { bytes } = generateTraceDat({ seed, cpus, events: 25_000, faults: [readFault(fault)] });
      const { findings } = analyzeCapture(await openSource(bytesSource(bytes)));
      const stuck = findings.find(({ kind }) => kind === 'never-released')!;
      const spins = findings.filter(({ kind }) => kind === 'irq-off-spin');
      expect(stuck.confidence).not.toBe('possible');
      for (const spin of spins) {
        expect(spin.cause, spin.headline).toBe(stuck.cause);
        expect(CONFIDENCES.indexOf(spin.confidence)).toBeLessThanOrEqual(
          CONFIDENCES.indexOf(stuck.confidence),
        );
        expect(spin.related).toContain(stuck.id);
      }
    }
  });
});

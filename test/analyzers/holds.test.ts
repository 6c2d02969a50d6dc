import { describe, expect, it } from 'vitest';
import * as L from '../../assembly/layout.ts';
import { ATOMIC, IRQS_OFF, Story } from './story.ts';

// Who holds and who waits, in cases made by hand, each of them once judged wrongly. Times in milliseconds; default thresholds.

const { KIND_ATTEMPT: ATTEMPT, KIND_CONTEND: CONTEND, KIND_ACQUIRE: ACQUIRE, KIND_RELEASE: RELEASE } = L;

describe('holds that were seen to begin before a loss (design rule 2)', () => {
  const [a, b] = [
    { cpu: 1, pid: 101 },
    { cpu: 3, pid: 103, flags: IRQS_OFF },
  ];
  /** Task 101 takes the lock; CPU 3 spins on it to the end, 14 s later. */
  const spin = (more: (story: Story) => Story): Story =>
    more(new Story())
      .ticks(0, 15_000, { cpu: 0, pid: 100 })
      .ticks(0, 290, { cpu: 1, pid: 101 })
      .ticks(302, 15_000, { cpu: 1, pid: 0 })
      .event(1, { cpu: 3, pid: 103 }, L.KIND_OTHER)
      .bit(9, a, ACQUIRE, 0x131n)
      .bit(9.1, a, RELEASE, 0x21n)
      .bit(10.1, a, ACQUIRE, 0x131n)
      .event(900, b, L.KIND_IRQS_OFF)
      .bit(900.001, b, ATTEMPT, 0n)
      .bit(900.002, b, CONTEND, 0x131n)
      .event(14_990, { cpu: 3, pid: 103, flags: L.FLAG_NMI | L.FLAG_IRQS_OFF }, L.KIND_OTHER);

  it('the holder of a spin is not certain where its own CPU lost events', () => {
    const held = (story: Story): object =>
      story.report().findings.find(({ kind }) => kind === 'irq-off-spin') as object;
    expect(held(spin((story) => story))).toMatchObject({
      cause: 'held-at-end',
      holder: { pid: 101 },
      confidence: 'certain',
      taintedBy: [],
    });
    expect(held(spin((story) => story.lost(200, 1)))).toMatchObject({
      cause: 'unknown-holder',
      holder: null,
      confidence: 'likely',
      taintedBy: [expect.stringContaining('CPU 1 lost 5 events')],
    });
    // What another CPU lost is no release by this holder.
    expect(held(spin((story) => story.lost(200, 0)))).toMatchObject({ confidence: 'certain', taintedBy: [] });
  });

  it('a forgotten unlock is no more than possible where the holder’s CPU lost events before it left', () => {
    const gone = (more: (story: Story) => Story): string | undefined =>
      spin((story) => more(story).exit(300, a).switch(301, 1, 101, 0))
        .findings()
        .find((line) => line.startsWith('never-released'));
    expect(gone((story) => story)).toBe('never-released missing-unlock certain');
    expect(gone((story) => story.lost(200, 1))).toBe('never-released missing-unlock possible');
    expect(gone((story) => story.lost(200, 0))).toBe('never-released missing-unlock likely');
  });

  it('a cycle through a hold that may have ended among lost events is no more than possible', () => {
    const [one, two] = [
      { cpu: 1, pid: 101, flags: IRQS_OFF },
      { cpu: 2, pid: 102, flags: IRQS_OFF },
    ];
    const cycle = (more: (story: Story) => Story): string | undefined =>
      more(new Story().ticks(0, 15_000, { cpu: 0, pid: 100 }))
        .bit(1, one, ACQUIRE, 0x131n, 0x9000n)
        .bit(1.1, one, RELEASE, 0x21n, 0x9000n)
        .bit(2, two, ACQUIRE, 0x131n, 0x3000n)
        .bit(11, one, ACQUIRE, 0x131n, 0x1000n)
        .bit(100, one, ATTEMPT, 0n, 0x3000n)
        .bit(100.1, one, CONTEND, 0x131n, 0x3000n)
        .bit(101, two, ATTEMPT, 0n, 0x1000n)
        .bit(101.1, two, CONTEND, 0x131n, 0x1000n)
        .findings()
        .find((line) => line.startsWith('never-released'));
    expect(cycle((story) => story)).toBe('never-released deadlock certain');
    expect(cycle((story) => story.lost(50, 2))).toBe('never-released deadlock possible');
    expect(cycle((story) => story.lost(50, 1))).toBe('never-released deadlock possible');
    expect(cycle((story) => story.lost(50, 0))).toBe('never-released deadlock likely');
  });

  it('a sleeper’s wait may have ended among any CPU’s lost events', () => {
    const [one, two] = [
      { cpu: 1, pid: 101, flags: 0 },
      { cpu: 2, pid: 102, flags: 0 },
    ];
    const cycle = (more: (story: Story) => Story): string | undefined =>
      more(new Story().ticks(0, 15_000, { cpu: 0, pid: 100 }))
        .map(5, { ...one, flags: 0 }, ACQUIRE, 0x9000n)
        .map(6, { ...one, flags: 0 }, RELEASE, 0x9000n)
        .event(7, two, L.KIND_OTHER)
        .map(10, one, ATTEMPT, 0x2000n)
        .map(10.1, one, ACQUIRE, 0x2000n)
        .map(11, two, ATTEMPT, 0x3000n)
        .map(11.1, two, ACQUIRE, 0x3000n)
        .map(100, one, ATTEMPT, 0x3000n)
        .map(100.1, one, CONTEND, 0x3000n)
        .switch(100.2, 1, 101, 0)
        .map(101, two, ATTEMPT, 0x2000n)
        .map(101.1, two, CONTEND, 0x2000n)
        .switch(101.2, 2, 102, 0)
        .findings()
        .find((line) => line.startsWith('never-released'));
    expect(cycle((story) => story)).toBe('never-released deadlock certain');
    expect(cycle((story) => story.lost(5000, 0))).toBe('never-released deadlock possible');
  });
});

describe('a wait whose end was lost', () => {
  const waiter = { cpu: 3, pid: 103, flags: IRQS_OFF };
  const story = (more: (story: Story) => Story): string[] =>
    more(
      new Story()
        .ticks(0, 15_000, { cpu: 0, pid: 100 })
        .map(1, { cpu: 0, pid: 100 }, ACQUIRE)
        .map(2, { cpu: 0, pid: 100 }, RELEASE)
        .map(900, waiter, ATTEMPT)
        .map(900.1, waiter, CONTEND),
    )
      .event(14_000, { cpu: 3, pid: 103, flags: L.FLAG_NMI | L.FLAG_IRQS_OFF }, L.KIND_OTHER)
      .findings();

  it('is over where its task ran elsewhere since, or its CPU lost events', () => {
    expect(story((same) => same)).toEqual(['irq-off-spin unknown-holder likely']);
    expect(story((more) => more.lost(950, 3).switch(951, 3, 104, 0).lost(960, 3))).toEqual([]);
    expect(story((more) => more.lost(950, 3))).toEqual([]);
    expect(story((more) => more.switch(950, 1, 103, 0))).toEqual([]);
  });
});

describe('locks that lockdep knows (design rule 7)', () => {
  const waiter = { cpu: 3, pid: 103, flags: IRQS_OFF };
  const holder = { cpu: 2, pid: 102 };
  const stuck = (more: (story: Story) => Story, wait = waiter): Story =>
    more(new Story())
      .ticks(0, 15_000, { cpu: 0, pid: 100 })
      .event(1, { cpu: 3, pid: 103 }, L.KIND_OTHER)
      .map(4, holder, ACQUIRE)
      .map(4.1, holder, RELEASE)
      .map(5, holder, ATTEMPT)
      .map(5.1, holder, ACQUIRE)
      .event(899, wait, (wait.flags & L.FLAG_IRQS_OFF) === 0 ? L.KIND_OTHER : L.KIND_IRQS_OFF)
      .map(900, wait, ATTEMPT)
      .map(900.1, wait, CONTEND)
      .message(12_000, { cpu: 0, pid: 100 }, 'watchdog: Watchdog detected hard LOCKUP on cpu 3');

  it('a spinlock’s holder that was switched out has left it: somebody waits with interrupts off', () => {
    const slept = stuck((story) => story.switch(20, 2, 102, 0).event(21, { cpu: 2, pid: 0 }, L.KIND_OTHER));
    expect(slept.report().findings.find(({ kind }) => kind === 'never-released')).toMatchObject({
      cause: 'missing-unlock',
      confidence: 'likely',
      holder: { cpu: 2, pid: 102 },
    });
    // At the switch itself the run queue's lock is held, rightly so.
    const switching = stuck((story) => story.switch(14_999, 2, 102, 0));
    expect(switching.findings()).toContain('never-released held-at-end possible');
  });

  it('a sleeping lock’s holder may sleep', () => {
    const sleeper = { cpu: 3, pid: 103, flags: 0 };
    const slept = stuck(
      (story) =>
        story.switch(20, 2, 102, 0).event(21, { cpu: 2, pid: 0 }, L.KIND_OTHER).switch(900.2, 3, 103, 0),
      sleeper,
    );
    expect(slept.findings()).toEqual(['never-released held-at-end possible']);
  });

  it('readers are named as such, and never as the holder', () => {
    const reader = { cpu: 1, pid: 101, flags: ATOMIC | L.FLAG_READ };
    const story = new Story()
      .ticks(0, 15_000, { cpu: 0, pid: 100 })
      .map(5, reader, ATTEMPT)
      .map(5.1, reader, ACQUIRE)
      .map(6, { cpu: 0, pid: 100 }, RELEASE, 0x9000n)
      .event(899, waiter, L.KIND_IRQS_OFF)
      .map(900, waiter, ATTEMPT)
      .map(900.1, waiter, CONTEND);
    const { findings } = story.report();
    const never = findings.find(({ kind }) => kind === 'never-released')!;
    expect(never).toMatchObject({ cause: 'held-at-end', confidence: 'possible', holder: null });
    expect(never.headline).toContain('task101-101 took the lock shared');
    const spin = findings.find(({ kind }) => kind === 'irq-off-spin')!;
    expect(spin.holder).toBeNull();
    expect(spin.headline).toContain('task101-101 took the lock shared');
  });

  it('of two holds of one lock the last one counts', () => {
    // The first one's release was not seen. The lock was taken anew, as a reader first.
    const one = { cpu: 1, pid: 101, flags: IRQS_OFF };
    const two = { cpu: 2, pid: 102, flags: IRQS_OFF };
    const story = new Story()
      .ticks(0, 15_000, { cpu: 0, pid: 100 })
      .map(5, { ...one, flags: IRQS_OFF | L.FLAG_READ }, ATTEMPT, 0x2000n)
      .map(5.1, one, ACQUIRE, 0x2000n)
      .map(8, one, ACQUIRE, 0x2000n)
      .map(9, two, ACQUIRE, 0x3000n)
      .map(9.5, two, RELEASE, 0x9000n)
      .map(100, one, ATTEMPT, 0x3000n)
      .map(100.1, one, CONTEND, 0x3000n)
      .map(101, two, ATTEMPT, 0x2000n)
      .map(101.1, two, CONTEND, 0x2000n);
    const [finding] = story.report().findings;
    expect(finding).toMatchObject({ cause: 'deadlock' });
    expect(finding!.evidence.map(({ ns }) => ns)).toContain('8000000');
    expect(finding!.evidence.map(({ ns }) => ns)).not.toContain('5100000');
  });
});

describe('a holder that was not the only one', () => {
  it('is not said to have held the lock until somebody else let go', () => {
    const waiter = { cpu: 3, pid: 103, flags: IRQS_OFF };
    const [one, two] = [
      { cpu: 1, pid: 101 },
      { cpu: 2, pid: 102 },
    ];
    const story = new Story()
      .ticks(0, 4000, { cpu: 0, pid: 100 })
      .bit(10, one, ACQUIRE, 0x131n)
      .event(11, waiter, L.KIND_IRQS_OFF)
      .bit(12, waiter, ATTEMPT, 0n)
      .bit(12.1, waiter, CONTEND, 0x131n)
      .bit(500, one, RELEASE, 0x21n)
      .bit(501, two, ACQUIRE, 0x131n)
      .bit(3000, two, RELEASE, 0x21n)
      .bit(3001, waiter, ACQUIRE, 0x131n)
      .event(3002, waiter, L.KIND_IRQS_ON);
    const [finding] = story.report().findings;
    expect(finding).toMatchObject({ kind: 'irq-off-spin', holder: { pid: 101 } });
    expect(finding!.headline).toContain(
      'held when it began; it was released 2 times meanwhile, last by task102-102',
    );
  });
});

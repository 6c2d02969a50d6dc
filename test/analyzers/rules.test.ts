import { describe, expect, it } from 'vitest';
import * as L from '../../assembly/layout.ts';
import { ATOMIC, IRQS_OFF, sort, Story, type StoryOptions } from './story.ts';

// Cases made by hand, each of them once judged wrongly. Times in milliseconds; default thresholds: spin and irqs off 1 s, watchdog 10 s.

const { KIND_ATTEMPT: ATTEMPT, KIND_CONTEND: CONTEND, KIND_ACQUIRE: ACQUIRE, KIND_RELEASE: RELEASE } = L;

const ofKind = (lines: readonly string[], kind: string): string[] =>
  lines.filter((line) => line.startsWith(`${kind} `));

/** The race: CPU 2 stores what it loaded before CPU 3's unlock; CPU 3 comes back and spins to the end. */
function race(options: StoryOptions = {}, scale = 0.001): Story {
  const locker = { cpu: 3, pid: 103, flags: IRQS_OFF };
  const writer = { cpu: 2, pid: 102 };
  return new Story(options)
    .ticks(0, 15_000, { cpu: 0, pid: 100 })
    .ticks(0, 15_000, { cpu: 2, pid: 102 })
    .bit(100, locker, ATTEMPT, 0n)
    .bit(100 + scale, locker, ACQUIRE, 0x131n)
    .bit(100 + 2 * scale, writer, L.KIND_WORD_LOAD, 0x131n)
    .bit(100 + 3 * scale, locker, RELEASE, 0x21n)
    .bit(100 + 4 * scale, writer, L.KIND_WORD_STORE, 0x131n)
    .event(900, locker, L.KIND_IRQS_OFF)
    .bit(900.001, locker, ATTEMPT, 0n)
    .bit(900.002, locker, CONTEND, 0x131n)
    .message(11_000, { cpu: 0, pid: 100 }, 'watchdog: Watchdog detected hard LOCKUP on cpu 3');
}

describe('the trace clock (design rule 12)', () => {
  it.each(['mono', 'global', 'boot', 'x86-tsc', 'counter'])(
    '%s orders all CPUs: a lost unlock is certain',
    (clock) => {
      expect(race({ clock }).findings()[0]).toBe('never-released lost-unlock certain');
    },
  );

  it.each(['local', 'unknown', 'perf', 'uptime', 'ppc-tb'])('%s does not, within microseconds', (clock) => {
    const [finding] = race({ clock }).report().findings;
    expect(finding).toMatchObject({
      cause: 'lost-unlock',
      confidence: 'likely',
      culprit: { cpu: 2, pid: 102 },
    });
    expect(finding!.taintedBy.join()).toContain('does not tell the order');
  });

  it('events that lie far apart are in order by any clock', () => {
    expect(race({ clock: 'local' }, 50).findings()[0]).toBe('never-released lost-unlock certain');
  });

  it('a bit that a store seems to have put back for a while is no more than possible', () => {
    const putBack = (clock: string): string[] => {
      const [a, b] = [
        { cpu: 1, pid: 101 },
        { cpu: 2, pid: 102 },
      ];
      return new Story({ clock })
        .ticks(0, 4000, a)
        .bit(10, a, ACQUIRE, 0x131n)
        .bit(10.001, b, L.KIND_WORD_LOAD, 0x131n)
        .bit(10.002, a, RELEASE, 0x21n)
        .bit(10.003, b, L.KIND_WORD_STORE, 0x131n)
        .bit(10.004, b, L.KIND_WORD_LOAD, 0x131n)
        .bit(3000, a, ACQUIRE, 0x131n)
        .bit(3001, a, RELEASE, 0x21n)
        .findings();
    };
    expect(putBack('mono')).toEqual(['lost-update bit-set-back likely']);
    expect(putBack('local')).toEqual(['lost-update bit-set-back possible']);
  });

  it('who released a lock that was free is not told by events closer than that', () => {
    const twice = (clock: string, apart: number): string[] => {
      const [a, b] = [
        { cpu: 1, pid: 101 },
        { cpu: 2, pid: 102 },
      ];
      const story = new Story({ clock });
      for (const ms of [1, 2]) story.bit(ms, a, ACQUIRE, 0x131n).bit(ms + 0.5, a, RELEASE, 0x21n);
      return story
        .event(0.5, b, L.KIND_OTHER)
        .bit(2.5 + apart, b, RELEASE, 0x21n)
        .findings();
    };
    expect(twice('mono', 0.01)).toEqual(['double-release unknown likely']);
    expect(twice('local', 0.01)).toEqual(['double-release unknown possible']);
    expect(twice('local', 100)).toEqual(['double-release unknown likely']);
  });
});

describe('a pause of the whole machine', () => {
  const off = { cpu: 3, pid: 103, flags: L.FLAG_IRQS_OFF };
  const span = (others: (story: Story) => Story): Story =>
    others(new Story())
      .ticks(0, 1000, { cpu: 3, pid: 103 })
      .event(1000, off, L.KIND_IRQS_OFF)
      .event(6000, off, L.KIND_IRQS_ON)
      .ticks(6001, 7000, { cpu: 3, pid: 103 });

  it('is nobody to blame for where a busy CPU was silent too', () => {
    const paused = span((story) =>
      story.ticks(0, 1000, { cpu: 1, pid: 101 }).ticks(6000.5, 7000, { cpu: 1, pid: 101 }),
    );
    const report = paused.report();
    expect(ofKind(report.findings.map(sort), 'irq-off')).toEqual(['irq-off unknown possible']);
    expect(report.findings[0]!.alternatives[0]).toMatchObject({
      cause: 'machine paused',
      confidence: 'likely',
    });
    expect(report.findings[0]!.alternatives[0]!.why).toContain('CPU 1');
    expect(report.trace.problems).toContainEqual(
      expect.objectContaining({ name: 'machine-paused', severity: 'info' }),
    );
  });

  it('is not what happened where another CPU went on, busy or idle', () => {
    const on = (pid: number): Story => span((story) => story.ticks(0, 7000, { cpu: 1, pid }, 400));
    expect(on(101).findings()).toEqual(['irq-off unknown certain']);
    expect(on(0).findings()).toEqual(['irq-off unknown certain']);
  });

  it('cannot be told where the others idled or there are none: still found', () => {
    const idle = span((story) =>
      story.ticks(0, 990, { cpu: 1, pid: 0 }).ticks(6500, 7000, { cpu: 1, pid: 0 }),
    );
    for (const story of [idle, span((same) => same)]) {
      const { findings } = story.report();
      expect(findings.map(({ kind, confidence }) => `${kind} ${confidence}`)).toEqual(['irq-off likely']);
      expect(findings[0]!.alternatives).toContainEqual(
        expect.objectContaining({ cause: 'machine paused', confidence: 'possible' }),
      );
    }
  });

  it('is not what happened where the others were stuck themselves', () => {
    const both = span((story) =>
      story
        .ticks(0, 990, { cpu: 1, pid: 101 })
        .event(995, { cpu: 1, pid: 101, flags: L.FLAG_IRQS_OFF }, L.KIND_IRQS_OFF)
        .event(6002, { cpu: 1, pid: 101, flags: L.FLAG_IRQS_OFF }, L.KIND_IRQS_ON),
    );
    expect(both.findings()).toEqual(['irq-off unknown likely', 'irq-off unknown likely']);
  });

  it('does not count against a span of which the kernel spoke meanwhile', () => {
    const spoken = span((story) =>
      story
        .ticks(0, 1000, { cpu: 1, pid: 101 })
        .ticks(6000.5, 7000, { cpu: 1, pid: 101 })
        .message(6000.6, { cpu: 1, pid: 101 }, 'watchdog: Watchdog detected hard LOCKUP on cpu 3'),
    );
    expect(ofKind(spoken.findings(), 'irq-off')).toEqual(['irq-off unknown certain']);
  });

  it('makes a spin no holder’s fault', () => {
    const [holder, waiter] = [
      { cpu: 2, pid: 102 },
      { cpu: 3, pid: 103, flags: IRQS_OFF },
    ];
    const spin = (others: (story: Story) => Story): string[] => {
      const story = others(new Story())
        .ticks(0, 1000, { cpu: 2, pid: 102 })
        .ticks(6003, 7000, { cpu: 2, pid: 102 })
        .bit(999, holder, ACQUIRE, 0x131n)
        .event(999.4, waiter, L.KIND_IRQS_OFF)
        .bit(999.5, waiter, ATTEMPT, 0n)
        .bit(999.6, waiter, CONTEND, 0x131n)
        .bit(6000, holder, RELEASE, 0x21n)
        .bit(6001, waiter, ACQUIRE, 0x131n)
        .bit(6002, waiter, RELEASE, 0x21n)
        .event(6002.1, waiter, L.KIND_IRQS_ON);
      return ofKind(story.findings(), 'irq-off-spin');
    };
    const busy = { cpu: 1, pid: 101 };
    expect(spin((story) => story.ticks(0, 1000, busy).ticks(6000.5, 7000, busy))).toEqual([
      'irq-off-spin slow-holder possible',
    ]);
    expect(spin((story) => story.ticks(0, 7000, busy))).toEqual(['irq-off-spin slow-holder certain']);
    expect(spin((story) => story)).toEqual(['irq-off-spin slow-holder likely']);
  });
});

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

describe('values that contradict lock events (design rule 8)', () => {
  it('taint what depends on that stretch, and name no culprit', () => {
    const story = race();
    story.bit(100.0035, { cpu: 2, pid: 102 }, ACQUIRE, 0x21n, 0x7000n);
    const [finding] = story.report().findings;
    expect(finding).toMatchObject({ cause: 'lost-unlock', confidence: 'likely' });
    expect(finding!.taintedBy.join()).toContain('CPU 2 has a break in continuity');
  });

  it('are counted among the problems', () => {
    const { trace } = new Story().bit(1, { cpu: 0, pid: 7 }, ACQUIRE, 0x21n).report();
    expect(trace.problems).toContainEqual(
      expect.objectContaining({ name: 'contradictory-values', count: 1 }),
    );
    expect(trace.perCpu[0]).toMatchObject({ breaks: 1 });
  });
});

describe('releases without a take (design rule 13)', () => {
  const [a, b] = [
    { cpu: 1, pid: 101 },
    { cpu: 2, pid: 102, flags: ATOMIC },
  ];
  const doubles = (locks: number): string[] => {
    const story = new Story();
    for (let n = 0; n < locks; n++) {
      const address = BigInt(0x1000 + 64 * n);
      for (const ms of [1, 2])
        story.bit(ms + n, a, ACQUIRE, 0x131n, address).bit(ms + n + 0.5, a, RELEASE, 0x21n, address);
      story.bit(100 + n, b, RELEASE, 0x21n, address);
    }
    return story.event(0.5, b, L.KIND_OTHER).findings();
  };

  it('of one lock are a bug, of many locks a recorder’s', () => {
    expect(doubles(1)).toEqual(['double-release unknown likely']);
    expect(doubles(5)).toEqual(Array.from({ length: 5 }, () => 'double-release unknown possible'));
  });
});

describe('a record that ends early (design rule 10)', () => {
  const waiter = { cpu: 3, pid: 103, flags: IRQS_OFF };
  const ends = (last: (story: Story) => Story): string[] =>
    last(
      new Story()
        .ticks(0, 15_000, { cpu: 0, pid: 100 })
        .ticks(0, 15_000, { cpu: 1, pid: 101 })
        .ticks(0, 900, { cpu: 3, pid: 103 })
        .bit(1, { cpu: 1, pid: 101 }, ACQUIRE, 0x131n)
        .bit(2, { cpu: 1, pid: 101 }, RELEASE, 0x21n)
        .event(900, waiter, L.KIND_IRQS_OFF),
    ).findings();

  it('in an attempt, or with interrupts off, accuses nobody', () => {
    const isPossible = (line: string): boolean => line.endsWith('possible');
    expect(ends((story) => story.bit(900.1, waiter, ATTEMPT, 0n)).every(isPossible)).toBe(true);
    expect(ends((story) => story).every(isPossible)).toBe(true);
  });

  it('is not what happened where NMIs, or the kernel log, show that it went on', () => {
    const nmi = { ...waiter, flags: L.FLAG_NMI | L.FLAG_IRQS_OFF };
    const spin = (story: Story): Story => story.bit(900.1, waiter, ATTEMPT, 0n);
    expect(ends((story) => spin(story).event(12_000, nmi, L.KIND_OTHER))).toContain(
      'irq-off-spin unknown-holder certain',
    );
    const said = 'watchdog: Watchdog detected hard LOCKUP on cpu 3';
    expect(ends((story) => story.message(12_000, { cpu: 0, pid: 100 }, said))).toContain(
      'silent-cpu unknown likely',
    );
  });

  it('hardly ends in a lock found taken', () => {
    expect(
      ends((story) => story.bit(900.1, waiter, ATTEMPT, 0n).bit(900.2, waiter, CONTEND, 0x131n)),
    ).toContain('irq-off-spin unknown-setter likely');
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

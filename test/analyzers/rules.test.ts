import { describe, expect, it } from 'vitest';
import * as L from '../../assembly/layout.ts';
import { ATOMIC, IRQS_OFF, sort, Story, type StoryOptions, type Who } from './story.ts';

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

/** `b` puts back the bit that `a` released at 10.002. */
function putsBack(story: Story, a: Who, b: Who): Story {
  return story
    .bit(10, a, ACQUIRE, 0x131n)
    .bit(10.001, b, L.KIND_WORD_LOAD, 0x131n)
    .bit(10.002, a, RELEASE, 0x21n)
    .bit(10.003, b, L.KIND_WORD_STORE, 0x131n)
    .bit(10.004, b, L.KIND_WORD_LOAD, 0x131n);
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
    const [finding] = race({ clock: 'local' }, 50).report().findings;
    expect(sort(finding!)).toBe(race({ clock: 'mono' }, 50).findings()[0]);
    expect(finding!.taintedBy).toEqual([]);
  });

  it('a bit that a store seems to have put back for a while is no more than possible', () => {
    const putBack = (clock: string): string[] => {
      const [a, b] = [
        { cpu: 1, pid: 101 },
        { cpu: 2, pid: 102 },
      ];
      return putsBack(new Story({ clock }).ticks(0, 4000, a), a, b)
        .bit(3000, a, ACQUIRE, 0x131n)
        .bit(3001, a, RELEASE, 0x21n)
        .findings();
    };
    expect(putBack('mono')).toEqual(['lost-update bit-set-back likely']);
    expect(putBack('local')).toEqual(['lost-update bit-set-back possible']);
  });

  it.each([
    ['before the load', 9, 'likely'],
    ['between load and store', 10.0025, 'possible'],
    ['between the store and the value that shows it', 1500, 'possible'],
    ['behind that value', 2500, 'likely'],
  ])('a bit that was put back, events being lost %s: a take may be among them', (_, ms, confidence) => {
    const [a, b, c] = [
      { cpu: 1, pid: 101 },
      { cpu: 2, pid: 102 },
      { cpu: 0, pid: 100 },
    ];
    const story = new Story().ticks(0, 4000, c).event(1, b, L.KIND_OTHER);
    const { findings } = story
      .bit(10, a, ACQUIRE, 0x131n)
      .bit(10.001, b, L.KIND_WORD_LOAD, 0x131n)
      .bit(10.002, a, RELEASE, 0x21n)
      .bit(10.003, b, L.KIND_WORD_STORE, 0x131n)
      .bit(2000, b, L.KIND_WORD_LOAD, 0x131n)
      .lost(ms, 0)
      .report();
    expect(findings).toMatchObject([{ kind: 'lost-update', cause: 'bit-set-back', confidence }]);
    expect(findings[0]!.taintedBy.length > 0).toBe(confidence === 'possible');
  });

  it('a bit that was put back and is taken at an earlier time, the clock being set back, stayed set for no time', () => {
    const [a, b] = [
      { cpu: 1, pid: 101 },
      { cpu: 1, pid: 102 },
    ];
    const { findings } = putsBack(new Story({ asTold: true }), a, b)
      .bit(9, a, ACQUIRE, 0x131n)
      .report();
    expect(findings).toMatchObject([{ kind: 'lost-update', cause: 'bit-set-back', durationNs: 0 }]);
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
    expect(doubles(2)).toEqual(['double-release unknown likely', 'double-release unknown likely']);
    expect(doubles(5)).toEqual(['double-release unknown possible']);
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

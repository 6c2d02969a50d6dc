import { describe, expect, it } from 'vitest';
import * as L from '../../assembly/layout.ts';
import { generateTraceDat, readFault } from '../../src/generate/index.ts';
import { bytesSource } from '../../src/io/bytes.ts';
import type { Finding, Report } from '../../src/model/report.ts';
import { analyzeCapture } from '../../src/session/session.ts';
import { openSource } from '../../src/trace/open.ts';
import { IRQS_OFF, sort, Story, type Who } from './story.ts';

// Where whoever forgot to release a lock left it: the first time, and what happened there. Times in milliseconds.

const { KIND_ATTEMPT: ATTEMPT, KIND_CONTEND: CONTEND, KIND_ACQUIRE: ACQUIRE, KIND_RELEASE: RELEASE } = L;

const holder = { cpu: 2, pid: 102 };
const waiter = { cpu: 3, pid: 103, flags: IRQS_OFF };

const same = (story: Story): Story => story;

interface Leak {
  readonly more?: (story: Story) => Story;
  /** The flags of the take. */
  readonly flags?: number;
  readonly lock?: 'bit' | 'map';
}

/** Task 102 takes the lock at 100 and runs on and off afterwards; CPU 3 spins on it from 900 to the end. */
function hang({ more = same, flags, lock = 'bit' }: Leak = {}): Report {
  const story = new Story().ticks(0, 15_000, { cpu: 0, pid: 100 });
  const event = (ms: number, who: Who, kind: number, value = 0n): Story =>
    lock === 'bit' ? story.bit(ms, who, kind, value) : story.map(ms, who, kind);
  event(1, holder, ACQUIRE, 0x131n);
  story.switch(1.05, 2, 102, 105).switch(1.06, 2, 105, 102);
  event(1.1, holder, RELEASE, 0x21n).event(2, waiter, L.KIND_IRQS_OFF);
  event(100, { ...holder, ...(flags === undefined ? {} : { flags }) }, ACQUIRE, 0x131n);
  for (let ms = 110; ms < 5000; ms += 40) {
    story.switch(ms, 2, 102, 105).event(ms + 10, { cpu: 2, pid: 105 }, L.KIND_OTHER);
    story.switch(ms + 20, 2, 105, 102).event(ms + 30, holder, L.KIND_OTHER);
  }
  event(900, waiter, ATTEMPT);
  return more(event(900.001, waiter, CONTEND, 0x931n)).report();
}

const leak = (how?: Leak): Finding => hang(how).findings.find(({ kind }) => kind === 'never-released')!;

const timesOf = ({ evidence }: Finding, what: string): string[] =>
  evidence.filter(({ detail }) => detail.includes(what)).map(({ ns }) => ns);

describe('a holder that never released', () => {
  it('left when it was switched out for the first time, however often it was afterwards', () => {
    const finding = leak();
    expect(finding).toMatchObject({ cause: 'missing-unlock', confidence: 'likely' });
    expect(finding.headline).toContain('at 0.100000000 and was switched out at 0.110000000 without');
    expect(timesOf(finding, 'switched out')).toEqual(['110000000']);
  });

  it('left before it exited', () => {
    const finding = leak({ more: (story) => story.exit(5030, holder).switch(5031, 2, 102, 105) });
    expect(finding).toMatchObject({ cause: 'missing-unlock', confidence: 'certain' });
    expect(finding.headline).toContain('was switched out at 0.110000000 and exited at 5.030000000 without');
    expect(timesOf(finding, 'switched out')).toEqual(['110000000']);
    expect(timesOf(finding, 'the holder exited')).toEqual(['5030000000']);
  });

  it('exited, where the switch that ends it is the first one', () => {
    const finding = new Story()
      .bit(1, holder, ACQUIRE, 0x131n)
      .bit(1.1, holder, RELEASE, 0x21n)
      .bit(100, holder, ACQUIRE, 0x131n)
      .exit(110, holder)
      .switch(110.1, 2, 102, 0)
      .report().findings[0]!;
    expect(finding.headline).toContain('at 0.100000000 and exited at 0.110000000 without');
  });

  it.each([
    ['softirq', L.FLAG_SOFTIRQ],
    ['hardirq', L.FLAG_HARDIRQ | L.FLAG_IRQS_OFF],
  ])('returned from %s context: nobody was switched out', (context, flags) => {
    const finding = leak({ more: (story) => story.event(101, holder, L.KIND_OTHER), flags });
    expect(finding).toMatchObject({ cause: 'missing-unlock', confidence: 'likely' });
    expect(finding.headline).toContain(
      `in ${context} context and had returned from it by 0.101000000 without`,
    );
    expect(timesOf(finding, `first event after the return from ${context} context`)).toEqual(['101000000']);
  });

  it('of a sleeping lock may be switched out with it', () => {
    const sleeper = { cpu: 2, pid: 102, flags: L.FLAG_MUTEX };
    const findings = new Story()
      .ticks(0, 15_000, { cpu: 0, pid: 100 })
      .map(5, sleeper, ATTEMPT)
      .map(5.1, sleeper, ACQUIRE)
      .switch(20, 2, 102, 105)
      .event(21, { cpu: 2, pid: 105 }, L.KIND_OTHER)
      .map(22, { cpu: 0, pid: 100 }, RELEASE, 0x9000n)
      .map(900, waiter, ATTEMPT)
      .map(900.1, waiter, CONTEND)
      .report().findings;
    expect(findings.filter(({ cause }) => cause === 'missing-unlock')).toEqual([]);
    expect(findings.filter(({ cause }) => cause === 'held-at-end')).not.toEqual([]);
  });
});

describe('a holder that never released as far as the records tell, events being lost', () => {
  const told = (how: Leak): string[] =>
    hang(how)
      .findings.filter(({ kind }) => kind !== 'silent-cpu')
      .map((finding) => [sort(finding), ...finding.taintedBy.map((why) => why.slice(0, 5))].join(', '));
  const unsure = (cpu: number): string[] => [
    `irq-off-spin unknown-holder likely, CPU ${cpu}`,
    `never-released missing-unlock possible, CPU ${cpu}`,
  ];
  const lost =
    (ms: number, cpu: number) =>
    (story: Story): Story =>
      story.lost(ms, cpu, 50_000);

  it.each(['bit', 'map'] as const)(
    'after its first switch: it went on running, and may have released the %s',
    (lock) => {
      expect(told({ lock })).toEqual([
        'never-released missing-unlock likely',
        'irq-off-spin missing-unlock likely',
      ]);
      for (const ms of [105, 132, 501, 895]) {
        expect(told({ lock, more: lost(ms, 2) }), `at ${ms} ms`).toEqual(unsure(2));
      }
    },
  );

  it('on another CPU: once it was switched out, it may have run there', () => {
    expect(told({ more: lost(501, 0) })).toEqual(unsure(0));
    expect(told({ more: lost(105, 0) })).toEqual([
      'never-released missing-unlock likely, CPU 0',
      'irq-off-spin missing-unlock likely',
    ]);
  });

  it('on another CPU, where it was an interrupt: that stays on its own', () => {
    const returned = (story: Story): Story => story.event(101, holder, L.KIND_OTHER).lost(501, 0);
    expect(told({ more: returned, flags: L.FLAG_SOFTIRQ })[0]).toBe(
      'never-released missing-unlock likely, CPU 0',
    );
  });

  it('while somebody spins on it and does not get it: nobody released it', () => {
    expect(told({ more: lost(2000, 0) })).toEqual(told({}));
  });

  it('before it exited, on a CPU that it may have run on: its exit proves nothing', () => {
    const exits = (ms: number, cpu: number): Leak => ({
      more: (story) => story.exit(5030, holder).switch(5031, 2, 102, 105).lost(ms, cpu),
    });
    expect(told(exits(6000, 0))).toContain('never-released missing-unlock certain');
    expect(told(exits(501, 0))).toContain('never-released missing-unlock possible, CPU 0');
    expect(told(exits(2000, 2))).toContain('never-released missing-unlock possible, CPU 2');
  });
});

describe('generated captures', () => {
  const findingOf = async (fault: string): Promise<{ finding: Finding; taken: bigint }> => {
    const { bytes, truths } = generateTraceDat({ seed: 5, events: 40_000, faults: [readFault(fault)] });
    const { findings } = analyzeCapture(await openSource(bytesSource(bytes)));
    const finding = findings.find(({ kind }) => kind === 'never-released')!;
    return { finding, taken: BigInt(truths[0]!.times['acquire']!) };
  };

  it('missing-unlock: the switch within a tenth of a millisecond, not the last one, half a minute later', async () => {
    const { finding, taken } = await findingOf('missing-unlock');
    const [out, ...more] = timesOf(finding, 'switched out');
    expect(more).toEqual([]);
    expect(Number(BigInt(out!) - taken)).toBeLessThan(100_000);
  });

  it('missing-unlock in a softirq: the return from it', async () => {
    const { finding, taken } = await findingOf('missing-unlock:how=context');
    expect(finding.headline).toContain('in softirq context and had returned from it by');
    const [back] = timesOf(finding, 'the return from softirq');
    expect(Number(BigInt(back!) - taken)).toBeLessThan(100_000);
  });
});

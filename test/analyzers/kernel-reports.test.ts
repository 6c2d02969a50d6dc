import { describe, expect, it } from 'vitest';
import * as L from '../../assembly/layout.ts';
import { reportText } from '../../src/report/terminal.ts';
import { Story } from './story.ts';

// What the kernel itself reported while it was recorded. Times in milliseconds; default thresholds.

const NMI = L.FLAG_NMI | L.FLAG_IRQS_OFF;
const LOCKUP = 'watchdog: Watchdog detected hard LOCKUP on cpu 3';

/** CPU 0 goes on and prints; what CPU 3 shows is `more`. */
function reported(more: (story: Story) => Story, text = LOCKUP): Story {
  return more(new Story().ticks(0, 20_000, { cpu: 0, pid: 100 })).message(11_000, { cpu: 0, pid: 100 }, text);
}

describe('a CPU that the kernel reports as locked up', () => {
  it('is a finding although all that was recorded of it is its backtrace', () => {
    const story = reported((same) =>
      same.message(11_010, { cpu: 3, pid: 103, flags: NMI }, 'NMI backtrace for cpu 3'),
    );
    const { findings, kernelReports } = story.report();
    expect(findings).toMatchObject([
      {
        kind: 'silent-cpu',
        confidence: 'possible',
        severity: 'high',
        subject: { cpu: 3, pid: 103 },
        openEnded: true,
      },
    ]);
    expect(findings[0]!.kernelReports.map(({ text }) => text)).toContain(LOCKUP);
    expect(findings[0]!.alternatives).not.toEqual([]);
    expect(kernelReports).toEqual([]);
  });

  it('is one where nothing at all was recorded of it', () => {
    const { findings } = reported((same) => same).report();
    expect(findings).toMatchObject([{ kind: 'silent-cpu', confidence: 'possible', subject: null }]);
    expect(findings[0]!.headline).toContain('CPU 3');
  });

  it('names the CPUs of powerpc’s wording', () => {
    const { findings } = reported(
      (same) => same,
      'watchdog: CPU 0 detected hard LOCKUP on other CPUs 2-3',
    ).report();
    expect(findings.map(({ headline }) => /CPU \d/.exec(headline)?.[0])).toEqual(['CPU 2', 'CPU 3']);
  });

  it('needs no unit of time, and says that the CPU went on where it did', () => {
    const later = reported((same) =>
      same.ticks(0, 500, { cpu: 3, pid: 103 }, 40).event(15_000, { cpu: 3, pid: 103 }, L.KIND_OTHER),
    );
    const [finding] = later.report().findings;
    expect(finding).toMatchObject({ kind: 'silent-cpu', openEnded: false, subject: { cpu: 3 } });
  });

  it('is told once: another finding about the CPU carries the report', () => {
    const victim = { cpu: 3, pid: 103, flags: L.FLAG_IRQS_OFF };
    const spins = reported((same) =>
      same
        .bit(1, { cpu: 0, pid: 100 }, L.KIND_ACQUIRE, 0x131n)
        .bit(1.1, { cpu: 0, pid: 100 }, L.KIND_RELEASE, 0x21n)
        .event(900, victim, L.KIND_IRQS_OFF)
        .bit(901, victim, L.KIND_ATTEMPT, 0n)
        .bit(902, victim, L.KIND_CONTEND, 0x131n),
    );
    expect(spins.findings().filter((line) => line.startsWith('silent-cpu'))).toEqual([]);
    expect(spins.report().kernelReports).toEqual([]);
  });
});

describe('reports that no finding explains', () => {
  const quiet = (text: string): Story =>
    new Story().ticks(0, 100, { cpu: 0, pid: 100 }).message(50, { cpu: 0, pid: 100 }, text);

  it.each([
    '======\nWARNING: possible circular locking dependency detected\n6.12 Not tainted',
    'watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [kworker/1:1:47]',
    'rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:',
    'BUG: scheduling while atomic: fake_submit/110/0x00000002',
    'BUG: kernel NULL pointer dereference, address: 0000000000000008',
  ])('are listed: %s', (text) => {
    const report = quiet(text).report();
    expect(report.findings).toEqual([]);
    expect(report.kernelReports).toEqual([{ ns: '50000000', text }]);
    const shown = reportText(report).replace(/\s+/g, ' ');
    expect(shown).toContain(
      `no finding explains: 0.050000000 ${text.split('\n').find((line) => /\w/.test(line))}`,
    );
  });

  it('are not every message', () => {
    for (const text of ['EXT4-fs (dm-0): mounted filesystem', 'NMI backtrace for cpu 3', 'Call Trace:'])
      expect(quiet(text).report().kernelReports).toEqual([]);
  });

  it('are cut in text, and say so', () => {
    const story = new Story().ticks(0, 100, { cpu: 0, pid: 100 });
    for (let n = 0; n < 12; n++) story.message(10 + n, { cpu: 0, pid: 100 }, `BUG: workqueue leaked ${n}`);
    const report = story.report();
    expect(report.kernelReports).toHaveLength(12);
    expect(reportText(report)).toContain('and 4 more: --json has them all');
  });
});

describe('text without flags', () => {
  const bare = { cpu: 3, pid: 103, flags: L.FLAG_IRQS_UNKNOWN };
  const story = new Story().ticks(0, 20_000, { cpu: 0, pid: 100 });
  for (let ms = 0; ms < 400; ms += 4) story.event(ms, bare, L.KIND_OTHER);
  story
    .message(11_000, { cpu: 0, pid: 100, flags: L.FLAG_IRQS_UNKNOWN }, LOCKUP)
    .message(11_010, bare, 'NMI backtrace for cpu 3')
    .message(11_012, bare, 'INFO: NMI handler (nmi_cpu_backtrace_handler) took too long to run: 1.268 msecs');

  it('does not split a lockup where the stuck CPU prints its own backtrace', () => {
    const { findings } = story.report();
    expect(findings.map(({ kind, startNs }) => [kind, startNs])).toEqual([['silent-cpu', '396000000']]);
    expect(findings[0]!.kernelReports[0]!.text).toBe(LOCKUP);
  });

  it('does not claim what it cannot know', () => {
    const [finding] = story.report().findings;
    expect(finding!.evidence[0]!.detail).toContain('does not tell which events are from an NMI');
    expect(finding!.headline).toContain('no flags');
  });

  it('a silence that ended says what else it may be', () => {
    const paused = new Story().ticks(0, 20_000, { cpu: 0, pid: 100 });
    for (let n = 0; n < 100; n++)
      paused.event(n * 4, bare, L.KIND_OTHER).event(9000 + n * 4, bare, L.KIND_OTHER);
    paused.event(19_999, bare, L.KIND_OTHER);
    const silent = paused.report().findings.find(({ openEnded }) => !openEnded)!;
    expect(silent.kind).toBe('silent-cpu');
    expect(silent.alternatives).not.toEqual([]);
  });
});

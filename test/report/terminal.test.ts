import { describe, expect, it } from 'vitest';
import type { Evidence, Finding, Problem, Report } from '../../src/model/report.ts';
import { infoText } from '../../src/report/info.ts';
import { reportText } from '../../src/report/terminal.ts';
import * as fixtures from './fixtures.ts';
import { expectGolden } from './golden.ts';

const reports = {
  'bhrace-1': fixtures.bhrace1,
  'missing-unlock': fixtures.missingUnlock,
  stock: fixtures.stock,
  healthy: fixtures.healthy,
  damaged: fixtures.damaged,
  cycles: fixtures.cycles,
};

const [race, spin] = fixtures.bhrace1.findings as [Finding, Finding];

function withFindings(findings: readonly Finding[]): Report {
  return { ...fixtures.healthy, findings };
}

function many(count: number, confidence: Finding['confidence']): Finding[] {
  return Array.from({ length: count }, (_, at) => ({ ...spin, id: `F${at + 1}`, confidence, related: [] }));
}

function tooLong(text: string, width = 100): string[] {
  return text.split('\n').filter((line) => line.length > width);
}

describe('the report for people', () => {
  for (const [name, report] of Object.entries(reports)) {
    it(`reads as in golden/${name}.txt`, () => {
      expectGolden(`${name}.txt`, reportText(report, { verdict: 'Exit status: see the golden.' }));
    });
  }

  it('reads as in golden/stock.info.txt for info', () => {
    expectGolden('stock.info.txt', infoText(fixtures.stockInfo));
  });

  it('what several questions want recorded is said once', () => {
    const record = 'larger ring buffers';
    const lossy = fixtures.stockInfo.questions.map(
      (question) => ({ ...question, answer: 'partly', record }) as const,
    );
    const [own, ...others] = lossy;
    const questions = [{ ...own!, record: 'the mono clock' }, ...others];
    const told = infoText({ ...fixtures.stockInfo, questions })
      .split('next time: ')
      .slice(1);
    expect(told.map((text) => text.split('\n')[0])).toEqual(['the mono clock', record]);
  });

  it('is plain ASCII in lines of at most 100 characters without trailing spaces', () => {
    for (const text of [
      ...Object.values(reports).map((report) => reportText(report)),
      infoText(fixtures.stockInfo),
    ]) {
      expect(tooLong(text)).toEqual([]);
      expect(text).not.toMatch(/[^\n\x20-\x7e]/);
      expect(text).not.toMatch(/ $/m);
      expect(text.endsWith('\n')).toBe(true);
    }
  });

  it('fits narrower terminals too', () => {
    for (const report of Object.values(reports))
      expect(tooLong(reportText(report, { width: 80 }), 80)).toEqual([]);
  });

  it('says that nothing was found, and what was not checked', () => {
    const text = reportText({
      ...fixtures.healthy,
      trace: { ...fixtures.healthy.trace, events: 0, perCpu: [] },
      stats: {
        ...fixtures.healthy.stats,
        locks: { live: 0, peak: 0, forgotten: 0, acquisitions: 0, contentions: 0, releases: 0 },
      },
    });
    expect(text).toContain('Nothing found.');
    expect(text).toContain('Not checked: anything: the capture holds no events.');
  });
});

describe('a text that is not whole', () => {
  const about = (name: string, severity: Problem['severity']): string => {
    const problem = { name, severity, text: 'It is not whole.', count: 4683, offset: null };
    return reportText({
      ...fixtures.healthy,
      trace: { ...fixtures.healthy.trace, problems: [problem] },
    });
  };

  it.each([
    ['missing-entries', 'error', 'what the 4683 missing events would have shown'],
    ['truncated', 'error', 'what stood behind the place where the file was cut'],
    ['cut-last-line', 'info', 'what may have stood behind the last line, which has no line end'],
  ] as const)('is told with what was not checked: %s', (name, severity, said) => {
    expect(about(name, severity)).toContain(`Not checked: ${said}.`);
    expect(about(name, severity).includes('Nothing found in what could be read.')).toBe(severity === 'error');
  });
});

describe('which findings are shown in full', () => {
  const titles = (text: string): string[] => text.match(/^F\d+ (?=\S+:)/gm) ?? [];

  it('are the likely ones, ten at most, and the rest is announced', () => {
    const text = reportText(withFindings([...many(12, 'likely'), ...many(3, 'possible')]));
    expect(titles(text).length).toBe(10);
    expect(text).toContain(
      'Not shown in full: 2 over the limit (--limit), below likely (--min-confidence possible',
    );
    expect(text.match(/^ {2}F\d+ +(likely|possible) /gm)?.length).toBe(5);
  });

  it('are as many as asked for', () => {
    const report = withFindings([...many(3, 'certain'), ...many(3, 'likely'), ...many(3, 'possible')]);
    expect(titles(reportText(report, { minConfidence: 'possible' })).length).toBe(9);
    expect(titles(reportText(report, { minConfidence: 'certain' })).length).toBe(3);
    expect(titles(reportText(report, { limit: 0 })).length).toBe(0);
    expect(titles(reportText(report, { limit: 4 })).length).toBe(4);
  });

  it('and a flood of weak ones is cut, with a note', () => {
    const text = reportText(withFindings(many(500, 'possible')), { minConfidence: 'likely' });
    expect(text).toContain('and 480 more: --json has them all');
    expect(text.split('\n').length).toBeLessThan(60);
  });

  it('but possibilities are shown in full where there is nothing else', () => {
    expect(titles(reportText(withFindings(many(3, 'possible')))).length).toBe(3);
    expect(titles(reportText(withFindings([...many(1, 'likely'), ...many(3, 'possible')]))).length).toBe(1);
  });
});

describe('a finding', () => {
  const show = (parts: Partial<Finding>, base = race): string =>
    reportText(withFindings([{ ...base, ...parts }]));

  it('tells a lost unlock whose store is not on record', () => {
    const text = show({ culprit: null });
    expect(text.replace(/\s+/g, ' ')).toContain(
      'the store that put it back is not in the trace. Nobody holds it.',
    );
    expect(text).toMatch(/holder: +nobody/);
  });

  it('tells a slow holder who let go', () => {
    const text = show({
      kind: 'irq-off-spin',
      cause: 'slow-holder',
      openEnded: false,
      startNs: '15704452899',
      durationNs: 2982120608,
      holder: { cpu: 2, pid: 106, comm: 'fake_slow', atNs: '15684959508' },
      lastAcquire: null,
      lastRelease: { cpu: 2, pid: 106, comm: 'fake_slow', atNs: '18685845909' },
      culprit: null,
    }).replace(/\s+/g, ' ');
    expect(text).toContain('with interrupts off for 2.982 s, from 15.704452899 to 18.686573507.');
    expect(text).toContain('fake_slow-106 on CPU 2 held it from 15.684959508 until 18.685845909.');
  });

  it('falls back on its headline where the facts for a story are missing', () => {
    for (const kind of [
      'lost-update',
      'irq-off',
      'silent-cpu',
      'double-release',
      'foreign-release',
    ] as const) {
      const bare = fixtures.finding({
        id: 'F1',
        kind,
        cause: 'unknown',
        headline: 'told by the analyzer',
        confidence: 'likely',
      });
      expect(reportText(withFindings([bare]))).toContain('  told by the analyzer\n');
    }
  });

  it('holds the watchdog window against what the kernel said', () => {
    const at = (ns: string): string =>
      show({ kernelReports: [{ ns, text: 'watchdog: Watchdog detected hard LOCKUP' }] }).replace(/\s+/g, ' ');
    expect(at('62313023963')).toContain('(T = 10 s); the kernel said so at 62.313 soft');
    expect(at('71963855548')).toContain('the kernel said so at 71.964, 615.000 ms after that window');
    expect(at('50348855548')).toContain('the kernel said so at 50.349, 3.000 s before that window');
    expect(show({ kernelReports: [] })).toContain('no report of it in this capture');
    expect(
      show({ kernelReports: [], watchdog: { ...race.watchdog!, hard: 'cannot', soft: 'must' } }),
    ).toMatch(
      /hard lockup: +cannot fire \(T = 10 s\); no report of it in this capture\n +soft lockup: +must fire\n/,
    );
  });

  it('shows one of many victims of an incident whole, and a line each of the others', () => {
    const victims = Array.from({ length: 30 }, (_, n) => ({
      ...race,
      id: `F${n + 2}`,
      kind: 'irq-off-spin' as const,
      signature: 'irq-off-spin/lost-unlock/bit 4',
      subject: { ...race.subject!, cpu: n, pid: 500 + n },
      related: ['F1'],
    }));
    const first = { ...race, related: victims.map(({ id }) => id) };
    const other = { ...victims[0]!, id: 'F99', related: [] };
    const text = reportText(withFindings([first, ...victims, other]));
    expect(text.match(/^F\d+ /gm)).toEqual(['F1 ', 'F2 ', 'F99 ']);
    expect(text).toContain('Other victims of the same incidents');
    expect(text).toMatch(/^ {2}F3 .*-501 on CPU 1,/m);
    expect(text).toContain('and 9 more: --json has them all');
    expect(text).toContain('32 findings');
  });

  it('of many CPUs lists those of its findings, and sums up the others', () => {
    const perCpu = Array.from({ length: 96 }, (_, cpu) => ({
      cpu,
      firstNs: '1000000000',
      lastNs: String(2_000_000_000 + cpu * 1_000_000),
      events: 10,
      lost: cpu === 90 ? 3 : 0,
      breaks: 0,
    }));
    const many = withFindings([{ ...race, subject: { ...race.subject!, cpu: 77 } }]);
    const text = reportText({ ...many, trace: { ...many.trace, cpus: 96, perCpu } });
    for (const cpu of [77, 90, race.culprit!.cpu])
      expect(text).toMatch(new RegExp(`^ +${cpu} +1\\.0{9} `, 'm'));
    expect(text).not.toMatch(/^ +60 +1\.0{9} /m);
    expect(text).toMatch(
      /9\d more CPUs: 9\d0 events, the last of each between 2\.000 and 2\.095; see spinback info/,
    );
  });

  it('points to the log around a dump, where the kernel may have spoken', () => {
    const problem = { name: 'log-not-read', severity: 'info', text: 'a dump', count: 1, offset: 0 } as const;
    const dump = withFindings([{ ...race, kernelReports: [] }]);
    const text = reportText({ ...dump, trace: { ...dump.trace, path: 'panic.txt', problems: [problem] } });
    expect(text.replace(/\s+/g, ' ')).toContain('a report of it may stand in the log around the dump');
    expect(text).toContain('What the kernel said around the dump: spinback dmesg panic.txt\n');
    expect(text).not.toContain('no report of it in this capture');
  });

  it('suggests commands that survive being pasted, whatever the width', () => {
    const path = '/var/crash/127.0.0.1-2026-11-23-03:12:44/of the machine that locked up/trace.dat';
    const { healthy } = fixtures;
    for (const width of [40, 80, 100]) {
      const text = reportText(
        { ...healthy, trace: { ...healthy.trace, path } },
        { width, offersOwnLog: true, openedWith: ['--map', 'function-kprobes'] },
      );
      for (const command of ['analyze --own-log', 'info'])
        expect(text).toMatch(new RegExp(`^ +spinback ${command} --map function-kprobes '${path}'$`, 'm'));
    }
  });

  it('does not repeat what a related finding before it said', () => {
    const text = reportText(
      withFindings([race, { ...race, id: 'F2', related: ['F1'], signature: 'another' }]),
    );
    const second = text.slice(text.indexOf('F2 never-released'));
    expect(second).not.toContain('last release:');
    expect(second).not.toContain('bit_spin_acquired');
    expect(second).toMatch(/signature: +another\n +not repeated: what is the same in F1\n/);
    const apart = reportText(withFindings([race, { ...race, id: 'F2', related: [] }]));
    expect(apart.slice(apart.indexOf('F2 never-released'))).toContain('last release:');
  });

  it('cuts long lists and says so', () => {
    const waiters = Array.from({ length: 500 }, (_, cpu) => ({ ...race.waiters[0]!, cpu }));
    const kernelReports = Array.from({ length: 100 }, () => race.kernelReports[0]!);
    const text = show({ waiters, kernelReports });
    expect(text).toContain('and 499 more have waited');
    expect(text).toMatch(/waiter: +and 492 more, see --json/);
    expect(text).toMatch(/kernel log: +and 92 more, see --json/);
  });

  it('draws a column per CPU, or none where there are too many', () => {
    const on = (cpu: number): Evidence => ({ ...race.evidence[0]!, cpu, detail: '' });
    expect(show({ evidence: [on(3), on(12)] })).toContain('CPU  3 12\n');
    const text = show({ evidence: Array.from({ length: 12 }, (_, cpu) => on(cpu)) });
    expect(text).toMatch(/delta +CPU\n/);
    expect(text).toMatch(/ 11 {2}fake_endio-108/);
  });

  it('leaves out the middle of long evidence and says so', () => {
    const evidence = Array.from({ length: 100 }, (_, at) => ({
      ...race.evidence[0]!,
      ns: String(at),
      detail: `n=${at}`,
    }));
    const text = show({ evidence });
    expect(text).toContain('... 60 events left out, see --json ...');
    for (const at of [0, 29, 90, 99]) expect(text).toContain(`n=${at}\n`);
    for (const at of [30, 89]) expect(text).not.toContain(`n=${at}\n`);
  });

  it('shows when events lie in the wrong order', () => {
    const evidence = [race.evidence[1]!, race.evidence[0]!];
    expect(show({ evidence })).toContain('-2.294 us');
  });
});

describe('what a hostile capture says', () => {
  const evil = '\x1b]0;owned\x07\x1b[2J\u202e\n';
  const long = 'x'.repeat(10_000);

  /** Every string of the report replaced, but for those with a meaning of their own. */
  function poisoned(value: unknown, poison: string, key = ''): unknown {
    if (Array.isArray(value)) return value.map((item) => poisoned(item, poison, key));
    if (value !== null && typeof value === 'object') {
      return Object.fromEntries(
        Object.entries(value).map(([name, item]) => [name, poisoned(item, poison, name)]),
      );
    }
    const free = [
      'comm',
      'event',
      'detail',
      'headline',
      'name',
      'class',
      'text',
      'why',
      'kernel',
      'path',
      'signature',
    ];
    return typeof value === 'string' && (free.includes(key) || key === 'taintedBy') ? poison + value : value;
  }

  it('reaches the terminal escaped', () => {
    for (const report of Object.values(reports)) {
      const text = reportText(poisoned(report, evil) as Report, { minConfidence: 'possible' });
      expect(text).toContain('\\x1b]0;owned');
      expect(text).not.toMatch(/[^\n\x20-\x7e]/);
    }
    expect(infoText(poisoned(fixtures.stockInfo, evil) as typeof fixtures.stockInfo)).not.toMatch(
      /[^\n\x20-\x7e]/,
    );
  });

  it('cannot make the report long', () => {
    for (const report of Object.values(reports)) {
      const text = reportText(poisoned(report, long) as Report, { minConfidence: 'possible' });
      // But for what is to be pasted: the path is the user's own, and breaking it would break the command.
      expect(tooLong(text, 120).filter((line) => !line.startsWith('  spinback '))).toEqual([]);
      expect(text.length).toBeLessThan(100_000);
    }
  });
});

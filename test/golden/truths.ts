import { expect } from 'vitest';
import type { Finding, Report } from '../../src/model/report.ts';

// The facts about the real captures, found by scripts over trace-cmd's text and from the test module's own log, never with
// spinback (traces/README.md). Times in nanoseconds on each capture's clock.

interface Truth {
  readonly capture: string;
  /** A mapping file of the project, for captures that mean more with it. */
  readonly mapping?: string;
  readonly isTrue: (report: Report) => void;
}

/** What is true of each capture, by the name of its golden report. */
export const TRUTHS = new Map<string, Truth>();

function only(report: Report, kind: Finding['kind']): Finding {
  const found = report.findings.filter((finding) => finding.kind === kind && finding.confidence !== 'possible');
  expect(found, `one ${kind}`).toHaveLength(1);
  return found[0]!;
}

function about(capture: string, isTrue: (report: Report) => void, mapping?: string): void {
  if (mapping === undefined) TRUTHS.set(capture, { capture, isTrue });
  else TRUTHS.set(`${capture}+mapping`, { capture, mapping, isTrue });
}

interface Race {
  readonly address: string;
  readonly cpus: { readonly endio: number; readonly map: number };
  readonly taken: string;
  readonly load: string;
  readonly release: string;
  readonly store: string;
  readonly off: string;
  readonly wait: string;
  readonly said: string;
  readonly end: string;
}

function isTheRace(report: Report, race: Race): void {
  const finding = only(report, 'never-released');
  expect(finding).toMatchObject({
    cause: 'lost-unlock',
    confidence: 'certain',
    lock: { namespace: 'bit', address: race.address, bit: 4 },
    startNs: race.store,
    durationNs: Number(BigInt(race.end) - BigInt(race.store)),
    openEnded: true,
    holder: null,
    lastAcquire: { cpu: 3, pid: race.cpus.endio, comm: 'fake_endio', atNs: race.taken },
    lastRelease: { cpu: 3, pid: race.cpus.endio, comm: 'fake_endio', atNs: race.release },
    culprit: { cpu: 2, pid: race.cpus.map, comm: 'fake_map', loadNs: race.load, storeNs: race.store, value: '0x131' },
    irqsOff: { source: 'preemptirq', notBeforeNs: race.off, notAfterNs: race.off },
    watchdog: { thresholdNs: 10e9, hard: 'must', soft: 'cannot' },
    taintedBy: [],
  });
  expect(finding.waiters).toEqual([
    {
      cpu: 3,
      pid: race.cpus.endio,
      comm: 'fake_endio',
      sinceNs: race.wait,
      durationNs: Number(BigInt(race.end) - BigInt(race.wait)),
      irqsOff: true,
    },
  ]);
  const spoke = finding.kernelReports.find(({ text }) => text.includes('hard LOCKUP on cpu 3'));
  expect(spoke?.ns).toBe(race.said);
}

about('bhrace-1.dat', (report) => {
  const times: Race = {
    address: '0xffff888104ef4380',
    cpus: { endio: 108, map: 107 },
    taken: '47340662843',
    load: '47340665137',
    release: '47340667219',
    store: '47340668709',
    off: '47348855548',
    wait: '47348858614',
    said: '62313023963',
    end: '77336833604',
  };
  isTheRace(report, times);
  const { watchdog } = only(report, 'never-released');
  expect(BigInt(times.said)).toBeGreaterThan(BigInt(watchdog!.firesFromNs));
  expect(BigInt(times.said)).toBeLessThan(BigInt(watchdog!.firesToNs));
  const erased = report.findings.filter(({ cause }) => cause === 'bit-erased');
  expect(erased.map(({ startNs, lock, confidence }) => [startNs, lock?.address, confidence])).toEqual([
    ['45438473976', '0xffff888104ef4780', 'possible'],
    ['46168376159', '0xffff888104ef4780', 'possible'],
    ['46910255491', '0xffff888100a34f80', 'possible'],
  ]);
  expect(report.trace.perCpu.map(({ lost }) => lost)).toEqual([269945, null, 955947, 400042]);
});

about('lost-unlock.dat', (report) => {
  isTheRace(report, {
    address: '0xffff8881003def00',
    cpus: { endio: 107, map: 106 },
    taken: '14572792074',
    load: '14572794650',
    release: '14572795530',
    store: '14572797678',
    off: '14580721790',
    wait: '14580724785',
    said: '39196163731',
    end: '54284624846',
  });
  const erased = report.findings.filter(({ cause }) => cause === 'bit-erased');
  expect(erased.map(({ startNs, lock }) => [startNs, lock?.address])).toEqual([
    ['14400456671', '0xffff8881069ad700'],
    ['14405549647', '0xffff8881069ad080'],
    ['14559068872', '0xffff8881069ad500'],
  ]);
});

about('bhrace-2.dat', (report) => {
  const finding = only(report, 'never-released');
  expect(finding).toMatchObject({
    cause: 'unknown-setter',
    confidence: 'likely',
    lock: { address: '0xffff888103ff5d80', bit: 4 },
    holder: null,
    culprit: null,
    lastRelease: { cpu: 3, pid: 112, comm: 'fake_endio', atNs: '30694785222' },
    irqsOff: { source: 'preemptirq', notBeforeNs: '30711177362' },
  });
  expect(finding.waiters).toMatchObject([{ cpu: 3, pid: 112, sinceNs: '30711180173', irqsOff: true }]);
  expect(finding.taintedBy).toContain('CPU 2 begins at 39.921320179, after the last release');
  expect(finding.kernelReports[0]).toMatchObject({ ns: '50369099536' });
  expect(finding.alternatives.map(({ cause }) => cause)).toContain('lost-unlock');
});

about('missing-unlock.dat', (report) => {
  expect(only(report, 'never-released')).toMatchObject({
    cause: 'missing-unlock',
    confidence: 'certain',
    lock: { address: '0xffff888104abf780', bit: 4 },
    startNs: '15208635400',
    holder: { cpu: 2, pid: 110, comm: 'fake_submit', atNs: '15208635400' },
    culprit: null,
    waiters: [{ cpu: 3, pid: 111, comm: 'fake_endio', sinceNs: '15225886822', irqsOff: true }],
    irqsOff: { notBeforeNs: '15225879017' },
  });
});

about('bhleak-lost.dat', (report) => {
  const finding = only(report, 'never-released');
  expect(finding).toMatchObject({
    cause: 'unknown-setter',
    lock: { address: '0xffff8881008f3780', bit: 4 },
    holder: null,
    culprit: null,
    waiters: [{ cpu: 3, pid: 106, sinceNs: '26307404759', irqsOff: true }],
    irqsOff: { notBeforeNs: '26307401923' },
  });
  expect(finding.taintedBy).toContain('CPU 2 begins at 42.021263358, after the last release');
});

function isSlowHolder(report: Report, expected: object): void {
  expect(report.findings.filter(({ kind }) => kind === 'never-released')).toEqual([]);
  expect(only(report, 'irq-off-spin')).toMatchObject({ cause: 'slow-holder', openEnded: false, ...expected });
}

about('slow-holder.dat', (report) =>
  isSlowHolder(report, {
    lock: { address: '0xffff8881008b1880', bit: 4 },
    holder: { cpu: 2, pid: 107, comm: 'fake_slow' },
    startNs: '10754323727',
    durationNs: 13716644577 - 10754323727,
    watchdog: { hard: 'cannot' },
  }),
);

about('bhslow-3s.dat', (report) =>
  isSlowHolder(report, {
    lock: { address: '0xffff888102d0e900', bit: 4 },
    holder: { cpu: 2, pid: 106, atNs: '15684959508' },
    lastRelease: { atNs: '18685845909' },
    startNs: '15704449130',
    durationNs: 18686584703 - 15704449130,
    watchdog: { hard: 'cannot' },
  }),
);

about('bhslow-28s.dat', (report) =>
  isSlowHolder(report, {
    lock: { address: '0xffff8881003ea200', bit: 4 },
    holder: { cpu: 2, pid: 109, atNs: '21715039565' },
    lastRelease: { atNs: '49555055213' },
    startNs: '21726775996',
    durationNs: 49556435704 - 21726775996,
    watchdog: { hard: 'must' },
  }),
);

about('stock.dat', (report) => {
  expect(report.findings.filter(({ confidence }) => confidence !== 'possible')).toEqual([]);
  const silent = report.findings.filter(({ kind }) => kind === 'silent-cpu');
  expect(silent).toHaveLength(1);
  expect(silent[0]).toMatchObject({
    subject: { cpu: 3, pid: 128, comm: 'fake_endio' },
    startNs: '24325585279',
    openEnded: true,
    irqsOff: { source: 'none', notBeforeNs: null, notAfterNs: null },
  });
  expect(silent[0]!.headline).toContain('Since when interrupts were off is unknown');
  expect(silent[0]!.kernelReports[0]).toMatchObject({ ns: '39213578' + silent[0]!.kernelReports[0]!.ns.slice(8) });
});

for (const name of [
  'ext4-dm-1k.small.dat',
  'ext4-dm-1k.small-v6.dat',
  'ext4-dm-1k.medium.dat',
  'ext4-dm-1k.medium-zstd.dat',
  'ext4-dm-1k.text.dat',
  'ext4-dm-1k.text.trace.txt',
  'ext4-dm-1k.text.trace-latency.txt',
  'ext4-dm-1k.small.report.txt',
  'perf-ext4-lock.data',
  'perf-ext4-lost.data',
  'perf-ext4-lost.script.txt',
  'perf-ext4-z.data',
  'abba.dat',
]) {
  about(name, (report) => {
    expect(report.findings.filter(({ confidence }) => confidence !== 'possible')).toEqual([]);
    expect(report.trace.problems.filter(({ severity }) => severity === 'error')).toEqual([]);
  });
}

// Every call of the two probed functions is paired, but for the one that never returns: kprobes without a mapping of their own
// are signs of life, and a CPU fell silent.
about('kprobe-leak.dat', (report) => {
  expect(report.findings.map(({ kind, confidence }) => [kind, confidence])).toEqual([['silent-cpu', 'possible']]);
  expect(report.findings[0]!.subject).toMatchObject({ cpu: 3, pid: 109, comm: 'fake_endio' });
});

about('ext4-finish-bio-2015/trace.dat', (report) => {
  expect(only(report, 'never-released')).toMatchObject({
    cause: 'lost-unlock',
    confidence: 'certain',
    lock: { namespace: 'bit', address: '0xffff880826272138', bit: 4 },
    culprit: { value: '0x131' },
    waiters: [{ cpu: 23, pid: 4611, comm: 'kworker/u98:7', irqsOff: true }],
  });
});

// The function returned and the bit stayed: entries and returns tell no more, and not who.
about(
  'kprobe-leak.dat',
  (report) => {
    expect(only(report, 'never-released')).toMatchObject({
      cause: 'unknown-setter',
      confidence: 'likely',
      lock: { namespace: 'bit', address: '0xffff888100829d00', bit: 4 },
      subject: { cpu: 3, pid: 109, comm: 'fake_endio' },
      startNs: '19274438321',
      holder: null,
      culprit: null,
      lastAcquire: { cpu: 2, pid: 108, comm: 'fake_submit', atNs: '19265577329' },
      lastRelease: { cpu: 2, pid: 108, comm: 'fake_submit' },
      alternatives: [
        { cause: 'missing-unlock', confidence: 'possible' },
        { cause: 'lost-unlock', confidence: 'possible' },
        { cause: 'unknown', confidence: 'possible' },
      ],
      // What the kernel said of the victim, and then of the task that had the lock last.
      kernelReports: [
        { ns: '38482669436' },
        {},
        { text: 'BUG: scheduling while atomic: fake_submit/108/0x00000002' },
      ],
      taintedBy: [],
    });
    expect(report.findings).toHaveLength(1);
    // 2000 submits and all finishes but the last one went through.
    expect(report.stats.locks).toMatchObject({ acquisitions: 3974, releases: 3974 });
  },
  'mappings/bhrace-kprobes.yaml',
);

// The ring in a console's log: the store that put the bit back is among the 5270 lost events of CPU 2, so nobody is blamed.
about('panic-dump.console.txt', (report) => {
  expect(only(report, 'never-released')).toMatchObject({
    cause: 'unknown-setter',
    confidence: 'likely',
    lock: { namespace: 'bit', address: '0xffff888100804a80', bit: 4 },
    holder: null,
    culprit: null,
    lastRelease: { cpu: 3, pid: 109, comm: 'fake_endio', atNs: '409955000' },
    waiters: [{ cpu: 3, pid: 109, sinceNs: '426968000', irqsOff: true }],
    taintedBy: ['CPU 2 begins at 0.885611000, after the last release'],
  });
  for (const { alternatives } of report.findings)
    for (const { confidence } of alternatives) expect(confidence).toBe('possible');
  expect(report.trace).toMatchObject({
    events: 1397,
    timeUnit: 'relative',
    perCpu: [{ lost: 0 }, { lost: 0 }, { cpu: 2, firstNs: '885611000', lost: 5270 }, { cpu: 3, lost: 699 }],
  });
});

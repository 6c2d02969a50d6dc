import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { filterTrace } from '../../src/generate/filter.ts';
import { MemoryOutput } from '../../src/generate/output.ts';
import { bytesSource } from '../../src/io/bytes.ts';
import { openInput } from '../../src/io/node-file.ts';
import type { JoinedReport } from '../../src/model/join.ts';
import type { LogReport } from '../../src/model/kernel-log.ts';
import type { Mark } from '../../src/model/state.ts';
import { joinJson, joinText } from '../../src/report/dmesg-join.ts';
import { logText } from '../../src/report/dmesg.ts';
import { OwnLog } from '../../src/session/own-log.ts';
import { analyzeWithLog, analyzeWithOwnLog } from '../../src/session/session.ts';
import { openCapture, openSource } from '../../src/trace/open.ts';
import { anyCapture, smallCapture } from '../captures.ts';
import { logFile, logOf } from '../dmesg/harness.ts';

async function joined(logPath: string, tracePath: string): Promise<JoinedReport> {
  return await joinedWith(await logFile(logPath), tracePath);
}

async function joinedWith(log: LogReport, tracePath: string): Promise<JoinedReport> {
  const capture = await openCapture(tracePath);
  try {
    return analyzeWithLog(capture, log);
  } finally {
    capture.close();
  }
}

describe('a log and a trace of the same run', () => {
  it('lost-unlock: both agree, on the lock too', async () => {
    const result = await joined(smallCapture('lost-unlock.dmesg.txt'), smallCapture('lost-unlock.dat'));
    // 39.196163731 in the trace, 39.267522 in the log
    expect(result.clock).toMatchObject({ offsetNs: -71_358_269, marks: 1 });
    const [incident] = result.incidents;
    expect(incident).toMatchObject({
      incident: 'K1',
      atNs: '39196163731',
      lock: {
        address: '0xffff8881003def00',
        bit: 4,
        inTrace: 'stuck',
        lastAcquire: { pid: 107, cpu: 3, atNs: '14572792074' },
        lastRelease: { pid: 107, cpu: 3, atNs: '14572795530' },
      },
    });
    expect(incident!.says).toContain('Both sides agree on lost-unlock');
    expect(incident!.checks.map(({ what, agree }) => [what, agree])).toEqual(
      ['time', 'CPU', 'pid', 'task', 'lock', 'interrupts', 'order', 'watchdog'].map((what) => [what, true]),
    );
    expect(result.onlyInTrace).toEqual([]);
    expect(
      joinText(result)
        .split('\n')
        .every((line) => line.length <= 100),
    ).toBe(true);
  });

  it('JSON of both moves no terminal, whatever tasks are called in the log', async () => {
    const text = readFileSync(smallCapture('lost-unlock.dmesg.txt'), 'utf8');
    const hostile = text.replaceAll('Comm: ', 'Comm: a\u009b2J\u202e');
    const result = await joinedWith(await logOf(hostile), smallCapture('lost-unlock.dat'));
    const line = joinJson(result);
    expect(line).toContain('a\\u009b2J\\u202e');
    expect(line).not.toMatch(/[\x7f-\x9f\u202e]/);
    expect(JSON.parse(line)).toEqual(result);
  });

  it('stock: the log names the lock that the trace cannot', async () => {
    const { incidents } = await joined(smallCapture('stock.dmesg.txt'), smallCapture('stock.dat'));
    expect(incidents[0]).toMatchObject({
      atNs: '39213578214',
      lock: { address: '0xffff8881034ed500', bit: 4, inTrace: 'not seen' },
    });
    expect(incidents[0]!.says).toContain(
      'The log names the lock that the trace cannot: bit 4 of 0xffff8881034ed500',
    );
  });

  it('the report of 2015 with its reconstruction', async () => {
    const { clock, incidents } = await joined(
      smallCapture('seed-2015.txt'),
      smallCapture('ext4-finish-bio-2015/trace.dat'),
    );
    expect(clock).toMatchObject({ offsetNs: 0, marks: 1 });
    expect(incidents[0]!.findings[0]).toBe('F1');
    expect(incidents[0]!.lock?.inTrace).toBe('stuck');
    expect(incidents[0]!.checks.every(({ agree }) => agree)).toBe(true);
  });

  it('the log of another run: its report is hours away', async () => {
    const { incidents, onlyInTrace, clock } = await joined(
      smallCapture('seed-2015.txt'),
      smallCapture('lost-unlock.dat'),
    );
    expect(clock).toMatchObject({ offsetNs: null, marks: 0, fits: false });
    expect(clock.how).toContain('both count from boot');
    expect(incidents[0]).toMatchObject({ findings: [], lock: null, checks: [] });
    expect(incidents[0]!.says).toContain('does not fit');
    expect(onlyInTrace).toEqual([]);
  });

  const later = (by: number, text: string): string =>
    text.replaceAll(/\[ *(\d+)\.(\d{6})\]/g, (_, s, us) => `[${String(Number(s) + by).padStart(5)}.${us}]`);

  it('the log of another boot: the one line that is in both is too far away', async () => {
    const text = readFileSync(smallCapture('lost-unlock.dmesg.txt'), 'utf8');
    const { clock, incidents, onlyInTrace } = await joinedWith(
      await logOf(later(50_000, text)),
      smallCapture('lost-unlock.dat'),
    );
    expect(clock).toMatchObject({ offsetNs: null, fits: false });
    expect(clock.how).toContain('50000.071358269 s apart');
    expect(clock.how).toContain('of another boot or time, or the machine slept in between');
    expect(incidents).toMatchObject([{ incident: 'K1', atNs: null, findings: [], lock: null, checks: [] }]);
    expect(incidents[0]!.says).toContain('does not fit');
    expect(onlyInTrace).toEqual([]);
  });

  it('a log with times of the wall clock and no line in both may be of another boot', async () => {
    const text = readFileSync(smallCapture('lost-unlock.dmesg.txt'), 'utf8');
    const log = text
      .replaceAll(/^\[ *\d+\.(\d{6})\]/gm, '2026-11-22T09:40:51.$1+00:00 vm kernel:')
      .replaceAll('watchdog: Watchdog', 'NMI watchdog: Watchdog');
    const { clock, incidents } = await joinedWith(await logOf(log), smallCapture('lost-unlock.dat'));
    expect(clock).toMatchObject({ offsetNs: null, marks: 0, fits: true });
    expect(incidents[0]!.findings).toContain('F1');
    expect(incidents[0]!.says).toContain('But their clocks are not joined: they may be of two boots.');
  });

  it('a log that has the same line once more, from before the trace recorded it', async () => {
    const text = readFileSync(smallCapture('lost-unlock.dmesg.txt'), 'utf8');
    const headline = /^\[ *39\.\d+\] (watchdog: .*hard LOCKUP on cpu 3.*)$/m.exec(text)![1]!;
    const { clock, incidents } = await joinedWith(
      await logOf(`[   22.000000] ${headline}\n${text}`),
      smallCapture('lost-unlock.dat'),
    );
    expect(clock).toMatchObject({ offsetNs: -71_358_269, marks: 1, fits: true });
    expect(incidents.at(-1)!.says).toContain('Both sides agree on lost-unlock');
  });

  it.each([
    [40, true],
    [5000, false],
  ])('without a line in both, a report %d s later may fit: %s', async (by, fits) => {
    const text = readFileSync(smallCapture('lost-unlock.dmesg.txt'), 'utf8');
    const log = later(by, text).replaceAll('watchdog: Watchdog', 'NMI watchdog: Watchdog');
    const { clock, incidents } = await joinedWith(await logOf(log), smallCapture('lost-unlock.dat'));
    expect(clock).toMatchObject({ marks: 0, fits });
    expect(incidents[0]!.says).toContain(fits ? 'they may be of two boots' : 'does not fit');
    expect(incidents[0]!.findings.length > 0).toBe(fits);
  });

  const missing = anyCapture('missing-unlock.dat');
  const missingLog = anyCapture('missing-unlock.dmesg.txt');
  it.skipIf(missing === null || missingLog === null)(
    'missing-unlock: who slept with the lock is who never let it go',
    async () => {
      const { incidents, clock } = await joined(missingLog!, missing!);
      expect(clock.marks).toBe(2);
      expect(incidents.map(({ findings }) => findings[0])).toEqual(['F1', 'F1']);
      expect(incidents[1]!.says).toContain('Both sides agree on missing-unlock');
      expect(incidents[1]!.lock).toMatchObject({ lastAcquire: { pid: 110, atNs: '15208635400' } });
    },
  );
});

describe('the log that a capture holds itself', () => {
  async function own(path: string): Promise<JoinedReport> {
    const capture = await openCapture(path);
    try {
      return await analyzeWithOwnLog(capture);
    } finally {
      capture.close();
    }
  }

  it('lost-unlock: the same incident and lock as from the log file, on one clock', async () => {
    const result = await own(smallCapture('lost-unlock.dat'));
    const fromFile = await joined(smallCapture('lost-unlock.dmesg.txt'), smallCapture('lost-unlock.dat'));
    expect(result.clock).toMatchObject({ offsetNs: 0, how: 'the lines of the log are events of the trace' });
    expect(result.log.log).toMatchObject({
      path: `messages in ${smallCapture('lost-unlock.dat')}`,
      problems: [],
    });
    const [incident] = result.log.incidents;
    const [same] = fromFile.log.incidents;
    expect(incident).toMatchObject({
      kind: 'hard-lockup',
      firstNs: '39196163731',
      signature: same!.signature,
      spin: { word: same!.spin!.word, instructions: same!.spin!.instructions },
    });
    expect(result.incidents[0]!.lock).toEqual(fromFile.incidents[0]!.lock);
    expect(result.incidents[0]!.checks.every(({ agree }) => agree)).toBe(true);
    expect(result.report).toEqual(fromFile.report);
  });

  it('stock: the messages name the lock that the events cannot', async () => {
    const { incidents } = await own(smallCapture('stock.dat'));
    expect(incidents[0]!.lock).toMatchObject({ address: '0xffff8881034ed500', bit: 4, inTrace: 'not seen' });
  });

  it('a capture without messages says so', async () => {
    const { log, incidents } = await own(smallCapture('perf-ext4-lost.data.zst'));
    expect(incidents).toEqual([]);
    expect(log.log.problems).toMatchObject([{ name: 'no-messages', severity: 'info' }]);
  });

  it('the last messages are read, whole, and the others counted', async () => {
    const summaries = [];
    for (const limits of [
      { bytes: 100, messages: 50 },
      { bytes: 10_000, messages: 3 },
      { bytes: 10_000, messages: 10 },
    ]) {
      const capture = await openCapture(smallCapture('stock.dat'));
      const log = new OwnLog(capture, limits, ({ time }) => `message ${time}\nits second line`);
      for (let n = 1; n <= 10; n++) log.add({ time: 1_500_000_000n + BigInt(n) } as Mark);
      summaries.push((await log.read()).log);
      capture.close();
    }
    const [bySize, byCount, all] = summaries;
    // A message is 71 bytes.
    expect(bySize).toMatchObject({
      bytes: 71,
      firstNs: '1500000010',
      lastNs: '1500000010',
      problems: [{ name: 'messages-dropped', count: 9, severity: 'data loss' }],
    });
    expect(bySize!.problems[0]!.text).toMatch(
      /^the first 9 of 10 messages were not read: .* MiB of their text/,
    );
    expect(byCount).toMatchObject({
      firstNs: '1500000008',
      lastNs: '1500000010',
      problems: [{ name: 'messages-dropped', count: 7 }],
    });
    expect(byCount!.problems[0]!.text).toContain(
      'the first 7 of 10 messages were not read: only the last 3 of them',
    );
    expect(all).toMatchObject({ firstNs: '1500000001', lastNs: '1500000010', problems: [] });
  });

  it('a report at the very begin of the capture is at its time', async () => {
    const out = new MemoryOutput();
    const source = await openInput(smallCapture('stock.dat'));
    // The message itself is the first event that is kept.
    const fromNs = 39_213_578_214n;
    await filterTrace(source, out, new MemoryOutput(), {
      drop: [],
      fromNs,
      toNs: null,
      cpus: null,
      version: null,
      packer: null,
    });
    source.close();
    const { incidents, report } = await analyzeWithOwnLog(await openSource(bytesSource(out.done())));
    expect(report.trace.startNs).toBe(String(fromNs));
    expect(incidents[0]!.atNs).toBe(String(fromNs));
    expect(incidents[0]!.checks.find(({ what }) => what === 'time')).toMatchObject({ agree: true });
  });

  it('names the kernel that the capture names', async () => {
    const { log, report } = await own(smallCapture('lost-unlock.dat'));
    expect(report.trace.kernel).toContain(log.log.kernel);
    expect(log.log.kernel).toMatch(/^\d+\.\d+/);
  });

  it('without messages no clocks are joined', async () => {
    const result = await own(smallCapture('perf-ext4-lost.data.zst'));
    expect(result.clock.offsetNs).toBeNull();
    expect(joinText(result)).toContain('Clocks: not joined, the capture has no messages of the kernel.');
  });
});

describe('messages that say nothing of a lockup', () => {
  const printed: LogReport = {
    schema: 'spinback/dmesg@1',
    spinback: '',
    log: { path: 'x', bytes: 9, kernel: null, layout: [], firstNs: null, lastNs: null, problems: [] },
    incidents: [],
    suppressed: {},
  };
  const cut: LogReport = {
    ...printed,
    log: {
      ...printed.log,
      problems: [{ name: 'messages-dropped', severity: 'data loss', text: '', count: 1, offset: null }],
    },
  };

  it('do not deny the reports that the trace lists', () => {
    expect(logText(printed)).toContain('No report of a lockup, stall or lock error found.');
    expect(logText(printed, { listed: 2 }).replaceAll(/\s+/g, ' ')).toContain(
      'lock error found; 2 reports of the kernel, of another sort, are listed with the trace.',
    );
    expect(logText(cut)).toContain('lock error found in what was read.');
    expect(logText(cut, { listed: 1 }).replaceAll(/\s+/g, ' ')).toContain(
      'found in what was read; 1 report of the kernel, before it, or of another sort, is listed with the trace.',
    );
  });
});

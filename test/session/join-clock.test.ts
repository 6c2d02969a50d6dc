import { describe, expect, it } from 'vitest';
import type { KernelMessage } from '../../src/model/case.ts';
import type { ClockJoin } from '../../src/model/join.ts';
import type { LogReport } from '../../src/model/kernel-log.ts';
import type { TraceSummary } from '../../src/model/report.ts';
import type { Mark } from '../../src/model/state.ts';
import { joinClocks } from '../../src/session/join-clock.ts';
import { logOf } from '../dmesg/harness.ts';

const LOCKUP = 'watchdog: Watchdog detected hard LOCKUP on cpu 3';

type Line = readonly [second: number, text: string];

const nanoseconds = (second: number): bigint => BigInt(Math.round(second * 1e6)) * 1000n;

const logText = (lines: readonly Line[]): string =>
  lines.map(([second, text]) => `[${second.toFixed(6).padStart(12)}] ${text}\n`).join('');

/** The clocks of a log, or of one with `lines`, and of a trace from 14 to 54 s that recorded `printed`. */
async function clocksOf(
  lines: readonly Line[] | LogReport,
  printed: readonly Line[],
  trace: Partial<TraceSummary> = {},
): Promise<ClockJoin> {
  const messages = printed.map(([second, text]): KernelMessage => ({
    mark: { time: nanoseconds(second) } as Mark,
    text,
    report: { kind: 'hard-lockup', cpus: [] },
  }));
  const summary = { clock: 'mono', timeUnit: 'ns', startNs: '14000000000', endNs: '54000000000', ...trace };
  const log = 'schema' in lines ? lines : await logOf(logText(lines));
  return joinClocks(log, messages, summary as TraceSummary);
}

it('finds the line that an older kernel gave to printk:console with its time in front', async () => {
  const clock = await clocksOf([[39, LOCKUP]], [[39.1, `[   39.000000] ${LOCKUP}`]]);
  expect(clock).toMatchObject({ offsetNs: 100_000_000, marks: 1 });
});

describe('a line that comes several times', () => {
  it('is paired where the clocks agree: the trace has the second of two', async () => {
    const clock = await clocksOf(
      [
        [22, LOCKUP],
        [39, LOCKUP],
      ],
      [[39.1, LOCKUP]],
    );
    expect(clock).toMatchObject({ offsetNs: 100_000_000, spreadNs: 0, marks: 1, fits: true });
    expect(clock.how).toContain('each comes several times');
  });

  it('is paired at the offset that most lines share', async () => {
    const clock = await clocksOf(
      [
        [14.5, LOCKUP],
        [15, LOCKUP],
        [22, LOCKUP],
        [39, LOCKUP],
      ],
      [
        [16.001, LOCKUP],
        [23, LOCKUP],
        [40.002, LOCKUP],
      ],
    );
    expect(clock).toMatchObject({ offsetNs: 1_001_000_000, spreadNs: 2_000_000, marks: 3, fits: true });
  });

  it('of offsets that as many share is paired at the one nearest 0', async () => {
    const clock = await clocksOf(
      [
        [22, LOCKUP],
        [26, LOCKUP],
      ],
      [[25, LOCKUP]],
    );
    expect(clock).toMatchObject({ offsetNs: -1_000_000_000, marks: 1, fits: true });
  });

  it('joins clocks of one boot at no offset that these cannot have, however many lines share it', async () => {
    // Every 26 s, as soft lockups before 5.13: the log was saved before the last one, the trace began behind the first.
    const clock = await clocksOf(
      [
        [22, LOCKUP],
        [48, LOCKUP],
      ],
      [
        [48, LOCKUP],
        [74, LOCKUP],
      ],
    );
    expect(clock).toMatchObject({ offsetNs: 0, marks: 1, fits: true });
  });

  it('is no proof of another boot', async () => {
    const clock = await clocksOf(
      [
        [22, LOCKUP],
        [39, LOCKUP],
      ],
      [[5022, LOCKUP]],
    );
    expect(clock).toMatchObject({ offsetNs: 0, spreadNs: null, marks: 0, fits: true });
    expect(clock.how).toContain('assumed');
  });

  it('is paired where the clocks agree in a flood of it', async () => {
    const flood = Array.from({ length: 1000 }, (_, n): Line => [20 + n / 100, LOCKUP]);
    const clock = await clocksOf(flood, flood.slice(500, 756));
    expect(clock).toMatchObject({ offsetNs: 0, spreadNs: 100_000_000, marks: 256 });
  });
});

describe('lines of one boot and clocks that are far apart', () => {
  const LOG: readonly Line[] = [
    [5022, LOCKUP],
    [5039, 'INFO: task jbd2/sda1-8:245 blocked for more than 122 seconds.'],
  ];
  const earlier = (lines: readonly Line[], by: number): Line[] => lines.map(([at, text]) => [at - by, text]);

  it('several that agree join them: printk goes on in a suspend to idle where mono stops', async () => {
    const [first, second] = LOG;
    const clock = await clocksOf(LOG, [
      [22, first![1]],
      [39.003, second![1]],
    ]);
    expect(clock).toMatchObject({ offsetNs: -4_999_997_000_000, spreadNs: 3_000_000, marks: 2, fits: true });
    expect(clock.how).toContain('the clocks differ by 4999.997 s, as after a suspend');
  });

  it('one that cannot come again joins them', async () => {
    const text =
      'smp: csd: Detected non-responsive CSD lock (#1) on CPU#2, waiting 5000000036 ns for CPU#03 do_nothing+0x0/0x10(0x0).';
    const clock = await clocksOf([[5022, text]], [[22, text]]);
    expect(clock).toMatchObject({ offsetNs: -5_000_000_000_000, marks: 1, fits: true });
    expect(clock.how).toContain('as after a suspend');
  });

  it('they count for more than one that clocks without a suspend could share', async () => {
    const clock = await clocksOf([...LOG, [23, LOCKUP]], earlier(LOG, 5000));
    expect(clock).toMatchObject({ offsetNs: -5_000_000_000_000, marks: 2, fits: true });
  });

  it.each([
    ['a lone one', [LOG[0]!]],
    [
      'a preempt count, which does come again',
      [[5022, 'BUG: scheduling while atomic: swapper/3/0/0xffffffff'] as const],
    ],
    [
      'all tasks that hang, told in one go',
      [LOG[1]!, [5039.02, 'INFO: task kworker/u8:0:11 blocked for more than 122 seconds.'] as const],
    ],
    [
      'a report and the panic for it',
      [LOG[0]!, [5024.5, 'Kernel panic - not syncing: Hard LOCKUP'] as const],
    ],
  ])('%s may be of another boot', async (_, lines) => {
    const clock = await clocksOf(lines, earlier(lines, 5000));
    expect(clock).toMatchObject({ offsetNs: null, marks: 0, fits: false });
    expect(clock.how).toContain('the log is of another boot or time, or the machine slept in between');
  });

  it('lines that disagree do not join them', async () => {
    const clock = await clocksOf(LOG, [
      [22, LOG[0]![1]],
      [41, LOG[1]![1]],
    ]);
    expect(clock.fits).toBe(false);
  });

  it('a boot clock is ahead by the time asleep, which a lone line does not prove', async () => {
    const log: Line[] = [[22, LOCKUP]];
    const trace = { clock: 'boot', startNs: '5014000000000', endNs: '5054000000000' };
    const clock = await clocksOf(log, [[5022, LOCKUP]], trace);
    expect(clock).toMatchObject({ offsetNs: 5_000_000_000_000, marks: 1, fits: true });
    expect(clock.how).toContain('as after a suspend, or in another boot');
    expect((await clocksOf([[5022, LOCKUP]], [[22, LOCKUP]], { clock: 'boot' })).fits).toBe(false);
  });
});

describe('without a line in both', () => {
  it.each([
    ['boot', true],
    ['mono', true],
    ['local', false],
  ])('says what is assumed of a %s clock', async (name, parts) => {
    const clock = await clocksOf([[39, LOCKUP]], [], { clock: name });
    expect(clock).toMatchObject({ offsetNs: 0, marks: 0, fits: true });
    expect(clock.how).toContain(
      `assumed: the log's clock and the trace's ${name} clock both count from boot`,
    );
    expect(clock.how.includes('where the machine was suspended they may differ by the time asleep')).toBe(
      parts,
    );
  });

  it('names the first and the last report of a log that does not fit, in whatever order they come', async () => {
    const clock = await clocksOf(
      [
        [9000, 'watchdog: Watchdog detected hard LOCKUP on cpu 2'],
        [7000, LOCKUP],
      ],
      [],
    );
    expect(clock.fits).toBe(false);
    expect(clock.how).toContain("the log's reports come at 7000.000000000 to 9000.000000000 s");
  });

  it.each([
    // Reported 1228 s and 1430 s after it began: at 52 s and 50 s, inside the trace.
    [true, 1280, 'INFO: task jbd2/sda1-8:245 blocked for more than 1228 seconds.'],
    [true, 1480, 'watchdog: BUG: soft lockup - CPU#3 stuck for 1430s! [fake_endio:107]'],
    [false, 1480, 'watchdog: BUG: soft lockup - CPU#3 stuck for 22s! [fake_endio:107]'],
    [false, 1280, LOCKUP],
    // No lockup lasts for longer than the machine is up.
    [true, 1e6, `INFO: task jbd2/sda1-8:245 blocked for more than ${'9'.repeat(400)} seconds.`],
  ])('fits: %s, reported at %d s: %s', async (fits, at, text) => {
    expect((await clocksOf([[at, text]], [])).fits).toBe(fits);
  });
});

describe('a log with times of the wall clock', () => {
  const at = '2026-11-22T09:40:51.267522+00:00';
  const clocks = async (printed: readonly Line[]): Promise<ClockJoin> =>
    await clocksOf(await logOf(`${at} vm kernel: ${LOCKUP}\n`), printed);

  it('is joined by a line in both, and is not of another boot because its years are', async () => {
    const clock = await clocks([[39, LOCKUP]]);
    expect(clock).toMatchObject({ marks: 1, fits: true });
    // A double holds such a time to 256 ns.
    expect(clock.offsetNs! / 1e9).toBeCloseTo(39 - Date.parse(at) / 1000, 2);
    expect(clock.how).not.toContain('suspend');
  });

  it('is not joined without one, and does fit', async () => {
    const clock = await clocks([]);
    expect(clock).toMatchObject({ offsetNs: null, marks: 0, fits: true });
    expect(clock.how).toContain("the log's times are the wall clock's");
  });
});

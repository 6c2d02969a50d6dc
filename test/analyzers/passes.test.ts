import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadMapping } from '../../src/mapping/load.ts';
import type { Report } from '../../src/model/report.ts';
import { reportText } from '../../src/report/terminal.ts';
import { analyzeCapture } from '../../src/session/session.ts';
import { openSource } from '../../src/trace/open.ts';
import { sourceOf } from '../trace/ftrace-text/harness.ts';

// Functions that take and release a bit lock, by probes on their entry and return.

const MAPPING = join(import.meta.dirname, '../../mappings/function-kprobes.yaml');
const { rows } = await loadMapping(readFileSync(MAPPING, 'utf8'), MAPPING);

const LOCK = '0xffff888100829d00';

/** One line; flags say interrupts on, preemption on. */
function line(at: number, cpu: number, task: string, event: string, flags = '.....'): string {
  return `${task.slice(0, task.lastIndexOf('-')).padStart(16)}${task.slice(task.lastIndexOf('-'))}   [00${cpu}] ${flags} ${at.toFixed(6)}: ${event}`;
}
const enter = (word: number, lock = LOCK) =>
  `f_enter: (f+0x0/0x50) addr=${lock} bit=4 word=0x${word.toString(16)}`;
const RETURN = 'f_return: (g+0x10/0x20 <- f)';

async function judge(lines: readonly string[]): Promise<Report> {
  const sorted = lines.toSorted((a, b) => timeOf(a) - timeOf(b));
  return analyzeCapture(await openSource(sourceOf(`${sorted.join('\n')}\n`), { rows }));
}
const timeOf = (text: string): number => Number(/(\d+\.\d{6}):/.exec(text)![1]);
const stuck = ({ findings }: Report) => findings.filter(({ kind }) => kind === 'never-released');

/** All CPUs from 1 s on, one that goes on to 60 s, and a healthy pass before. */
const LIFE = [
  ...[2, 3].map((cpu) => line(1, cpu, 'init-1', 'tick: x')),
  ...Array.from({ length: 600 }, (_, n) => line(1 + n / 10, 0, 'idle-7', 'tick: x')),
];
/** The kernel itself says that CPU 3 is stuck: its record did not just end. */
const REPORT = line(20, 0, 'idle-7', 'console: watchdog: Watchdog detected hard LOCKUP on cpu 3');
const HEALTHY = [line(1.1, 2, 'submit-8', enter(0x21)), line(1.2, 2, 'submit-8', RETURN)];

test('a bit that is set on entry with nobody inside was left set by nobody who was recorded', async () => {
  const [finding, ...more] = stuck(
    await judge([...LIFE, ...HEALTHY, REPORT, line(2, 3, 'endio-9', enter(0x31))]),
  );
  expect(more).toEqual([]);
  expect(finding).toMatchObject({
    cause: 'unknown-setter',
    confidence: 'likely',
    lock: { namespace: 'bit', address: LOCK, bit: 4 },
    holder: null,
    culprit: null,
    lastAcquire: { pid: 8, atNs: '1100000000' },
    lastRelease: { pid: 8, atNs: '1200000000' },
    waiters: [{ cpu: 3, pid: 9, irqsOff: null }],
  });
  expect(finding!.alternatives.map(({ cause, confidence }) => `${cause} ${confidence}`)).toEqual([
    'missing-unlock possible',
    'lost-unlock possible',
    'unknown possible',
  ]);
});

test('a return is no release: the report does not say so', async () => {
  const report = await judge([...LIFE, ...HEALTHY, REPORT, line(2, 3, 'endio-9', enter(0x31))]);
  expect(stuck(report)[0]!.lock!.knownBy).toBe('functions');
  const text = reportText(report);
  expect(text).toMatch(/last entry: +1\.100000000, submit-8/);
  expect(text).toMatch(/last return: +1\.200000000, submit-8/);
  expect(text).not.toMatch(/last release|R releases it|A takes the lock| 0 released/);
});

test('without the kernel naming the CPU its record may just have ended', async () => {
  const [finding] = stuck(await judge([...LIFE, ...HEALTHY, line(2, 3, 'endio-9', enter(0x31))]));
  expect(finding).toMatchObject({ cause: 'unknown-setter', confidence: 'possible' });
  expect(finding!.taintedBy.join()).toContain('may have ended early');
});

describe('no accusation', () => {
  test.each<[string, string[]]>([
    ['who is inside alone with the bit clear on entry may hold it', [line(2, 3, 'endio-9', enter(0x21))]],
    [
      'who was switched out inside does not spin',
      [
        line(2, 3, 'endio-9', enter(0x31)),
        line(
          3,
          3,
          'endio-9',
          'sched_switch: prev_comm=endio prev_pid=9 prev_prio=120 prev_state=D ==> next_comm=swapper/3 next_pid=0 next_prio=120',
        ),
      ],
    ],
    [
      'a later return of the same function puts the bit right',
      [
        line(2, 2, 'submit-8', enter(0x31)),
        line(2.5, 2, 'submit-8', RETURN),
        line(3, 3, 'endio-9', enter(0x21)),
      ],
    ],
    ['everybody returned', [line(2, 3, 'endio-9', enter(0x31)), line(2.5, 3, 'endio-9', RETURN)]],
    [
      'another lock was passed meanwhile',
      [
        line(2, 3, 'endio-9', enter(0x31)),
        line(3, 3, 'endio-9', enter(0x21, '0xffff888100829e00')),
        line(3.1, 3, 'endio-9', RETURN),
        line(3.2, 3, 'endio-9', RETURN),
      ],
    ],
  ])('%s', async (_, lines) => {
    expect(stuck(await judge([...LIFE, ...HEALTHY, ...lines]))).toEqual([]);
  });
});

test('of two inside the first may be a slow holder: possible, and no culprit', async () => {
  const report = await judge([
    ...LIFE,
    ...HEALTHY,
    line(2, 2, 'slow-8', enter(0x21)),
    line(3, 3, 'endio-9', enter(0x31)),
  ]);
  expect(stuck(report)).toMatchObject([
    { cause: 'held-at-end', confidence: 'possible', holder: null, culprit: null },
  ]);
});

test('a return that the recorder lost leaves nothing certain: the entry is forgotten with what was lost', async () => {
  const report = await judge([...LIFE, ...HEALTHY, REPORT, line(2, 3, 'endio-9', enter(0x31))]);
  expect(stuck(report)[0]!.confidence).toBe('likely');
  const sorted = [
    ...LIFE,
    ...HEALTHY,
    line(2, 3, 'endio-9', enter(0x31)),
    line(59, 3, 'endio-9', 'tick: x'),
  ].toSorted((a, b) => timeOf(a) - timeOf(b));
  const at = sorted.findIndex((text) => timeOf(text) >= 59);
  const text = [...sorted.slice(0, at), 'CPU:3 [LOST 7 EVENTS]', ...sorted.slice(at)].join('\n');
  expect(stuck(analyzeCapture(await openSource(sourceOf(`${text}\n`), { rows })))).toEqual([]);
});

test('a probe that is hit through a breakpoint runs like an NMI, and its return does not', async () => {
  const report = await judge([
    ...LIFE,
    ...[1.1, 1.3].flatMap((at) => [
      line(at, 2, 'submit-8', enter(0x21), 'd.Z1.'),
      line(at + 0.1, 2, 'submit-8', RETURN),
    ]),
  ]);
  expect(report.stats.locks).toMatchObject({ acquisitions: 2, releases: 2 });
  expect(stuck(report)).toEqual([]);
});

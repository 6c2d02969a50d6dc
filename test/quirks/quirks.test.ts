import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadMapping } from '../../src/mapping/load.ts';
import type { MappingRow } from '../../src/mapping/rows.ts';
import type { Report } from '../../src/model/report.ts';
import { analyzeCapture } from '../../src/session/session.ts';
import { openSource } from '../../src/trace/open.ts';
import { sourceOf } from '../trace/ftrace-text/harness.ts';

// Habits of kernels and tools that a naive reading gets wrong: docs/quirks.yaml names the test of each.

function line(at: number, cpu: number, task: string, event: string, flags = '.....'): string {
  const dash = task.lastIndexOf('-');
  return `${task.slice(0, dash).padStart(16)}${task.slice(dash)} [${String(cpu).padStart(3, '0')}] ${flags} ${at.toFixed(6)}: ${event}`;
}

async function reportOn(lines: readonly string[], rows: readonly MappingRow[] = []): Promise<Report> {
  return analyzeCapture(await openSource(sourceOf(`${lines.join('\n')}\n`), { rows }));
}

/** CPU 0 goes on to 60 s. */
const on = (from: number): string[] =>
  Array.from({ length: 60 - from }, (_, n) => line(from + 1 + n, 0, 'alive-2', 'tick: x'));
const kinds = ({ findings }: Report): string[] => findings.map(({ kind, cause }) => `${kind} ${cause}`);

const MAP = 'ffff888104ef4380';
const LOCK = '0xffff888104ef4398';

test('a take that is reported before its contention leaves nobody waiting', async () => {
  const report = await reportOn([
    line(1, 1, 'a-7', `lock_acquire: ${MAP} some_lock`, 'd....'),
    line(1.1, 1, 'a-7', `lock_acquired: ${MAP} some_lock`, 'd....'),
    line(1.100001, 1, 'a-7', `lock_contended: ${MAP} some_lock`, 'd....'),
    line(1.2, 1, 'a-7', `lock_release: ${MAP} some_lock`, 'd....'),
    line(1.3, 1, 'a-7', 'tick: x', 'd....'),
    ...on(2),
  ]);
  expect(report.stats.locks).toMatchObject({ acquisitions: 1, contentions: 1, releases: 1 });
  expect(kinds(report).filter((kind) => kind.startsWith('never-released'))).toEqual([]);
});

test('a mutex that begins its contention several times waits once, from the first time on', async () => {
  const { stats } = await reportOn([
    line(1, 1, 'a-7', `contention_begin: ${LOCK} (flags=SPIN|MUTEX)`),
    line(1.5, 1, 'a-7', `contention_begin: ${LOCK} (flags=MUTEX)`),
    line(2, 1, 'a-7', `contention_end: ${LOCK} (ret=0)`),
  ]);
  expect(stats.waitNs).toMatchObject({ count: 1, maxNs: 1_000_000_000 });
});

test('a successful try is a take, and a take without lock_acquired is an annotation', async () => {
  const report = await reportOn([
    line(1, 1, 'a-7', `lock_acquire: ${MAP} try some_lock`),
    line(1.1, 1, 'a-7', `lock_release: ${MAP} some_lock`),
    line(1.2, 1, 'a-7', `lock_acquire: ffffffff81fdef20 read rcu_read_lock`),
    line(1.3, 1, 'b-8', `lock_acquire: ffff888104ef5000 other`),
    line(1.31, 1, 'b-8', `lock_acquired: ffff888104ef5000 other`),
    line(1.32, 1, 'b-8', `lock_release: ffff888104ef5000 other`),
    ...on(2),
  ]);
  expect(report.stats.locks).toMatchObject({ acquisitions: 2 });
  expect(report.findings).toEqual([]);
});

test('hashed addresses tell locks apart and are named as what they are', async () => {
  const { trace, stats } = await reportOn([
    line(1, 1, 'a-7', 'lock_acquire: 00000000a1b2c3d4 some_lock'),
    line(1.1, 1, 'a-7', 'lock_acquired: 00000000a1b2c3d4 some_lock'),
    line(1.2, 1, 'a-7', 'lock_acquire: 00000000d4c3b2a1 other'),
    line(1.3, 1, 'a-7', 'lock_acquired: 00000000d4c3b2a1 other'),
  ]);
  expect(stats.locks).toMatchObject({ acquisitions: 2, live: 2 });
  expect(trace.problems).toMatchObject([{ name: 'hashed-pointers', severity: 'info' }]);
});

test('a wait that lockdep and the contention tracepoints both report is one wait', async () => {
  const report = await reportOn([
    line(1, 2, 'holder-8', `lock_acquire: ${MAP} some_lock`, 'd..1.'),
    line(1.01, 2, 'holder-8', `lock_acquired: ${MAP} some_lock`, 'd..1.'),
    line(1.02, 2, 'holder-8', `lock_acquire: ffff888104ef5000 other`, 'd..1.'),
    line(1.03, 2, 'holder-8', `lock_acquired: ffff888104ef5000 other`, 'd..1.'),
    line(1.04, 2, 'holder-8', `lock_release: ffff888104ef5000 other`, 'd..1.'),
    line(2, 1, 'waiter-7', `lock_acquire: ${MAP} some_lock`, 'd..1.'),
    line(2.001, 1, 'waiter-7', `lock_contended: ${MAP} some_lock`, 'd..1.'),
    line(2.002, 1, 'waiter-7', `contention_begin: ${LOCK} (flags=SPIN)`, 'd..1.'),
    ...on(3),
  ]);
  const stuck = report.findings.filter(({ kind }) => kind === 'never-released');
  expect(stuck).toMatchObject([
    { lock: { namespace: 'lockdep', address: `0x${MAP}` }, waiters: [{ pid: 7 }] },
  ]);
});

test('the idle tasks of two CPUs are two tasks', async () => {
  const enter = (at: number, cpu: number, word: string) =>
    line(at, cpu, '<idle>-0', `bit_spin_acquire: addr=${LOCK} bitnr=4 ip=f+0x1${word}`, 'd.h1.');
  const report = await reportOn([
    enter(1, 1, ''),
    line(1.01, 1, '<idle>-0', `bit_spin_acquired: addr=${LOCK} bitnr=4 word_after=0x10 ip=f+0x1`, 'd.h1.'),
    enter(1.02, 2, ''),
    line(1.03, 2, '<idle>-0', `bit_spin_contended: addr=${LOCK} bitnr=4 word_seen=0x10 ip=f+0x1`, 'd.h1.'),
    line(1.04, 1, '<idle>-0', `bit_spin_release: addr=${LOCK} bitnr=4 word_after=0x0 ip=f+0x1`, 'd.h1.'),
    line(1.05, 2, '<idle>-0', `bit_spin_acquired: addr=${LOCK} bitnr=4 word_after=0x10 ip=f+0x1`, 'd.h1.'),
    line(1.06, 2, '<idle>-0', `bit_spin_release: addr=${LOCK} bitnr=4 word_after=0x0 ip=f+0x1`, 'd.h1.'),
    ...on(2),
  ]);
  expect(report.stats.locks).toMatchObject({ acquisitions: 2, releases: 2 });
  expect(report.findings).toEqual([]);
});

test('a task that releases behind its sched_process_exit has missed no unlock', async () => {
  const report = await reportOn([
    line(1, 1, 'a-7', `bit_spin_acquired: addr=${LOCK} bitnr=4 word_after=0x10 ip=f+0x1`),
    line(1.1, 1, 'a-7', 'sched_process_exit: comm=a pid=7 prio=120'),
    line(1.2, 1, 'a-7', `bit_spin_release: addr=${LOCK} bitnr=4 word_after=0x0 ip=f+0x1`),
    line(
      1.3,
      1,
      'a-7',
      'sched_switch: prev_comm=a prev_pid=7 prev_prio=120 prev_state=X ==> next_comm=swapper/1 next_pid=0 next_prio=120',
    ),
    ...on(2),
  ]);
  expect(report.findings).toEqual([]);
});

test('an idle CPU that sleeps with interrupts off has done nothing wrong', async () => {
  const report = await reportOn([
    line(1, 1, '<idle>-0', 'irq_disable: caller=do_idle+0x4c parent=0x0', 'd....'),
    line(21, 1, '<idle>-0', 'irq_enable: caller=cpuidle_enter_state+0x10 parent=0x0', 'd....'),
    line(21.1, 1, '<idle>-0', 'tick: x'),
    ...on(22),
  ]);
  expect(report.findings).toEqual([]);
});

test('a vendor kernel tells of a span with interrupts off when it is over', async () => {
  const file = join(import.meta.dirname, '../../mappings/preemptirq-long.yaml');
  const { rows } = await loadMapping(readFileSync(file, 'utf8'), file);
  const report = await reportOn(
    [
      line(1, 1, 'a-7', 'tick: x'),
      line(9, 1, 'a-7', 'irq_disable_long: delta=3000000000(ns)', 'd....'),
      line(9.1, 1, 'a-7', 'irq_disable_long: delta=6000000(ns)', 'd....'),
      line(9.2, 1, 'a-7', 'tick: x'),
    ],
    rows,
  );
  expect(report.findings).toMatchObject([
    {
      kind: 'irq-off',
      subject: { cpu: 1, pid: 7 },
      startNs: '6000000000',
      durationNs: 3_000_000_000,
      openEnded: false,
    },
  ]);
  expect(report.stats.irqsOffNs).toMatchObject({ count: 2 });
  expect(report.trace.perCpu[0]).toMatchObject({ breaks: 0 });
});

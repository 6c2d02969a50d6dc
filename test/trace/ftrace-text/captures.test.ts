import { expect, test } from 'vitest';
import { FLAGS, KINDS } from '../../../src/model/event.ts';
import { namespaceOf } from '../../../src/model/event-record.ts';
import { ftraceTextReader } from '../../../src/trace/ftrace-text/reader.ts';
import { damageOf, readAll, smallCapture, sourceOf, type NamedEvent } from './harness.ts';

const TRACE = 'ext4-dm-1k.text.trace.txt.zst';
const LATENCY = 'ext4-dm-1k.text.trace-latency.txt.zst';
const REPORT = 'ext4-dm-1k.small.report.txt.zst';

// Counted in the binary captures of the same runs with trace-cmd.
const TEXT_COUNTS = {
  lock_acquire: 6841,
  lock_release: 6837,
  preempt_disable: 2592,
  preempt_enable: 2592,
  lock_acquired: 2573,
  irq_disable: 2079,
  irq_enable: 2079,
  softirq_raise: 105,
  softirq_entry: 101,
  softirq_exit: 101,
  sched_switch: 62,
  bit_spin_acquire: 58,
  bit_spin_acquired: 58,
  bit_spin_release: 58,
  contention_begin: 27,
  contention_end: 27,
  lock_contended: 9,
  irq_handler_entry: 3,
  irq_handler_exit: 3,
  sched_process_exit: 2,
};
const REPORT_COUNTS = {
  lock_release: 6734,
  lock_acquire: 6726,
  preempt_disable: 2170,
  preempt_enable: 2169,
  lock_acquired: 1968,
  irq_disable: 1774,
  irq_enable: 1773,
  softirq_raise: 80,
  softirq_entry: 76,
  softirq_exit: 76,
  sched_switch: 52,
  bit_spin_acquire: 44,
  bit_spin_acquired: 44,
  bit_spin_release: 44,
  contention_begin: 30,
  contention_end: 30,
  lock_contended: 5,
  irq_handler_entry: 3,
  irq_handler_exit: 3,
  sched_process_exit: 2,
};

function count<T>(events: readonly NamedEvent[], key: (event: NamedEvent) => T): Map<T, number> {
  const counts = new Map<T, number>();
  for (const event of events) counts.set(key(event), (counts.get(key(event)) ?? 0) + 1);
  return counts;
}

const perCpu = (events: readonly NamedEvent[], cpu: number) => events.filter((event) => event.cpu === cpu);

/** An event without what the latency format does not have in common with the normal one. */
const untimed = (event: NamedEvent) => ({ ...event, time: 0n });

test('tracefs text: every event, with its CPU and its time to the microsecond', async () => {
  const { capture, events } = readAll(await smallCapture(TRACE));
  expect(capture).toMatchObject({ format: 'ftrace text', clock: { unit: 'ns' }, cpuCount: 4, kernel: null });
  expect(damageOf(capture)).toEqual([]);
  expect(capture.lanes).toHaveLength(1);
  expect(capture.lanes[0]).toMatchObject({ lost: 0, lostTail: false });
  expect(Object.fromEntries(count(events, ({ name }) => name))).toEqual(TEXT_COUNTS);
  // From the binary capture: [cpu, events, first, last] in ns; the kernel prints the nearest microsecond.
  for (const [cpu, number, first, last] of [
    [0, 6752, 16034406405n, 16167102427n],
    [1, 10129, 16038038144n, 16163006930n],
    [2, 5424, 16038052284n, 16167102176n],
    [3, 3902, 16034319974n, 16162949356n],
  ] as const) {
    const own = perCpu(events, cpu);
    expect(own).toHaveLength(number);
    expect(own[0]!.time).toBe(((first + 500n) / 1000n) * 1000n);
    expect(own.at(-1)!.time).toBe(((last + 500n) / 1000n) * 1000n);
  }
});

test('tracefs text: flags, addresses, bits and values', async () => {
  const { capture, events } = readAll(await smallCapture(TRACE));
  // Counted with awk in columns 32 to 36 of the text (d 11818 times, D 8 times).
  expect(events.filter(({ flags }) => flags & FLAGS['irqs-off'])).toHaveLength(11826);
  expect(events.filter(({ flags }) => flags & FLAGS.hardirq)).toHaveLength(3211);
  expect(events.filter(({ flags }) => flags & FLAGS.softirq)).toHaveLength(1565);
  expect(events.filter(({ flags }) => flags & FLAGS['preempt-off'])).toHaveLength(18317);
  expect(events.filter(({ flags }) => flags & FLAGS['irqs-unknown'])).toHaveLength(0);

  const acquired = events.find(({ name }) => name === 'bit_spin_acquired')!;
  expect(acquired).toMatchObject({
    time: 16051978000n,
    address: 0xffff88827734ea98n,
    bit: 0,
    value: 0xffff88810224b759n,
    kind: KINDS.indexOf('acquire'),
    cpu: 1,
    pid: 1,
    flags: FLAGS['preempt-off'] | (1 << 14),
  });
  const begin = events.find(({ name }) => name === 'contention_begin')!;
  expect(begin).toMatchObject({ address: 0xffff8882777f6ce0n, kind: KINDS.indexOf('contend'), bit: 0xff });
  expect(begin.flags & 0x3fff).toBe(FLAGS['preempt-off'] | FLAGS.spin | FLAGS.mutex);
  expect(namespaceOf(begin.flags)).toBe(2);
  const read = events.find(({ name, pid }) => name === 'lock_acquire' && pid === 105)!;
  expect(read).toMatchObject({ address: 0xffff888105528420n, flags: FLAGS.read });
  const change = events.find(({ name, cpu }) => name === 'sched_switch' && cpu === 1)!;
  expect(change).toMatchObject({ kind: KINDS.indexOf('switch'), pid: 0, value: 67n << 32n });
  expect(capture.comm(67)).toBe('kworker/u16:6');
});

test('tracefs latency-format shows the same events, in microseconds from the beginning', async () => {
  const normal = readAll(await smallCapture(TRACE));
  const latency = readAll(await smallCapture(LATENCY));
  expect(latency.capture).toMatchObject({
    format: 'ftrace text (latency format)',
    clock: { unit: 'relative' },
    cpuCount: 4,
    kernel: '6.12.117-bitlock',
  });
  expect(damageOf(latency.capture)).toEqual([]);
  expect(latency.capture.lanes[0]!.lost).toBe(0);
  for (const cpu of [0, 1, 2, 3]) {
    const wanted = perCpu(normal.events, cpu);
    const got = perCpu(latency.events, cpu);
    expect(got.map(untimed)).toEqual(wanted.map(untimed));
    // Both are rounded, the one from the clock's zero, the other from the first event.
    const shifts = new Set(got.map((event, n) => wanted[n]!.time - event.time));
    expect([...shifts].sort()).toEqual([14427029000n, 14427030000n]);
  }
});

test('trace-cmd report: no flags, so interrupts are unknown', async () => {
  const { capture, events } = readAll(await smallCapture(REPORT));
  expect(capture).toMatchObject({ format: 'trace-cmd report', clock: { unit: 'ns' }, cpuCount: 4 });
  expect(capture.lanes[0]!.lost).toBeNull();
  expect(damageOf(capture)).toEqual([]);
  expect(Object.fromEntries(count(events, ({ name }) => name))).toEqual(REPORT_COUNTS);
  expect(Object.fromEntries(count(events, ({ cpu }) => cpu))).toEqual({ 0: 8313, 1: 6373, 2: 5137, 3: 3980 });
  expect(events.every(({ flags }) => flags & FLAGS['irqs-unknown'])).toBe(true);
  expect(events.some(({ flags }) => flags & (FLAGS['irqs-off'] | FLAGS['preempt-off']))).toBe(false);
  expect(events[0]).toMatchObject({ time: 17304869000n, address: 0xffffffff81ff0c70n, cpu: 1, pid: 113 });
  // trace-cmd's plugin prints "swapper/3:0 [120] R ==> trace-cmd:111 [120]".
  const change = events.find(({ name }) => name === 'sched_switch')!;
  expect(change).toMatchObject({ cpu: 3, pid: 0, value: 111n << 32n });
});

test('the reader knows these captures by their first bytes, and sees them whatever the name', async () => {
  for (const name of [TRACE, LATENCY, REPORT]) {
    const bytes = await smallCapture(name);
    expect(ftraceTextReader.sniff(bytes.subarray(0, ftraceTextReader.sniffBytes), {})).toBe(true);
    const capture = await ftraceTextReader.open(sourceOf(bytes), {});
    expect(capture.types.length).toBe(20);
    expect(capture.progress()).toEqual({ done: 0, total: bytes.length });
    capture.close();
  }
});

test('the order of types is that of their first appearance', async () => {
  const { capture } = readAll(await smallCapture(TRACE));
  expect(capture.types.slice(0, 3)).toEqual([
    { id: 1, system: '', name: 'lock_release' },
    { id: 2, system: '', name: 'irq_disable' },
    { id: 3, system: '', name: 'irq_enable' },
  ]);
  expect(capture.rows[1]).toMatchObject({ type: 1, kind: KINDS.indexOf('release'), address: { size: 8 } });
});

test('any chunk size and any room for records give the same bytes', async () => {
  const text = (await smallCapture(TRACE)).subarray(0, 300_000);
  const { records } = readAll(text);
  expect(records.length).toBeGreaterThan(40 * 2500);
  for (const chunk of [97, 4096, 65_537, 1 << 20]) {
    expect(Buffer.compare(readAll(text, { chunk }).records, records)).toBe(0);
  }
  const start = text.subarray(0, 5000);
  expect(Buffer.compare(readAll(start, { chunk: 1 }).records, readAll(start).records)).toBe(0);
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FLAGS } from '../../../src/model/event.ts';
import { EventLine, parseEventLine } from '../../../src/trace/ftrace-text/line.ts';
import { encode } from './harness.ts';

interface Parsed {
  readonly comm: string;
  readonly pid: number;
  readonly cpu: number;
  readonly flags: number;
  readonly time: bigint;
  readonly form: string;
  readonly latency: boolean;
  readonly name: string;
  readonly text: string;
}

/** Parses a line that stands between two others, as in a window. */
function parse(text: string): Parsed | null {
  const before = encode('another line\n');
  const whole = encode(
    `another line\n${text}\n       trace-cmd-108     [003] .....    16.034320: other: 1\n`,
  );
  const start = before.length;
  const end = start + encode(text).length;
  const line = new EventLine();
  if (!parseEventLine(whole, start, end, line)) return null;
  const cut = (from: number, to: number) => new TextDecoder().decode(whole.subarray(from, to));
  return {
    comm: cut(line.commStart, line.commEnd),
    pid: line.pid,
    cpu: line.cpu,
    flags: line.flags,
    time: line.time,
    form: line.timeForm,
    latency: line.latency,
    name: cut(line.nameStart, line.nameEnd),
    text: cut(line.textStart, line.textEnd),
  };
}

const UNKNOWN = FLAGS['irqs-unknown'];

test.each<[string, string, Partial<Parsed>]>([
  [
    'tracefs, five flags',
    '       trace-cmd-108     [003] d..2.    16.034320: lock_release: ffffffff81ff0c70 trace_types_lock',
    {
      comm: 'trace-cmd',
      pid: 108,
      cpu: 3,
      flags: FLAGS['irqs-off'] | FLAGS['preempt-off'],
      time: 16034320000n,
      form: 'seconds',
      latency: false,
      name: 'lock_release',
      text: 'ffffffff81ff0c70 trace_types_lock',
    },
  ],
  [
    'tracefs before late 2021, four flags',
    '     ksoftirqd/1-14    [001] ..s1  1234.000001: softirq_entry: vec=1 [action=TIMER]',
    {
      comm: 'ksoftirqd/1',
      flags: FLAGS.softirq | FLAGS['preempt-off'],
      time: 1234000001000n,
      text: 'vec=1 [action=TIMER]',
    },
  ],
  [
    'tracefs with tgids',
    '            init-105     (    105) [000] d.h1.    16.034406: irq_disable: caller=a parent=b',
    { comm: 'init', pid: 105, cpu: 0, flags: 0x0001 | FLAGS.hardirq | FLAGS['preempt-off'] },
  ],
  [
    'an unknown tgid',
    '           <...>-105     (-------) [000] .....    16.034406: x: 1',
    { comm: '<...>', pid: 105 },
  ],
  [
    'a tgid in brackets',
    '            init-105   [  105] [002] .....    16.034406: x: 1',
    { pid: 105, cpu: 2 },
  ],
  [
    'trace-cmd report',
    '       trace-cmd-105   [000]    14.312671: irq_disable:          caller=x+0x15 parent=0x0',
    {
      pid: 105,
      cpu: 0,
      flags: UNKNOWN,
      time: 14312671000n,
      name: 'irq_disable',
      text: 'caller=x+0x15 parent=0x0',
    },
  ],
  [
    'trace-cmd report -t',
    '       trace-cmd-105   [000]    14.312670848: irq_disable:          caller=x',
    { time: 14312670848n },
  ],
  [
    'trace-cmd report 3.4, which prints flags',
    '          <idle>-0     [001] dNh1.    14.312671: console:              a: b',
    { comm: '<idle>', pid: 0, cpu: 1, flags: 0x0001 | FLAGS.hardirq | FLAGS['preempt-off'], text: 'a: b' },
  ],
  [
    'trace-cmd report -R of 3.4, which prints flags as a number',
    '       trace-cmd-105   [000]-0x59   14.312671: irq_disable:           caller_offs=5293054',
    { flags: FLAGS['irqs-off'] | FLAGS.hardirq | FLAGS.softirq | FLAGS.nmi, text: 'caller_offs=5293054' },
  ],
  ['a raw lazy reschedule', '       trace-cmd-105   [000]-0x2   14.312671: a: b', { flags: UNKNOWN }],
  [
    'trace-cmd report --ts-diff',
    '       trace-cmd-105   [000]    14.313791: (+1120)  irq_enable:           caller=x',
    { name: 'irq_enable', text: 'caller=x' },
  ],
  [
    'a clock of bare integers',
    '          <idle>-0     [003] 58503202776: irq_disable:          caller=x',
    { time: 58503202776n, form: 'integer', cpu: 3 },
  ],
  [
    'tracefs latency-format',
    'trace-cm-108       3d..1. 1607290us+: lock_release: ffffffff81ff0c70 trace_types_lock',
    {
      comm: 'trace-cm',
      pid: 108,
      cpu: 3,
      flags: 0x0001 | FLAGS['preempt-off'],
      time: 1607290000n,
      form: 'microseconds',
      latency: true,
      name: 'lock_release',
    },
  ],
  [
    'a latency line without a mark',
    '    init-1         0...1. 1740070us : contention_end: 1',
    { time: 1740070000n },
  ],
  [
    'the irqsoff tracer',
    '  <idle>-0      12d.s3    0us$: _raw_spin_lock <-run_timers',
    { cpu: 12, name: '', text: '_raw_spin_lock <-run_timers' },
  ],
  [
    'trace-cmd report -l',
    'trace-cm-105     0d.H...    14.312671: irq_disable:          caller=x',
    { cpu: 0, flags: 0x0001 | FLAGS.hardirq | FLAGS.softirq, form: 'seconds', latency: true },
  ],
  ['NMI', '       trace-cmd-105   [000] d.z..    14.312671: a: b', { flags: 0x0001 | FLAGS.nmi }],
  [
    'NMI in a hardirq',
    '       trace-cmd-105   [000] d.Z..    14.312671: a: b',
    { flags: 0x0001 | FLAGS.nmi | FLAGS.hardirq },
  ],
  ['bottom halves off', '       trace-cmd-105   [000] bn...    14.312671: a: b', { flags: 0 }],
  ['both off', '       trace-cmd-105   [000] Dp...    14.312671: a: b', { flags: FLAGS['irqs-off'] }],
  ['no word about interrupts', '       trace-cmd-105   [000] X....    14.312671: a: b', { flags: UNKNOWN }],
  [
    'lazy rescheduling',
    '       trace-cmd-105   [000] .L.f1    14.312671: a: b',
    { flags: FLAGS['preempt-off'] },
  ],
  ['an event without a text', '       trace-cmd-105   [000] .....    14.312671: a:', { name: 'a', text: '' }],
  ['no event at all', '       trace-cmd-105   [000] .....    14.312671: ', { name: '', text: '' }],
  [
    'the function tracer',
    '            bash-2    [000] ....1    14.312671: __schedule <-schedule',
    { name: '', text: '__schedule <-schedule' },
  ],
  [
    'the sched_switch tracer',
    '            bash-2    [000] ....    14.312671:    2:120:R ==> [000]  3:120:R sh',
    { name: '' },
  ],
  [
    'more than 104 days',
    '            bash-2    [000] .....  1700000000.123456: a: b',
    { time: 1700000000123456000n },
  ],
  ['the largest time', '            bash-2    [000] 18446744073709551615: a: b', { time: (1n << 64n) - 1n }],
  ['a long pid', '            bash-4194303 [4095] .....    14.312671: a: b', { pid: 4194303, cpu: 4095 }],
  ['indentation lost', 'trace-cmd-108     [003] .....    16.034320: a: b', { comm: 'trace-cmd', pid: 108 }],
  [
    'a prefix of trace-cmd for several files',
    'lost-unlock.dat:        trace-cmd-105   [000]    14.312671: a: b',
    { pid: 105, name: 'a' },
  ],
  [
    'a comm that looks like columns',
    ' x-1 [0] d..1. 1-123     [002] d..1.    12.345678: sched_switch: prev_comm=a-5 [001] 1.2: b',
    { comm: 'x-1 [0] d..1. 1', pid: 123, cpu: 2, time: 12345678000n, name: 'sched_switch' },
  ],
  [
    'a comm of spaces and colons',
    '   my-app [1]: x-123     [002] d..1.    12.345678: a: b',
    { comm: 'my-app [1]: x', pid: 123 },
  ],
  [
    'an event that quotes a line',
    '          bash-77 [000] ...1.    12.345678: print: foo-1 [003] 1.000000: a: b',
    { pid: 77, cpu: 0 },
  ],
])('%s', (_, text, wanted) => {
  expect(parse(text)).toMatchObject(wanted);
  // Damage to the end of the columns must not be read on into the next line.
  expect(parse(text.slice(0, text.indexOf('[') + 3))).toBeNull();
});

test.each([
  '',
  '-',
  'CPU:3 [400042 EVENTS DROPPED]',
  '# tracer: nop',
  'cpus=4',
  'swapper     0 [003]    12.345678: lock:contention_begin: 0xffff (flags=SPIN)', // perf script
  '[   12.345678] watchdog: BUG: soft lockup - CPU#3 stuck for 26s! [fake_endio:108]',
  'trace-cmd-108     [003] .....    16.034320 lock_release: no colon',
  'trace-cmd-108     [003] ..q..    16.034320: not a flag',
  'trace-cmd-108     [003] d....    16.: no decimals',
  'trace-cmd-108     [003] d....    16.0123456789: ten decimals',
  'trace-cmd-108     [003] d....    184467440737095516150: too long',
  'trace-cmd-108     [003] d....    18446744073.709551616: beyond 64 bits',
  'trace-cmd-108     [65535] d....  16.034320: too many CPUs',
  'trace-cmd-2147483648 [003] d....  16.034320: not a pid',
  'trace-cmd-108     3 d....        16.034320: a: gap',
  'error-1 (see [1] at 10.5: below)',
])('no event line: %s', (text) => {
  expect(parse(text)).toBeNull();
});

/** Any bytes but a line feed, with what the columns consist of over-represented. Leading blanks are indentation. */
const comm = (longest: number) =>
  fc
    .string({
      unit: fc.constantFrom(
        ...'-[]():.0123456789 dsuXab/é#\t,<>=',
        '-1 ',
        ' [000] ',
        ': ',
        '1.5: ',
        '0us: ',
        'd..1. ',
      ),
      maxLength: longest,
    })
    .map((text) => new TextDecoder().decode(encode(text).subarray(0, longest)).replace(/\ufffd/g, ''))
    .filter((text) => text === text.trimStart());

const number = (max: number) => fc.integer({ min: 0, max });
const flagColumns = fc
  .tuple(
    fc.constantFrom('d', 'D', 'b', 'X', '.'),
    fc.constantFrom('N', 'n', 'p', 'B', 'b', 'L', 'l', '.'),
    fc.constantFrom('Z', 'z', 'H', 'h', 's', '.'),
    fc.constantFrom(...'.123456789abcdef'),
    fc.constantFrom('', ...'.123456789abcdef'),
  )
  .map((columns) => columns.join(''));

function flagsOf(columns: string): number {
  const irqs = { d: FLAGS['irqs-off'], D: FLAGS['irqs-off'], X: UNKNOWN }[columns[0]!] ?? 0;
  const { nmi, hardirq, softirq } = FLAGS;
  const context =
    { Z: nmi | hardirq, z: nmi, H: hardirq | softirq, h: hardirq, s: softirq }[columns[2]!] ?? 0;
  return irqs | context | (columns[3] === '.' ? 0 : FLAGS['preempt-off']);
}

/** printf's %16s and %-7d count bytes. */
const padded = (text: string, width: number) => ' '.repeat(Math.max(0, width - encode(text).length)) + text;
const cpuColumn = (cpu: number) => `[${String(cpu).padStart(3, '0')}]`;

const event = fc.record({
  pid: number(4194304),
  cpu: number(8191),
  flags: flagColumns,
  seconds: number(20_000_000),
  micros: number(999_999),
  name: fc.stringMatching(/^[a-z_][a-z0-9_]{0,20}$/),
  text: comm(60).map((text) => text.trimEnd()),
});

type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;
const nanoseconds = ({ seconds, micros }: Event) => BigInt(seconds) * 1_000_000_000n + BigInt(micros) * 1000n;
const secondsColumn = ({ seconds, micros }: Event) =>
  `${String(seconds).padStart(5)}.${String(micros).padStart(6, '0')}`;

const STYLES: Record<string, (e: Event, name: string) => string> = {
  tracefs: (e, name) =>
    `${padded(name, 16)}-${String(e.pid).padEnd(7)} ${cpuColumn(e.cpu)} ${e.flags} ${secondsColumn(e)}: ${e.name}: ${e.text}`,
  'tracefs with tgid': (e, name) =>
    `${padded(name, 16)}-${String(e.pid).padEnd(7)} (${String(e.pid).padStart(7)}) ${cpuColumn(e.cpu)} ${e.flags} ${secondsColumn(e)}: ${e.name}: ${e.text}`,
  'trace-cmd report': (e, name) =>
    `${padded(name, 16)}-${String(e.pid).padEnd(5)} ${cpuColumn(e.cpu)} ${secondsColumn(e)}: ${`${e.name}: `.padEnd(22)}${e.text}`,
};

test.each(Object.entries(STYLES))('%s: whatever the comm, the line reads back', (style, print) => {
  fc.assert(
    fc.property(event, comm(15), (e, name) => {
      expect(parse(print(e, name))).toEqual({
        comm: name,
        pid: e.pid,
        cpu: e.cpu,
        flags: style === 'trace-cmd report' ? UNKNOWN : flagsOf(e.flags),
        time: nanoseconds(e),
        form: 'seconds',
        latency: false,
        name: e.name,
        text: e.text,
      });
    }),
    { numRuns: 2000 },
  );
});

test('latency styles: whatever the comm, the line reads back', () => {
  fc.assert(
    fc.property(event, comm(8), fc.constantFrom(...'$@*#!+ '), fc.boolean(), (e, name, mark, traceCmd) => {
      const micros = nanoseconds(e) / 1000n;
      const time = traceCmd ? ` ${secondsColumn(e)}: ` : ` ${String(micros).padStart(4)}us${mark}: `;
      const pid = String(e.pid).padEnd(traceCmd ? 5 : 7);
      const printed = `${padded(name, 8)}-${pid} ${String(e.cpu).padStart(3)}${e.flags}${time}${e.name}: ${e.text}`;
      expect(parse(printed)).toEqual({
        comm: name,
        pid: e.pid,
        cpu: e.cpu,
        flags: flagsOf(e.flags),
        time: nanoseconds(e),
        form: traceCmd ? 'seconds' : 'microseconds',
        latency: true,
        name: e.name,
        text: e.text,
      });
    }),
    { numRuns: 2000 },
  );
});

import { describe, expect, test } from 'vitest';
import { FLAGS, KINDS } from '../../../src/model/event.ts';
import { openFtraceText } from '../../../src/trace/ftrace-text/reader.ts';
import { damageOf, readAll, readRecords, sourceOf } from './harness.ts';

const at = (micros: number, cpu: number, text: string) =>
  `${'init'.padStart(16)}-105     [${String(cpu).padStart(3, '0')}] .....  ${`1.${String(micros).padStart(6, '0')}`}: ${text}\n`;
const LOST = KINDS.indexOf('lost');

describe('headers', () => {
  test('what the ring had overwritten by the time it was read', () => {
    const { capture, events } = readAll(
      `# tracer: nop\n#\n# entries-in-buffer/entries-written: 358096/10552611   #P:4\n#\n${at(1, 0, 'a: 1')}`,
    );
    expect(events).toHaveLength(1);
    expect(capture.lanes[0]!.lost).toBe(10552611 - 358096);
    expect(capture.cpuCount).toBe(4);
    expect(capture.damage()).toMatchObject([
      { name: 'overwritten', severity: 'data loss', count: 10194515 },
      { name: 'missing-entries', severity: 'error', count: 358095 },
    ]);
    expect(capture.damage()[0]!.text).toContain('on which CPU');
  });

  test('fewer events than it promises, but for a few that came and went while it was printed', () => {
    const lines = (count: number): string =>
      Array.from({ length: count }, (_, n) => at(n + 1, 0, 'a: 1')).join('');
    const missing = (promised: number, held: number): number[] =>
      readAll(
        `# tracer: nop\n# entries-in-buffer/entries-written: ${promised}/${promised}   #P:4\n${lines(held)}`,
      )
        .capture.damage()
        .map(({ count }) => count);
    expect(missing(200, 200)).toEqual([]);
    expect(missing(200, 199)).toEqual([]);
    expect(missing(200, 201)).toEqual([]);
    expect(missing(200, 198)).toEqual([2]);
  });

  test('fewer events than it promises are no damage of the file where marks tell that they were overwritten', () => {
    const text = `# tracer: nop\n# entries-in-buffer/entries-written: 200/200   #P:4\n`;
    const { capture } = readAll(`${text}CPU:0 [LOST 150 EVENTS]\n${at(1, 0, 'a: 1')}`);
    expect(capture.damage()).toMatchObject([
      { name: 'lost-events', count: 150 },
      { name: 'missing-entries', severity: 'data loss', text: expect.stringContaining('went on') as string },
    ]);
  });

  test('the latency tracers: kernel, CPUs, losses, and a unit that is only relative', () => {
    const { capture, events } = readAll(
      `# tracer: irqsoff
#
# irqsoff latency trace v1.1.5 on 6.12.117-rt1
# --------------------------------------------------------------------
# latency: 259 us, #4/9, CPU#2 | (M:preempt VP:0, KP:0, SP:0 HP:0 #P:8)
#    -----------------
#    | task: ps-6143 (uid:0 nice:0 policy:0 rt_prio:0)
#    -----------------
#  => started at: __lock_task_sighand
#  => ended at:   _raw_spin_unlock_irqrestore
#
      ps-6143    2d...    0us!: trace_hardirqs_off <-__lock_task_sighand
      ps-6143    2d..1  259us+: trace_hardirqs_on <-_raw_spin_unlock_irqrestore
      ps-6143    2d..1  263us+: time_hardirqs_on <-_raw_spin_unlock_irqrestore
      ps-6143    2d..1  306us : <stack trace>
 => trace_hardirqs_on_caller
 => trace_hardirqs_on
`,
    );
    expect(capture).toMatchObject({
      kernel: '6.12.117-rt1',
      cpuCount: 8,
      clock: { unit: 'relative', name: 'unknown' },
    });
    expect(events.map(({ time }) => time)).toEqual([0n, 259000n, 263000n, 306000n]);
    expect(capture.types).toEqual([{ id: 1, system: '', name: 'function' }]);
    expect(damageOf(capture)).toEqual(['overwritten: 5']);
    expect(capture.record({ lane: 0, offset: 120 })!.text).toBe(
      '<stack trace>\n => trace_hardirqs_on_caller\n => trace_hardirqs_on',
    );
  });

  test('a trace without events is a valid capture', () => {
    const { capture, events } = readAll(
      '# tracer: nop\n#\n# entries-in-buffer/entries-written: 0/0   #P:4\n#\n',
    );
    expect(events).toEqual([]);
    expect(damageOf(capture)).toEqual([]);
    expect(capture).toMatchObject({ cpuCount: 4, types: [] });
    expect(capture.lanes[0]!.read(new Uint8Array(40))).toBe(0);
    expect(capture.record({ lane: 0, offset: 0 })).toBeNull();
  });

  test('what trace-cmd prints before it begins is no damage', () => {
    const { capture, events } = readAll(
      `version = 7\ntrace-cmd: warning - no plugins\n  [kvm:kvm_exit] function kvm_foo not defined\n  Error: expected type 5\n\ncpus=12\n${at(1, 0, 'a: 1')}`,
    );
    expect(events).toHaveLength(1);
    expect(capture).toMatchObject({ cpuCount: 12, format: 'trace-cmd report' });
    expect(damageOf(capture)).toEqual([]);
  });

  test('the function_graph tracer is refused by name', () => {
    const text =
      '# tracer: function_graph\n#\n# CPU  DURATION                  FUNCTION CALLS\n# |     |   |\n 0)   1.234 us    |  foo();\n';
    expect(() => openFtraceText(sourceOf(text))).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }));
  });

  test('a byte order mark and CRLF are tolerated', () => {
    const text = `\ufeff# tracer: nop\r\n# entries-in-buffer/entries-written: 1/1   #P:2\r\n${(at(1, 1, 'a: b') + at(2, 1, 'lock_acquire: ffffffff81fdef20 x y')).replaceAll('\n', '\r\n')}`;
    for (const chunk of [1, 3, 1000]) {
      const { capture, events } = readAll(text, { chunk });
      expect(capture.cpuCount).toBe(2);
      expect(events).toMatchObject([{ cpu: 1, name: 'a' }, { address: 0xffffffff81fdef20n }]);
      expect(capture.record({ lane: 0, offset: 0 })!.text).toBe('b');
      expect(capture.record({ lane: 0, offset: 40 })!.fields).toContainEqual({ name: 'name', value: 'x y' });
      expect(damageOf(capture)).toEqual([]);
    }
  });

  test('a header without end is given up, not the events behind it', () => {
    const comments = `# ${'x'.repeat(60_000)}\n`.repeat(300);
    const { capture, events } = readAll(comments + at(1, 0, 'a: 1'));
    expect(events).toHaveLength(1);
    expect(damageOf(capture)).toEqual([]);
  });
});

describe('lost events', () => {
  test('become records at the time of the event behind the mark', () => {
    const { capture, events } = readAll(
      `cpus=4\nCPU:3 [400042 EVENTS DROPPED]\n${at(5, 3, 'a: 1')}${at(6, 1, 'a: 1')}CPU:1 [EVENTS DROPPED]\nCPU:2 [LOST 7 EVENTS]\n${at(9, 1, 'a: 2')}CPU:0 [LOST EVENTS]\n`,
    );
    expect(events.map(({ kind, cpu, time, value }) => [kind, cpu, time, value])).toEqual([
      [LOST, 3, 1000005000n, 400042n],
      [0, 3, 1000005000n, 0n],
      [0, 1, 1000006000n, 0n],
      [LOST, 1, 1000009000n, 0n],
      [LOST, 2, 1000009000n, 7n],
      [0, 1, 1000009000n, 0n],
      [LOST, 0, 1000009000n, 0n], // nothing behind it: the last time seen
    ]);
    expect(capture.damage()).toMatchObject([
      { name: 'lost-events', severity: 'data loss', count: 400051, offset: 7 },
    ]);
    expect(capture.record({ lane: 0, offset: 0 })).toBeNull();
    expect(capture.record({ lane: 0, offset: 5 * 40 })!.text).toBe('2');
  });

  test('a page boundary that trace-cmd marks is none', () => {
    const { capture, events } = readAll(`${at(5, 3, 'a: 1')}CPU:3 [SUBBUFFER START]\n${at(6, 3, 'a: 1')}`);
    expect(events).toHaveLength(2);
    expect(damageOf(capture)).toEqual([]);
  });

  test('thousands of marks in a row stay bounded and in order', () => {
    const marks = Array.from({ length: 5000 }, (_, n) => `CPU:${n % 8} [${n + 1} EVENTS DROPPED]\n`).join('');
    const { capture, events } = readAll(`${at(5, 3, 'a: 1')}${marks}${at(9, 3, 'a: 2')}`);
    expect(events).toHaveLength(5002);
    expect(events.slice(1, -1).map(({ value }) => Number(value))).toEqual(
      Array.from({ length: 5000 }, (_, n) => n + 1),
    );
    expect(capture.record({ lane: 0, offset: 5001 * 40 })!.text).toBe('2');
    // Those that could not wait have the time of the last event in front of them.
    expect([events[1]!.time, events[5000]!.time]).toEqual([1000005000n, 1000009000n]);
  });
});

describe('messages of several lines', () => {
  const text =
    at(1, 0, 'console: NMI backtrace') +
    'RIP: 0010:bitlock_traced_lock+0x199/0x1d1\n\nCode: 81 c6 05: 9a\n' +
    at(2, 0, 'tracing_mark_write: one') +
    'two\n' +
    at(3, 0, 'irq_disable: caller=x parent=y') +
    'neither: a message nor an event\n' +
    at(4, 0, 'kernel_stack:         <stack trace >') +
    '=> do_idle (ffffffff81088eef)\n=> cpu_startup_entry (ffffffff810890cd)\n' +
    at(5, 0, 'lock_acquire: ffffffff81fdef20 a');

  test('belong to their event, and lines behind an event that prints none are damage', () => {
    const { capture, events } = readAll(text);
    expect(events.map(({ name }) => name)).toEqual([
      'console',
      'tracing_mark_write',
      'irq_disable',
      'kernel_stack',
      'lock_acquire',
    ]);
    expect(events[0]!.kind).toBe(KINDS.indexOf('message'));
    expect(capture.damage()).toMatchObject([
      { name: 'unparsed-lines', severity: 'error', count: 1, offset: text.indexOf('neither') },
    ]);
    const record = (n: number) => capture.record({ lane: 0, offset: 40 * n })!.text;
    expect(record(0)).toBe('NMI backtrace\nRIP: 0010:bitlock_traced_lock+0x199/0x1d1\n\nCode: 81 c6 05: 9a');
    expect(record(1)).toBe('one\ntwo');
    expect(record(2)).toBe('caller=x parent=y');
    expect(record(3)).toContain('=> cpu_startup_entry');
  });

  test('each message has its own', () => {
    const message = at(1, 0, 'console: x') + 'some prose\n'.repeat(60);
    expect(damageOf(readAll(message + message).capture)).toEqual([]);
  });

  test('a stack belongs to any event', () => {
    const stack = ' => do_idle\n => cpu_startup_entry\n';
    expect(damageOf(readAll(at(1, 0, 'lock_acquire: ffffffff81fdef20 a') + stack).capture)).toEqual([]);
  });

  test('but not for ever', () => {
    const { capture, events } = readAll(`${at(1, 0, 'console: x')}${'some prose\n'.repeat(1000)}`);
    expect(events).toHaveLength(1);
    expect(damageOf(capture)).toEqual(['unparsed-lines: 936']);
  });

  test('and an event line with a broken column is none of them', () => {
    const broken = at(2, 0, 'a: 1').replace('.....', '..?..');
    const { capture } = readAll(`${at(1, 0, 'console: x')}${broken}`);
    expect(damageOf(capture)).toEqual(['unparsed-lines: 1']);
  });
});

describe('time', () => {
  const integer = '          <idle>-0     [003] 58503202776: irq_disable:          caller=x\n';

  test('integers of trace-cmd are taken as nanoseconds, which is said', () => {
    const { capture, events } = readAll(`cpus=4\n${integer}`);
    expect(events[0]!.time).toBe(58503202776n);
    expect(capture.clock).toEqual({ name: 'unknown', unit: 'ns' });
    expect(damageOf(capture)).toEqual(['time-unit-assumed: 1']);
  });

  test('integers of tracefs are not nanoseconds: the kernel prints them for x86-tsc, counter and uptime only', () => {
    const { capture } = readAll(`# tracer: nop\n# entries-in-buffer/entries-written: 1/1   #P:4\n${integer}`);
    expect(capture.clock).toEqual({ name: 'unknown', unit: 'cycles' });
    expect(damageOf(capture)).toEqual([]);
  });

  test('the same in what trace-cmd passes on from a latency tracer', () => {
    const { capture } = readAll(
      `cpus=4\n# tracer: irqsoff\n# irqsoff latency trace v1.1.5 on 6.1.0\n${integer}`,
    );
    expect(capture.clock.unit).toBe('cycles');
  });

  test('a step backwards keeps the order of the file', () => {
    const { events } = readAll(at(9, 0, 'a: 1') + at(5, 1, 'a: 2') + at(7, 0, 'a: 3'));
    expect(events.map(({ time }) => Number(time % 1000000n) / 1000)).toEqual([9, 5, 7]);
  });

  test('another form of time in the middle is damage', () => {
    const { capture, events } = readAll(at(1, 0, 'a: 1') + integer + at(3, 0, 'a: 2'));
    expect(events).toHaveLength(3);
    expect(damageOf(capture)).toEqual(['mixed-times: 1']);
  });
});

test('a last line without a line end is a sign of life: its fields may be cut', () => {
  const { capture, events } = readAll(
    (at(1, 0, 'irq_disable: a') + at(2, 0, 'lock_acquire: ffffffff81fdef20 abc')).slice(0, -1),
  );
  expect(events).toMatchObject([
    { kind: KINDS.indexOf('irqs off') },
    { kind: 0, address: 0n, name: 'lock_acquire' },
  ]);
  expect(capture.damage()).toMatchObject([{ name: 'cut-last-line', severity: 'info', count: 1 }]);
});

describe('a text cut in its last line', () => {
  const before = at(1, 0, 'irq_disable: a');
  const last = at(2, 0, 'lock_acquire: ffffffff81fdef20 abc').slice(0, -1);
  const cutTo = (end: string): string => before + last.slice(0, last.indexOf(end) + end.length);

  test.each(['[00', '1.00', ': lock_acq', 'lock_acquire:', 'lock_acquire: '])('is told at %j', (end) => {
    const { capture, events } = readAll(cutTo(end));
    expect(capture.damage()).toMatchObject([
      { name: 'truncated', severity: 'error', count: 1, offset: before.length },
    ]);
    expect(events.slice(1).filter(({ address }) => address !== 0n)).toEqual([]);
  });

  test('is no cut where a mark of losses is whole, and one where it is not', () => {
    expect(damageOf(readAll(`${before}CPU:0 [LOST 12 EVENTS]`).capture)).toEqual(['lost-events: 12']);
    expect(damageOf(readAll(`${before}CPU:0 [LOST 12 EV`).capture)).toEqual(['cut-last-line: 1']);
  });

  test('is one wherever it ends, if the header counts more events than there are', () => {
    const header = `# tracer: nop\n# entries-in-buffer/entries-written: 5/5   #P:4\n`;
    const { capture } = readAll(header + at(0, 0, 'b: 1') + before + last);
    expect(capture.damage()).toMatchObject([
      { name: 'truncated', severity: 'error', offset: (header + at(0, 0, 'b: 1') + before).length },
      {
        name: 'missing-entries',
        severity: 'error',
        count: 2,
        text: 'Of 5 events that its header counts, the text holds 3: it was cut or filtered, and what is missing can change every verdict.',
      },
    ]);
  });

  test('takes the end of every CPU away only where texts of single CPUs were joined', () => {
    const whole = readAll(before + last).capture;
    expect(whole.isCut).toBe(false);
    const joined = openFtraceText(sourceOf(`${at(5, 0, 'a: 1')}${at(1, 1, 'b: 1')}      trace-cmd-1`));
    joined.arrange!(() => expect.unreachable());
    for (const lane of joined.lanes) while (lane.read(new Uint8Array(4000)) > 0);
    expect(damageOf(joined)).toEqual(expect.arrayContaining(['truncated: 1']));
    expect(joined.isCut).toBe(true);
  });
});

test('the place of a record leads back to its line, and so does its lane position', () => {
  const lines = Array.from({ length: 10_000 }, (_, n) =>
    n % 1000 === 7 ? 'CPU:0 [EVENTS DROPPED]\n' : at(n, n % 4, `e${n % 50}: n=${n}`),
  );
  const text = `# tracer: nop\n${lines.join('')}`;
  const { capture, events } = readAll(text);
  expect(events).toHaveLength(10_000);
  const converted = openFtraceText(sourceOf(text));
  const { text: kept } = converted.keepsake!();
  readRecords(converted);
  let offset = '# tracer: nop\n'.length;
  for (const [n, line] of lines.entries()) {
    expect(kept!.placeOf(n)).toBe(offset);
    offset += line.length;
  }
  for (const n of [0, 6, 8, 4095, 4096, 4097, 8191, 8192, 9999]) {
    const record = capture.record({ lane: 0, offset: 40 * n })!;
    expect(record.text).toBe(`n=${n}`);
    expect(record.type).toEqual(capture.types[events[n]!.type - 1]);
  }
  expect(capture.record({ lane: 0, offset: 40 * 1007 })).toBeNull();
  for (const offset of [40 * 10_000, -40, 20, 0.5, NaN])
    expect(capture.record({ lane: 0, offset })).toBeNull();
  expect(capture.record({ lane: 1, offset: 0 })).toBeNull();
  // A capture that has read nothing yet finds it as well, only slower, and numbers no type by that.
  const unread = openFtraceText(sourceOf(text));
  expect(unread.record({ lane: 0, offset: 40 * 9999 })!.text).toBe('n=9999');
  expect(unread.types).toEqual(capture.types);
});

test('names of tasks are forgotten only beyond 65536 of them', () => {
  const lines = Array.from(
    { length: 70_000 },
    (_, n) => `${`t${n}`.padStart(16)}-${n + 1} [000] ..... 1.000001: a: 1\n`,
  ).join('');
  const { capture } = readAll(lines);
  expect(capture.comm(70_000)).toBe('t69999');
  expect(capture.comm(70_000 - 65_535)).toBe('t4464');
  expect(capture.comm(70_000 - 65_536)).toBeNull();
});

test('a task that changes its name', () => {
  const line = (comm: string) => `${comm.padStart(16)}-105 [000] ..... 1.000001: a: 1\n`;
  const { capture } = readAll(line('sh') + line('tâche') + line('<...>') + line('tâche'));
  expect(capture.comm(105)).toBe('tâche');
  expect(capture.record({ lane: 0, offset: 0 })!.comm).toBe('sh');
});

test('the name that was told last counts, by a line or by a switch', () => {
  const line = `${'sh'.padStart(16)}-105 [000] ..... 1.000001: a: 1\n`;
  const change = at(2, 0, 'sched_switch: x:1 [120] R ==> ls:105 [120]').replace('-105', '-106');
  expect(readAll(line + change).capture.comm(105)).toBe('ls');
  expect(readAll(line + change + line).capture.comm(105)).toBe('sh');
});

test('too many event names: the rest is read, but not told apart', () => {
  const names = Array.from({ length: 5000 }, (_, n) => at(1, 0, `e${n}: 1`)).join('');
  const { capture, events } = readAll(
    names + at(2, 0, 'lock_acquire: ffffffff81fdef20 a') + at(3, 0, 'e5: 1'),
  );
  expect(capture.types).toHaveLength(2048);
  expect(capture.rows).toHaveLength(2049);
  expect(events.slice(-2)).toMatchObject([
    { type: 0, kind: KINDS.indexOf('attempt'), address: 0xffffffff81fdef20n },
    { type: 6, kind: 0 },
  ]);
  expect(damageOf(capture)).toEqual(['too-many-types: 2953']);
});

test('bytes that are not ASCII do not shift anything', () => {
  const text = at(1, 0, 'lock_acquire: ffffffff81fdef20 é') + at(2, 0, 'lock_release: ffffffff81fdef20 a');
  const { events, capture } = readAll(text);
  expect(events.map(({ address }) => address)).toEqual([0xffffffff81fdef20n, 0xffffffff81fdef20n]);
  expect(capture.record({ lane: 0, offset: 0 })!.fields).toContainEqual({ name: 'name', value: 'é' });
});

test('a buffer that holds no record is refused, one that holds half of the next is not', () => {
  const capture = openFtraceText(sourceOf(at(1, 0, 'a: 1') + at(2, 0, 'a: 1')));
  expect(() => capture.lanes[0]!.read(new Uint8Array(39))).toThrow(
    expect.objectContaining({ code: 'LIMIT' }),
  );
  expect(readRecords(capture, 79)).toHaveLength(80);
  expect(capture.progress()).toEqual({
    done: 2 * at(1, 0, 'a: 1').length,
    total: 2 * at(1, 0, 'a: 1').length,
  });
});

test('flags of the row, of the columns and of the fields come together', () => {
  const line = '            init-105     [000] d.s2.  1.000001: softirq_entry: vec=1 [action=TIMER]\n';
  expect(readAll(line).events[0]!.flags).toBe(FLAGS['irqs-off'] | FLAGS.softirq | FLAGS['preempt-off']);
});

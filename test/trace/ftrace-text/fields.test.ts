import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FLAGS, KINDS } from '../../../src/model/event.ts';
import { namespaceOf } from '../../../src/model/event-record.ts';
import { damageOf, readAll } from './harness.ts';

const HEAD = '            init-105     [000] .....    16.000001: ';

/** The one event that a text behind the columns becomes. */
function one(text: string, rows?: Parameters<typeof readAll>[1]) {
  const { capture, events } = readAll(`${HEAD}${text}\n`, rows);
  expect(events).toHaveLength(1);
  return { ...events[0]!, damage: damageOf(capture), record: capture.record({ lane: 0, offset: 0 })! };
}
const kind = (name: (typeof KINDS)[number]) => KINDS.indexOf(name);

describe('lockdep events', () => {
  test.each([
    ['ffffffff81fdef20 rcu_read_lock', 0],
    ['ffffffff81fdef20 read rcu_read_lock', FLAGS.read],
    ['ffffffff81fdef20 try read rcu_read_lock', FLAGS.try | FLAGS.read],
    ['0xffffffff81fdef20 try rcu_read_lock', FLAGS.try],
    ['        flags=3 name=rcu_read_lock lockdep_addr=0xffffffff81fdef20', FLAGS.try | FLAGS.read],
  ])('lock_acquire: %s', (text, flags) => {
    const event = one(`lock_acquire: ${text}`);
    expect(event).toMatchObject({
      kind: kind('attempt'),
      address: 0xffffffff81fdef20n,
      bit: 0xff,
      flags,
      damage: [],
    });
    expect(event.record.fields).toContainEqual({ name: 'lockdep_addr', value: 0xffffffff81fdef20n });
    expect(event.record.fields).toContainEqual({ name: 'name', value: 'rcu_read_lock' });
  });

  test('a lock that is named like a number stays a name', () => {
    const { record } = one('lock_release: ffff888277be06d8 12345678');
    expect(record.fields).toEqual([
      { name: 'lockdep_addr', value: 0xffff888277be06d8n },
      { name: 'name', value: '12345678' },
    ]);
  });
});

describe('contention events', () => {
  test.each([
    ['SPIN', FLAGS.spin],
    ['SPIN|MUTEX', FLAGS.spin | FLAGS.mutex],
    ['READ|RT|PERCPU|WRITE', FLAGS.read | FLAGS.rt | FLAGS.percpu | FLAGS.write],
    ['', 0],
    ['0x21', FLAGS.spin | FLAGS.mutex],
    ['SPIN|0x40', FLAGS.spin],
    ['nmi', 0],
  ])('flags=%s', (flags, wanted) => {
    const event = one(`contention_begin: ffffffff82006c40 (flags=${flags})`);
    expect(event).toMatchObject({ kind: kind('contend'), address: 0xffffffff82006c40n, damage: [] });
    expect(namespaceOf(event.flags)).toBe(2);
    expect(event.flags & 0x3fff).toBe(wanted);
  });

  test.each([
    ['ffffffff82006c40 (ret=0)', 0],
    ['0xffffffff82006c40 (ret=-4)', FLAGS.failed],
    ['lock_addr=0xffffffff82006c40 ret=-4', FLAGS.failed],
  ])('contention_end: %s', (text, flags) => {
    const event = one(`contention_end: ${text}`);
    expect(event).toMatchObject({ kind: kind('wait end'), address: 0xffffffff82006c40n, damage: [] });
    expect(event.flags & 0x3fff).toBe(flags);
  });
});

test('bit locks and words: address, bit and value', () => {
  expect(
    one('bit_spin_contended: addr=0xffff888104ef4380 bitnr=4 word_seen=0x131 ip=x+0x39/0x60'),
  ).toMatchObject({
    kind: kind('contend'),
    address: 0xffff888104ef4380n,
    bit: 4,
    value: 0x131n,
  });
  expect(one('word_store: addr=0xffff888104ef4380 old=0x21 value=0xffffffffffffffff')).toMatchObject({
    kind: kind('word store'),
    value: (1n << 64n) - 1n,
  });
});

describe('switches', () => {
  const kernel = (prev: string, next: string) =>
    `sched_switch: prev_comm=${prev} prev_pid=67 prev_prio=120 prev_state=R+ ==> next_comm=${next} next_pid=108 next_prio=120`;
  test.each([
    kernel('kworker/u16:6', 'trace-cmd'),
    kernel('a prev_pid=1 b', 'x next_pid=9'),
    'sched_switch:         kworker/u16:6:67 [120] S|K ==> trace-cmd:108 [-1]',
    'sched_switch: prev_comm=k prev_pid=67 prev_prio=120 prev_state=0 next_comm=trace-cmd next_pid=108 next_prio=120',
    'sched_switch: prev_pid=67 of another format, next_pid=108',
  ])('%s', (text) => {
    expect(one(text)).toMatchObject({ kind: kind('switch'), value: 67n | (108n << 32n), damage: [] });
  });

  test('tell the name of the next task', () => {
    const { capture } = readAll(`${HEAD}${kernel('a', 'b c: next')}\n`);
    expect(capture.comm(108)).toBe('b c: next');
    expect(capture.comm(105)).toBe('init');
    expect(capture.comm(0)).toBe('<idle>');
    expect(capture.comm(4711)).toBeNull();
  });
});

test('the last of two equal names counts: a comm stands in front', () => {
  expect(one('sched_process_exit: comm=x pid=7 y pid=108 prio=120')).toMatchObject({
    value: 108n,
    damage: [],
  });
});

test('a field whose name ends like another is not that field', () => {
  const rows = [
    { event: 'x:probe', kind: 'observe', namespace: 'word', address: 'addr', value: 'state' },
  ] as const;
  const event = one('probe: (ffffffffa000042a) addr=0x10 state=33 kaddr=0x20 old_state=0x1', { rows });
  expect(event).toMatchObject({ kind: kind('observe'), address: 0x10n, value: 33n, damage: [] });
});

describe('expressions of rows', () => {
  const row = (text: string) => ({
    rows: [{ event: 'x:probe', kind: 'observe', address: 'addr', value: 'v', text }] as const,
  });

  test.each([
    ['12345678', 12345678n],
    ['3000000000', 3000000000n],
    ['0000000123456789', 0x123456789n],
    ['0x10', 16n],
    ['-1', (1n << 64n) - 1n],
    ['c0ffee', 0xc0ffeen],
  ])('a group of sixteen digits, or with a letter, is hexadecimal: %s', (printed, value) => {
    expect(one(`probe: at 10 saw ${printed}`, row('at (?<addr>\\S+) saw (?<v>\\S+)'))).toMatchObject({
      address: 16n,
      value,
    });
  });

  test('fit from the beginning of the text', () => {
    expect(one('probe: looked at 10 saw 1', row('at (?<addr>\\S+) saw (?<v>\\S+)')).damage).toEqual([
      'unparsed-fields: 1',
    ]);
  });

  test('may have groups without a name, classes and escapes', () => {
    const text = '(at|\\() [(?<(] (?:a|(?<addr>[^)\\] ]+)) (?<more>.*) (?<v_>\\d+)(?<=\\d)';
    expect(one('probe: ( < 10 and so on 33', row(text))).toMatchObject({
      address: 16n,
      value: 33n,
      damage: [],
    });
  });

  test('are not tried on texts that no event has', () => {
    expect(one(`lock_release: ffff888277be06d8 ${'n'.repeat(1100)}`).damage).toEqual(['unparsed-fields: 1']);
  });
});

test.each([
  'lock_acquire: (____ptrval____) rcu_read_lock',
  'lock_acquire: ',
  'lock_acquire: 0x rcu_read_lock',
  'lock_acquire: 11112222333344445 rcu_read_lock_g',
  'bit_spin_acquired: addr=0xffff888104ef4380 bitnr=4 ip=x',
  'bit_spin_acquired: addr=0xffff888104ef4380 bitnr=255 word_after=0x1 ip=x',
  'bit_spin_acquire: addr=0xffff888104ef4380 bitnr=-1 ip=x',
  'bit_spin_release: addr=0xffff888104ef4380 bitnr=4 word_after=0x12345678123456781',
  'sched_switch: prev_comm=a prev_pid=1',
])('without its fields an event is a sign of life: %s', (text) => {
  const event = one(text);
  const decimal = text.includes('11112222333344445');
  if (decimal)
    expect(event.address).toBe(11112222333344445n); // sixteen hexadecimal digits are not enough for it
  else
    expect(event).toMatchObject({
      kind: 0,
      address: 0n,
      value: 0n,
      bit: 0xff,
      flags: 0,
      damage: ['unparsed-fields: 1'],
    });
});

describe('hashed pointers', () => {
  test('stay as printed, below every kernel address, and are counted', () => {
    const text = [
      'lock_acquire: 00000000a1b2c3d4 a',
      'lock_release: 00000000a1b2c3d4 a',
      'irq_disable: caller=x',
    ]
      .map((part) => `${HEAD}${part}\n`)
      .join('');
    const { capture, events } = readAll(text);
    expect(events.map(({ address }) => address)).toEqual([0xa1b2c3d4n, 0xa1b2c3d4n, 0n]);
    expect(capture.damage()).toMatchObject([
      { name: 'hashed-pointers', severity: 'info', count: 2, offset: 0 },
    ]);
  });

  test.each([
    '00000000a1b2c3d4'.replace('00000000', 'ffff8881'),
    '0xa1b2c3d4',
    '0000000000000000',
    'c1b2c3d4',
  ])('but %s is none', (address) => {
    expect(one(`lock_acquire: ${address} a`).damage).toEqual([]);
  });
});

test('addresses and values of any size read back', () => {
  const u64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
  fc.assert(
    fc.property(u64, u64, fc.integer({ min: 0, max: 63 }), fc.boolean(), (address, value, bit, decimal) => {
      const printed = decimal ? value.toString() : `0x${value.toString(16)}`;
      const event = one(
        `bit_spin_acquired: addr=0x${address.toString(16)} bitnr=${bit} word_after=${printed} ip=x`,
      );
      expect(event).toMatchObject({ address, value, bit, kind: kind('acquire') });
    }),
  );
  fc.assert(
    fc.property(u64, (address) => {
      expect(one(`lock_release: ${address.toString(16).padStart(16, '0')} a b`)).toMatchObject({ address });
    }),
  );
});

describe('records, for people', () => {
  test('text is verbatim, fields are typed', () => {
    const { record } = one(
      'sched_wakeup:  comm=a b=c d pid=108 prio=-1 target_cpu=003 ptr=ffff888104ef4380 ret=handled ',
    );
    expect(record).toEqual({
      type: { id: 1, system: '', name: 'sched_wakeup' },
      text: 'comm=a b=c d pid=108 prio=-1 target_cpu=003 ptr=ffff888104ef4380 ret=handled',
      comm: 'init',
      fields: [
        { name: 'comm', value: 'a' },
        { name: 'b', value: 'c d' },
        { name: 'pid', value: 108n },
        { name: 'prio', value: -1n },
        { name: 'target_cpu', value: 3n },
        { name: 'ptr', value: 0xffff888104ef4380n },
        { name: 'ret', value: 'handled' },
      ],
    });
  });

  test('an unknown comm is left to the capture', () => {
    const { capture } = readAll('           <...>-105     [000] .....    16.034406: a: 1\n');
    expect(capture.record({ lane: 0, offset: 0 })).not.toHaveProperty('comm');
    expect(capture.comm(105)).toBeNull();
  });

  test('a comm that the latency style has cut is completed where the rest is known', () => {
    const { capture } = readAll(
      'fake_end-107       3d.... 10us : a: 1\n' +
        '    init-1         3d.... 11us : sched_switch: prev_comm=init prev_pid=1 prev_prio=120 prev_state=S ==> next_comm=fake_endio next_pid=107 next_prio=120\n' +
        'fake_end-107       3d.... 12us : a: 2\n',
    );
    expect(capture.comm(107)).toBe('fake_endio');
    expect(capture.record({ lane: 0, offset: 80 })!.comm).toBe('fake_endio');
  });

  test('a short name of the normal style is not completed', () => {
    const line = (comm: string) => `${comm.padStart(16)}-105 [000] ..... 1.000001: a: 1\n`;
    const { capture } = readAll(line('fake_end') + line('fake_endio'));
    expect(capture.record({ lane: 0, offset: 0 })!.comm).toBe('fake_end');
  });
});

test('a row whose text is no expression is refused', () => {
  const rows = [{ event: 'x:y', kind: 'attempt', address: 'a', text: '(?<a>' }] as const;
  expect(() => readAll('', { rows })).toThrow(
    expect.objectContaining({ name: 'SpinbackError', code: 'USAGE' }),
  );
});

import { describe, expect, test } from 'vitest';
import { ByteReader } from '../../../src/base/byte-reader.ts';
import { bytesSource } from '../../../src/io/bytes.ts';
import { captureClock, selectedClock } from '../../../src/trace/trace-dat/clock.ts';
import { parseCpuStats } from '../../../src/trace/trace-dat/cpu-stat.ts';
import { Cursor } from '../../../src/trace/trace-dat/cursor.ts';
import { FormatIndex } from '../../../src/trace/trace-dat/formats.ts';
import { Kallsyms } from '../../../src/trace/trace-dat/kallsyms.ts';
import { Cmdlines, PrintkFormats } from '../../../src/trace/trace-dat/names.ts';
import { markMissed, pageRecords, trimPage } from '../../../src/trace/trace-dat/page.ts';
import { Bytes, page, record, textOption } from './build.ts';

const bytes = (text: string) => () => new TextEncoder().encode(text);

describe('clock', () => {
  const option = (id: number, text: string) => ({
    ...textOption(id, text),
    offset: 0,
    littleEndian: true,
  });
  const tsc = (mult: number, shift: number, offset = 0) => ({
    id: 14,
    data: new Bytes().u32(mult).u32(shift).u64(offset).done(),
    offset: 0,
    littleEndian: true,
  });

  test('the one in brackets', () => {
    expect(selectedClock('local global [mono_raw] boot')).toBe('mono_raw');
    expect(selectedClock('local global')).toBeNull();
  });

  test.each([
    ['mono', [], 'ns', { mult: 0, shift: 0, offsetNs: 0n }],
    ['boot', [option(7, '-1500')], 'ns', { mult: 1, shift: 0, offsetNs: -1500n }],
    ['local', [option(1, '0x10')], 'ns', { mult: 1, shift: 0, offsetNs: 16_000n }],
    ['local', [option(1, '2'), option(7, '3')], 'ns', { mult: 1, shift: 0, offsetNs: 2003n }],
    ['uptime', [], 'ns', { mult: 10_000_000, shift: 0, offsetNs: 0n }],
    ['counter', [], 'relative', { mult: 0, shift: 0, offsetNs: 0n }],
    ['x86-tsc', [], 'cycles', { mult: 0, shift: 0, offsetNs: 0n }],
    ['x86-tsc', [option(7, '5')], 'cycles', { mult: 0, shift: 0, offsetNs: 0n }],
    ['x86-tsc', [tsc(3, 2, 77), option(7, '5')], 'ns', { mult: 3, shift: 2, offsetNs: 5n }],
    ['x86-tsc', [tsc(0, 2)], 'cycles', { mult: 0, shift: 0, offsetNs: 0n }],
    ['x86-tsc', [tsc(3, 99)], 'cycles', { mult: 0, shift: 0, offsetNs: 0n }],
    ['tsc2nsec', [tsc(3, 2)], 'ns', { mult: 3, shift: 2, offsetNs: 0n }],
    ['ppc-tb', [], 'cycles', { mult: 0, shift: 0, offsetNs: 0n }],
    [null, [], 'ns', { mult: 0, shift: 0, offsetNs: 0n }],
  ] as const)('%s with %j', (name, options, unit, conversion) => {
    expect(captureClock(name, options)).toEqual({ clock: { name: name ?? 'unknown', unit }, conversion });
  });
});

test('CPU statistics: losses add up, silence stays silence', () => {
  const stats = parseCpuStats([
    'CPU: 1\nentries: 0\noverrun: 233423\ncommit overrun: 1\nbytes: 0\ndropped events: 10\nread events: 834021\n',
    'CPU: 2\nentries: 0\n',
    '\nBuffer: foo\n\n',
    'CPU: 1\noverrun: 5\n',
  ]);
  expect(stats.get('')?.get(1)).toEqual({ lost: 233434, dropped: 10, recorded: 834021 });
  expect(stats.get('')?.has(2)).toBe(false);
  expect(stats.get('foo')?.get(1)).toEqual({ lost: 5, dropped: 0, recorded: null });
});

describe('kallsyms', () => {
  const symbols = new Kallsyms(
    bytes(
      '0000000000000400 A cpu_tss_rw\n' +
        'ffffffff81000000 T _stext\n' +
        'ffffffff81000000 T _text\n' +
        'ffffffff81000100 t $x\n' +
        'ffffffff81000200 t later\n' +
        'ffffffffa0000400 t late_in_module\t[bhrace]\n' +
        'ffffffffa0000000 t early_in_module\t[bhrace]\n' +
        'not a line\n' +
        'ffffffffa0000800 t last',
    ),
  );

  test.each([
    [0xffffffff81000000n, '_stext'],
    [0xffffffff81000001n, '_stext+0x1'],
    [0xffffffff81000100n, '_stext+0x100'],
    [0xffffffff81000200n, 'later'],
    [0xffffffffa0000010n, 'early_in_module+0x10'],
    [0xffffffffa0000401n, 'late_in_module+0x1'],
    [0xffffffffa0000800n, 'last'],
    [0xffffffff80ffffffn, null],
    [0xffffffff90000000n, null],
    [0xffff888104ef4380n, null],
    [0x410n, null],
    [0n, null],
  ])('0x%s', (address, name) => {
    expect(symbols.symbol(address)).toBe(name);
  });

  test('addresses by name are whole names', () => {
    expect(symbols.address('_stext')).toBe(0xffffffff81000000n);
    expect(symbols.address('early_in_module')).toBe(0xffffffffa0000000n);
    expect(symbols.address('_st')).toBeNull();
    expect(symbols.address('nothing')).toBeNull();
  });

  test('a kernel that hides its addresses has no symbols', () => {
    const hidden = new Kallsyms(bytes('0000000000000000 T _stext\n0000000000000000 T other\n'));
    expect(hidden.symbol(0n)).toBeNull();
    expect(hidden.symbol(0xffffffff81000000n)).toBeNull();
  });

  test('32-bit addresses', () => {
    expect(new Kallsyms(bytes('c0008000 T _stext\nc0009000 T two\n')).symbol(0xc0009004n)).toBe('two+0x4');
  });
});

test('command lines and printk texts', () => {
  const names = new Cmdlines(bytes('12 trace-cmd\n   13 name with spaces\n14 <...>\njunk\n'));
  expect([12, 13, 14, 0, 15].map((pid) => names.comm(pid))).toEqual([
    'trace-cmd',
    'name with spaces',
    null,
    '<idle>',
    null,
  ]);
  const texts = new PrintkFormats(
    bytes('0xffffffff81c4fd00 : "rcu_\\"x\\"\\n"\n0xffffffff81c4fd01 : "two"\n'),
  );
  expect(texts.text(0xffffffff81c4fd00n)).toBe('rcu_"x"\n');
  expect(texts.text(1n)).toBeNull();
});

describe('pages', () => {
  const layout = { pageSize: 4096, commitSize: 8, dataAt: 16 } as const;
  const short = record(1, 2, new Uint8Array(8));
  const long = record(1, 2, new Uint8Array(200));

  test('records of both length forms, time extends and padding between them', () => {
    const built = page({
      time: 5n,
      records: [
        { delta: 1, data: short },
        { delta: 1, data: long },
      ],
    });
    expect([...pageRecords(built, layout)]).toEqual([
      { at: 20, end: 36 },
      { at: 44, end: 252 },
    ]);
    const events = new Bytes().u64(5).u64(0);
    events.u32(30 | (7 << 5)).u32(1); // time extend
    events
      .u32(29 | (1 << 5))
      .u32(8)
      .u32(0); // a discarded event of 12 bytes in all
    events.u32((4 | (1 << 5)) >>> 0).raw(short);
    events.u32(29); // the rest is empty
    const mixed = events.alignTo(4096).done();
    new DataView(mixed.buffer).setUint32(8, 4080, true);
    expect([...pageRecords(mixed, layout)]).toEqual([{ at: 40, end: 56 }]);
  });

  test('a page that lies about its length yields what fits', () => {
    const built = page({ time: 5n, records: [{ delta: 1, data: short }], commit: 0xfffff });
    // Behind the record there are zeros: a length of 0, which cannot be.
    expect([...pageRecords(built, layout)]).toEqual([{ at: 20, end: 36 }]);
  });

  test('trimming keeps the mark of lost events, but not their number', () => {
    const built = page({
      time: 5n,
      records: [
        { delta: 1, data: short },
        { delta: 1, data: short },
      ],
    });
    const view = new DataView(built.buffer);
    view.setUint32(8, (view.getUint32(8, true) | 0xc0000000) >>> 0, true);
    trimPage(built, layout, 40);
    expect(view.getUint32(8, true)).toBe((0x80000000 | 20) >>> 0);
    expect(built.subarray(40).every((byte) => byte === 0)).toBe(true);
  });

  test('marking a page', () => {
    const built = page({ time: 5n, records: [{ delta: 1, data: short }] });
    markMissed(built, layout);
    expect(new DataView(built.buffer).getUint32(8, true)).toBe((0x80000000 | 20) >>> 0);
  });
});

test('a claim beyond 2^53 is not printed as if its digits were known', () => {
  const body = new Bytes().u32(1).u64(0xffff_ffff_ffff_ff00n).raw(new Uint8Array(40)).done();
  const source = bytesSource(body);
  expect(() => new FormatIndex().scanFtrace(new Cursor(source, 0, body.length), source)).toThrow(
    'an event format wants more than 2^53 bytes, 48 are left (at offset 4)',
  );
  expect(() => new ByteReader(new Uint8Array(4)).need(2 ** 60, 'a name')).toThrow(
    'a name wants more than 2^53 bytes at offset 0, 4 are left',
  );
});

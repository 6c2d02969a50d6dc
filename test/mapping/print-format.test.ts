import { describe, expect, test } from 'vitest';
import { describeRecord } from '../../src/mapping/describe.ts';
import { readFields } from '../../src/mapping/fields.ts';
import type { PrintableFormat } from '../../src/mapping/parse-format.ts';
import { parseFields } from '../../src/mapping/parse-format.ts';
import { compilePrint } from '../../src/mapping/print-format.ts';
import type { Names } from '../../src/mapping/printf.ts';

const FIELDS = parseFields(`
	field:unsigned int flags;	offset:8;	size:4;	signed:0;
	field:int small;	offset:12;	size:4;	signed:1;
	field:unsigned long ip;	offset:16;	size:8;	signed:0;
	field:char comm[8];	offset:24;	size:8;	signed:0;
	field:__data_loc char[] name;	offset:32;	size:4;	signed:0;
	field:__rel_loc char[] rel;	offset:36;	size:4;	signed:0;
	field:u8 raw[4];	offset:40;	size:4;	signed:0;
	field:const char * text;	offset:48;	size:8;	signed:0;
	field:unsigned short list[2];	offset:56;	size:4;	signed:0;
`);
const format = (print: string | null): PrintableFormat => ({
  id: 1,
  system: 's',
  name: 'n',
  fields: FIELDS,
  print,
});

function record(): Uint8Array {
  const bytes = new Uint8Array(76);
  const view = new DataView(bytes.buffer);
  view.setUint32(8, 0x23, true);
  view.setInt32(12, -5, true);
  view.setBigUint64(16, 0xffffffff81000039n, true);
  bytes.set(new TextEncoder().encode('fake_map'), 24);
  view.setUint32(32, (7 << 16) | 60, true);
  bytes.set(new TextEncoder().encode('s_lock\0'), 60);
  view.setUint32(36, (4 << 16) | 28, true); // from 40 on: 68
  bytes.set(new TextEncoder().encode('rel\0'), 68);
  bytes.set([1, 0xab, 3, 4], 40);
  view.setBigUint64(48, 0xffffffff81c4fd00n, true);
  view.setUint16(56, 10, true);
  view.setUint16(58, 20, true);
  return bytes;
}

const names: Names = {
  symbol: (address) =>
    address === 0xffffffff81000039n ? '_stext+0x39' : address === 0xffffffff81000000n ? '_stext' : null,
  address: (symbol) => (symbol === '_stext' ? 0xffffffff81000000n : null),
  text: (address) => (address === 0xffffffff81c4fd00n ? 'a text' : null),
  longSize: 8,
};
const printed = (print: string): string | null => compilePrint(format(print))?.(record(), names) ?? null;

test.each([
  ['"plain 100%%"', 'plain 100%'],
  [
    '"%d %u %x %#x %08x", REC->small, REC->small, REC->flags, REC->flags, REC->flags',
    '-5 4294967291 23 0x23 00000023',
  ],
  [
    '"%lx %llu %hd %hhu", REC->small, REC->small, REC->small, REC->small',
    'fffffffffffffffb 18446744073709551611 -5 251',
  ],
  ['"%03d|%5d|%-5d|%+d|%.3d", 7, 7, 7, 7, 7', '007|    7|7    |+7|007'],
  ['"%*d|%.*s", 4, 7, 2, REC->comm', '   7|fa'],
  ['"%-10s|%3s|%c", REC->comm, __get_str(name), 65', 'fake_map  |s_lock|A'],
  ['"%s %s", __get_str(name), __get_rel_str(rel)', 's_lock rel'],
  ['"%s", REC->text', 'a text'],
  [
    '"%pS %ps %p", (void *)REC->ip, (void *)REC->ip, (void *)REC->ip',
    '_stext+0x39 _stext 0xffffffff81000039',
  ],
  ['"%pS %pS", (void *)((unsigned long)(_stext) + 57), (void *)_stext', '_stext+0x39 _stext+0x0'],
  ['"%p", 0', '0x0'],
  ['"%s%s", (REC->flags & 1) ? "try " : "", (REC->flags & 4) ? "read " : ""', 'try '],
  [
    '"%s", __print_flags(REC->flags, "|", { (1U << 0), "SPIN" }, { 0x2, "READ" }, { 1 << 5, "MUTEX" } )',
    'SPIN|READ|MUTEX',
  ],
  ['"%s", __print_flags(REC->flags, "|", { 1, "SPIN" })', 'SPIN|0x22'],
  ['"(%s)", __print_flags(0, "|", { 1, "SPIN" })', '()'],
  ['"%s %s", __print_symbolic(2, { 1, "A" }, { 2, "B" }), __print_symbolic(9, { 1, "A" })', 'B 0x9'],
  ['"%s|%s", __print_hex(REC->raw, 3), __print_hex_str(REC->raw, 99)', '01 ab 03|01ab0304'],
  ['"%d %d", REC->raw[1], REC->list[1]', '171 20'],
  ['"%d", 1 + 2 * 3 - (10 >> 1) % 3', '5'],
  ['"%d", (1 < 2) + (2 <= 2) + (3 == 3) + (3 != 3) + (1 && 0) + (0 || 5) + !0', '5'],
  ['"%d %d", (u8)300, (char)200', '44 -56'],
  ['"%u", (unsigned int)-1', '4294967295'],
  ['"%d", ~0 & 0xff', '255'],
  ['"%d", \'a\'', '97'],
  ['"tab\\t\\"q\\"" " joined"', 'tab\t"q" joined'],
  ['"%d", __builtin_expect(!!(REC->flags), 1)', '1'],
  ['"%lukB", 5', '5kB'],
  // As C has it: 64 bits.
  ['"%llu", (0xffffffffffffffff * 0xffffffffffffffff) / 3', '0'],
  ['"%d", __get_dynamic_array_len(name)', '7'],
])('%s', (print, expected) => {
  expect(printed(print)).toBe(expected);
});

describe('not printable this way: the fields are listed', () => {
  test.each([
    ['"%pI4", REC->raw'],
    ['"%d", REC->gone'],
    ['"%d", some_function(REC->flags)'],
    ['"%d"'],
    ['"%d", REC->flags / 0'],
    ['"%d", REC->comm'],
    ['"%y", 1'],
    ['REC->flags'],
    ['"%d", (1'],
    ['"%d", 1 @'],
    ['"%pS", no_such_symbol'],
    ['"%d", REC->raw[99]'],
    ['"%d", REC->raw[-1]'],
    [`"%d", ${'('.repeat(5000)}1${')'.repeat(5000)}`],
    [`"%d", ${'-'.repeat(5000)}1`],
    [`"%d", ${'1 ? '.repeat(5000)}1`],
    ['x'.repeat(200_000)],
    [''],
  ])('%s', (print) => {
    expect(printed(print)).toBeNull();
    expect(describeRecord(format(print), record(), names)).toBe(
      'flags=35 small=-5 ip=_stext+0x39 comm=fake_map name=s_lock rel=rel raw=01,ab,03,04 ' +
        'text=0xffffffff81c4fd00 list=0a,00,14,00',
    );
  });
});

test('numbers do not grow without end', () => {
  const start = performance.now();
  expect(
    printed(`"%llx", ${Array.from({ length: 5000 }, () => '0xffffffffffffffff').join(' * ')}`),
  ).not.toBeNull();
  expect(performance.now() - start).toBeLessThan(1000);
});

test('widths do not fill the memory', () => {
  expect(printed('"%999999999d", 1')!.length).toBeLessThan(1000);
  expect(printed('"%*d", 2147483647, 1')!.length).toBeLessThan(1000);
});

test('a record that is cut prints nothing beyond its end', () => {
  for (let size = 0; size < 76; size++) {
    const cut = record().subarray(0, size);
    for (const print of ['"%s %s %d", __get_str(name), __get_rel_str(rel), REC->raw[3]', null]) {
      expect(typeof describeRecord(format(print), cut, names)).toBe('string');
    }
    const fields = new Set(readFields(format(null), cut).map(({ name }) => name));
    // The texts end at 67 and 72.
    expect(fields.has('name')).toBe(size >= 67);
    expect(fields.has('rel')).toBe(size >= 72);
    expect(fields.has('raw')).toBe(size >= 44);
  }
});

test('dynamic fields that point anywhere', () => {
  const bytes = record();
  const view = new DataView(bytes.buffer);
  for (const word of [0xffffffff, 0x0001ffff, 0xffff0000, 0, 75, (2 << 16) | 75]) {
    view.setUint32(32, word, true);
    view.setUint32(36, word, true);
    expect(typeof describeRecord(format('"%s", __get_str(name)'), bytes, names)).toBe('string');
  }
});

test('text on several lines becomes one', () => {
  expect(describeRecord(format('"one\\n\\ntwo\\n"'), record(), names)).toBe('one two');
});

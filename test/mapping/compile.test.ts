import { describe, expect, test } from 'vitest';
import { FLAGS, KINDS } from '../../src/model/event.ts';
import { namespaceFlags } from '../../src/model/event-record.ts';
import { compileRow } from '../../src/mapping/compile.ts';
import { parseFormat } from '../../src/mapping/parse-format.ts';
import { BUILTIN_ROWS, type MappingRow } from '../../src/mapping/rows.ts';

const format = parseFormat(
  `name: event
ID: 77
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:unsigned int flags;	offset:8;	size:4;	signed:0;
	field:__data_loc char[] name;	offset:12;	size:4;	signed:0;
	field:void * addr;	offset:16;	size:8;	signed:0;
	field:char comm[16];	offset:24;	size:16;	signed:0;
	field:int prev;	offset:40;	size:4;	signed:1;
	field:int next;	offset:44;	size:4;	signed:1;
	field:struct odd o;	offset:48;	size:12;	signed:0;
	field:u8 bit;	offset:60;	size:1;	signed:0;
`,
  'system',
);
const row = (more: Partial<MappingRow>): MappingRow => ({ event: 'system:event', kind: 'attempt', ...more });
const compiled = (more: Partial<MappingRow>) => {
  const result = compileRow(row(more), format);
  if (result.row === null) throw new Error(result.why);
  return result.row;
};

test('places, constants and the shortest record', () => {
  expect(compiled({})).toMatchObject({
    type: 77,
    kind: KINDS.indexOf('attempt'),
    bitConst: 0xff,
    minSize: 8,
    flags: 0,
  });
  expect(compiled({ address: 'addr' }).minSize).toBe(24);
  expect(compiled({ address: 'addr', bit: 'bit' })).toMatchObject({ bit: { at: 60, size: 1 }, minSize: 61 });
  expect(compiled({ address: 'addr', bit: 4 })).toMatchObject({ bit: { at: 0, size: 0 }, bitConst: 4 });
  expect(compiled({ value: 'prev', high: 'next' })).toMatchObject({
    value: { at: 40, size: 4 },
    high: { at: 44, size: 4 },
    minSize: 48,
  });
});

test('flags: constant ones and the namespace in the top bits', () => {
  expect(compiled({ namespace: 'lock', flags: ['hardirq', 'spin'] })).toMatchObject({
    namespace: 2,
    flags: (namespaceFlags('lock') | FLAGS.hardirq | FLAGS.spin) & 0xffff,
  });
});

test('flags by a field: bits', () => {
  const { aux, auxFlags } = compiled({ flagsFrom: { field: 'flags', bits: { 0: 'spin', 5: 'mutex' } } });
  expect(aux).toEqual({ at: 8, size: 4 });
  expect(auxFlags).toHaveLength(64);
  expect([0, 1, 2, 32, 33, 63].map((entry) => auxFlags[entry])).toEqual([
    0,
    FLAGS.spin,
    0,
    FLAGS.mutex,
    FLAGS.mutex | FLAGS.spin,
    FLAGS.mutex | FLAGS.spin,
  ]);
});

test('flags by a field: anything but zero', () => {
  const { auxFlags } = compiled({ flagsFrom: { field: 'prev', nonzero: 'failed' } });
  expect(auxFlags[0]).toBe(0);
  expect(auxFlags.slice(1).every((flags) => flags === FLAGS.failed)).toBe(true);
});

describe('what does not fit is told', () => {
  test.each([
    [{ address: 'missing' }, 'no field "missing"'],
    [{ address: 'name' }, 'not a number'],
    [{ value: 'comm' }, 'not a number'],
    [{ value: 'o' }, 'not a number'],
    [{ bit: 64 }, 'not between 0 and 63'],
    [{ bit: -1 }, 'not between 0 and 63'],
    [{ flagsFrom: { field: 'gone' } }, 'no field "gone"'],
    [{ flagsFrom: { field: 'flags', bits: { 6: 'spin' } } }, 'only bits 0 to 5'],
    [{ flags: ['nonsense'] as unknown as MappingRow['flags'] & object }, 'no flag "nonsense"'],
  ] as const)('%j', (more, why) => {
    expect(compileRow(row(more), format)).toEqual({ row: null, why: expect.stringContaining(why) });
  });
});

test('every built-in row has a kind that exists and flags that fit', () => {
  for (const { kind, event } of BUILTIN_ROWS) expect(KINDS.indexOf(kind), event).toBeGreaterThan(0);
});

import { describe, expect, test } from 'vitest';
import { commonFieldsMisfit, parseFields, parseFormat } from '../../src/mapping/parse-format.ts';

const COMMON = `	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;
`;
const LOCK_ACQUIRE = `name: lock_acquire
ID: 301
format:
${COMMON}
	field:unsigned int flags;	offset:8;	size:4;	signed:0;
	field:__data_loc char[] name;	offset:12;	size:4;	signed:0;
	field:void * lockdep_addr;	offset:16;	size:8;	signed:0;

print fmt: "%p %s%s%s", REC->lockdep_addr, (REC->flags & 1) ? "try " : "", (REC->flags & 2) ? "read " : "", __get_str(name)
`;

test('a format of Linux 6.12', () => {
  const format = parseFormat(LOCK_ACQUIRE, 'lock');
  expect(format).toMatchObject({ id: 301, system: 'lock', name: 'lock_acquire' });
  expect(format.fields.slice(4)).toEqual([
    {
      name: 'flags',
      type: 'unsigned int',
      offset: 8,
      size: 4,
      signed: false,
      isArray: false,
      location: 'none',
    },
    {
      name: 'name',
      type: '__data_loc char[]',
      offset: 12,
      size: 4,
      signed: false,
      isArray: false,
      location: 'data',
    },
    {
      name: 'lockdep_addr',
      type: 'void *',
      offset: 16,
      size: 8,
      signed: false,
      isArray: false,
      location: 'none',
    },
  ]);
  expect(format.print).toMatch(/^"%p %s%s%s", .*__get_str\(name\)$/);
  expect(commonFieldsMisfit(format)).toBeNull();
});

test.each([
  ['	field:char comm[16];	offset:8;	size:16;	signed:0;', { name: 'comm', type: 'char', isArray: true }],
  ['	field:u8 map[2][8];	offset:8;	size:16;	signed:0;', { name: 'map', type: 'u8', isArray: true }],
  ['	field:struct page *page;	offset:8;	size:8;	signed:0;', { name: 'page', type: 'struct page *' }],
  ['	field:__rel_loc char[] s;	offset:8;	size:4;	signed:0;', { name: 's', location: 'rel' }],
  ['	field: local_t commit;	offset:8;	size:8;	signed:1;', { name: 'commit', type: 'local_t', signed: true }],
  // Before 2.6.33 nothing told the sign.
  ['	field:unsigned long ip;	offset:8;	size:8;', { name: 'ip', signed: false }],
  ['	field:pid_t pid;	offset:8;	size:4;', { name: 'pid', signed: true }],
])('%s', (line, expected) => {
  expect(parseFields(line)).toEqual([expect.objectContaining(expected)]);
});

test('lines that say nothing are skipped, and the print format is not searched for fields', () => {
  expect(
    parseFields(
      'field:int;\nfield:;	offset:1;	size:1;\nfield:int x;	offset:99999999999;	size:4;\n' +
        'field:int y;	offset:8;	size:99999999;\nfield:int z;	size:4;\nfield\nprint fmt: "field:int w; offset:8; size:4;"',
    ),
  ).toEqual([]);
});

test('a format without a name or a number is damage', () => {
  for (const text of ['', 'name: x\nID: \n', 'ID: 5\n', 'name: \nID: x']) {
    expect(() => parseFormat(text, 'lock')).toThrow(expect.objectContaining({ code: 'DAMAGED' }));
  }
});

describe('texts made to take long take no time', () => {
  test.each([
    ['field:'.repeat(150_000)],
    ['field:\n'.repeat(150_000)],
    [`name: x\nID: 1\n${'field:a;\n'.repeat(100_000)}`],
    [`name: x\nID: 1\nfield:${'['.repeat(900_000)}]; offset:1; size:1;`],
    [`${'\n'.repeat(900_000)}name: x\nID: 1\n`],
    [`name: x\nID: 1\nprint fmt: ${'"'.repeat(900_000)}`],
  ])('%#', (text) => {
    const start = performance.now();
    try {
      parseFormat(text, 's');
    } catch (error) {
      expect(error).toMatchObject({ code: 'DAMAGED' });
    }
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

test.each([
  ['common_type', /size:2;/, 'size:4;'],
  ['common_flags', /offset:2;/, 'offset:3;'],
  ['common_preempt_count', /common_preempt_count/, 'common_other'],
  ['common_pid', /offset:4;/, 'offset:8;'],
])('another layout of %s is refused', (name, from, to) => {
  const format = parseFormat(LOCK_ACQUIRE.replace(from, to), 'lock');
  expect(commonFieldsMisfit(format)).toContain(name);
});

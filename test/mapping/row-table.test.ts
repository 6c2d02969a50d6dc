import { expect, test } from 'vitest';
import { fits, RowTable } from '../../src/mapping/row-table.ts';
import { BUILTIN_ROWS, type MappingRow } from '../../src/mapping/rows.ts';

const row = (event: string, more: Partial<MappingRow> = {}): MappingRow => ({
  event,
  kind: 'message',
  ...more,
});

test.each([
  ['bl:*', 'bl:enter', true],
  ['*:*_enter', 'bl:a_enter', true],
  ['bl:*_enter', 'bl:_enter', true],
  ['bl:*_enter', 'bl:enter', false],
  ['bl:a*b*c', 'bl:axxbyybzc', true],
  ['bl:a*b*c', 'bl:axxbyybzcd', false],
  ['bl:x', 'bl:xy', false],
  ['bl:**', 'bl:', true],
])('%s fits %s: %s', (pattern, text, expected) => {
  expect(fits(pattern, text)).toBe(expected);
});

test('a pattern of many stars takes no exponential time', () => {
  expect(fits('*a'.repeat(60), `${'a'.repeat(120)}b`)).toBe(false);
});

test('a row wins over those before it, whether it names the event or a pattern', () => {
  const own = [row('lock:*', { kind: 'observe' }), row('lock:lock_release', { kind: 'acquire' })];
  const table = new RowTable(own);
  expect(table.find('lock', 'lock_acquire')?.kind).toBe('observe');
  expect(table.find('lock', 'lock_release')?.kind).toBe('acquire');
  expect(table.find('sched', 'sched_switch')).toBe(BUILTIN_ROWS.find(({ kind }) => kind === 'switch'));
  expect(table.find('sched', 'sched_wakeup')).toBeNull();
});

test('without a system the name decides, and the last row of a name', () => {
  const table = new RowTable([
    row('a:same', { kind: 'enter' }),
    row('b:same', { kind: 'leave' }),
    row('c:x_*'),
  ]);
  expect(table.find('', 'same')?.kind).toBe('leave');
  expect(table.find('', 'x_1')?.kind).toBe('message');
});

test('the star of an entry is what that of the event stands for', () => {
  const table = new RowTable([row('bl:*_return', { kind: 'pass', entry: 'bl:*_enter' })]);
  expect(table.find('bl', 'f_return')?.entry).toBe('bl:f_enter');
  expect(table.find('', 'f_return')?.entry).toBe('bl:f_enter');
});

test('rows that nothing was found by are told', () => {
  const table = new RowTable([row('a:x'), row('b:*')]);
  table.find('a', 'x');
  expect(table.unused()).toEqual(['b:*']);
});

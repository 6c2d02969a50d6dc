import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KINDS } from '../../../src/model/event.ts';
import { loadMapping } from '../../../src/mapping/load.ts';
import { openSource } from '../../../src/trace/open.ts';
import { damageOf, readAll, sourceOf } from './harness.ts';

const FILE = join(import.meta.dirname, '../../../mappings/bpftrace.yaml');
const { rows, lines } = await loadMapping(readFileSync(FILE, 'utf8'), FILE);
const own = (pattern: string, more = '') =>
  loadMapping(`schema: spinback/mapping@1\nlines:\n  - { pattern: '${pattern}'${more} }\n`, 'test.yaml');

// What bpftrace 0.17 prints for capture/bit-locks-bpftrace.sh.
const TEXT = [
  'Attaching 5 probes...',
  '19265577329 2 108 lock_enter: addr=0xffff888100829d00 bit=4 word=0x121 comm=fake_submit',
  '19265675000 2 108 lock_return: addr=0xffff888100829d00 bit=4 comm=fake_submit',
  'Lost 12 events',
  '19274438321 3 109 lock_enter: addr=0xffff888100829d00 bit=4 word=0x931 comm=a lock_enter: x=1 comm=2',
  '',
].join('\n');

test('lines become events by the pattern', () => {
  const { capture, events } = readAll(TEXT, { rows, lines });
  expect(
    events.map(({ time, cpu, pid, kind, address, bit, value }) => [
      time,
      cpu,
      pid,
      KINDS[kind],
      address,
      bit,
      value,
    ]),
  ).toEqual([
    [19265577329n, 2, 108, 'attempt', 0xffff888100829d00n, 4, 0x121n],
    [19265675000n, 2, 108, 'pass', 0xffff888100829d00n, 4, 0n],
    [19274438321n, 2, 0, 'lost', 0n, 255, 12n],
    [19274438321n, 3, 109, 'attempt', 0xffff888100829d00n, 4, 0x931n],
  ]);
  expect(capture.clock).toEqual({ name: 'mono', unit: 'ns' });
  expect(capture.comm(108)).toBe('fake_submit');
  // Whatever a task calls itself, it stands at the end.
  expect(capture.comm(109)).toBe('a lock_enter: x=1 comm=2');
  expect(damageOf(capture)).toEqual(['lost-events: 12']);
  expect(capture.record({ lane: 0, offset: 120 })).toMatchObject({
    comm: 'a lock_enter: x=1 comm=2',
    text: 'addr=0xffff888100829d00 bit=4 word=0x931',
  });
});

test('the reader takes a text only when the mapping has patterns that fit', async () => {
  const capture = await openSource(sourceOf(TEXT), { rows, lines });
  expect(capture.format).toBe('text lines (mapping)');
  await expect(openSource(sourceOf(TEXT), { rows })).rejects.toThrow(
    expect.objectContaining({ code: 'NOT_A_CAPTURE' }),
  );
  await expect(openSource(sourceOf('hello\nworld\n'), { rows, lines })).rejects.toThrow(
    expect.objectContaining({ code: 'NOT_A_CAPTURE' }),
  );
});

test('a name that a line does not tell comes from the mapping; seconds and microseconds are times too', async () => {
  const mapping = await own(
    '\\[(?<seconds>\\d+\\.\\d+)\\] cpu(?<cpu>\\d+) (?<tid>\\d+) took (?<addr>\\S+)',
    ', event: my:took',
  );
  const row = { event: 'my:took', kind: 'acquire', address: 'addr', text: '.* took (?<addr>\\S+)' } as const;
  const { events } = readAll('[12.5] cpu3 7 took 0xffff888100829d00\n', {
    rows: [row],
    lines: mapping.lines,
  });
  expect(events).toMatchObject([
    { name: 'took', time: 12_500_000_000n, cpu: 3, pid: 7, address: 0xffff888100829d00n },
  ]);
  const us = await own('(?<us>\\d+) (?<cpu>\\d+) (?<tid>\\d+) (?<event>\\w+)');
  expect(readAll('250 1 2 x\n', { lines: us.lines }).events).toMatchObject([{ name: 'x', time: 250_000n }]);
});

describe('hostile lines', () => {
  test('numbers beyond what can be are no event', () => {
    const bad = [
      '99999999999999999999 1 1 x: - comm=a',
      '1 65535 1 x: - comm=a',
      '1 1 2147483648 x: - comm=a',
      `1 1 1 x: ${'y'.repeat(5000)} comm=a`,
      '-1 1 1 x: - comm=a',
    ];
    const { capture, events } = readAll(`1 1 1 ok: - comm=a\n${bad.join('\n')}\n`, { lines });
    expect(events).toHaveLength(1);
    expect(capture.damage().every(({ severity }) => severity === 'info')).toBe(true);
  });

  test('any bytes, in any chunks, give the same and end', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.nat(TEXT.length),
        fc.integer({ min: 1, max: 64 }),
        (noise, at, chunk) => {
          const bytes = new Uint8Array([
            ...Buffer.from(TEXT.slice(0, at)),
            ...noise,
            ...Buffer.from(TEXT.slice(at)),
          ]);
          expect(readAll(bytes, { rows, lines, chunk }).records).toEqual(
            readAll(bytes, { rows, lines }).records,
          );
        },
      ),
      { numRuns: 50 },
    );
  });

  test('an expression that takes exponential time elsewhere takes none here', async () => {
    const mapping = await own('((\\d+)+ )+(?<ns>\\d+) (?<cpu>\\d+) (?<tid>\\d+) (?<event>\\w+)$');
    const { events } = readAll(`${'1'.repeat(4000)}!\n`.repeat(20), { lines: mapping.lines });
    expect(events).toEqual([]);
  });
});

test('the built-in table as a mapping reads text as the built-in table does', async () => {
  const file = join(import.meta.dirname, '../../../mappings/builtin.yaml');
  const builtin = await loadMapping(readFileSync(file, 'utf8'), file);
  const text = [
    '       trace-cmd-108     [003] d..1.    16.034320: lock_acquire: ffffffff81ff0c70 try read trace_types_lock',
    '       trace-cmd-108     [003] d..1.    16.034321: lock_acquired: 0xffffffff81ff0c70 trace_types_lock',
    '       trace-cmd-108     [003] d..1.    16.034322: contention_begin: 0xffffffff82006c40 (flags=SPIN|MUTEX)',
    '       trace-cmd-108     [003] d..1.    16.034323: contention_end: 0xffffffff82006c40 (ret=-4)',
    '       trace-cmd-108     [003] d..2.    16.034324: sched_switch: swapper/3:0 [120] R ==> trace-cmd:111 [120]',
    '       trace-cmd-108     [003] d..2.    16.034325: sched_switch: prev_comm=a b prev_pid=1 prev_prio=120 prev_state=R ==> next_comm=b next_pid=2 next_prio=120',
    '       trace-cmd-108     [003] d..2.    16.034326: bit_spin_contended: addr=0xffff888104ef4380 bitnr=4 word_seen=0x131 ip=f+0x1',
    '',
  ].join('\n');
  expect(readAll(text, { rows: builtin.rows }).records).toEqual(readAll(text).records);
});

// Containers of text: of every program whose lines are read, and with mapping files.

import { readFileSync } from 'node:fs';
import { join as joined } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bytesSource } from '../../../src/io/bytes.ts';
import { loadMapping } from '../../../src/mapping/load.ts';
import type { Mapping } from '../../../src/mapping/mapping.ts';
import type { MappingRow } from '../../../src/mapping/rows.ts';
import { mappingText } from '../../../src/mapping/save.ts';
import { eventsOf } from '../../../src/session/session.ts';
import { openSource } from '../../../src/trace/open.ts';
import type { OpenOptions } from '../../../src/trace/reader.ts';
import { compareEvents, join, open, partsOf, reportOf } from './container.ts';

const MAPPINGS = joined(import.meta.dirname, '../../../mappings');
const mappingFile = (name: string): Promise<Mapping> =>
  loadMapping(readFileSync(joined(MAPPINGS, name), 'utf8'), name);

const opened = (text: string, options: OpenOptions) =>
  openSource(bytesSource(new TextEncoder().encode(text), 'x.txt'), options);

/** The container of a text, which gives the same report, events and records. */
async function same(text: string, options: OpenOptions = {}): Promise<Uint8Array> {
  const container = join(await partsOf(await opened(text, options)));
  const original = await opened(text, options);
  const ours = await open(container);
  expect(ours.format).toContain(original.format);
  expect(reportOf(ours)).toEqual(reportOf(original));
  const { events, different } = compareEvents(await opened(text, options), await open(container), 1);
  expect(different).toEqual([]);
  expect(events).toBeGreaterThan(1);
  return container;
}

const SCRIPT = `# cmdline : /usr/bin/perf record -a -g
            perf   118 [000]   101.449662:        lock:contention_end: 0xffff8882777e9768 (ret=0)
a [7] b 5 [001]  101.449700123: lock:contention_begin: 0xffff888106a3c190 (flags=SPIN|MUTEX)
	ffffffff821c9744 mutex_lock_nested+0x24 ([kernel.kallsyms])
	ffffffff81300000 [unknown] ([unknown])

 kworker/u16:5-a    66/67  [002]   101.449800:          1 sched:sched_switch: prev_comm=a prev_pid=67 prev_prio=120 prev_state=D ==> next_comm=b c next_pid=8 next_prio=120
            perf   118 [003]   101.449900: PERF_RECORD_LOST lost 5418
            perf   118 [003]   101.449900:          lock:lock_release: 0xffff8882777e9738 &cpuctx_lock
`;

const DUMP = `[    0.000000] Linux version 6.12.117 (builder) #1 SMP
[   40.073899] Dumping ftrace buffer:
[   40.074606] ---------------------------------
[   40.077930]   <idle>-0         0d..2. 125961us : sched_switch: prev_comm=swapper/0 prev_pid=0 prev_prio=120 prev_state=R ==> next_comm=fake next_pid=42 next_prio=120
[   40.131828] CPU:3 [LOST 699 EVENTS]
[   40.132000][  T123]     fake-42        3d..1. 125999us : lock_acquire: 0xffff888106a3c190 some_lock
[   40.133000] some driver speaks in between
[   40.134000]     fake-42        3d..1. 126001us : lock_release: 0xffff888106a3c190 some_lock
[   40.616743] ---------------------------------
`;

const LINES = `Attaching 5 probes...
19265577329 2 108 lock_enter: addr=0xffff888100829d00 bit=4 word=0x121 comm=fake_submit
19265675000 2 108 lock_return: addr=0xffff888100829d00 bit=4 comm=fake_submit
Lost 12 events
what is this?
19274438321 3 109 lock_enter: addr=0xffff888100829d00 bit=4 word=0x931 comm=a lock_enter: x=1 comm=2
`;

const TRACE = `           fake-42      [003] d..1.   12.125999: my_take: what 0xffff888106a3c190 how often 7
           fake-42      [003] d..1.   12.126001: my_drop: what 0xffff888106a3c190 of "some name"
           fake-42      [003] d..1.   12.126002: lock_release: 0xffff888106a3c190 some_lock
`;

describe('a container of text', () => {
  test('of perf script', async () => {
    const container = await same(SCRIPT);
    const [, waiting] = [...eventsOf(await open(container))];
    expect((await open(container)).record(waiting!.place)).toMatchObject({
      callers: ['mutex_lock_nested+0x24', '0xffffffff81300000'],
    });
  });

  test('of a ring in a kernel log', async () => {
    await same(DUMP);
  });

  test('of lines by the patterns of a mapping', async () => {
    const mapping = await mappingFile('bpftrace.yaml');
    const container = await same(LINES, mapping);
    const capture = await open(container);
    const events = [...eventsOf(capture)];
    expect(capture.record(events.at(-1)!.place)).toMatchObject({
      comm: 'a lock_enter: x=1 comm=2',
      text: 'addr=0xffff888100829d00 bit=4 word=0x931',
    });
  });

  test('of tracefs, with expressions of a mapping', async () => {
    const mapping = await loadMapping(
      `schema: spinback/mapping@1
events:
  - { event: my:my_take, kind: acquire, address: lock, value: count, text: 'what (?<lock>\\S+) how often (?<count>\\d+)' }
  - { event: my:my_drop, kind: release, address: lock, text: 'what (?<lock>\\S+) of "(?<name>[^"]*)"' }
`,
      'my.yaml',
    );
    const container = await same(TRACE, mapping);
    const capture = await open(container);
    const [taken, dropped] = [...eventsOf(capture)];
    expect(capture.record(taken!.place)?.fields).toEqual([
      { name: 'lock', value: 0xffff888106a3c190n },
      { name: 'count', value: 7n },
    ]);
    expect(capture.record(dropped!.place)?.fields.at(-1)).toEqual({ name: 'name', value: 'some name' });
    await same(TRACE);
  });
});

test('mapping files, written and read again, say the same', async () => {
  const files = [
    'bpftrace.yaml',
    'builtin.yaml',
    'contended-release.yaml',
    'function-kprobes.yaml',
    'hlist-bl.yaml',
  ];
  for (const name of files) {
    const { rows, lines } = await mappingFile(name);
    const text = mappingText({ rows, lines })!;
    const again = await loadMapping(text, name);
    expect(mappingText(again)).toBe(text);
    const withoutText = (row: MappingRow) => ({ ...row, text: null });
    expect(again.rows.map(withoutText)).toEqual(rows.map(withoutText));
    expect(again.lines.map(({ pattern }) => pattern.source)).toEqual(
      lines.map(({ pattern }) => pattern.source),
    );
  }
  expect(mappingText({ rows: [], lines: [] })).toBeNull();
});

test('a mapping that no file could hold is told, not lost', async () => {
  const rows = Array.from({ length: 5000 }, (_, n) => ({ event: `my:event_${n}`, kind: 'enter' }) as const);
  await expect(partsOf(await opened(TRACE, { rows }))).rejects.toMatchObject({ code: 'UNSUPPORTED' });
});

test('a container whose mapping is damaged gives the events, and no records by it', async () => {
  const parts = await partsOf(await opened(LINES, await mappingFile('bpftrace.yaml')));
  const events = [...eventsOf(await open(join(parts)))];
  const section = parts.find((part) => Buffer.from(part).toString('latin1', 0, 4) === 'SECT')!;
  section[section.length - 3]! ^= 1;
  const capture = await open(join(parts));
  expect([...eventsOf(capture)]).toEqual(events);
  expect(capture.record(events[0]!.place)).toBeNull();
  expect(capture.damage().map(({ name }) => name)).toContain('names-damaged');
});

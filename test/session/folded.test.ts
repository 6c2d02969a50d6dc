// Stacks by wait time, against what perf script says of the same file, added up here event by event.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { bytesSource } from '../../src/io/bytes.ts';
import { foldStacks } from '../../src/report/stats-folded.ts';
import { statisticsOf } from '../../src/session/statistics.ts';
import { SAMPLE } from '../../src/trace/perf-data/attr.ts';
import { openSource } from '../../src/trace/open.ts';
import { FEATURES, packedFormats, perfFile, sample, tracingData, USUAL } from '../trace/perf-data/build.ts';
import { Bytes, formatText, record } from '../trace/trace-dat/build.ts';

const hasPerf = spawnSync('perf', ['--version']).status === 0;
if (!hasPerf) console.warn('SKIPPED: perf is not installed, so perf script cannot be compared with');

const [BEGIN, END, OFF, ON] = [601, 602, 603, 604];
/** TRACE_FLAG_IRQS_OFF (include/linux/trace_events.h) */
const IRQS_OFF = 1;
const PAIR = (first: string, second: string): string =>
  `	field:${first};	offset:8;	size:8;	signed:0;\n	field:${second};	offset:16;	size:4;	signed:0;\n`;
const SYSTEMS = [
  [
    'lock',
    [
      formatText(
        'contention_begin',
        BEGIN,
        PAIR('void * lock_addr', 'unsigned int flags'),
        '"%p (flags=%x)", REC->lock_addr, REC->flags',
      ),
      formatText(
        'contention_end',
        END,
        PAIR('void * lock_addr', 'int ret'),
        '"%p (ret=%d)", REC->lock_addr, REC->ret',
      ),
    ],
  ],
  [
    'preemptirq',
    [
      formatText(
        'irq_disable',
        OFF,
        '	field:s32 caller_offs;	offset:8;	size:4;	signed:1;\n',
        '"x=%d", REC->caller_offs',
      ),
      formatText(
        'irq_enable',
        ON,
        '	field:s32 caller_offs;	offset:8;	size:4;	signed:1;\n',
        '"x=%d", REC->caller_offs',
      ),
    ],
  ],
] as const;

const TEXT = 0xffffffff81000000n;
const FUNCTIONS = [
  '_stext',
  '__mutex_lock',
  'ext4_map_blocks',
  'jbd2_journal_start',
  'vfs_write',
  'do_syscall_64',
  'a b;c',
];
const KALLSYMS = FUNCTIONS.map((name, n) => `${(TEXT + BigInt(n * 0x1000)).toString(16)} T ${name}\n`).join(
  '',
);
const nameOf = (address: bigint): string => FUNCTIONS[Number((address - TEXT) / 0x1000n)]!.replace(/ .*/, '');

/** Tasks that wait for three locks, and turn interrupts off, from random places. */
function build(seed: number, events: number): Uint8Array {
  const random = new Random(seed);
  const of = (config: number, id: number) => ({ config, ids: [id], sampleType: USUAL | SAMPLE.callchain });
  const attrs = [of(BEGIN, 11), of(END, 12), of(OFF, 13), of(ON, 14)] as const;
  const callers = (): bigint[] => {
    const depth = 1 + random.int(4);
    const frame = (): bigint => TEXT + BigInt(0x1000 * (1 + random.int(5)) + 4 * random.int(3));
    // PERF_CONTEXT_KERNEL, then the innermost.
    return [0xffff_ffff_ffff_ff80n, ...Array.from({ length: depth }, frame)];
  };
  const lock = (): bigint => 0xffff888100000000n + BigInt(0x40 * random.int(3));
  const records: Uint8Array[] = [];
  const waits = new Map<number, bigint>();
  const off = new Set<number>();
  for (let n = 0; n < events; n++) {
    const pid = 100 + random.int(4);
    const cpu = pid - 100;
    const at = { time: 1_000_000_000n + BigInt(n * 1000 + random.int(900)), pid, cpu, callers: callers() };
    if (random.int(4) === 0) {
      const type = off.delete(cpu) ? ON : (off.add(cpu), OFF);
      const raw = record(type, pid, new Bytes().u32(8).u32(0).done(), IRQS_OFF);
      records.push(sample(attrs[type === OFF ? 2 : 3], { ...at, raw }));
      continue;
    }
    const waited = waits.get(pid);
    const address = waited ?? lock();
    if (waited === undefined) waits.set(pid, address);
    else waits.delete(pid);
    const raw = record(
      waited === undefined ? BEGIN : END,
      pid,
      new Bytes().u64(address).u32(0).u32(0).done(),
      off.has(cpu) ? IRQS_OFF : 0,
    );
    records.push(sample(attrs[waited === undefined ? 0 : 1], { ...at, raw }));
  }
  const features = FEATURES.map(
    ([number, data]) =>
      [number, number === 1 ? tracingData(undefined, packedFormats(SYSTEMS), 8, KALLSYMS) : data] as const,
  );
  return perfFile({ attrs, records, features });
}

const HEAD = /^\s*\S+\s+(\d+) \[(\d+)\]\s+(\d+)\.(\d{9}):\s+\w+:(\w+):\s+(\S+)/;

/** What perf script prints, added up: waits by the stack of their beginning. */
function waitsIn(script: string, frame: (line: string) => string): Map<string, bigint> {
  const sums = new Map<string, bigint>();
  const open = new Map<string, { time: bigint; stack: string }>();
  for (const event of script.split('\n\n')) {
    const [head = '', ...frames] = event.split('\n').filter((line) => line.trim() !== '');
    const [, pid, , seconds, ns, name, address] = HEAD.exec(head) ?? [];
    const time = BigInt(`${seconds ?? 0}${ns ?? 0}`);
    const key = `${pid}:${address}`;
    if (name === 'contention_begin') open.set(key, { time, stack: frames.map(frame).toReversed().join(';') });
    const begun = open.get(key);
    if (name !== 'contention_end' || begun === undefined) continue;
    open.delete(key);
    const stack = `${begun.stack};lock without a name`;
    sums.set(stack, (sums.get(stack) ?? 0n) + time - begun.time);
  }
  return sums;
}

async function folded(bytes: Uint8Array): Promise<Map<string, bigint>> {
  const capture = await openSource(bytesSource(bytes));
  const { text } = foldStacks([statisticsOf(capture, { split: 'stack' })], 'wait');
  const lines = text.split('\n').slice(0, -1);
  return new Map(
    lines.map((line) => [
      line.slice(0, line.lastIndexOf(' ')),
      BigInt(line.slice(line.lastIndexOf(' ') + 1)),
    ]),
  );
}

/** The text of perf script, callers as bare addresses. */
function script(bytes: Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), 'spinback-'));
  try {
    writeFileSync(join(folder, 'perf.data'), bytes);
    const fields = 'comm,tid,cpu,time,event,ip,trace';
    return spawnSync('perf', ['script', '--ns', '-F', fields, '-i', join(folder, 'perf.data')], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    }).stdout;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test.skipIf(!hasPerf)('stacks of perf.data are those of perf script', { timeout: 60_000 }, async () => {
  const bytes = build(7, 4000);
  const text = script(bytes);
  const expected = waitsIn(text, (line) => nameOf(BigInt(`0x${line.trim()}`)));
  expect(expected.size).toBeGreaterThan(100);
  expect(await folded(bytes)).toEqual(expected);
});

test('sections have the stack of whoever turned interrupts off', async () => {
  const capture = await openSource(bytesSource(build(8, 1000)));
  const run = statisticsOf(capture, { split: 'stack' });
  const { text, knownNs, totalNs } = foldStacks([run], 'off');
  expect(text).toMatch(/^(?:\w+;)*\w+ \d+\n/);
  expect(knownNs).toBe(totalNs);
  const sum = run.rows.reduce((all, row) => all + BigInt(row.off?.sumNs ?? 0), 0n);
  expect(totalNs).toBe(sum);
  expect(sum).toBeGreaterThan(0n);
});

const SCRIPT = `
cp   120 [001]    10.000001000: lock:contention_begin: 0xffff888100000040 (flags=MUTEX)
	ffffffff81001000 __mutex_lock+0x10 ([kernel.kallsyms])
	ffffffff81002000 ext4_map_blocks+0x20 ([kernel.kallsyms])
	ffffffff81005000 do_syscall_64+0x5 ([kernel.kallsyms])

tar   121 [000]    10.000002000: lock:contention_begin: 0xffff888100000040 (flags=MUTEX)
	ffffffff81001000 __mutex_lock+0x10 ([kernel.kallsyms])
	ffffffff81003000 jbd2_journal_start+0x20 ([kernel.kallsyms])

cp   120 [001]    10.000006000: lock:contention_end: 0xffff888100000040 (ret=0)
	ffffffff81001000 __mutex_lock+0x90 ([kernel.kallsyms])

tar   121 [000]    10.000009000: lock:contention_end: 0xffff888100000040 (ret=0)

cp   120 [001]    10.000010000: lock:contention_begin: 0xffff888100000080 (flags=MUTEX)
	ffffffff81001000 __mutex_lock+0x14 ([kernel.kallsyms])
	ffffffff81002000 ext4_map_blocks+0x24 ([kernel.kallsyms])
	ffffffff81005000 do_syscall_64+0x5 ([kernel.kallsyms])

cp   120 [001]    10.000011000: lock:contention_end: 0xffff888100000080 (ret=0)
`;

test('the text of perf script has the same stacks as perf.data', { timeout: 60_000 }, async () => {
  expect(await folded(new TextEncoder().encode(SCRIPT.trimStart()))).toEqual(
    new Map([
      ['do_syscall_64;ext4_map_blocks;__mutex_lock;mutex without a name', 6000n],
      ['jbd2_journal_start;__mutex_lock;mutex without a name', 7000n],
    ]),
  );
});

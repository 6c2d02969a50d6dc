import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KINDS } from '../../../src/model/event.ts';
import { openSource } from '../../../src/trace/open.ts';
import { openFtraceText, dumpReader } from '../../../src/trace/ftrace-text/reader.ts';
import { findDump } from '../../../src/trace/ftrace-text/dump.ts';
import { damageOf, encode, readAll, readRecords, smallCapture, sourceOf } from './harness.ts';

// A dump of the ring in a kernel log, behind whatever the log puts in front of a line.

const EVENTS = [
  'fake_end-109       3d..2. 409955us : bit_spin_release: addr=0xffff888100804a80 bitnr=4 word_after=0x21 ip=f+0x60/0x6e [bhrace]',
  '  <idle>-0         0d..2. 449008us!: sched_switch: prev_comm=swapper/0 prev_pid=0 prev_prio=120 prev_state=R ==> next_comm=kworker/u16:0 next_pid=11 next_prio=120',
  'CPU:2 [LOST 5270 EVENTS]',
  'a: [1.0]-108       2..... 885611us : word_load: addr=0xffff888100804680 value=0x121',
];
const LOG = [
  'Linux version 6.12.117-test (gcc) #1 SMP',
  'Kernel panic - not syncing: Hard LOCKUP',
  'Dumping ftrace buffer:',
  '---------------------------------',
  ...EVENTS.slice(0, 2),
  'printk from another CPU, in the middle',
  ...EVENTS.slice(2),
  '---------------------------------',
  'Rebooting in 10 seconds..',
];

const PREFIXES: readonly (readonly [string, (n: number) => string])[] = [
  ['a console', (n) => `[   40.${String(77930 + n).padStart(6, '0')}] `],
  ["callers' ids", (n) => `[   40.${String(77930 + n).padStart(6, '0')}][  T109] `],
  ['dmesg --raw', (n) => `<6>[   40.${String(77930 + n).padStart(6, '0')}] `],
  ['syslog', (n) => `Nov 22 11:03:01 host-1 kernel: [   40.${String(77930 + n).padStart(6, '0')}] `],
];

test.each(PREFIXES)('%s: events, losses and places', async (_, prefix) => {
  const text = `${LOG.map((line, n) => prefix(n) + line).join('\r\n')}\r\n`;
  const capture = await openSource(sourceOf(text));
  const records = readRecords(capture);
  expect(records.length / 40).toBe(4);
  expect(capture).toMatchObject({
    format: 'ftrace dump in a kernel log',
    kernel: '6.12.117-test',
    clock: { name: 'unknown', unit: 'relative' },
  });
  expect(damageOf(capture).filter((damage) => !damage.startsWith('log-'))).toEqual(['lost-events: 5270']);
  // Back to a record by its place, wherever the dump begins in the log.
  expect(capture.record({ lane: 0, offset: 0 })).toMatchObject({
    type: { name: 'bit_spin_release' },
    comm: 'fake_end',
  });
  expect(capture.record({ lane: 0, offset: 120 })).toMatchObject({
    comm: 'a: [1.0]',
    text: 'addr=0xffff888100804680 value=0x121',
  });
});

test('what the events carry is the same as in latency-format', () => {
  const dump = `${LOG.map((line, n) => PREFIXES[0]![1](n) + line).join('\n')}\n`;
  const plain = readAll(`# tracer: nop\n#\n${EVENTS.join('\n')}\n`);
  const { events, capture } = readAll(dump, { dumpAt: findDump(sourceOf(dump))! });
  const bare = (list: typeof events) =>
    list.map(({ time, kind, cpu, pid, address, value, bit, flags }) => [
      time,
      KINDS[kind],
      cpu,
      pid,
      address,
      value,
      bit,
      flags,
    ]);
  expect(bare(events)).toEqual(bare(plain.events));
  expect(capture.comm(11)).toBe('kworker/u16:0');
});

test('a log without a dump is no capture, and the message says what it is and what reads it', async () => {
  const text = '[    0.000000] Linux version 6.12.117\n[   12.345678] usb 1-1: new device\n';
  await expect(openSource({ ...sourceOf(text), name: '2015 log.txt' })).rejects.toThrow(
    expect.objectContaining({
      code: 'NOT_A_CAPTURE',
      message: expect.stringMatching(
        /without a dump of the ring.*: read it with spinback dmesg '2015 log\.txt'$/,
      ),
    }),
  );
});

test('a dump is found wherever it begins, also across the pieces that are read', () => {
  for (const before of [0, 1, (1 << 20) - 10, (1 << 20) - 1, 1 << 20, 3_000_000]) {
    const bytes = new Uint8Array(before + 40).fill(0x44); // "DDDD..."
    bytes.set(encode('Dumping ftrace buffer:\n'), before);
    expect(findDump(sourceOf(bytes))).toBe(before);
  }
  expect(findDump(sourceOf(new Uint8Array(2_500_000).fill(0x44)))).toBeNull();
});

test('other texts and binaries are no kernel logs', async () => {
  const sniff = (bytes: Uint8Array) => dumpReader.sniff(bytes.subarray(0, dumpReader.sniffBytes), {});
  expect(sniff(readFileSync(process.execPath).subarray(0, 1 << 16))).toBe(false);
  expect(sniff(encode(`\0\0 Dumping ftrace buffer:\n`))).toBe(false);
  expect(sniff(encode('hello [12] world\n'))).toBe(false);
  expect(sniff(await smallCapture('panic-dump.console.txt.zst'))).toBe(true);
});

describe('a real console, damaged', () => {
  const OPEN = { chunk: 4096 };

  test('cut anywhere, and with any bytes in it, it ends, and the same in any chunks', async () => {
    const whole = await smallCapture('panic-dump.console.txt.zst');
    const dumpAt = findDump(sourceOf(whole))!;
    fc.assert(
      fc.property(
        fc.integer({ min: dumpAt, max: whole.length }),
        fc.nat(whole.length - 1),
        fc.nat(255),
        (end, at, byte) => {
          const bytes = whole.slice(0, end);
          if (at < end) bytes[at] = byte;
          const records = readRecords(openFtraceText(sourceOf(bytes), { dumpAt }));
          expect(readRecords(openFtraceText(sourceOf(bytes), { dumpAt, ...OPEN }))).toEqual(records);
        },
      ),
      { numRuns: 30 },
    );
  });

  test('all of its events are there', async () => {
    const capture = await openSource(sourceOf(await smallCapture('panic-dump.console.txt.zst')));
    expect(readRecords(capture).length / 40).toBe(1397 + 2);
  });
});

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  generateEvents,
  generateText,
  generateTraceDat,
  packerFor,
  readFault,
  readLoss,
  SIMULATION_DEFAULTS,
  toCanonical,
  type SimulationOptions,
  type TraceDatOptions,
} from '../../src/generate/index.ts';
import { bytesSource } from '../../src/io/bytes.ts';
import { KINDS, type CanonicalEvent } from '../../src/model/event.ts';
import { eventsOf } from '../../src/session/session.ts';
import type { Capture } from '../../src/trace/capture.ts';
import { openSource } from '../../src/trace/open.ts';

const OPTIONS: Partial<SimulationOptions> = {
  seed: 9,
  events: 8000,
  cpus: 3,
  faults: [readFault('bit-erased')],
};

const SHAPES: readonly (readonly [name: string, file: Partial<TraceDatOptions>])[] = [
  ['version 7', {}],
  ['version 7, zlib', { packer: packerFor('zlib') }],
  ['version 6', { version: 6 }],
  ['sub-buffers of 8 KiB', { pageSize: 8192 }],
  ['version 6 of a 32-bit kernel', { version: 6, wordSize: 4 }],
  ['a 32-bit kernel', { wordSize: 4 }],
  ['cycles that are explained', { clock: 'x86-tsc', tsc2nsec: true }],
  ['absolute time stamps', { longTimes: 'absolute' }],
  ['a big-endian kernel', { bigEndian: true, longTimes: 'absolute' }],
  ['a big-endian kernel, zlib', { bigEndian: true, packer: packerFor('zlib') }],
  ['version 6 of a big-endian kernel', { bigEndian: true, version: 6, pageSize: 65_536 }],
  ['version 6 of a 32-bit big-endian kernel', { bigEndian: true, version: 6, wordSize: 4 }],
  ['a 32-bit big-endian kernel', { bigEndian: true, wordSize: 4 }],
  ['cycles of a big-endian kernel', { bigEndian: true, clock: 'x86-tsc', tsc2nsec: true }],
];

const KIND_LOST = KINDS.indexOf('lost');

async function open(bytes: Uint8Array): Promise<Capture> {
  return openSource(bytesSource(bytes, 'generated'));
}

function expected(options: Partial<SimulationOptions>): CanonicalEvent[] {
  const stream = generateEvents({ ...SIMULATION_DEFAULTS, ...options });
  return Array.from(stream, (event) => toCanonical(event));
}

/** By time, then by CPU, as replays merge them; addresses of a 32-bit machine are cut. */
function comparable(events: Iterable<CanonicalEvent>, wordSize: number): CanonicalEvent[] {
  const bits = wordSize * 8;
  return Array.from(events, ({ address, value, ...rest }) => ({
    ...rest,
    address: BigInt.asUintN(bits, address),
    value: BigInt.asUintN(64, value),
  })).toSorted((a, b) => (a.time === b.time ? a.cpu - b.cpu : a.time < b.time ? -1 : 1));
}

describe('a generated trace.dat, read back', () => {
  it.each(SHAPES)('%s: every event, its time and fields', async (_, file) => {
    const { bytes } = generateTraceDat(OPTIONS, file);
    const capture = await open(bytes);
    const read = Array.from(eventsOf(capture), ({ event }) => event);
    const wordSize = file.wordSize ?? 8;
    const wanted = comparable(expected(OPTIONS), wordSize);
    // Pointers in the words of hash chains are cut as well.
    const cut = (events: CanonicalEvent[]): CanonicalEvent[] =>
      events.map((event) => ({
        ...event,
        value: BigInt.asUintN(wordSize === 4 && event.bit === 0 ? 32 : 64, event.value),
      }));
    expect(cut(comparable(read, wordSize))).toEqual(cut(wanted));
    expect(capture.damage()).toEqual([]);
  });

  it.each(SHAPES)('%s: a CPU of which everything was lost is no damage', async (_, file) => {
    const losses = [readLoss('overwrite:cpu=1,at=1s', SIMULATION_DEFAULTS.startNs)];
    const capture = await open(generateTraceDat({ ...OPTIONS, losses }, file).bytes);
    const cpus = new Set(Array.from(eventsOf(capture), ({ event }) => event.cpu));
    expect([...cpus].toSorted()).toEqual([0, 2]);
    expect(capture.damage()).toEqual([]);
  });

  it('has names, symbols, the clock and the machine', async () => {
    const { bytes, comms } = generateTraceDat(OPTIONS, { clock: 'boot' });
    const capture = await open(bytes);
    expect(capture).toMatchObject({
      format: 'trace.dat v7',
      clock: { name: 'boot', unit: 'ns' },
      cpuCount: 3,
    });
    expect(capture.kernel).toContain('6.12.0-spinback');
    expect(comms.size).toBeGreaterThan(5);
    for (const [pid, comm] of comms) expect(capture.comm(pid)).toBe(comm);
    expect(capture.symbol(0xffffffff8125be13n)).toBe('ext4_finish_bio+0x273');
  });

  it('leaves unexplained cycles unexplained', async () => {
    const capture = await open(generateTraceDat(OPTIONS, { clock: 'x86-tsc' }).bytes);
    expect(capture.clock).toEqual({ name: 'x86-tsc', unit: 'cycles' });
    const [first] = eventsOf(capture);
    expect(first!.event.time).toBe(expected(OPTIONS)[0]!.time * 2n);
  });

  it('tells what its recorder lost', async () => {
    const { startNs } = SIMULATION_DEFAULTS;
    const losses = [
      readLoss('overwrite:cpu=0,at=300us', startNs),
      readLoss('gap:cpu=1,at=500us,for=100us', startNs),
      readLoss('gap:cpu=1,at=700us,for=100us,told=no', startNs),
      readLoss('tail:cpu=2,at=900us', startNs),
    ];
    const result = generateTraceDat({ ...OPTIONS, losses });
    const lost = result.losses.map(({ events }) => events);
    expect(Math.min(...lost)).toBeGreaterThan(10);
    const capture = await open(result.bytes);
    expect(capture.lanes.map((lane) => lane.lost)).toEqual([lost[0], lost[1]! + lost[2]!, lost[3]]);
    expect(capture.lanes.map((lane) => lane.lostTail)).toEqual([false, false, true]);
    const read = Array.from(eventsOf(capture), ({ event }) => event);
    const spans = read.filter(({ kind }) => kind === KIND_LOST);
    expect(spans.map(({ cpu, value }) => [cpu, Number(value)])).toEqual([
      [0, lost[0]],
      [1, lost[1]],
      [1, 0],
    ]);
    expect(read.length - spans.length).toBe(result.events - lost.reduce((sum, count) => sum + count, 0));
  });

  it.each(['yes', 'no'])('loses whole sub-buffers, and tells so (%s)', async (told) => {
    const loss = readLoss(`gap:cpu=1,at=300us,pages=3,told=${told}`, SIMULATION_DEFAULTS.startNs);
    const result = generateTraceDat({ ...OPTIONS, losses: [loss] });
    const [truth] = result.losses;
    // A record has some 40 bytes.
    expect(truth!.events).toBeGreaterThan(3 * 50);
    expect(truth!.events).toBeLessThan(3 * 250);
    const capture = await open(result.bytes);
    expect(capture.lanes[1]).toMatchObject({
      lost: told === 'yes' ? truth!.events : expect.anything(),
      lostTail: false,
    });
    const read = Array.from(eventsOf(capture), ({ event }) => event);
    const span = read.find(({ kind }) => kind === KIND_LOST);
    expect(span).toMatchObject({ cpu: 1, value: told === 'yes' ? BigInt(truth!.events) : 0n });
    const mine = read.filter(({ cpu, kind }) => cpu === 1 && kind !== KIND_LOST);
    const before = mine.filter(({ time }) => time <= BigInt(truth!.toNs!));
    expect(before.every(({ time }) => time < BigInt(truth!.fromNs!))).toBe(true);
    expect(before.length).toBeLessThan(mine.length);
    expect(read.length - 1).toBe(result.events - truth!.events);
  });

  it('keeps CPUs apart that show nothing', async () => {
    const { bytes } = generateTraceDat({
      ...OPTIONS,
      events: 60,
      cpus: 40,
      systems: ['irq:irq_handler_entry'],
    });
    const capture = await open(bytes);
    const counts = new Set(Array.from(eventsOf(capture), ({ event }) => event.cpu));
    expect(counts.size).toBeLessThan(40);
    expect(capture.lanes).toHaveLength(40);
  });
});

function hasTraceCmd(): boolean {
  try {
    execFileSync('sh', ['-c', 'command -v trace-cmd'], { stdio: 'ignore' });
    return true;
  } catch {
    console.warn('SKIPPED: trace-cmd is not installed, so no generated file is held against it');
    return false;
  }
}

describe.skipIf(!hasTraceCmd())('trace-cmd', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'spinback-generate-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  const plain = SHAPES.filter(([, { packer }]) => !packer);
  it.each(plain)('%s: prints exactly what we print, and no warning', (_, file) => {
    const { startNs } = SIMULATION_DEFAULTS;
    const options = {
      ...OPTIONS,
      losses: [
        readLoss('overwrite:cpu=0,at=200us', startNs),
        readLoss('gap:cpu=1,at=500us,for=100us,told=no', startNs),
      ],
    };
    const { bytes } = generateTraceDat(options, file);
    const path = join(folder, 'trace.dat');
    writeFileSync(path, bytes);
    const printed = execFileSync('sh', ['-c', 'trace-cmd report -t "$1" 2>&1', 'sh', path], {
      encoding: 'utf8',
    });

    const own = generateText(options, 'report', true);
    const normal = (text: string): string[] => (file.wordSize === 4 ? narrow(text) : text).split('\n');
    expect(normal(printed)).toEqual(normal(own));
  });
});

/** trace-cmd computes with 64 bits where a 32-bit kernel has 32. */
function narrow(text: string): string {
  return text
    .replace(/0x100000000/g, '0x0')
    .replace(/0xffff[0-9a-f]{4}([0-9a-f]{8})/g, '0x$1')
    .replace(/0x0+(?=[1-9a-f])/g, '0x');
}

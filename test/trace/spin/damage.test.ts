// Containers that were cut, flipped or made up: an error with an offset, or what is whole, and never silence about the rest.

import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { SpinbackError } from '../../../src/base/errors.ts';
import { bytesSource } from '../../../src/io/bytes.ts';
import { checksum } from '../../../src/io/checksum.ts';
import { analyzeCapture, eventsOf, type PlacedEvent } from '../../../src/session/session.ts';
import type { Capture } from '../../../src/trace/capture.ts';
import { FRAME, FRAME_HEADER } from '../../../src/trace/spin/frame.ts';
import { openCapture, openSource } from '../../../src/trace/open.ts';
import { SEED, SOAK } from '../../engine/harness.ts';
import { mappingOptions, smallCapture } from '../../captures.ts';
import { SAMPLE } from '../../../src/trace/perf-data/attr.ts';
import { comm, lost, lostSamples, perfFile, sample, USUAL, type BuiltAttr } from '../perf-data/build.ts';
import { ACQUIRE, Bytes, record } from '../trace-dat/build.ts';
import { join, open, partsOf } from './container.ts';

const TEXT = Array.from(
  { length: 40 },
  (_, n) =>
    `           <...>-${100 + (n % 3)}     [00${n % 2}] d..1.    1${Math.floor(n / 4)}.${String(100000 + n * 37)}: lock_acquire: 0xffffffff81fdef20 read rcu_read_lock\n`,
).join('');

const LINES = Array.from(
  { length: 30 },
  (_, n) =>
    `${19265577329 + n * 70} ${n % 3} ${100 + (n % 2)} lock_enter: addr=0xffff88810${n % 7} bit=4 comm=a\n`,
).join('');

const TAKE: BuiltAttr = { config: ACQUIRE, sampleType: USUAL | SAMPLE.callchain, ids: [10, 11] };

function sampleOf(n: number): Uint8Array {
  const fields = new Bytes()
    .u64(BigInt(n % 5))
    .u32(4)
    .u32(0)
    .u64(0xffffffff81000039n);
  const callers = Array.from({ length: n % 3 }, (_, depth) => 0xffffffff81000000n + BigInt(depth));
  const raw = record(ACQUIRE, n % 4, fields.done(), 1, 1);
  return sample(TAKE, { id: 10 + (n % 2), cpu: n % 2, time: 1000 + 7 * n, pid: n % 4, raw, callers });
}

const SAMPLES = Array.from({ length: 70_000 }, (_, n) => sampleOf(n));
const LOSS = lost(TAKE, { time: 1003, cpu: 1, count: 9 });

const perfData = (...records: Uint8Array[]): Promise<Capture> =>
  openSource(bytesSource(perfFile({ attrs: [TAKE], records }), 'perf.data'));

/** Containers of a few events: how many, and every how many-th byte is looked at. */
const SMALL: readonly (readonly [string, number, number, () => Promise<Capture>])[] = [
  ['text of tracefs', 40, 1, () => openSource(bytesSource(new TextEncoder().encode(TEXT), 'trace.txt'))],
  [
    'perf.data',
    33,
    5,
    () => perfData(...SAMPLES.slice(0, 32), LOSS, comm(3, 'three', TAKE), lostSamples(TAKE, 10, 4)),
  ],
  [
    'lines by a mapping',
    30,
    5,
    async () =>
      openSource(
        bytesSource(new TextEncoder().encode(LINES), 'x.txt'),
        await mappingOptions('mappings/bpftrace.yaml'),
      ),
  ],
];

/** Events and damage, or the error that says why there are none; anything else is a bug. */
async function outcome(
  bytes: Uint8Array,
): Promise<{ events: PlacedEvent[]; errors: number } | SpinbackError> {
  let capture: Capture;
  try {
    capture = await open(bytes);
  } catch (error) {
    if (error instanceof SpinbackError) return error;
    throw error;
  }
  const events = [...eventsOf(capture)];
  for (const { place } of events) capture.record(place);
  capture.symbol(0xffffffff81000000n);
  capture.comm(3);
  return { events, errors: capture.damage().filter(({ severity }) => severity === 'error').length };
}

describe.each(SMALL)('a small container of %s', { timeout: 120_000 }, (_, count, stride, opened) => {
  let whole: Uint8Array;
  let events: PlacedEvent[];
  beforeAll(async () => {
    whole = join(await partsOf(await opened()));
    events = [...eventsOf(await open(whole))];
    expect(events.length).toBe(count);
  });

  test('cut at every byte, or every few', async () => {
    for (let size = 0; size < whole.length; size += stride) {
      const found = await outcome(whole.subarray(0, size));
      if (found instanceof SpinbackError) {
        expect(['DAMAGED', 'NOT_A_CAPTURE']).toContain(found.code);
        expect(found.offset).toBeLessThanOrEqual(size);
        continue;
      }
      // What is there is right; and either all is there, or the missing is told.
      expect(found.events).toEqual(events.slice(0, found.events.length));
      expect(found.errors > 0 || found.events.length === events.length).toBe(true);
    }
  });

  test('with bits flipped all over', async () => {
    for (let bit = 0; bit < 8 * whole.length; bit += 13 * stride) {
      const bytes = whole.slice();
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      const found = await outcome(bytes);
      if (found instanceof SpinbackError) continue;
      const isRight = JSON.stringify(found.events, digits) === JSON.stringify(events, digits);
      expect(isRight || found.errors > 0, `bit ${bit}`).toBe(true);
    }
  });

  test('with any bytes anywhere, checksums made right again', async () => {
    const harm = fc.record({
      at: fc.nat(whole.length - 1),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 12 }),
    });
    const property = fc.asyncProperty(fc.array(harm, { minLength: 1, maxLength: 4 }), async (harms) => {
      const bytes = whole.slice();
      for (const { at, bytes: put } of harms) bytes.set(put.subarray(0, bytes.length - at), at);
      await outcome(resealed(bytes));
    });
    await fc.assert(property, { seed: SEED, numRuns: 500 * SOAK });
  });
});

const digits = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

/** The same frames, whose checksums are those of what is in them now. */
function resealed(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer);
  for (let at = 16; at + FRAME_HEADER <= bytes.length;) {
    const end = at + FRAME_HEADER + view.getUint32(at + 4, true) + view.getUint32(at + 8, true);
    if (end > bytes.length) break;
    view.setUint32(at + 16, checksum(bytes.subarray(at + FRAME_HEADER, end)), true);
    view.setUint32(at + 20, checksum(bytes.subarray(at, at + 20)), true);
    at = end;
  }
  return bytes;
}

const LARGER: readonly (readonly [string, () => Promise<Capture>])[] = [
  ['trace.dat', () => openCapture(smallCapture('slow-holder.dat'))],
  ['perf.data', () => perfData(...SAMPLES)],
];

describe.each(LARGER)('a container of several blocks of %s', { timeout: 120_000 }, (_, opened) => {
  let parts: Uint8Array[];
  let all: Uint8Array;
  let total: number;
  beforeAll(async () => {
    parts = await partsOf(await opened());
    all = join(parts);
    total = analyzeCapture(await open(all)).trace.events;
  });

  const kindOf = (part: Uint8Array): number => new DataView(part.buffer, part.byteOffset).getUint32(0, true);

  test('cut around every frame: whole blocks are read, and every CPU lost its tail', async () => {
    let end = 0;
    let blocks = 0;
    for (const part of parts) {
      for (const size of [end + 1, end + FRAME_HEADER, end + part.length - 1]) {
        // Behind the tail nothing is missing.
        if (size < 100 || kindOf(part) === FRAME.done) continue;
        const capture = await open(all.subarray(0, size)).catch((error: unknown) => error);
        if (capture instanceof SpinbackError) {
          expect(capture.code).toBe('DAMAGED');
          continue;
        }
        const { trace } = analyzeCapture(capture as Capture);
        expect(trace.events).toBe(Math.min(total, blocks * 32768));
        expect(trace.problems.find(({ name }) => name === 'truncated')).toMatchObject({
          severity: 'error',
          offset: end,
        });
        expect((capture as Capture).lanes.every(({ lostTail }) => lostTail)).toBe(true);
      }
      end += part.length;
      if (kindOf(part) === FRAME.block) blocks++;
    }
    expect(blocks).toBe(3);
  });

  test('cut behind the tail: nothing is missing but the end, and that is told', async () => {
    for (const missing of [1, 16, 32]) {
      const { trace } = analyzeCapture(await open(all.subarray(0, all.length - missing)));
      expect(trace.events).toBe(total);
      expect(trace.problems).toContainEqual(expect.objectContaining({ name: 'cut-end', severity: 'error' }));
    }
  });

  test('with a damaged block: the others are read, its CPUs lost events', async () => {
    const broken = parts.map((part) => part.slice());
    const second = broken.filter((part) => kindOf(part) === FRAME.block)[1]!;
    second[second.length - 20]! ^= 1;
    const capture = await open(join(broken));
    const { trace } = analyzeCapture(capture);
    expect(trace.events).toBe(total - 32768);
    expect(trace.problems.find(({ name }) => name === 'damaged-block')).toMatchObject({
      severity: 'error',
      count: 1,
    });
    expect(trace.perCpu.length).toBeGreaterThan(1);
    expect(trace.perCpu.every(({ lost }) => lost === null)).toBe(true);
  });

  test('with a damaged rest: events are there, their fields are not', async () => {
    const broken = parts.map((part) => part.slice());
    const first = broken.find((part) => kindOf(part) === FRAME.rest)!;
    first[first.length - 20]! ^= 1;
    const capture = await open(join(broken));
    const found = [...eventsOf(capture)];
    expect(found.length).toBe(total);
    expect(capture.record(found[0]!.place)).toBeNull();
    expect(capture.record(found.at(-1)!.place)).not.toBeNull();
    expect(capture.damage().at(-1)).toMatchObject({ name: 'damaged-rest', count: 1 });
  });

  test('of a later version: which one is told', async () => {
    const later = all.slice();
    later[8] = later[10] = 3;
    await expect(open(later)).rejects.toMatchObject({ code: 'UNSUPPORTED', offset: 8 });
  });

  test('with absurd sizes in a frame: no more is read or allocated than there is', async () => {
    for (const field of [4, 8]) {
      const absurd = all.slice();
      const view = new DataView(absurd.buffer);
      view.setUint32(16 + field, 0xffff_fff0, true);
      view.setUint32(16 + 20, checksum(absurd.subarray(16, 36)), true);
      await expect(open(absurd)).rejects.toMatchObject({ code: 'DAMAGED', offset: 16 });
    }
  });
});

import { describe, expect, test } from 'vitest';
import { SpinbackError } from '../../../src/base/errors.ts';
import * as P from '../../../src/model/perf-records.ts';
import { scanInTypeScript } from '../../../src/engine/twin/scan-samples.ts';
import { analyzeCapture, eventsOf } from '../../../src/session/session.ts';
import type { Capture, Lane } from '../../../src/trace/capture.ts';
import { openSource } from '../../../src/trace/open.ts';
import { ACQUIRE, Bytes, record } from '../trace-dat/build.ts';
import { byteOrder } from '../byte-order.ts';
import { seeded } from '../trace-dat/drain.ts';
import {
  comm,
  FEATURES,
  idIndex,
  lost,
  perfFile,
  perfPipe,
  perfRecord,
  ROUND,
  sample,
  sourceOf,
  USUAL,
  type BuiltAttr,
} from './build.ts';

const TAKE: BuiltAttr = { config: ACQUIRE, sampleType: USUAL, ids: [10, 11] };

function taken(time: number): Uint8Array {
  const raw = record(ACQUIRE, 7, new Bytes().u64(0x1000).u32(4).u32(0).u64(9).done(), 1, 1);
  return sample(TAKE, { id: 10 + (time % 2), time, cpu: time % 2, pid: 7, raw });
}

const COUNT = 12;
const TIMES = Array.from({ length: COUNT }, (_, n) => n + 1);
const RECORDS = [
  idIndex([
    [10, 0],
    [11, 1],
  ]),
  comm(7, 'seven', TAKE),
  ...TIMES.slice(0, 6).map(taken),
  lost(TAKE, { time: 7, count: 3 }),
  ROUND,
  ...TIMES.slice(6).map(taken),
  ROUND,
];

/** A zstd frame of raw blocks that is flushed and never ended: what perf writes, but for the packing. */
function zstd(content: Uint8Array): Uint8Array {
  const bytes = new Bytes().raw(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0x58));
  for (let at = 0; at < content.length; at += 200) {
    const block = content.subarray(at, at + 200);
    bytes.raw(numbers24(block.length << 3)).raw(block);
  }
  return bytes.done();
}

function numbers24(value: number): Uint8Array {
  return Uint8Array.of(value & 255, (value >> 8) & 255, value >> 16);
}

function joined(records: readonly Uint8Array[]): Uint8Array {
  const bytes = new Bytes();
  for (const one of records) bytes.raw(one);
  return bytes.done();
}

/** Compressed records that hold the samples, split at any byte. */
function packed(type: number, part: number): Uint8Array[] {
  const content = zstd(joined(RECORDS.slice(2)));
  const records: Uint8Array[] = RECORDS.slice(0, 2);
  for (let at = 0; at < content.length; at += part) {
    const piece = content.subarray(at, at + part);
    if (type === P.COMPRESSED) records.push(perfRecord(type, piece));
    else records.push(perfRecord(type, new Bytes().u64(piece.length).raw(piece).alignTo(8).done()));
    records.push(ROUND);
  }
  return records;
}

const FILES = [
  ['file', perfFile({ attrs: [TAKE], records: RECORDS })],
  ['pipe', perfPipe({ attrs: [TAKE], records: RECORDS })],
  ['compressed', perfFile({ attrs: [TAKE], records: packed(P.COMPRESSED, 333) })],
  ['compressed pipe', perfPipe({ attrs: [TAKE], records: packed(P.COMPRESSED2, 333) })],
] as const;

const names = (capture: Capture): string[] => capture.damage().map(({ name }) => name);

/** What is there of a file: an error of ours, or how many samples. Without an engine, for there are thousands of files. */
async function survive(bytes: Uint8Array): Promise<SpinbackError | { capture: Capture; samples: number }> {
  try {
    const capture = await openSource(sourceOf(bytes));
    let samples = 0;
    capture.arrange?.((stream, tables, take) => {
      const totals = scanInTypeScript(stream, tables, take);
      samples = Number(totals.samples - totals.unknown);
      return totals;
    });
    for (const [lane, { read, size }] of capture.lanes.map((lane) => bound(lane)).entries()) {
      let got = 0;
      for (let part = read(window); part > 0; part = read(window)) got += part;
      expect(got).toBe(size);
      for (let offset = 0; offset < got; offset += 50) capture.record({ lane, offset });
    }
    void [capture.types, capture.losses?.(), capture.progress()];
    capture.close();
    return { capture, samples };
  } catch (error) {
    if (error instanceof SpinbackError) return error;
    throw error;
  }
}

const window = new Uint8Array(1 << 17);
const bound = (lane: Lane) => ({ read: lane.read.bind(lane), size: lane.size });

test.each([1, 7, 100, 333, 5000])(
  'compressed records of %d bytes hold the same as plain ones',
  async (part) => {
    const plain = [...eventsOf(await openSource(sourceOf(FILES[0][1])))].map(({ event }) => event);
    for (const type of [P.COMPRESSED, P.COMPRESSED2]) {
      const capture = await openSource(sourceOf(perfFile({ attrs: [TAKE], records: packed(type, part) })));
      expect([...eventsOf(capture)].map(({ event }) => event)).toEqual(plain);
      expect(capture).toMatchObject({
        format: byteOrder.littleEndian ? 'perf.data (zstd)' : 'perf.data (zstd), big-endian',
      });
      expect(names(capture)).not.toContain('damaged-compression');
      expect(capture.comm(7)).toBe('seven');
      capture.close();
    }
  },
);

test('a size that overflowed in a COMPRESSED2 record', async () => {
  // Header, size and data round up to 64 KiB, so the 16 bits of the size are 0 and perf writes no padding.
  const filler = Array.from({ length: 800 }, (_, n) => taken(100 + n));
  const content = zstd(joined(filler)).subarray(0, 65516);
  expect(content).toHaveLength(65516);
  const broken = new Bytes().u32(P.COMPRESSED2).u16(0).u16(0).u64(content.length).raw(content).done();
  const records = [...RECORDS.slice(0, 2), broken, ROUND];
  const capture = await openSource(sourceOf(perfFile({ attrs: [TAKE], records })));
  expect([...eventsOf(capture)].length).toBeGreaterThan(600);
  expect(names(capture)).toContain('truncated');
});

describe.each(FILES)('%s', (name, file) => {
  test('cut at every byte: an error of ours, or what is there, and told', { timeout: 120_000 }, async () => {
    let [opened, most] = [0, 0];
    for (let size = 0; size < file.length; size++) {
      const result = await survive(file.subarray(0, size));
      if (result instanceof SpinbackError) {
        expect(['DAMAGED', 'NOT_A_CAPTURE', 'UNSUPPORTED']).toContain(result.code);
        continue;
      }
      opened++;
      most = Math.max(most, result.samples);
      // A pipe has no end but the last record's.
      if (name === 'file') {
        const told = ['truncated', 'features-damaged', 'formats-missing', 'formats-damaged'];
        expect(names(result.capture).some((damage) => told.includes(damage))).toBe(true);
      }
    }
    expect(opened).toBeGreaterThan(0);
    expect(most).toBe(COUNT);
  });

  test('flipped bytes: an error of ours, or bounded results', { timeout: 120_000 }, async () => {
    const random = seeded(20151008);
    let opened = 0;
    for (let round = 0; round < 1500; round++) {
      const bytes = file.slice();
      for (let flips = 1 + random(4); flips > 0; flips--) bytes[random(bytes.length)] = random(256);
      const result = await survive(bytes);
      if (result instanceof SpinbackError) continue;
      opened++;
      expect(result.samples).toBeLessThanOrEqual(bytes.length / 8);
    }
    expect(opened).toBeGreaterThan(200);
  });
});

describe.each([FILES[0], FILES[1]])('a %s cut before it describes an event', (_, file) => {
  test.each([8, 12, 16, 40, 100])('at %d bytes says so, with the offset', async (size) => {
    expect(await survive(file.subarray(0, size))).toMatchObject({
      code: 'DAMAGED',
      offset: size,
      message: expect.stringMatching(/^the file was cut: it ends .*/) as string,
    });
  });
});

test('what is no record where an event should be described is told with its offset', async () => {
  const pipe = FILES[1][1].slice();
  pipe.fill(0, 16, 24);
  expect(await survive(pipe)).toMatchObject({
    code: 'DAMAGED',
    offset: 16,
    message: 'no event is described before offset 16, where no record begins',
  });
});

test('garbage in the middle: the samples around it are read, and it is told', async () => {
  const garbage = Uint8Array.from({ length: 4096 }, (_, n) => (n * 37) & 255);
  const records = [...RECORDS.slice(0, 12), garbage, ...RECORDS.slice(12)];
  const result = await survive(perfFile({ attrs: [TAKE], records }));
  if (result instanceof SpinbackError) throw result;
  expect(result.samples).toBe(COUNT);
  expect(names(result.capture)).toContain('damaged-records');
});

test('no feature section can be where it says: what is there is read', async () => {
  const file = perfFile({ attrs: [TAKE], records: RECORDS, features: FEATURES });
  const view = new DataView(file.buffer);
  const { littleEndian } = byteOrder;
  const places = Number(view.getBigUint64(40, littleEndian)) + Number(view.getBigUint64(48, littleEndian));
  view.setBigUint64(places, 1n << 60n, littleEndian);
  view.setBigUint64(places + 16, BigInt(file.length - 1), littleEndian);
  const report = analyzeCapture(await openSource(sourceOf(file)));
  expect(report.trace).toMatchObject({ events: COUNT, kernel: null });
  expect(report.trace.problems).toContainEqual(
    expect.objectContaining({
      name: 'features-damaged',
      severity: 'error',
      offset: places,
      count: 2,
    }),
  );
});

test('records missing from the middle: the header says how long the data was, and what lies behind it is not there', async () => {
  const file = perfFile({ attrs: [TAKE], records: RECORDS, features: FEATURES });
  const { littleEndian } = byteOrder;
  const data = Number(new DataView(file.buffer).getBigUint64(40, littleEndian));
  const from = data + RECORDS.slice(0, 3).reduce((sum, { length }) => sum + length, 0);
  const gone = RECORDS[3]!.length;
  const result = await survive(Uint8Array.from([...file.subarray(0, from), ...file.subarray(from + gone)]));
  if (result instanceof SpinbackError) throw result;
  expect(result.samples).toBe(COUNT - 1);
  expect(names(result.capture)).toContain('features-damaged');
});

test('more events than there are numbers for them, and more ids than can be: told, and the first ones are read', async () => {
  const many = perfFile({ attrs: Array.from({ length: 0x8001 }, () => TAKE), records: RECORDS });
  const some = perfFile({
    attrs: [TAKE, { ...TAKE, ids: Array.from({ length: 1 << 20 }, (_, n) => n) }],
    records: RECORDS,
  });
  for (const file of [many, some]) {
    const result = await survive(file);
    if (result instanceof SpinbackError) throw result;
    expect(result.samples).toBe(COUNT);
    expect(names(result.capture)).toContain('features-damaged');
  }
});

import { describe, expect, test } from 'vitest';
import { SpinbackError } from '../../../src/base/errors.ts';
import { byteOrder } from '../byte-order.ts';
import { acquire, Bytes, buildV6, buildV7, join, page, sampleBuffer, type BuiltBuffer } from './build.ts';
import { laneBytes, openBytes, seeded, survive } from './drain.ts';
import { walkLane } from './walk.ts';

const { littleEndian } = byteOrder;

/** A flipped page size makes one page of this of what little a lane has. */
const LARGEST_PAGE = 2 ** 20;

const FILES = [
  ['v6', buildV6()],
  ['v7', buildV7()],
  ['v7 zlib', buildV7({ compression: 'zlib' })],
] as const;

describe.each(FILES)('%s', (name, file) => {
  // The sample's lanes have three pages; a cut page counts as one.
  const most = 3 * 4096;

  test(
    'cut at every byte: an error of ours with an offset, or what is there',
    { timeout: 120_000 },
    async () => {
      let opened = 0;
      for (let size = 0; size < file.length; size++) {
        const result = await survive(file.subarray(0, size), most);
        if (result instanceof SpinbackError) {
          if (size > 0) expect(['DAMAGED', 'NOT_A_CAPTURE']).toContain(result.code);
          expect(result.offset).toBeTypeOf('number');
          // Where something is, or where it should be behind the cut.
          expect(result.offset).toBeLessThanOrEqual(file.length);
        } else {
          opened++;
          expect(result.damage().map((damage) => damage.name)).toContain('truncated');
        }
      }
      // The metadata and the options in front of the data are less than a page.
      expect(opened).toBeGreaterThan(file.length - 4096);
    },
  );

  // What is packed is held to its checksum.
  test.skipIf(name === 'v7 zlib').each([
    ['zeroed', '\0'],
    ['garbled', '\xff'],
  ])('%s symbols: none is shown, and it is told where', async (_what, bad) => {
    const damaged = file.slice();
    const at = Buffer.from(damaged).indexOf('_text');
    expect(at).toBeGreaterThan(0);
    damaged.fill(bad.charCodeAt(0), at, at + 5);
    const capture = await openBytes(damaged);
    for (let n = 0; n < 2; n++) capture.readNames!();
    expect(capture.damage()).toContainEqual(
      expect.objectContaining({ name: 'names-damaged', severity: 'error', offset: at, count: 1 }),
    );
    expect(capture.symbol(0xffffffff81000000n)).toBeNull();
  });

  test('another one behind it is told, not read', async () => {
    const [one, two] = [await openBytes(file), await openBytes(join(file, file))];
    const behind = { name: 'another-behind', severity: 'error', offset: file.length };
    expect(one.damage()).not.toContainEqual(expect.objectContaining({ name: behind.name }));
    expect(two.damage()).toContainEqual(expect.objectContaining(behind));
  });

  test('flipped bytes: an error of ours, or bounded lanes', { timeout: 120_000 }, async () => {
    const random = seeded(20151008);
    let opened = 0;
    for (let round = 0; round < 3000; round++) {
      const bytes = file.slice();
      for (let flips = 1 + random(4); flips > 0; flips--) {
        // Metadata lies before the pages and, in version 7, behind them.
        const at = random(4) === 0 ? bytes.length - 1 - random(200) : random(Math.min(4096, bytes.length));
        bytes[at] = random(256);
      }
      if (!((await survive(bytes, bytes.length + 2 * LARGEST_PAGE)) instanceof SpinbackError)) opened++;
    }
    expect(opened).toBeGreaterThan(100);
  });
});

test('a lane that the file cuts: whole events of the last page, the rest of it empty', async () => {
  const file = buildV6();
  const whole = await openBytes(file);
  const wholeLane = [...walkLane(whole.lanes[0]!)];
  const second = sampleBuffer().cpus[1]!;
  // CPU 1's only page is the file's last one; its records end at 16 + 36 = 52, at 68 and at 104 bytes.
  const start = file.length - second.pages.length;
  for (const [present, records] of [
    [4095, 3],
    [104, 3],
    [103, 2],
    [68, 2],
    [67, 1],
    [52, 1],
    [51, 0],
    [17, 0],
  ] as const) {
    const capture = await openBytes(file.subarray(0, start + present));
    const lane = capture.lanes[1]!;
    expect(lane.size).toBe(4096);
    expect([...walkLane(lane)]).toHaveLength(records);
    expect(lane.lostTail).toBe(true);
    expect(capture.damage()).toContainEqual(
      expect.objectContaining({
        name: 'truncated',
        severity: 'error',
        count: 1,
        offset: start + present,
      }),
    );
    // The other lane is not touched.
    expect([...walkLane(capture.lanes[0]!)]).toEqual(wholeLane);
  }
  // Cut between two pages: nothing is half, and yet the tail is missing.
  const firstLane = sampleBuffer().cpus[0]!.pages.length;
  const between = await openBytes(file.subarray(0, start - firstLane / 2));
  expect([...walkLane(between.lanes[0]!)]).toHaveLength(3);
  expect(between.lanes.map(({ lostTail }) => lostTail)).toEqual([true, true]);
  const headerOnly = await openBytes(file.subarray(0, start + 16));
  expect(laneBytes(headerOnly, 1)).toHaveLength(0);
});

describe('compressed chunks', () => {
  /** One CPU with six pages, one record each, a page per chunk. */
  const buffer: BuiltBuffer = {
    name: '',
    clock: 'mono',
    cpus: [
      {
        cpu: 0,
        pages: join(
          ...[1, 2, 3, 4, 5, 6].map((index) =>
            page({
              time: BigInt(index) * 1000n,
              records: [{ delta: 1, data: acquire(index, BigInt(index), 4) }],
            }),
          ),
        ),
      },
    ],
  };

  function chunkPlaces(file: Uint8Array): number[] {
    const view = new DataView(file.buffer);
    const places: number[] = [];
    // The lane is the only thing at 8192: metadata takes less than two pages, and lanes are page aligned.
    const start = [4096, 8192].find((at) => view.getUint32(at, littleEndian) === 6)!;
    let at = start + 4;
    for (let index = 0; index < 6; index++) {
      places.push(at);
      at += 8 + view.getUint32(at, littleEndian);
    }
    return places;
  }

  test('a damaged one becomes a gap that the next page reports; places behind it stay', async () => {
    const file = buildV7({ compression: 'zlib', buffers: [buffer] });
    const healthy = [...walkLane((await openBytes(file)).lanes[0]!)];
    const places = chunkPlaces(file);
    file.fill(0xff, places[2]! + 8, places[2]! + 12);
    file.fill(0xff, places[3]! + 8, places[3]! + 12);
    const capture = await openBytes(file);
    const walked = [...walkLane(capture.lanes[0]!, 4096)];
    expect(walked.map(({ pid }) => pid)).toEqual([1, 2, 5, 6]);
    expect(walked.map(({ lostBefore }) => lostBefore)).toEqual([null, null, -1, null]);
    // The gap's pages are empty and have the time of the page behind them.
    const pages = new DataView(laneBytes(await openBytes(file), 0).buffer);
    expect([2, 3, 4].map((index) => pages.getBigUint64(index * 4096, littleEndian))).toEqual([
      5000n,
      5000n,
      5000n,
    ]);
    expect([2, 3].map((index) => pages.getUint32(index * 4096 + 8, littleEndian))).toEqual([0, 0]);
    expect(walked.map(({ offset }) => offset)).toEqual([0, 1, 4, 5].map((index) => healthy[index]!.offset));
    expect(capture.damage()).toContainEqual(
      expect.objectContaining({
        name: 'damaged-chunk',
        severity: 'error',
        count: 2,
        offset: places[2]! + 8,
      }),
    );
    expect(capture.lanes[0]!.lostTail).toBe(false);
    expect(capture.record({ lane: 0, offset: healthy[4]!.offset })?.text).toContain('addr=0x5');
    expect(capture.record({ lane: 0, offset: healthy[2]!.offset })).toBeNull();
  });

  test('the last one damaged: the lane ends, and says that its tail is lost', async () => {
    const file = buildV7({ compression: 'zlib', buffers: [buffer] });
    file.fill(0xff, chunkPlaces(file)[5]! + 8, chunkPlaces(file)[5]! + 12);
    const capture = await openBytes(file);
    expect([...walkLane(capture.lanes[0]!)]).toHaveLength(5);
    expect(capture.lanes[0]!.lostTail).toBe(true);
  });

  test('impossible sizes end the lane without being allocated', async () => {
    for (const [field, value] of [
      [0, 0xffffffff],
      [4, 0xffffffff],
      [4, 0],
      [0, 0],
    ] as const) {
      const file = buildV7({ compression: 'zlib', buffers: [buffer] });
      new DataView(file.buffer).setUint32(chunkPlaces(file)[1]! + field, value, littleEndian);
      const capture = await openBytes(file);
      expect([...walkLane(capture.lanes[0]!)]).toHaveLength(1);
      expect(capture.damage()).toHaveLength(2);
      expect(capture.lanes[0]!.lostTail).toBe(true);
    }
  });

  test('a chunk that reaches beyond its lane', async () => {
    const file = buildV7({ compression: 'zlib', buffers: [buffer] });
    const last = chunkPlaces(file)[5]!;
    const view = new DataView(file.buffer);
    view.setUint32(last, view.getUint32(last, littleEndian) + 8, littleEndian);
    const capture = await openBytes(file);
    expect([...walkLane(capture.lanes[0]!)]).toHaveLength(5);
    expect(capture.damage().map(({ name }) => name)).toContain('truncated');
    expect(capture.lanes[0]!.lostTail).toBe(true);
  });

  test("a size that is not the chunk's is damage, not garbage", async () => {
    const file = buildV7({ compression: 'zlib', buffers: [buffer] });
    new DataView(file.buffer).setUint32(chunkPlaces(file)[1]! + 4, 8192, littleEndian);
    const capture = await openBytes(file);
    expect([...walkLane(capture.lanes[0]!)].map(({ pid }) => pid)).toEqual([1, 3, 4, 5, 6]);
  });

  test('a stated size without the four bytes of the count, as trace-cmd 3.1.6 writes it', async () => {
    const file = buildV7({ compression: 'zlib', buffers: [buffer] });
    const view = new DataView(file.buffer);
    // The buffer option ends with the only lane's size, then 14 bytes of DONE.
    const sizeAt = file.length - 14 - 8;
    view.setBigUint64(sizeAt, view.getBigUint64(sizeAt, littleEndian) - 4n, littleEndian);
    const capture = await openBytes(file);
    expect([...walkLane(capture.lanes[0]!)]).toHaveLength(6);
    expect(capture.damage().map(({ name }) => name)).toEqual(['mapping-misfit']);
  });
});

describe('places of lanes that cannot be', () => {
  /** Version 7 with one CPU listed with these numbers. */
  function withExtents(
    ...extents: readonly (readonly [cpu: number, at: bigint, size: bigint])[]
  ): Uint8Array {
    const file = buildV7({ buffers: [] });
    const list = new Bytes().u64(0).text('\0mono\0').u32(4096).u32(extents.length);
    for (const [cpu, at, size] of extents) list.u32(cpu).u64(at).u64(size);
    const data = list.done();
    const content = new Bytes().u16(3).u32(data.length).raw(data).u16(0).u32(8).u64(0).done();
    // Replaces the empty options section at the end: 16 bytes of header, 14 of DONE.
    const header = new Bytes().u16(0).u16(0).u32(0).u64(content.length).raw(content).done();
    return join(file.subarray(0, file.length - 30), header, page({ time: 1n, records: [] }));
  }

  test.each([
    ['beyond any file', [[0, 2n ** 63n, 2n ** 63n]], 0, 'impossible-lane'],
    [
      'the same CPU twice',
      [
        [0, 0n, 16n],
        [0, 32n, 16n],
      ],
      1,
      'impossible-lane',
    ],
    ['a CPU number of 32 bits', [[0xffffffff, 0n, 16n]], 0, 'impossible-lane'],
    [
      'overlapping',
      [
        [0, 0n, 4096n],
        [1, 100n, 4096n],
      ],
      1,
      'impossible-lane',
    ],
    ['behind the end', [[0, 1_000_000n, 4096n]], 1, 'truncated'],
  ] as const)('%s', async (_, extents, lanes, damage) => {
    const capture = await openBytes(withExtents(...extents));
    expect(capture.lanes).toHaveLength(lanes);
    expect(capture.damage().map(({ name }) => name)).toContain(damage);
  });

  test('no buffer at all', async () => {
    const file = buildV7({ buffers: [] });
    const capture = await openBytes(file);
    expect(capture.lanes).toEqual([]);
    expect(capture.types.length).toBeGreaterThan(0);
    expect(capture.damage()).toMatchObject([
      { name: 'truncated', severity: 'error', offset: file.length },
      { name: 'mapping-misfit' },
    ]);
  });

  test('options that run in a circle end', async () => {
    const file = buildV7();
    const view = new DataView(file.buffer);
    // The last options section's DONE points back to the first one.
    const first = view.getBigUint64(12 + 6 + 6, littleEndian);
    expect(view.getUint16(Number(first), littleEndian)).toBe(0);
    view.setBigUint64(file.length - 8, first, littleEndian);
    const capture = await openBytes(file);
    expect(capture.damage().map(({ name }) => name)).toContain('options-damaged');
  });
});

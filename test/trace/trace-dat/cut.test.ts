import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { SpinbackError } from '../../../src/base/errors.ts';
import { generateTraceDat } from '../../../src/generate/index.ts';
import { bytesSource } from '../../../src/io/bytes.ts';
import type { Capture } from '../../../src/trace/capture.ts';
import { openSource } from '../../../src/trace/open.ts';
import { laneBytes, openBytes, seeded, survive, told } from './drain.ts';
import { walkLane } from './walk.ts';

// A version 7 file lists its CPUs behind their data. Cut before that, the data is found by scanning: here in a real file with
// compressed chunks and a generated plain one, cut at many places. lost-index.test.ts has the single cases.

function u32(file: Uint8Array, at: number): number {
  return new DataView(file.buffer, file.byteOffset).getUint32(at, true);
}

function lanesOf(capture: Capture): Map<number, Uint8Array> {
  return new Map(capture.lanes.map(({ cpu }, index) => [cpu, laneBytes(capture, index)]));
}

/** Where the data of the CPUs lies in a healthy file. */
interface Place {
  readonly cpu: number;
  readonly start: number;
  readonly end: number;
}

/** Bytes of a lane that a file of `size` bytes must give, for every CPU. */
type Truth = (place: Place, size: number) => number;

interface Subject {
  readonly name: string;
  readonly file: Uint8Array;
  readonly isPacked: boolean;
  readonly places: readonly Place[];
  readonly truth: Truth;
  /** Ends of pages or chunks, a few of them. */
  readonly seams: readonly number[];
  /** Where the first options end and the data's section begins. */
  readonly dataSection: number;
  /** Where the last options begin. */
  readonly index: number;
}

/** lost-unlock.dat as trace-cmd dump lists it; its CPUs' places as its BUFFER option gives them, 4 bytes added. */
function packedSubject(): Subject {
  const file = new Uint8Array(readFileSync('traces/lost-unlock.dat'));
  const places = [
    { cpu: 0, start: 708608, end: 1145194 },
    { cpu: 1, start: 1146880, end: 1586709 },
    { cpu: 2, start: 1589248, end: 1979582 },
    { cpu: 3, start: 1982464, end: 2003636 },
  ];
  // Ends of chunks, and how many bytes of the lane they complete.
  const chunks = new Map<number, [end: number, size: number][]>();
  for (const { cpu, start } of places) {
    const list: [number, number][] = [];
    let [at, size] = [start + 4, 0];
    for (let count = u32(file, start); count > 0; count--) {
      size += u32(file, at + 4);
      at += 8 + u32(file, at);
      list.push([at, size]);
    }
    chunks.set(cpu, list);
  }
  return {
    name: 'lost-unlock.dat (zstd)',
    isPacked: true,
    file,
    places,
    truth: ({ cpu }, size) => chunks.get(cpu)!.findLast(([end]) => end <= size)?.[1] ?? 0,
    seams: [...chunks.values()].flatMap((list) => [list[0]![0], list[3]![0], list.at(-1)![0]]),
    dataSection: 705331,
    index: 2003636,
  };
}

/** A generated plain file: its pages lie one behind the other. */
async function plainSubject(): Promise<Subject> {
  const { bytes: file } = generateTraceDat({ seed: 7, cpus: 4, events: 9_000 });
  const lanes = lanesOf(await openBytes(file));
  let start = Buffer.from(file).indexOf(lanes.get(0)!.subarray(0, 4096));
  const section = Buffer.from(file).lastIndexOf(Buffer.from([3, 0, 0, 0]), start);
  const places = [...lanes].map(([cpu, { length }]) => {
    start += length;
    return { cpu, start: start - length, end: start };
  });
  return {
    name: 'generated (plain)',
    isPacked: false,
    file,
    places,
    // A page of which more than its header is there counts whole: its rest is empty.
    truth: ({ start: from, end }, size) => {
      const there = Math.max(0, Math.min(size, end) - from);
      const rest = there % 4096;
      return there - rest + (rest > 16 ? 4096 : 0);
    },
    seams: places.flatMap(({ start: from, end }) => [from, from + 16, from + 4096, end]),
    dataSection: section,
    index: start,
  };
}

describe.each([packedSubject(), await plainSubject()])('$name', (subject) => {
  const { file, isPacked, places, truth, seams, dataSection, index } = subject;

  test(
    'cut anywhere: the prefix of every lane, never less than of a shorter file',
    { timeout: 120_000 },
    async () => {
      const whole = lanesOf(await openBytes(file));
      const random = seeded(20151008);
      const sizes = [dataSection, dataSection + 1, dataSection + 16, index - 1, index, index + 1];
      for (const { start } of places)
        sizes.push(start - 1, start, start + 1, start + 4, start + 11, start + 12);
      for (const seam of seams) sizes.push(seam - 1, seam, seam + 1);
      for (let round = 0; round < 40; round++) sizes.push(dataSection + random(file.length - dataSection));
      let [events, before] = [-1, ''];
      for (const size of sizes.toSorted((a, b) => a - b)) {
        const capture = await openBytes(file.subarray(0, size));
        const where = `cut at ${size}`;
        expect(capture.clock, where).toEqual({ name: 'mono', unit: 'ns' });
        expect(capture.types.length, where).toBeGreaterThan(3);
        expect(
          capture.lanes.map(({ cpu }) => cpu),
          where,
        ).toEqual([0, 1, 2, 3]);
        let count = 0;
        for (const place of places) {
          const lane = laneBytes(capture, place.cpu);
          const full = whole.get(place.cpu)!;
          expect(lane.length, `${where}, CPU ${place.cpu}`).toBe(truth(place, size));
          // The last page can be one of which only a part was there; chunks are whole.
          const part = isPacked || size >= place.end ? 0 : 4096;
          const sure = Math.max(0, lane.length - part);
          expect(Buffer.compare(lane.subarray(0, sure), full.subarray(0, sure)), where).toBe(0);
          if (size < place.end) expect(capture.lanes[place.cpu]!.lostTail, where).toBe(true);
          if (size >= place.end) expect(capture.lanes[place.cpu]!.lostTail, where).toBe(false);
        }
        for (const lane of (await openBytes(file.subarray(0, size))).lanes)
          for (const _ of walkLane(lane)) count++;
        expect(count, `${where}, more events than at ${before}`).toBeGreaterThanOrEqual(events);
        [events, before] = [count, `${size}`];
        if (size < index) {
          expect(capture.damage(), where).toMatchObject([
            { name: 'truncated', severity: 'error', count: 1, offset: size },
          ]);
          expect(told(capture), where).not.toContain('assumed');
        }
      }
      expect(events).toBe(places.reduce((sum, { cpu }) => sum + eventsIn(whole, cpu), 0));
    },
  );

  function eventsIn(whole: ReadonlyMap<number, Uint8Array>, cpu: number): number {
    const bytes = whole.get(cpu)!;
    let done = 0;
    const lane = {
      cpu,
      input: { kind: 'pages', layout: { pageSize: 4096, commitSize: 8, dataAt: 16 } },
      clock: { mult: 0, shift: 0, offsetNs: 0n },
      size: bytes.length,
      lost: null,
      lostTail: false,
      read(target: Uint8Array) {
        const part = bytes.subarray(done, done + target.length);
        target.set(part);
        done += part.length;
        return part.length;
      },
    } as const;
    return [...walkLane(lane)].length;
  }

  test('the damage says which CPUs end early and which are missing', async () => {
    const [, second] = places;
    const capture = await openBytes(file.subarray(0, Math.floor((second!.start + second!.end) / 2)));
    const text = told(capture);
    expect(text).toContain("CPU numbers follow from the recorder's statistics");
    expect(text).toContain('CPU 1 ends early; CPUs 2, 3 are missing');
    const empty = told(await openBytes(file.subarray(0, dataSection + 16)));
    expect(empty).toContain('no data is there; CPUs 0, 1, 2, 3 are missing');
  });

  test('places stay: a record found in the cut file is that of the whole one', async () => {
    const whole = await openBytes(file);
    const capture = await openBytes(file.subarray(0, places[2]!.start));
    const [record] = [...walkLane((await openBytes(file)).lanes[1]!)].slice(-1);
    const place = { lane: 1, offset: record!.offset };
    expect(capture.record(place)).toEqual(whole.record(place));
    expect(capture.record(place)!.type.name).not.toBe('');
    expect(capture.comm(record!.pid)).toBe(whole.comm(record!.pid));
  });

  test('cut and flipped: our errors or bounded lanes', { timeout: 120_000 }, async () => {
    const random = seeded(47340668);
    const most =
      3 * [...lanesOf(await openBytes(file)).values()].reduce((sum, { length }) => sum + length, 0);
    let opened = 0;
    for (let round = 0; round < 80; round++) {
      const size = places[0]!.start + random(file.length - places[0]!.start);
      const bytes = file.slice(0, size);
      for (let flips = 1 + random(4); flips > 0; flips--) {
        const place = places[random(4)]!;
        // Headers of lanes, pages and chunks above all.
        const at = [place.start + random(32), dataSection + random(16), random(size)][random(3)]!;
        if (at < size) bytes[at] = random(256);
      }
      if (!((await survive(bytes, most)) instanceof SpinbackError)) opened++;
    }
    expect(opened).toBeGreaterThan(40);
  });

  test('a healthy file is not scanned', async () => {
    const source = bytesSource(file, 'healthy.dat');
    let read = 0;
    const capture = await openSource({
      ...source,
      readInto(target, position) {
        const [from, to] = [Math.max(position, places[0]!.start), Math.min(position + target.length, index)];
        // Windows over the metadata reach into the data by less than their size.
        if (position >= places[0]!.start) read += Math.max(0, to - from);
        return source.readInto(target, position);
      },
    });
    expect(capture.damage()).toEqual([]);
    // The number of chunks of each CPU; and a look behind the last one, whose size is stated 4 bytes too short.
    expect(read).toBeLessThanOrEqual(4 * places.length + 4);
  });
});

import { describe, expect, test } from 'vitest';
import type { Capture } from '../../../src/trace/capture.ts';
import { byteOrder } from '../byte-order.ts';
import {
  acquire,
  Bytes,
  buildV6,
  buildV7,
  join,
  page,
  sampleBuffer,
  textOption,
  type BuiltBuffer,
  type BuiltOption,
} from './build.ts';
import { openBytes, told } from './drain.ts';
import { walkLane } from './walk.ts';

const { littleEndian } = byteOrder;

// Files without a list of the CPUs' data, made by hand: what is found, whose it is called, and what the damage says.

function u32(file: Uint8Array, at: number): number {
  return new DataView(file.buffer, file.byteOffset).getUint32(at, littleEndian);
}

const STAT = (cpu: number, events: number): BuiltOption =>
  textOption(
    2,
    `CPU: ${cpu}\nentries: 0\noverrun: 0\ncommit overrun: 0\ndropped events: 0\nread events: ${events}\n`,
  );
const CLOCK = textOption(4, 'local [boot] mono\n');
const CPUS = (count: number): BuiltOption => ({ id: 8, data: new Bytes().u32(count).done() });

/** Where the data begins: metadata and first options of what is built here take less than a page. */
const DATA = 4096;

/** A CPU with a page per time, a record each. */
function cpu(number: number, ...times: readonly bigint[]): BuiltBuffer['cpus'][number] {
  const pages = times.map((time) => page({ time, records: [{ delta: 1, data: acquire(number, time, 4) }] }));
  return { cpu: number, pages: join(...pages) };
}

function buffer(...cpus: BuiltBuffer['cpus']): BuiltBuffer {
  return { name: '', clock: 'mono', cpus };
}

/** Whose records (by their pid) a capture delivers as which CPU's. */
function delivered(capture: Capture): Record<number, number[]> {
  return Object.fromEntries(
    capture.lanes.map((lane) => [lane.cpu, [...walkLane(lane)].map(({ pid }) => pid)]),
  );
}

/** Where the header of a built file says where its first options lie: behind the name and version of the compression. */
function pointerAt(file: Uint8Array): number {
  return file[18] === 'z'.charCodeAt(0) ? 27 : 24;
}

/** The ends of the first options of a built file; the eight bytes before are the place of the last ones. */
function firstOptionsEnd(file: Uint8Array): number {
  const view = new DataView(file.buffer);
  const first = Number(view.getBigUint64(pointerAt(file), littleEndian));
  return first + 16 + Number(view.getBigUint64(first + 8, littleEndian));
}

/** Everything but the last options. */
function withoutIndex(file: Uint8Array): Uint8Array {
  return file.slice(
    0,
    Number(new DataView(file.buffer).getBigUint64(firstOptionsEnd(file) - 8, littleEndian)),
  );
}

describe.each(['none', 'zlib'] as const)('which CPU is whose, compression %s', (compression) => {
  const built = (cpus: BuiltBuffer['cpus'], options: readonly BuiltOption[] = []): Uint8Array =>
    withoutIndex(buildV7({ compression, buffers: [buffer(...cpus)], options: [CLOCK, ...options] }));

  test('CPUs that recorded nothing have no data: the statistics tell which', async () => {
    const file = built([cpu(1, 10n, 20n), cpu(3, 15n)], [STAT(0, 0), STAT(1, 2), STAT(2, 0), STAT(3, 1)]);
    const capture = await openBytes(file);
    expect(capture.clock.name).toBe('boot');
    expect(delivered(capture)).toEqual({ 1: [1, 1], 3: [3] });
    expect(told(capture)).toContain("follow from the recorder's statistics");
    expect(capture.lanes.map(({ lostTail }) => lostTail)).toEqual([false, false]);
  });

  test('without statistics they are numbered in order, and the damage says so', async () => {
    const capture = await openBytes(built([cpu(1, 10n, 20n), cpu(3, 15n)]));
    expect(delivered(capture)).toEqual({ 0: [1, 1], 1: [3] });
    expect(told(capture)).toContain('CPU numbers are assumed in order of appearance');
    // The section says that no more data follows: nobody is missing, and nothing of anybody.
    expect(capture.lanes.map(({ lostTail }) => lostTail)).toEqual([false, false]);
    expect(told(capture)).not.toMatch(/(is|are) missing[;)]/);
  });

  test('without statistics the number of CPUs tells how many are missing', async () => {
    const file = built([cpu(0, 10n, 20n), cpu(1, 15n)], [CPUS(4)]);
    const capture = await openBytes(file.subarray(0, file.length - 1));
    expect(Object.keys(delivered(capture))).toEqual(['0', '1', '2', '3']);
    expect(capture.lanes.map(({ lostTail }) => lostTail)).toEqual([false, true, true, true]);
    expect(told(capture)).toMatch(/CPUs 2, 3 are missing|CPUs 1, 2, 3 are missing/);
  });

  test('a number of CPUs that cannot be is not believed', async () => {
    const file = built([cpu(0, 10n)], [CPUS(0xffffffff)]);
    const capture = await openBytes(file.subarray(0, file.length - 1));
    expect(capture.lanes.length).toBeLessThanOrEqual(8192);
    expect(told(capture).length).toBeLessThan(600);
  });

  test('a recorder that was interrupted: no sizes, no counts, no next options', async () => {
    const file = built([cpu(0, 10n, 20n, 30n), cpu(1, 15n, 25n)], [STAT(0, 3), STAT(1, 9), STAT(2, 1)]);
    const view = new DataView(file.buffer);
    const section = firstOptionsEnd(file);
    expect(view.getUint16(section, littleEndian)).toBe(3);
    view.setBigUint64(section - 8, 0n, littleEndian);
    view.setBigUint64(section + 8, 0n, littleEndian);
    if (compression === 'zlib') view.setUint32(2 * DATA, 0, littleEndian);
    const capture = await openBytes(file);
    expect(delivered(capture)).toEqual({ 0: [0, 0, 0], 1: [1, 1], 2: [] });
    expect(capture.lanes.map(({ lostTail }) => lostTail)).toEqual([false, true, true]);
    expect(capture.damage()[0]).toMatchObject({ name: 'truncated', offset: file.length });
    expect(told(capture)).toContain('CPU 1 ends early; CPU 2 is missing');
  });

  test('an index that is there but damaged: all the data, and no CPU called cut', async () => {
    const file = buildV7({
      compression,
      buffers: [buffer(cpu(0, 10n, 20n), cpu(1, 15n))],
      options: [STAT(0, 2), STAT(1, 1)],
    });
    const index = withoutIndex(file).length;
    file[index] = 0x55;
    const capture = await openBytes(file);
    expect(delivered(capture)).toEqual({ 0: [0, 0], 1: [1] });
    expect(capture.lanes.map(({ lostTail }) => lostTail)).toEqual([false, false]);
    expect(capture.damage()[0]).toMatchObject({ name: 'options-damaged', severity: 'error', offset: index });
    expect(told(capture)).not.toContain('cut');
  });

  test('zeros where data should be, as a full disk leaves them', async () => {
    const file = built([cpu(0, 10n, 20n), cpu(1, 15n)], [STAT(0, 2), STAT(1, 5)]);
    const at = compression === 'zlib' ? 2 * DATA : 3 * DATA;
    file.fill(0, at);
    const capture = await openBytes(file);
    expect(delivered(capture)).toEqual({ 0: [0, 0], 1: [] });
    expect(told(capture)).toContain(`what lies from offset ${at} on is no data that can be read`);
  });

  test('the last options in part: what they tell counts', async () => {
    const file = buildV7({ compression, buffers: [buffer(cpu(2, 10n), cpu(5, 15n))] });
    const capture = await openBytes(file.subarray(0, file.length - 3));
    expect(delivered(capture)).toEqual({ 2: [2], 5: [5] });
    expect(capture.clock.name).toBe('mono');
    expect(told(capture)).toContain('as far as is known, no events were in it');
  });

  test('an instance behind the top one', async () => {
    const second = { name: 'foo', clock: 'mono', cpus: [cpu(0, 5n, 6n), cpu(1, 7n)] };
    const file = buildV7({
      compression,
      buffers: [buffer(cpu(0, 10n), cpu(1, 15n)), second],
      options: [STAT(0, 1), STAT(1, 1), textOption(2, '\nBuffer: foo\n\n'), STAT(0, 2), STAT(1, 1)],
    });
    const top = await openBytes(withoutIndex(file));
    expect(delivered(top)).toEqual({ 0: [0], 1: [1] });
    expect(told(top)).toContain('of the instances foo nothing is there');
  });
});

test('an instance whose data is cut, behind a top one whose options are there', async () => {
  const whole = buildV7({
    buffers: [buffer(cpu(0, 10n), cpu(1, 15n))],
    options: [STAT(0, 1), STAT(1, 1), textOption(2, '\nBuffer: foo\n\n'), STAT(0, 0), STAT(1, 3), STAT(2, 1)],
  });
  const section = new Bytes().raw(whole).u16(3).u16(0).u32(0).u64(99_999).alignTo(4096);
  const file = section.raw(cpu(1, 5n, 6n).pages).done();
  // The options of the top buffer lead to those of the instance, which were to follow its data.
  new DataView(file.buffer).setBigUint64(whole.length - 8, 99_999n, littleEndian);
  const top = await openBytes(file);
  expect(delivered(top)).toEqual({ 0: [0], 1: [1] });
  expect(top.lanes.map(({ lostTail }) => lostTail)).toEqual([false, false]);
  expect(told(top)).toContain('CPU 1 ends early; CPU 2 is missing');
  const foo = await openBytes(file, { instance: 'foo' });
  expect(delivered(foo)).toEqual({ 1: [1, 1], 2: [] });
  expect(foo.lanes.map(({ lostTail }) => lostTail)).toEqual([true, true]);
});

describe('plain pages', () => {
  const built = (cpus: BuiltBuffer['cpus'], options: readonly BuiltOption[]): Uint8Array =>
    withoutIndex(buildV7({ buffers: [buffer(...cpus)], options }));

  test('CPUs whose times follow each other are told apart by their number of events', async () => {
    const cpus = [cpu(0, 10n, 20n), cpu(1, 30n, 40n), cpu(2, 50n)];
    const capture = await openBytes(built(cpus, [STAT(0, 2), STAT(1, 2), STAT(2, 1)]));
    expect(delivered(capture)).toEqual({ 0: [0, 0], 1: [1, 1], 2: [2] });
    const without = await openBytes(built(cpus, []));
    expect(delivered(without)).toEqual({ 0: [0, 0, 1, 1, 2] });
    expect(told(without)).toContain('assumed');
  });

  test('numbers of events that do not fit: the times decide, and the numbers are called assumed', async () => {
    const cpus = [cpu(0, 10n, 20n), cpu(1, 15n, 25n), cpu(2, 12n)];
    for (const count of [1, 3, 4, 100]) {
      const capture = await openBytes(built(cpus, [STAT(0, count), STAT(1, 2), STAT(2, 1)]));
      expect(delivered(capture), `${count}`).toEqual(
        count === 1 ? { 0: [0], 1: [0], 2: [1, 1], 3: [2] } : { 0: [0, 0], 1: [1, 1], 2: [2] },
      );
      expect(told(capture), `${count}`).toContain('assumed');
      // Who knows whether that was all of it.
      expect(capture.lanes.at(count === 1 ? 1 : 0)!.lostTail, `${count}`).toBe(true);
    }
  });

  test('a page whose header cannot be ends the search', async () => {
    const file = built([cpu(0, 10n, 20n, 30n), cpu(1, 15n)], [STAT(0, 3), STAT(1, 1)]);
    new DataView(file.buffer).setUint32(DATA + 4096 + 8, 0xfffff, littleEndian);
    const capture = await openBytes(file);
    expect(delivered(capture)).toEqual({ 0: [0], 1: [] });
    expect(capture.lanes.map(({ lostTail }) => lostTail)).toEqual([true, true]);
    expect(told(capture)).toContain(`from offset ${DATA + 4096} on is no data`);
  });

  test('the mark of lost events in a page header is no damage', async () => {
    const file = built([cpu(0, 10n, 20n), cpu(1, 15n)], [STAT(0, 2), STAT(1, 1)]);
    const view = new DataView(file.buffer);
    for (const upper of [0n, 0xffffffffn]) {
      const commit = view.getBigUint64(DATA + 8, littleEndian) & 0x7fffffffn;
      view.setBigUint64(DATA + 8, commit | 0x80000000n | (upper << 32n), littleEndian);
      expect((await openBytes(file)).lanes.map(({ size }) => size)).toEqual([2 * 4096, 4096]);
    }
  });
});

describe('compressed chunks', () => {
  const cpus = [cpu(0, 10n, 20n, 30n), cpu(1, 15n, 25n)];
  const options = [STAT(0, 3), STAT(1, 2)];
  const built = (): Uint8Array =>
    withoutIndex(buildV7({ compression: 'zlib', buffers: [buffer(...cpus)], options }));

  test.each([
    ['a size of nothing', 0],
    ['a size beyond the file', 0x00ffffff],
    ['an impossible size', 0xffffffff],
  ])('the sizes lead nowhere (%s): the next CPU is searched', async (_, size) => {
    const file = built();
    const second = DATA + 4 + 8 + u32(file, DATA + 4);
    new DataView(file.buffer).setUint32(second, size, littleEndian);
    const capture = await openBytes(file);
    expect(delivered(capture)).toEqual({ 0: [0], 1: [1, 1] });
    expect(capture.lanes.map(({ lostTail }) => lostTail)).toEqual([true, false]);
    expect(told(capture)).toContain('assumed');
    expect(told(capture)).toContain(`from offset ${second} on is no data`);
  });

  test('a count that is too large ends with the data', async () => {
    const file = built();
    new DataView(file.buffer).setUint32(DATA, 7, littleEndian);
    expect(delivered(await openBytes(file))).toEqual({ 0: [0, 0, 0], 1: [1, 1] });
  });

  test('a piece that cannot be unpacked is a gap, like in a whole file', async () => {
    const file = built();
    file.fill(0xff, DATA + 12, DATA + 16);
    const capture = await openBytes(file);
    expect(delivered(capture)).toEqual({ 0: [0, 0], 1: [1, 1] });
    expect(capture.damage().map(({ name }) => name)).toContain('damaged-chunk');
  });
});

test('version 6 lists its CPUs first: those behind the cut are named', async () => {
  const file = buildV6({ buffers: [buffer(cpu(0, 10n, 20n), cpu(1, 15n), cpu(2, 17n))] });
  const capture = await openBytes(file.subarray(0, file.length - 4096 - 4096 - 100));
  expect(delivered(capture)).toEqual({ 0: [0, 0], 1: [], 2: [] });
  expect(capture.damage()).toContainEqual(
    expect.objectContaining({ name: 'truncated', severity: 'error', count: 1 }),
  );
  expect(told(capture)).toContain('CPU 0 ends early; CPUs 1, 2 are missing');
  expect(capture.lanes.map(({ lostTail }) => lostTail)).toEqual([true, true, true]);
});

test('no options yet: an error with the place', async () => {
  const file = buildV7({ buffers: [sampleBuffer()] });
  new DataView(file.buffer).setBigUint64(pointerAt(file), 0n, littleEndian);
  await expect(openBytes(file)).rejects.toMatchObject({ code: 'DAMAGED', offset: file.length });
});

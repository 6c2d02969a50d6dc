// Containers whose checksums are right and whose contents cannot be: joined, with frames taken out, or made up.

import { beforeAll, describe, expect, test } from 'vitest';
import { analyzeCapture } from '../../../src/session/session.ts';
import type { Capture } from '../../../src/trace/capture.ts';
import { openCapture } from '../../../src/trace/open.ts';
import { FRAME } from '../../../src/trace/spin/frame.ts';
import { smallCapture } from '../../captures.ts';
import { join, open, partsOf, withHead } from './container.ts';

const BLOCK = 32768;

let parts: Uint8Array[];
let whole: Uint8Array;
let total: number;
beforeAll(async () => {
  parts = await partsOf(await openCapture(smallCapture('slow-holder.dat')));
  whole = join(parts);
  total = analyzeCapture(await open(whole)).trace.events;
});

const kindOf = (part: Uint8Array): number => new DataView(part.buffer, part.byteOffset).getUint32(0, true);
const sizeOf = (some: readonly Uint8Array[]): number => join(some).length;

async function problemsOf(bytes: Uint8Array): Promise<{ events: number; problems: readonly object[] }> {
  const { trace } = analyzeCapture(await open(bytes));
  return { events: trace.events, problems: trace.problems.filter(({ severity }) => severity === 'error') };
}

describe('bytes behind the end', () => {
  test.each<[string, string, () => Uint8Array]>([
    ['the same container once more', 'another-behind', () => whole],
    ['another container', 'another-behind', () => join([...parts.slice(0, 2), ...parts.slice(-4)])],
    ['the beginning of one', 'another-behind', () => whole.subarray(0, 100)],
    ['zeros', 'bytes-behind', () => new Uint8Array(100)],
    ['one byte', 'bytes-behind', () => Uint8Array.of(0x89)],
    ['its own last frames', 'bytes-behind', () => join(parts.slice(-2))],
  ])('%s: told with its offset, and the first one is read', async (_, name, behind) => {
    const { events, problems } = await problemsOf(join([whole, behind()]));
    expect(events).toBe(total);
    expect(problems).toEqual([expect.objectContaining({ name, offset: whole.length, count: 1 })]);
  });

  test('a container behind one that is cut is not taken for its end', async () => {
    const cut = sizeOf(parts.slice(0, -3));
    const { events, problems } = await problemsOf(join([whole.subarray(0, cut), whole]));
    expect(events).toBeLessThan(total);
    expect(problems).toEqual([expect.objectContaining({ name: 'truncated', offset: cut })]);
  });
});

describe('frames that are missing between others', () => {
  /** The container without the n-th block and its rest, with its end or without. */
  function without(n: number, ending: number): { bytes: Uint8Array; at: number } {
    const block = parts.findIndex((part, at) => {
      const before = parts.slice(0, at).filter((other) => kindOf(other) === FRAME.block).length;
      return kindOf(part) === FRAME.block && before === n;
    });
    const front = parts.slice(0, block - 1);
    return { bytes: join([...front, ...parts.slice(block + 1, ending)]), at: sizeOf(front) };
  }

  test.each([
    [0, Infinity],
    [1, Infinity],
    [1, -2],
  ])('block %i: those before it are read, and the rest is told', async (n, ending) => {
    const { bytes, at } = without(n, ending);
    const { events, problems } = await problemsOf(bytes);
    expect(events).toBe(n * BLOCK);
    expect(problems).toContainEqual(expect.objectContaining({ name: 'truncated', offset: at }));
  });

  test('a section: nothing behind it is believed', async () => {
    const section = parts.findIndex((part) => kindOf(part) === FRAME.section);
    const { events, problems } = await problemsOf(join(parts.filter((_, n) => n !== section)));
    expect(events).toBe(0);
    expect(problems).toContainEqual(
      expect.objectContaining({ name: 'truncated', offset: sizeOf(parts.slice(0, section)) }),
    );
  });
});

describe('a head', () => {
  const opened = async (change: (notes: Record<string, unknown>) => object): Promise<Capture> =>
    open(join(await withHead(parts, change)));
  const lanesOf = (count: number): object => ({
    lanes: Array.from({ length: count }, (_, n) => ({ cpu: n % 4, lost: 0 })),
  });
  const rowWith = (at: number, value: number): object => ({
    names: { ids: [1], names: 'a:b', sizes: [], rows: [[1, 3, 1, 8, 8, 8, 0, 0, 0, 0, 0].with(at, value)] },
  });

  test('with more lanes than their numbers have bits for', async () => {
    await expect(opened((notes) => ({ ...notes, ...lanesOf(0x10001) }))).rejects.toMatchObject({
      code: 'DAMAGED',
      offset: 16,
      message: expect.stringContaining('lanes') as string,
    });
    const { lanes } = await opened((notes) => ({ ...notes, ...lanesOf(0x10000) }));
    expect(lanes.length).toBe(0x10000);
  });

  test.each([
    ['type', 0, 0x10000],
    ['kind', 1, 0x103],
    ['namespace', 2, 0x100],
    ['offset', 4, 0x10000],
    ['size', 5, 0x108],
    ['entry', 10, 0x10000],
  ])('with a row whose %s does not fit the engine', async (_, at, value) => {
    await expect(opened((notes) => ({ ...notes, ...rowWith(at, value) }))).rejects.toMatchObject({
      code: 'DAMAGED',
      offset: 16,
    });
    await opened((notes) => ({ ...notes, ...rowWith(at, 8) }));
  });
});

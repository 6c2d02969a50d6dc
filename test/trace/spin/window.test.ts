// Events from a time on: of a container the blocks before it are not decoded, and nothing else is different.

import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import { bytesSource } from '../../../src/io/bytes.ts';
import { eventsOf, type PlacedEvent } from '../../../src/session/session.ts';
import type { Capture } from '../../../src/trace/capture.ts';
import { openCapture, openSource } from '../../../src/trace/open.ts';
import { SAMPLE } from '../../../src/trace/perf-data/attr.ts';
import { FRAME } from '../../../src/trace/spin/frame.ts';
import { smallCapture } from '../../captures.ts';
import { lost, perfFile, sample, USUAL } from '../perf-data/build.ts';
import { ACQUIRE, Bytes, record } from '../trace-dat/build.ts';
import { join, open, partsOf } from './container.ts';

const BLOCK = 32768;
const EVENTS = 2 * BLOCK + 5000;

/** Lines of text at such times, in us; one every thousand names another task. */
function text(timeOf: (n: number) => number): Promise<Capture> {
  const lines = Array.from({ length: EVENTS }, (_, n) => {
    const time = (timeOf(n) / 1e6).toFixed(6);
    return ` task-${Math.floor(n / 1000)}-7     [00${n % 2}] d..1. ${time}: lock_acquire: 0xffffffff81fdef20 a_lock\n`;
  });
  return openSource(bytesSource(new TextEncoder().encode(lines.join('')), 'trace.txt'));
}

const TAKE = { config: ACQUIRE, sampleType: USUAL | SAMPLE.callchain, ids: [10, 11] };
const RAW = record(ACQUIRE, 1, new Bytes().u64(5n).u32(4).u32(0).u64(0n).done(), 1, 1);

/** Samples with losses between them, whose times are of anywhere before. */
function samples(): Promise<Capture> {
  const records = Array.from({ length: EVENTS }, (_, n) =>
    n % 5000 === 4999
      ? lost(TAKE, { time: 1000 + ((7919 * n) % (7 * n)), cpu: 1, count: 3 })
      : sample(TAKE, { id: 10 + (n % 2), cpu: n % 2, time: 1000 + 7 * n, pid: 3, raw: RAW }),
  );
  return openSource(bytesSource(perfFile({ attrs: [TAKE], records }), 'perf.data'));
}

/** Captures, and whether the blocks between the first and the last event can be left out. */
const CAPTURES: readonly (readonly [string, boolean, () => Promise<Capture>])[] = [
  ['trace.dat', true, () => openCapture(smallCapture('slow-holder.dat'))],
  ['perf.data', true, samples],
  ['text', true, () => text((n) => 1000 + 10 * n)],
  [
    'text in which each seventh line is of before',
    true,
    () => text((n) => 10_000_000 + 10 * n - (n % 7 === 0 ? 500_000 : 0)),
  ],
  [
    'text that begins with its latest lines and ends with its earliest',
    false,
    () =>
      text((n) =>
        n % 3 > 0 ? 5_000_000 + 10 * n : n < BLOCK ? 90_000_000 : n < 2 * BLOCK ? 5_000_000 + 10 * n : 10,
      ),
  ],
];

interface Listed {
  /** With the name that its task had then. */
  readonly events: readonly (readonly [PlacedEvent, string | null])[];
  readonly damage: unknown;
}

/** As `spinback events --from` lists them: what it wants is known when the first event is. Null: all. */
async function list(bytes: Uint8Array, from: bigint | null = null): Promise<Listed> {
  const capture = await open(bytes);
  const events: (readonly [PlacedEvent, string | null])[] = [];
  for (const placed of eventsOf(capture)) {
    if (events.length === 0 && from !== null) capture.skipBefore!(from);
    events.push([placed, capture.comm(placed.event.pid)]);
  }
  return { events, damage: capture.damage() };
}

const since = ({ events }: Listed, from: bigint): Listed['events'] =>
  events.filter(([{ event }]) => event.time >= from);

/** What is shown from a time on is what is shown of all; returns how many events were decoded for it. */
async function expectSame(bytes: Uint8Array, all: Listed, from: bigint): Promise<number> {
  const listed = await list(bytes, from);
  expect(listed.damage).toEqual(all.damage);
  const [ours, theirs] = [since(listed, from), since(all, from)];
  expect(ours.length).toBe(theirs.length);
  expect(isDeepStrictEqual(ours, theirs), `from ${from}`).toBe(true);
  return listed.events.length;
}

const timeAt = ({ events }: Listed, n: number): bigint => events[n]![0].event.time;

describe.each(CAPTURES)('%s', { timeout: 60_000 }, (_, canSkip, opened) => {
  test('from anywhere: the same events, names and damage', async () => {
    const bytes = join(await partsOf(await opened()));
    const all = await list(bytes);
    const latest = all.events.reduce((most, [{ event }]) => (event.time > most ? event.time : most), 0n);
    for (const n of [100, BLOCK - 1, BLOCK, 2 * BLOCK]) await expectSame(bytes, all, timeAt(all, n));
    await expectSame(bytes, all, latest + 1n);
    const decoded = await expectSame(bytes, all, latest);
    expect(decoded).toBe(all.events.length - (canSkip ? BLOCK : 0));
  });
});

describe('of a damaged container', () => {
  const [, , opened] = CAPTURES[0]!;
  const kindOf = (part: Uint8Array): number => new DataView(part.buffer, part.byteOffset).getUint32(0, true);

  test.each([0, 1, 2])('block %i: told wherever the listing begins', async (n) => {
    const broken = await partsOf(await opened());
    const block = broken.filter((part) => kindOf(part) === FRAME.block)[n]!;
    block[block.length - 20]! ^= 1;
    const all = await list(join(broken));
    expect(all.damage).toContainEqual(expect.objectContaining({ name: 'damaged-block', count: 1 }));
    for (const at of [0, BLOCK - 5, BLOCK + 5, all.events.length - 1])
      await expectSame(join(broken), all, timeAt(all, at));
  });

  test('one that is cut', async () => {
    const cut = join((await partsOf(await opened())).slice(0, -3));
    const all = await list(cut);
    await expectSame(cut, all, timeAt(all, BLOCK + 5));
  });
});

import { describe, expect, it } from 'vitest';
import {
  filterTrace,
  generateTraceDat,
  MemoryOutput,
  packerFor,
  PageCursor,
  readFault,
  readLoss,
  SIMULATION_DEFAULTS,
  type FilterOptions,
} from '../../src/generate/index.ts';
import { bytesSource } from '../../src/io/bytes.ts';
import { openInput } from '../../src/io/node-file.ts';
import type { ByteSource } from '../../src/io/source.ts';
import type { Capture } from '../../src/trace/capture.ts';
import { eventsOf } from '../../src/session/session.ts';
import { openSource } from '../../src/trace/open.ts';
import { anyCapture, smallCapture } from '../captures.ts';
import { compareEvents } from '../trace/spin/container.ts';

const EVERYTHING: FilterOptions = {
  drop: [],
  fromNs: null,
  toNs: null,
  cpus: null,
  version: null,
  packer: null,
};

interface Record {
  readonly cpu: number;
  readonly time: bigint;
  readonly type: number;
  readonly bytes: string;
  /** What the page said about losses before its first record. */
  readonly missed: number;
}

/** Every record of a capture, from its pages. */
function records(capture: Capture): Record[] {
  return capture.lanes.flatMap((lane) => {
    if (lane.input.kind !== 'pages') throw new Error('no pages');
    const { layout } = lane.input;
    const { pageSize } = layout;
    const page = new Uint8Array(pageSize);
    const cursor = new PageCursor(page, layout);
    const found: Record[] = [];
    while (lane.read(page) > 0) {
      cursor.open(0, pageSize);
      let { missed } = cursor;
      while (cursor.next()) {
        const bytes = cursor.record();
        const type = bytes[0]! | (bytes[1]! << 8);
        const time = cursor.pageTime + BigInt(cursor.elapsed);
        found.push({ cpu: lane.cpu, time, type, bytes: Buffer.from(bytes).toString('hex'), missed });
        missed = 0;
      }
    }
    return found;
  });
}

async function filtered(source: ByteSource, options: Partial<FilterOptions>): Promise<Capture> {
  const output = new MemoryOutput();
  await filterTrace(source, output, new MemoryOutput(), { ...EVERYTHING, ...options });
  return openSource(bytesSource(output.done(), 'filtered'));
}

async function read(source: ByteSource): Promise<Capture> {
  return openSource(bytesSource(new Uint8Array(bytesOf(source)), source.name));
}

function bytesOf(source: ByteSource): Uint8Array {
  const bytes = new Uint8Array(source.size);
  source.readInto(bytes, 0);
  return bytes;
}

/** Of the metadata, what a capture shows. */
function metadata(capture: Capture): unknown {
  const { clock, kernel, cpuCount, types, rows } = capture;
  const names = [1, 15, 101, 107, 113].map((pid) => capture.comm(pid));
  const lost = capture.lanes.map((lane) => lane.lost);
  return { clock, kernel, cpuCount, types, rows, names, lost, symbol: capture.symbol(0xffffffff8125be13n) };
}

const { startNs } = SIMULATION_DEFAULTS;
const GENERATED = generateTraceDat({
  seed: 4,
  events: 12_000,
  faults: [readFault('bit-erased')],
  losses: [
    readLoss('overwrite:cpu=0,at=200us', startNs),
    readLoss('gap:cpu=1,at=600us,for=100us,told=no', startNs),
  ],
}).bytes;
const generated = (): ByteSource => bytesSource(GENERATED, 'generated');

describe('filter', () => {
  it('keeps everything when told to leave nothing out', async () => {
    const [before, after] = [await read(generated()), await filtered(generated(), {})];
    expect(metadata(after)).toEqual(metadata(before));
    expect(records(after)).toEqual(records(before));
    expect(after.damage()).toEqual([]);
  });

  it('leaves big-endian files what they are', async () => {
    const file = { wordSize: 4, bigEndian: true } as const;
    const source = () => bytesSource(generateTraceDat({ seed: 4, events: 2000 }, file).bytes, 'generated');
    const [before, after] = [await read(source()), await filtered(source(), { drop: ['bitlock'] })];
    expect(after.format).toBe('trace.dat v7, 32-bit big-endian');
    expect(metadata(after)).toEqual(metadata(before));
    const { events, different } = compareEvents(before, await filtered(source(), {}), 1);
    expect(different).toEqual([]);
    expect([...eventsOf(after)].length).toBeLessThan(events);
  });

  it.each([
    ['a system', ['bitlock']],
    ['systems and an event', ['preemptirq', 'lock:lock_acquire', 'sched']],
  ])('leaves %s out and keeps the rest byte for byte', async (_, drop) => {
    const before = await read(generated());
    const gone = new Set(
      before.types
        .filter(({ system, name }) => drop.includes(system) || drop.includes(`${system}:${name}`))
        .map(({ id }) => id),
    );
    const plain = (all: Record[]): unknown => all.map(({ cpu, time, bytes }) => ({ cpu, time, bytes }));
    const all = records(before);
    const kept = records(await filtered(generated(), { drop }));
    expect(plain(kept)).toEqual(plain(all.filter(({ type }) => !gone.has(type))));
    expect(kept.length).toBeLessThan(all.length);
    // A loss is told before the next record that stays.
    expect(kept.filter(({ missed }) => missed !== 0)).toHaveLength(
      all.filter(({ missed }) => missed !== 0).length,
    );
  });

  it('cuts to a stretch of time and some CPUs', async () => {
    const [fromNs, toNs] = [BigInt(startNs) + 300_000n, BigInt(startNs) + 800_000n];
    const all = records(await read(generated()));
    const kept = records(await filtered(generated(), { fromNs, toNs, cpus: [1, 3] }));
    const wanted = all.filter(({ cpu, time }) => (cpu === 1 || cpu === 3) && time >= fromNs && time < toNs);
    expect(kept.map(({ bytes }) => bytes)).toEqual(wanted.map(({ bytes }) => bytes));
    expect(kept.length).toBeGreaterThan(100);
  });

  it.each([
    ['version 6', { version: 6 as const }],
    ['version 7, zlib', { version: 7 as const, packer: packerFor('zlib') }],
  ])('changes the container to %s', async (name, options) => {
    const [before, after] = [await read(generated()), await filtered(generated(), options)];
    expect(after.format).toContain(name.includes('6') ? 'v6' : 'zlib');
    expect(records(after)).toEqual(records(before));
    expect(metadata(after)).toEqual(metadata(before));
  });

  it('makes the same file from the same file', async () => {
    const once = new MemoryOutput();
    const twice = new MemoryOutput();
    await filterTrace(generated(), once, new MemoryOutput(), EVERYTHING);
    await filterTrace(bytesSource(once.done().slice(), 'once'), twice, new MemoryOutput(), EVERYTHING);
    expect(Buffer.compare(twice.done(), once.done())).toBe(0);
  });

  it('refuses what the file does not have, and what is no trace.dat', async () => {
    await expect(filtered(generated(), { drop: ['nonsense'] })).rejects.toMatchObject({ code: 'USAGE' });
    const text = bytesSource(new TextEncoder().encode('# tracer: nop\n'), 'text');
    await expect(filtered(text, {})).rejects.toMatchObject({ code: 'NOT_A_CAPTURE' });
    await expect(filtered(bytesSource(GENERATED.subarray(0, 3000)), {})).rejects.toMatchObject({
      code: 'DAMAGED',
    });
  });
});

const REAL = ['lost-unlock.dat', 'ext4-dm-1k.small-v6.dat', 'bhleak-lost.dat', 'ext4-dm-1k.medium-zstd.dat'];

describe.each(REAL)('filter, on the real capture %s', (name) => {
  const path = name === 'lost-unlock.dat' ? smallCapture(name) : anyCapture(name);

  it.skipIf(path === null)('keeps every record, time and loss', async () => {
    const source = await openInput(path!);
    const [before, after] = [await openSource(await openInput(path!)), await filtered(source, {})];
    expect(metadata(after)).toEqual(metadata(before));
    const [a, b] = [records(before), records(after)];
    expect(b.length).toBe(a.length);
    // One by one: a difference of millions of records is nothing to print.
    const odd = a.findIndex(
      (record, index) => JSON.stringify(key(record)) !== JSON.stringify(key(b[index]!)),
    );
    expect(odd < 0 ? null : [a[odd], b[odd]]).toBeNull();
    source.close();
    before.close();
  });
});

function key({ cpu, time, bytes, missed }: Record): unknown[] {
  return [cpu, String(time), bytes, missed];
}

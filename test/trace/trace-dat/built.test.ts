import { describe, expect, test } from 'vitest';
import { KINDS, FLAGS } from '../../../src/model/event.ts';
import { namespaceFlags } from '../../../src/model/event-record.ts';
import {
  ACQUIRE,
  Bytes,
  buildV6,
  buildV7,
  CONTENDED,
  formatText,
  sampleBuffer,
  textOption,
  UNMAPPED,
  type FileParts,
} from './build.ts';
import { byteOrder } from '../byte-order.ts';
import { laneBytes, openBytes } from './drain.ts';
import { walkLane } from './walk.ts';

const STAT = (cpu: number, overrun: number, dropped: number) =>
  textOption(
    2,
    `CPU: ${cpu}\nentries: 1\noverrun: ${overrun}\ncommit overrun: 2\ndropped events: ${dropped}\n`,
  );
const OPTIONS = [
  textOption(4, 'local [mono] boot'),
  textOption(5, 'Linux box 6.12.0 x86_64'),
  STAT(0, 40, 0),
  STAT(2, 0, 3),
  { id: 8, data: new Bytes().u32(2).done() },
];

const BUILDS: readonly [name: string, build: (parts: FileParts) => Uint8Array, parts: FileParts][] = [
  ['v6', buildV6, {}],
  ['v7', buildV7, {}],
  ['v7 zlib', buildV7, { compression: 'zlib' }],
  ['v7 zlib, chunks of two pages', buildV7, { compression: 'zlib', chunkPages: 2 }],
];

describe.each(BUILDS)('%s', (name, build, parts) => {
  const file = build({ options: OPTIONS, ...parts });

  test('names, clock, statistics', async () => {
    const capture = await openBytes(file);
    const packing = name.includes('zlib') ? ' (zlib)' : '';
    const order = byteOrder.littleEndian ? '' : ', big-endian';
    expect(capture.format).toBe(`trace.dat ${name.slice(0, 2)}${packing}${order}`);
    expect(capture.clock).toEqual({ name: 'mono', unit: 'ns' });
    expect(capture.kernel).toBe('Linux box 6.12.0 x86_64');
    expect(capture.cpuCount).toBe(2);
    expect(capture.comm(12)).toBe('second one');
    expect(capture.comm(0)).toBe('<idle>');
    expect(capture.comm(99)).toBeNull();
    expect(capture.symbol(0xffffffff81000000n)).toBe('_stext');
    expect(capture.symbol(0xffffffff81000101n)).toBe('second+0x1');
    expect(capture.symbol(0xffff888100000000n)).toBeNull();
    expect(capture.types).toContainEqual({ id: ACQUIRE, system: 'bitlock', name: 'bit_spin_acquire' });
    expect(capture.types).toContainEqual({ id: 5, system: 'ftrace', name: 'print' });
    expect(capture.lanes[0]).toMatchObject({ lost: 42, lostTail: false });
    expect(capture.damage().map((damage) => damage.name)).toEqual(['mapping-misfit']);
  });

  test('lanes deliver the pages byte for byte, through windows of any size', async () => {
    const expected = sampleBuffer().cpus;
    for (const windowSize of [4096, 4097, 8192, 100_000]) {
      const capture = await openBytes(file);
      expect(capture.lanes).toHaveLength(2);
      for (const [index, { pages }] of expected.entries()) {
        expect(laneBytes(capture, index, windowSize)).toEqual(pages);
      }
      expect(capture.progress().done).toBe(capture.progress().total);
    }
  });

  test('a window smaller than a page is refused, not taken for the end', async () => {
    const capture = await openBytes(file);
    expect(() => capture.lanes[0]!.read(new Uint8Array(4095))).toThrow(RangeError);
  });

  test('rows: unknown first, the mapped type resolved, misfits and others as signs of life', async () => {
    const { rows } = await openBytes(file);
    expect(rows[0]).toMatchObject({ type: 0, kind: 0 });
    const row = rows.find(({ type }) => type === ACQUIRE)!;
    expect(KINDS[row.kind]).toBe('attempt');
    expect(row).toMatchObject({
      address: { at: 8, size: 8 },
      bit: { at: 16, size: 4 },
      value: { at: 0, size: 0 },
      flags: namespaceFlags('word'),
      minSize: 20,
    });
    for (const type of [CONTENDED, UNMAPPED, 5])
      expect(rows.find((other) => other.type === type)?.kind).toBe(0);
  });

  test('rows of the caller are added and win', async () => {
    const { rows } = await openBytes(file, {
      rows: [
        { event: 'other:thing', kind: 'release', address: 'x', flags: ['try'] },
        { event: 'bitlock:bit_spin_acquire', kind: 'acquire', address: 'addr', bit: 7 },
      ],
    });
    expect(rows.find(({ type }) => type === UNMAPPED)).toMatchObject({
      kind: KINDS.indexOf('release'),
      flags: FLAGS.try | namespaceFlags('lock'),
      minSize: 12,
    });
    expect(rows.find(({ type }) => type === ACQUIRE)).toMatchObject({
      kind: KINDS.indexOf('acquire'),
      bitConst: 7,
    });
  });

  test('going back to records, and only to where a record begins', async () => {
    const capture = await openBytes(file);
    const walked = [...walkLane((await openBytes(file)).lanes[0]!)];
    expect(walked.map(({ time }) => time)).toEqual([1000n, 1010n, 1030n, 2000n, 2010n, 2030n]);
    const first = capture.record({ lane: 0, offset: walked[0]!.offset })!;
    expect(first.type.name).toBe('bit_spin_acquire');
    expect(first.text).toBe('addr=0xffff888100000000 bitnr=4 ip=_stext+0x39');
    expect(first.fields).toEqual([
      { name: 'addr', value: 0xffff888100000000n },
      { name: 'bitnr', value: 4n },
      { name: 'ip', value: 0xffffffff81000039n },
    ]);
    expect(capture.record({ lane: 0, offset: walked[4]!.offset })?.text).toBe('x=7');
    const starts = new Set(walked.map(({ offset }) => offset));
    for (let offset = 0; offset < 9000; offset++) {
      expect(capture.record({ lane: 0, offset }) !== null).toBe(starts.has(offset));
    }
    expect(capture.record({ lane: 9, offset: 20 })).toBeNull();
  });
});

test('32-bit kernels and large sub-buffers: sizes come from the file', async () => {
  for (const build of [buildV6, buildV7]) {
    const capture = await openBytes(build({ commitSize: 4, pageSize: 16384 }));
    const { input } = capture.lanes[0]!;
    const bigEndian = !byteOrder.littleEndian;
    expect(input).toEqual({
      kind: 'pages',
      layout: { pageSize: 16384, commitSize: 4, dataAt: 12, bigEndian },
    });
    expect(capture.format).toMatch(bigEndian ? /, 32-bit big-endian$/ : /, 32-bit$/);
    expect([...walkLane(capture.lanes[0]!, 16384)]).toHaveLength(6);
  }
});

test('version 6: option CPUCOUNT replaces the number of CPUs', async () => {
  const capture = await openBytes(buildV6({ options: [{ id: 8, data: new Bytes().u32(1).done() }] }));
  expect(capture.lanes).toHaveLength(1);
  expect(capture.cpuCount).toBe(1);
});

describe('instances', () => {
  const buffers = [sampleBuffer(''), { ...sampleBuffer('foo'), cpus: sampleBuffer().cpus.toReversed() }];
  const CASES = [
    ['v6', buildV6({ buffers })],
    ['v7', buildV7({ buffers })],
  ] as const;

  test.each(CASES)('%s: the top one by default, another by name', async (_, file) => {
    const top = await openBytes(file);
    expect(top.lanes[0]!.size).toBe(8192);
    expect(top.damage().find(({ name }) => name === 'instances-not-read')?.text).toContain('foo');
    const foo = await openBytes(file, { instance: 'foo' });
    expect(foo.lanes[0]!.size).toBe(4096);
    await expect(openBytes(file, { instance: 'bar' })).rejects.toMatchObject({ code: 'USAGE' });
  });

  test('an empty top instance gives way to the one with data', async () => {
    const file = buildV7({ buffers: [{ name: '', clock: 'local', cpus: [] }, sampleBuffer('foo')] });
    expect((await openBytes(file)).lanes).toHaveLength(2);
  });

  test('statistics behind "Buffer: NAME" belong to that instance', async () => {
    const options = [STAT(0, 5, 0), textOption(2, '\nBuffer: foo\n\n'), STAT(0, 90, 1)];
    const file = buildV7({ buffers, options });
    expect((await openBytes(file)).lanes[0]).toMatchObject({ lost: 7, lostTail: false });
    const foo = await openBytes(file, { instance: 'foo' });
    expect(foo.lanes.find(({ cpu }) => cpu === 0)).toMatchObject({ lost: 93, lostTail: true });
    expect(foo.lanes.find(({ cpu }) => cpu === 2)!.lost).toBeNull();
  });
});

describe('refused by name', () => {
  test('the text of a latency tracer', async () => {
    await expect(openBytes(buildV6({ latency: true }))).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('latency tracer'),
    });
  });

  test.each([
    ['a byte order that is none', 12, 2, 'byte order 2'],
    ['version 5', 10, 0x35, 'version "5"'],
  ])('%s', async (_, at, value, message) => {
    const file = buildV6();
    file[at] = value;
    await expect(openBytes(file)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining(message),
    });
  });

  test('a compression that is not known', async () => {
    await expect(openBytes(buildV7({ compression: 'brotli' }))).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('brotli'),
    });
  });

  test('records whose common fields lie elsewhere', async () => {
    const common = '	field:unsigned short common_type;	offset:2;	size:2;	signed:0;\n';
    const format = formatText('bit_spin_acquire', ACQUIRE, '', '""', common);
    await expect(openBytes(buildV7({ systems: [['bitlock', [format]]] }))).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('common_type'),
    });
  });
});

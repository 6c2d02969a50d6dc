// Random streams of perf records: valid ones with every part that a sample can have, then damaged in every way.

import fc from 'fast-check';
import * as L from '../../assembly/layout.ts';
import type { RowSpec } from '../../src/engine/engine.ts';
import { otherRow } from '../../src/mapping/decode-row.ts';
import type { SampleLayout, SampleTables } from '../../src/model/samples.ts';
import { byteOrder } from '../trace/byte-order.ts';
import { Bytes } from '../trace/trace-dat/build.ts';
import { options, type Feed } from '../engine/harness.ts';

const HEADER = 8;

/** Layouts as a reader makes them, and some that no reader would. */
const layout: fc.Arbitrary<SampleLayout> = fc
  .record({
    words: fc.constantFrom(1, 2, 4, 7),
    time: fc.nat(6),
    tid: fc.option(fc.nat(6)),
    cpu: fc.option(fc.nat(6)),
    readFormat: fc.option(fc.nat(31)),
    hasCallchain: fc.boolean(),
    hasRaw: fc.boolean(),
    type: fc.constantFrom(1, 2, 77, 0xffff),
    idsAt: fc.array(fc.constantFrom(8, 16, 40, 64, 252), { maxLength: 3 }),
    trailerTime: fc.option(fc.constantFrom(8, 16, 24)),
    trailerCpu: fc.option(fc.constantFrom(8, 16)),
  })
  .map(({ words, time, tid, cpu, ...rest }) => ({
    ...rest,
    timeAt: HEADER + 8 * (time % words),
    tidAt: tid === null ? null : HEADER + 4 + 8 * (tid % words),
    cpuAt: cpu === null ? null : HEADER + 8 * (cpu % words),
    restAt: HEADER + 8 * words,
  }));

/** Id, time, thread and CPU do not lie over each other, and the id lies in the fixed part. */
function apart(layout: SampleLayout, idAt: number | null): SampleLayout {
  const taken = new Set(idAt === null ? [] : [idAt]);
  const free = (at: number | null): boolean => {
    const word = at === null ? null : at & ~7;
    if (word === null || taken.has(word)) return false;
    taken.add(word);
    return true;
  };
  let { timeAt, restAt } = layout;
  while (!free(timeAt)) timeAt += 8;
  restAt = Math.max(restAt, timeAt + 8, (idAt ?? 0) + 8);
  return {
    ...layout,
    timeAt,
    restAt,
    tidAt: free(layout.tidAt) ? layout.tidAt : null,
    cpuAt: free(layout.cpuAt) ? layout.cpuAt : null,
    trailerCpu: layout.trailerCpu === layout.trailerTime ? null : layout.trailerCpu,
  };
}

const IDS = [1n, 2n, 3n, 0xffff_ffff_ffff_fff0n, 1n << 40n];

/** Tables as a reader makes them, and some that no reader would; of a big-endian stream only those that make sense. */
export const tables: fc.Arbitrary<SampleTables> = fc
  .record({
    bigEndian: fc.boolean(),
    layouts: fc.array(layout, { minLength: 1, maxLength: 3 }),
    ids: fc.array(fc.record({ layout: fc.nat(2), cpu: fc.option(fc.nat(3)) }), { maxLength: IDS.length }),
    idAt: fc.option(fc.constantFrom(8, 16, 40)),
    fallback: fc.option(fc.nat(2)),
    depth: fc.constantFrom(0, 1),
  })
  .map(({ layouts, ids, fallback, ...rest }) => ({
    ...rest,
    layouts: rest.bigEndian ? layouts.map((layout) => apart(layout, rest.idAt)) : layouts,
    ids: ids.map(({ layout, cpu }, n) => ({ id: IDS[n]!, layout: layout % layouts.length, cpu })),
    fallback: fallback === null ? null : fallback % layouts.length,
  }));

const word = fc.oneof(
  { weight: 6, arbitrary: fc.bigInt({ min: 0n, max: 9n }) },
  { weight: 2, arbitrary: fc.constantFrom(...IDS) },
  { weight: 2, arbitrary: fc.bigInt({ min: 100n, max: 100_000n }) },
  { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }) },
);

/** The words of a record: small numbers make sizes, counts, ids and CPUs that mean something. */
const body = fc.array(word, { maxLength: 16 });

/** Makes `build` write in the byte order of the tables. */
function inOrderOf<From>(
  { bigEndian = false }: SampleTables,
  build: (from: From) => Uint8Array,
): (from: From) => Uint8Array {
  return (from) => {
    byteOrder.littleEndian = !bigEndian;
    try {
      return build(from);
    } finally {
      byteOrder.littleEndian = true;
    }
  };
}

const raw = fc.record({
  type: fc.constantFrom(1, 2, 3, 77),
  flags: fc.constantFrom(0, 1, 8, 0x10, 0x40, 0xff),
  preempt: fc.constantFrom(0, 1, 1, 2, 0x10, 0x21),
  pid: fc.constantFrom(0, 7, 8, -1),
  fields: fc.array(word, { maxLength: 4 }),
});

type Raw = typeof raw extends fc.Arbitrary<infer T> ? T : never;

function rawBytes({ type, flags, preempt, pid, fields }: Raw): Uint8Array {
  const bytes = new Bytes()
    .u16(type)
    .number(flags, 1)
    .number(preempt, 1)
    .u32(pid >>> 0);
  for (const field of fields) bytes.u64(field);
  return bytes.done();
}

/** A sample whose fixed part is right for `layout`, with what comes behind it. */
function sample(tables: SampleTables): fc.Arbitrary<Uint8Array> {
  const { layouts } = tables;
  return fc
    .record({
      layout: fc.nat(layouts.length - 1),
      fixed: fc.array(word, { minLength: 8, maxLength: 8 }),
      time: fc.bigInt({ min: 1n, max: 1000n }),
      values: fc.nat(3),
      callers: fc.array(word, { maxLength: 3 }),
      raw,
    })
    .map(
      inOrderOf(tables, ({ layout: index, fixed, time, values, callers, raw: made }) => {
        const raw = rawBytes(made);
        const layout = layouts[index]!;
        const words = (layout.restAt - HEADER) / 8;
        const body = new Bytes();
        for (let n = 0; n < words; n++) body.u64(HEADER + 8 * n === layout.timeAt ? time : fixed[n]!);
        if (layout.readFormat !== null) {
          const count = (bits: number[]) => bits.filter((bit) => layout.readFormat! & bit).length;
          const isGroup = (layout.readFormat & 8) !== 0;
          if (isGroup) body.u64(values);
          const words = count([1, 2]) + (isGroup ? values : 1) * (1 + count([4, 16]));
          for (let n = 0; n < words; n++) body.u64(n);
        }
        if (layout.hasCallchain) {
          body.u64(callers.length);
          for (const caller of callers) body.u64(caller);
        }
        if (layout.hasRaw)
          body
            .u32(raw.length + 4)
            .raw(raw)
            .u32(0);
        return perfRecord(L.PERF_SAMPLE, body.done());
      }),
    );
}

function perfRecord(type: number, body: Uint8Array): Uint8Array {
  return new Bytes()
    .u32(type)
    .u16(0)
    .u16(HEADER + body.length)
    .raw(body)
    .alignTo(8)
    .done();
}

const TYPES = [1, L.PERF_LOST, 3, 4, 5, 6, 7, 9, 10, 13, 31, 64, 66, 68, 71, 79, 81, 83, 127];

const otherRecord = (tables: SampleTables) =>
  fc.record({ type: fc.constantFrom(...TYPES), body }).map(
    inOrderOf(tables, ({ type, body }) => {
      const bytes = new Bytes();
      for (const word of body) bytes.u64(word);
      return perfRecord(type, bytes.done());
    }),
  );

const harm = fc.record({ at: fc.nat(), value: fc.oneof(fc.constantFrom(0, 1, 8, 9, 0xff), fc.nat(255)) });

/** A stream of records for these tables. */
export function recordStream(tables: SampleTables): fc.Arbitrary<Uint8Array> {
  return fc
    .record({
      records: fc.array(
        fc.oneof({ weight: 5, arbitrary: sample(tables) }, { weight: 2, arbitrary: otherRecord(tables) }),
        { maxLength: 30 },
      ),
      harms: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.array(harm, { maxLength: 8 })),
      cut: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(100)),
    })
    .map(({ records, harms, cut }) => {
      const all = new Bytes();
      for (const record of records) all.raw(record);
      const bytes = all.done();
      for (const { at, value } of harms) if (bytes.length > 0) bytes[at % bytes.length] = value;
      return bytes.subarray(0, Math.max(0, bytes.length - cut));
    });
}

const PLACES = { at: 8, size: 8 };
const ROWS: readonly RowSpec[] = [
  otherRow(0),
  { ...otherRow(1), kind: L.KIND_ATTEMPT, address: PLACES, minSize: 16, site: { at: 16, size: 8 } },
  { ...otherRow(2), kind: L.KIND_RELEASE, address: PLACES, minSize: 16 },
  otherRow(77),
  otherRow(0xffff),
];

/** Lanes of samples. */
export function sampleStreams(collect = false): fc.Arbitrary<Feed> {
  return tables.chain((samples) =>
    fc.array(recordStream(samples), { minLength: 1, maxLength: 3 }).map((lanes) => ({
      options: options({
        lanes: lanes.map(() => ({ cpu: 0, layout: null, isSamples: true, mult: 0, shift: 0, offsetNs: 0n })),
        samples,
        bigEndian: samples.bigEndian,
        rows: ROWS,
        spinNs: 50,
        irqOffNs: 50,
        silentNs: 500,
        ...(collect ? { collect } : { statistics: { split: L.SPLIT_BY_STACK } }),
      }),
      lanes,
      [fc.toStringMethod]: () => fc.stringify({ samples, lanes }),
    })),
  );
}

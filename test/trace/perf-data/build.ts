import * as P from '../../../src/model/perf-records.ts';
import { bytesSource } from '../../../src/io/bytes.ts';
import { SAMPLE } from '../../../src/trace/perf-data/attr.ts';
import { byteOrder } from '../byte-order.ts';
import { Bytes, headerPageText, SYSTEMS } from '../trace-dat/build.ts';

/** A small perf.data made by hand, from include/uapi/linux/perf_event.h and tools/perf/util/header.h, to test the reader against. */

export interface BuiltAttr {
  readonly type?: number;
  readonly config: number;
  readonly sampleType: number;
  readonly readFormat?: number;
  readonly ids?: readonly number[];
  readonly period?: number;
  readonly frequency?: boolean;
  readonly clockId?: number;
  readonly backward?: boolean;
  readonly noTrailer?: boolean;
}

/** What perf lock record asks for. */
export const USUAL =
  SAMPLE.ip | SAMPLE.tid | SAMPLE.time | SAMPLE.cpu | SAMPLE.period | SAMPLE.raw | SAMPLE.identifier;

/** A struct perf_event_attr of 128 bytes. */
export function attr(built: BuiltAttr): Uint8Array {
  let flags = built.noTrailer ? 0n : 1n << 18n;
  if (built.frequency) flags |= 1n << 10n;
  if (built.backward) flags |= 1n << 27n;
  if (built.clockId !== undefined) flags |= 1n << 25n;
  if (!byteOrder.littleEndian) flags = reversed(flags);
  return new Bytes()
    .u32(built.type ?? 2)
    .u32(128)
    .u64(built.config)
    .u64(built.period ?? 1)
    .u64(built.sampleType)
    .u64(built.readFormat ?? 0)
    .u64(flags)
    .raw(new Uint8Array(92 - 48))
    .u32((built.clockId ?? 0) >>> 0)
    .raw(new Uint8Array(128 - 96))
    .done();
}

/** A big-endian compiler puts the first bit field into the highest bit. */
function reversed(flags: bigint): bigint {
  return BigInt(`0b${[...flags.toString(2).padStart(64, '0')].toReversed().join('')}`);
}

/** "PERFILE2" as a number of the machine. */
const MAGIC = 0x32454c4946524550n;

export function perfRecord(type: number, body: Uint8Array, misc = 0): Uint8Array {
  return new Bytes()
    .u32(type)
    .u16(misc)
    .u16(8 + body.length)
    .raw(body)
    .done();
}

export interface BuiltSample {
  readonly id?: number;
  readonly time: number | bigint;
  readonly cpu?: number;
  readonly pid?: number;
  readonly raw?: Uint8Array;
  readonly callers?: readonly bigint[];
  /** What PERF_SAMPLE_READ brings, as it lies. */
  readonly read?: Uint8Array;
}

/** A PERF_RECORD_SAMPLE of an event with this attribute. */
export function sample(of: BuiltAttr, built: BuiltSample): Uint8Array {
  const has = (part: number): boolean => (of.sampleType & part) !== 0;
  const body = new Bytes();
  const id = built.id ?? of.ids?.[0] ?? 0;
  if (has(SAMPLE.identifier)) body.u64(id);
  if (has(SAMPLE.ip)) body.u64(0xffffffff81000000n);
  if (has(SAMPLE.tid)) body.u32(built.pid ?? 0).u32(built.pid ?? 0);
  if (has(SAMPLE.time)) body.u64(built.time);
  if (has(SAMPLE.address)) body.u64(0);
  if (has(SAMPLE.id)) body.u64(id);
  if (has(SAMPLE.streamId)) body.u64(77);
  if (has(SAMPLE.cpu)) body.u32(built.cpu ?? 0).u32(0);
  if (has(SAMPLE.period)) body.u64(1);
  if (has(SAMPLE.read)) body.raw(built.read ?? new Uint8Array(8));
  if (has(SAMPLE.callchain)) {
    body.u64(built.callers?.length ?? 0);
    for (const address of built.callers ?? []) body.u64(address);
  }
  if (has(SAMPLE.raw)) {
    const raw = built.raw ?? new Uint8Array(0);
    // The kernel pads size and data together to 8 bytes, and counts the padding.
    const padding = (8 - ((raw.length + 4) % 8)) % 8;
    body
      .u32(raw.length + padding)
      .raw(raw)
      .raw(new Uint8Array(padding));
  }
  return perfRecord(P.SAMPLE, body.done());
}

/** The end of other records than samples (struct sample_id). */
export function trailer(
  of: BuiltAttr,
  built: { readonly id?: number; readonly time: number | bigint; readonly cpu?: number },
): Uint8Array {
  if (of.noTrailer) return new Uint8Array(0);
  const has = (part: number): boolean => (of.sampleType & part) !== 0;
  const id = built.id ?? of.ids?.[0] ?? 0;
  const body = new Bytes();
  if (has(SAMPLE.tid)) body.u32(0).u32(0);
  if (has(SAMPLE.time)) body.u64(built.time);
  if (has(SAMPLE.id)) body.u64(id);
  if (has(SAMPLE.streamId)) body.u64(77);
  if (has(SAMPLE.cpu)) body.u32(built.cpu ?? 0).u32(0);
  if (has(SAMPLE.identifier)) body.u64(id);
  return body.done();
}

export function lost(
  of: BuiltAttr,
  built: { readonly id?: number; readonly time: number; readonly cpu?: number; readonly count: number },
): Uint8Array {
  const body = new Bytes().u64(built.id ?? of.ids?.[0] ?? 0).u64(built.count);
  return perfRecord(P.LOST, body.raw(trailer(of, built)).done());
}

/** What perf record writes at the end: only the id is filled in. */
export function lostSamples(of: BuiltAttr, id: number, count: number, misc = 0): Uint8Array {
  return perfRecord(
    P.LOST_SAMPLES,
    new Bytes()
      .u64(count)
      .raw(trailer(of, { id, time: 0 }))
      .done(),
    misc,
  );
}

export function throttle(
  of: BuiltAttr,
  type: number,
  built: { readonly time: number; readonly cpu: number },
): Uint8Array {
  const body = new Bytes()
    .u64(built.time)
    .u64(of.ids?.[0] ?? 0)
    .u64(0);
  return perfRecord(type, body.raw(trailer(of, built)).done());
}

export function comm(pid: number, name: string, of: BuiltAttr): Uint8Array {
  const body = new Bytes().u32(pid).u32(pid).text(`${name}\0`).alignTo(8);
  return perfRecord(P.COMM, body.raw(trailer(of, { time: 0 })).done());
}

export function fork(pid: number, parent: number, of: BuiltAttr): Uint8Array {
  const body = new Bytes().u32(pid).u32(parent).u32(pid).u32(parent).u64(0);
  return perfRecord(P.FORK, body.raw(trailer(of, { time: 0 })).done());
}

/** ids with the CPU that each was opened on. */
export function idIndex(ids: readonly (readonly [id: number, cpu: number])[]): Uint8Array {
  const body = new Bytes().u64(ids.length);
  for (const [id, cpu] of ids) body.u64(id).u64(0).u64(BigInt(cpu)).u64(-1n);
  return perfRecord(P.ID_INDEX, body.done());
}

export const ROUND = perfRecord(68, new Uint8Array(0));

/** Event formats as tracing data hold them, by default those of the built trace.dat. */
export function packedFormats(systems = SYSTEMS): Uint8Array {
  const bytes = new Bytes().u32(systems.length);
  for (const [system, formats] of systems) {
    bytes.text(`${system}\0`).u32(formats.length);
    for (const format of formats) bytes.u64(format.length).text(format);
  }
  return bytes.done();
}

/** HEADER_TRACING_DATA in version 0.6, with header_page and the event formats, those of the built trace.dat by default. */
export function tracingData(
  page = headerPageText(),
  formats = packedFormats(),
  longSize = 8,
  kallsyms = '',
): Uint8Array {
  const bytes = new Bytes()
    .raw(Uint8Array.of(0x17, 8, 0x44))
    .text('tracing0.6\0')
    .number(byteOrder.littleEndian ? 0 : 1, 1)
    .number(longSize, 1)
    .u32(4096);
  bytes.text('header_page\0').u64(page.length).text(page).text('header_event\0').u64(0);
  bytes.u32(0).raw(formats);
  const cmdlines = '42 saved\n';
  bytes.u32(kallsyms.length).text(kallsyms).u32(0);
  return bytes.u64(cmdlines.length).text(cmdlines).done();
}

export function string(text: string): Uint8Array {
  return new Bytes().u32(64).text(text).alignTo(4).raw(new Uint8Array(64)).done().subarray(0, 68);
}

export const FEATURES: readonly (readonly [number: number, data: Uint8Array])[] = [
  [1, tracingData()],
  [4, string('6.12.0-built')],
  [7, new Bytes().u32(4).u32(3).done()],
];

export interface BuiltFile {
  readonly attrs: readonly BuiltAttr[];
  readonly records: readonly Uint8Array[];
  readonly features?: typeof FEATURES;
  /** Size of the data as the header states it. */
  readonly dataSize?: number;
  /** Bytes of the recorder's long, which the bitmap of features is made of. */
  readonly longSize?: 4 | 8;
}

/** A file: header, ids, attributes, data, the places of the features, the features. */
export function perfFile({
  attrs,
  records,
  features = FEATURES,
  dataSize,
  longSize = 8,
}: BuiltFile): Uint8Array {
  const ids = new Bytes();
  const entries = new Bytes();
  for (const built of attrs) {
    entries
      .raw(attr(built))
      .u64(104 + ids.size)
      .u64(8 * (built.ids?.length ?? 0));
    for (const id of built.ids ?? []) ids.u64(id);
  }
  const data = new Bytes();
  for (const record of records) data.raw(record);
  const dataAt = 104 + ids.size + entries.size;
  let bits = 0n;
  for (const [number] of features) bits |= 1n << BigInt(number);
  const header = new Bytes().u64(MAGIC).u64(104).u64(144);
  header
    .u64(104 + ids.size)
    .u64(entries.size)
    .u64(dataAt)
    .u64(dataSize ?? data.size)
    .u64(0)
    .u64(0);
  if (longSize === 8) header.u64(bits);
  else header.u32(Number(bits & 0xffffffffn)).u32(Number(bits >> 32n));
  header.raw(new Uint8Array(24));
  const places = new Bytes();
  const contents = new Bytes();
  const first = dataAt + data.size + 16 * features.length;
  for (const [, content] of features) {
    places.u64(first + contents.size).u64(content.length);
    contents.raw(content);
  }
  return header
    .raw(ids.done())
    .raw(entries.done())
    .raw(data.done())
    .raw(places.done())
    .raw(contents.done())
    .done();
}

/** The same as perf record -o - writes it. */
export function perfPipe({ attrs, records, features = FEATURES }: BuiltFile): Uint8Array {
  const bytes = new Bytes().u64(MAGIC).u64(16);
  for (const built of attrs) {
    const body = new Bytes().raw(attr(built));
    for (const id of built.ids ?? []) body.u64(id);
    bytes.raw(perfRecord(P.HEADER_ATTR, body.done()));
  }
  for (const [number, content] of features) {
    if (number === 1)
      bytes
        .raw(perfRecord(P.HEADER_TRACING_DATA, new Bytes().u32(content.length).u32(0).done()))
        .raw(content)
        .alignTo(8);
    else bytes.raw(perfRecord(P.HEADER_FEATURE, new Bytes().u64(number).raw(content).alignTo(8).done()));
  }
  for (const record of records) bytes.raw(record);
  return bytes.done();
}

export const sourceOf = (bytes: Uint8Array) => bytesSource(bytes, 'built');

import { ByteReader } from '../../base/byte-reader.ts';
import { SpinbackError } from '../../base/errors.ts';
import { partOf, readRange } from '../../io/bytes.ts';
import type { ByteSource } from '../../io/source.ts';
import * as P from '../../model/perf-records.ts';
import type { SampleStream } from '../../model/samples.ts';
import { otherRow, type DecodeRow } from '../../mapping/decode-row.ts';
import { RowTable } from '../../mapping/row-table.ts';
import type { Capture, Clock, EventType } from '../capture.ts';
import { fewOf } from '../damage.ts';
import { layoutName } from '../layout-name.ts';
import type { OpenOptions, Reader } from '../reader.ts';
import { TYPE_TRACEPOINT, type Attr } from './attr.ts';
import { PerfCapture, type PerfStream } from './capture.ts';
import { perfDamageLog, type PerfDamageLog } from './damage.ts';
import { isPerfData, MAGIC_SIZE, readFileHeader, type FileHeader } from './header.ts';
import { sampleKinds, sampleTables, type SampleKind } from './layouts.ts';
import { Metadata } from './metadata.ts';
import { readTracingData, type TracingData } from './tracing-data.ts';
import { unpackRecords } from './unpacked.ts';
import { walkRecords } from './walk.ts';

/** perf's own files, in file mode and pipe mode, plain and zstd. docs/formats/perf-data.md says what is read. */
export const perfDataReader: Reader = {
  name: 'perf.data',
  sniffBytes: MAGIC_SIZE,
  sniff: isPerfData,
  open,
};

async function open(source: ByteSource, options: OpenOptions): Promise<Capture> {
  const log = perfDamageLog();
  const header = readFileHeader(source);
  const metadata = new Metadata(log);
  metadata.addHeader(source, header);
  const base = header.data.at;
  const plain = { ...partOf(source, base, header.data.size), base };
  const { littleEndian } = header;
  const isPacked = readBeginning(plain, littleEndian, metadata, base);
  if (metadata.attrs.length === 0) throw noEvent(header, source, plain);
  const kinds = sampleKinds(metadata.attrs);
  const tables = { ...sampleTables(kinds, metadata.idCpus), bigEndian: !littleEndian };
  tellOfHeader(header, source, log);
  tellOfEvents(kinds, metadata, log);
  const tracing = readTracingData(source, metadata.tracingData, littleEndian, log);
  const others = kinds.filter(({ attr }) => attr.type !== TYPE_TRACEPOINT);
  const machine = layoutName(tracing.longSize, !littleEndian);
  const stream = isPacked
    ? unpackedStream(await unpackRecords(plain, littleEndian, base, log, options.onProgress))
    : plain;
  return new PerfCapture(source, stream, log, {
    format: `perf.data${header.kind === 'pipe' ? ' (pipe)' : ''}${isPacked ? ' (zstd)' : ''}${machine}`,
    clock: clockOf(metadata.attrs),
    kernel: metadata.kernel,
    cpuCount: metadata.cpuCount,
    rows: rowsOf(tracing, others, options, log),
    tables,
    tracing,
    otherTypes: otherTypes(kinds, metadata),
    anchor: metadata.anchor,
    isSampled: kinds.some(isSampled),
    isCut: header.kind === 'file' && (header.isCut || header.isUnfinished),
  });
}

function unpackedStream(spool: ByteSource): PerfStream {
  return {
    base: null,
    size: spool.size,
    readInto: (target, position) => spool.readInto(target, position),
    close: () => spool.close(),
  };
}

/** Reads what stands in front of the samples; says whether they are packed. */
function readBeginning(
  stream: SampleStream,
  littleEndian: boolean,
  metadata: Metadata,
  base: number,
): boolean {
  for (const record of walkRecords(stream, littleEndian, base)) {
    if (record.type === P.COMPRESSED || record.type === P.COMPRESSED2) return true;
    if (record.type === P.SAMPLE) return false;
    metadata.addRecord(record, base);
  }
  return false;
}

/** Why nothing describes an event: the file was cut before that, what should do it is damaged, or nothing was ever there. */
function noEvent(header: FileHeader, source: ByteSource, stream: SampleStream): SpinbackError {
  if (header.kind === 'file') {
    const { at, size } = header.attrs;
    if (at + size > source.size)
      return damaged(
        `the file was cut: it ends at offset ${source.size}, and its attributes at ${at + size}`,
        source.size,
      );
    return new SpinbackError('UNSUPPORTED', 'this perf.data describes no event', { offset: at });
  }
  let end = 0;
  for (const { type, at, size, attached } of walkRecords(stream, header.littleEndian)) {
    if (type === P.SAMPLE) return damaged('samples begin before an event is described', header.data.at + at);
    end = at + size + attached;
  }
  const head = readRange(source, header.data.at + end, RECORD_HEAD);
  const size = head.length < RECORD_HEAD ? Infinity : new ByteReader(head, header.littleEndian).uintAt(6, 2);
  return end + Number(size) > stream.size
    ? damaged(`the file was cut: it ends at offset ${source.size}, before it describes an event`, source.size)
    : damaged(
        `no event is described before offset ${header.data.at + end}, where no record begins`,
        header.data.at + end,
      );
}

/** struct perf_event_header: u32 type, u16 misc, u16 size. */
const RECORD_HEAD = 8;

function damaged(message: string, offset: number): SpinbackError {
  return new SpinbackError('DAMAGED', message, { offset });
}

function tellOfHeader(header: FileHeader, source: ByteSource, log: PerfDamageLog): void {
  if (header.kind !== 'file') return;
  if (header.isUnfinished) log.add('unfinished', header.data.at);
  else if (header.isCut) log.add('truncated', source.size);
}

function tellOfEvents(kinds: readonly SampleKind[], metadata: Metadata, log: PerfDamageLog): void {
  const nameOf = nameFinder(metadata);
  for (const kind of kinds) {
    const { attr, layout } = kind;
    if (layout === null) log.add('unreadable-event', undefined, nameOf(attr));
    else if (attr.type === TYPE_TRACEPOINT && !layout.hasRaw)
      log.add('no-raw-records', undefined, nameOf(attr));
    if (isSampled(kind)) log.add('sampled', undefined, nameOf(attr));
  }
  if (metadata.tracingData === null && kinds.some(({ attr }) => attr.type === TYPE_TRACEPOINT))
    log.add('formats-missing');
  log.add(
    'no-symbols',
    undefined,
    metadata.buildId === null ? '' : `the kernel's build id is ${metadata.buildId}`,
  );
}

/** Does a tracepoint's event stand for several, of which only one was taken? */
function isSampled({ attr }: SampleKind): boolean {
  return attr.type === TYPE_TRACEPOINT && (attr.isFrequency || attr.period > 1n);
}

function nameFinder({ descriptions }: Metadata): (attr: Attr) => string {
  return (attr) => {
    const isSame = (other: Attr): boolean =>
      attr.ids.length > 0
        ? other.ids.includes(attr.ids[0]!)
        : other.type === attr.type && other.config === attr.config;
    const name = descriptions.find((description) => isSame(description.attr))?.name;
    return name ?? `event ${attr.config} of type ${attr.type}`;
  };
}

/** Types of the events that are no tracepoints; and, where the formats are missing, of the tracepoints by perf's own names. */
function otherTypes(kinds: readonly SampleKind[], metadata: Metadata): EventType[] {
  const nameOf = nameFinder(metadata);
  const wanted = kinds.filter(({ attr }) => attr.type !== TYPE_TRACEPOINT || metadata.tracingData === null);
  return wanted.map(({ attr, type }) => {
    const [, system, name] = /^(\w+):(\w+)$/.exec(nameOf(attr)) ?? [];
    return attr.type === TYPE_TRACEPOINT && name !== undefined
      ? { id: type, system: system!, name }
      : { id: type, system: '', name: nameOf(attr) };
  });
}

function rowsOf(
  { formats }: TracingData,
  others: readonly SampleKind[],
  options: OpenOptions,
  log: PerfDamageLog,
): DecodeRow[] {
  if (formats.unusable > 0)
    log.add('formats-damaged', undefined, `${formats.unusable} formats without name or number`);
  const mappings = new RowTable(options.rows);
  const rows = formats.rows(mappings, (why) => log.add('mapping-misfit', undefined, why));
  const unused = mappings.unused();
  if (unused.length > 0) log.add('mapping-unused', undefined, fewOf(unused), unused.length);
  return [...rows, ...others.map(({ type }) => otherRow(type))];
}

/** clockid_t (include/uapi/linux/time.h), by the names that ftrace has for them. */
const CLOCKS: Readonly<Record<number, string>> = {
  0: 'realtime',
  1: 'mono',
  4: 'mono_raw',
  7: 'boot',
  11: 'tai',
};

/** perf takes the kernel's local clock unless it is told another one (perf record -k). All count nanoseconds. */
function clockOf(attrs: readonly Attr[]): Clock {
  const id = attrs.find(({ type }) => type === TYPE_TRACEPOINT)?.clockId ?? null;
  return { name: id === null ? 'perf' : (CLOCKS[id] ?? `clock ${id}`), unit: 'ns' };
}

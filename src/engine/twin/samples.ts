// perf records -> samples and losses. Layout: include/uapi/linux/perf_event.h, Linux 6.16 (drawn in
// assembly/decode/samples.ts). Every read is bounded by the record, so one that goes too far throws DAMAGED and the record is
// counted as damaged.

import * as L from '../../../assembly/layout.ts';
import { ByteReader } from '../../base/byte-reader.ts';
import { SpinbackError } from '../../base/errors.ts';
import type { SampleId, SampleLayout, SampleTables } from '../../model/samples.ts';
import type { PageTally, RawRecord } from './pages.ts';

/** A record's common fields: u16 type, u8 flags, u8 preempt count, s32 pid. */
const COMMON_SIZE = 8;
const HEADER = 8;
const RECORD_NMI = 0x40;

/** enum perf_event_read_format */
const READ = { enabled: 1, running: 2, id: 4, group: 8, lost: 16 } as const;

/** A sample, or a loss that stands for itself. */
export interface SampleEvent extends RawRecord {
  readonly cpu: number;
  /** Events lost here, -1 an unknown number; null for a sample. */
  readonly lost: bigint | null;
  /** Number and addresses of the callers, 8 bytes each; null where there are none. */
  readonly callers: Uint8Array | null;
}

/** What the lane remembers from one window to the next. */
export interface SampleMemory {
  /** Time of the last sample. */
  time: bigint;
  /** CPU of the last sample or loss. */
  cpu: number;
}

/** The table of ids, by id. */
export class Samples {
  readonly tables: SampleTables;
  readonly #ids: ReadonlyMap<bigint, SampleId>;

  constructor(tables: SampleTables) {
    this.tables = tables;
    this.#ids = new Map(tables.ids.map((id) => [id.id, id]));
  }

  /** Reads in the stream's byte order. */
  reader(bytes: Uint8Array): ByteReader {
    return new ByteReader(bytes, !this.tables.bigEndian);
  }

  entryOf(id: bigint): SampleId | null {
    return this.#ids.get(id) ?? null;
  }

  layoutOf(entry: SampleId | null): SampleLayout | null {
    const index = entry?.layout ?? this.tables.fallback;
    return index === null ? null : (this.tables.layouts[index] ?? null);
  }

  /** A sample's entry and layout; layout null where nobody knows or it is too short for that. */
  find(record: ByteReader): { readonly entry: SampleId | null; readonly layout: SampleLayout | null } {
    const { idAt } = this.tables;
    const entry = idAt !== null && idAt + 8 <= record.length ? this.entryOf(record.uintAt(idAt, 8)) : null;
    const layout = this.layoutOf(entry);
    return { entry, layout: layout && layout.restAt <= record.length ? layout : null };
  }
}

/** Where the raw record lies. Throws DAMAGED where it does not fit. */
export function rawPlace(
  record: ByteReader,
  layout: SampleLayout,
): { readonly at: number; readonly size: number } {
  record.position = layout.restAt;
  if (layout.readFormat !== null) skipRead(record, layout.readFormat);
  if (layout.hasCallchain) skipWords(record, record.u64());
  const size = record.u32();
  const at = record.position;
  record.take(size, 'a raw record');
  if (size < COMMON_SIZE) throw new SpinbackError('DAMAGED', `a raw record of ${size} bytes`);
  return { at, size };
}

/** The callers of a sample whose parts fit, of which the engine turns around the number alone: they only make a hash. */
function callersOf(record: ByteReader, layout: SampleLayout): Uint8Array | null {
  if (!layout.hasCallchain) return null;
  record.position = layout.restAt;
  if (layout.readFormat !== null) skipRead(record, layout.readFormat);
  const start = record.position;
  const callers = Number(record.u64());
  if (callers === 0) return null;
  const bytes = record.bytes.slice(start, start + 8 + 8 * callers);
  if (!record.littleEndian) bytes.subarray(0, 8).reverse();
  return bytes;
}

function skipRead(record: ByteReader, format: number): void {
  const count = (...bits: number[]): bigint => BigInt(bits.filter((bit) => format & bit).length);
  const words = 1n + count(READ.id, READ.lost);
  const times = count(READ.enabled, READ.running);
  if (format & READ.group) skipWords(record, times + record.u64() * words);
  else skipWords(record, words + times);
}

function skipWords(record: ByteReader, words: bigint): void {
  if (words > BigInt(record.length)) throw new SpinbackError('DAMAGED', `${words} words do not fit`);
  record.take(8 * Number(words), 'words');
}

/** The samples and losses of the whole records in `bytes`, the first of which lies at `offset` of the lane. */
export function* samplesOf(
  bytes: Uint8Array,
  samples: Samples,
  offset: number,
  tally: PageTally,
  memory: SampleMemory,
): Generator<SampleEvent> {
  const damaged = (at: number): void => {
    tally.badEvents++;
    tally.firstBad ??= offset + at;
  };
  for (let at = 0; at + HEADER <= bytes.length;) {
    const header = samples.reader(bytes.subarray(at));
    const type = header.u32();
    header.u16();
    const size = header.u16();
    if (size < HEADER || at + size > bytes.length) {
      damaged(at);
      return;
    }
    const record = samples.reader(bytes.subarray(at, at + size));
    if (type === L.PERF_SAMPLE) {
      const sample = orDamaged(() => readSample(record, samples, offset + at, memory));
      if (sample) yield sample;
      else damaged(at);
    } else if (type === L.PERF_LOST || type === L.PERF_THROTTLE || type === L.PERF_UNTHROTTLE) {
      const loss = readLoss(record, samples, offset + at, memory, type);
      if (loss) yield loss;
    }
    at += size;
  }
}

function orDamaged<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof SpinbackError && error.code === 'DAMAGED') return null;
    throw error;
  }
}

function readSample(
  record: ByteReader,
  samples: Samples,
  offset: number,
  memory: SampleMemory,
): SampleEvent | null {
  const { entry, layout } = samples.find(record);
  if (!layout) return null;
  const { at, bytes } = layout.hasRaw
    ? withoutDepth(record, layout, samples.tables.depth)
    : { at: 0, bytes: commonFields(record, layout) };
  const cpu =
    layout.cpuAt === null ? (entry ? (entry.cpu ?? -1) >>> 0 : 0) : Number(record.uintAt(layout.cpuAt, 4));
  memory.cpu = Math.min(cpu, 0xffff);
  memory.time = record.uintAt(layout.timeAt, 8);
  return {
    time: memory.time,
    bytes,
    offset: offset + at,
    cpu: memory.cpu,
    lost: null,
    callers: layout.hasRaw ? callersOf(record, layout) : null,
  };
}

/** The raw record, less what recording added to its preempt depth. */
function withoutDepth(
  record: ByteReader,
  layout: SampleLayout,
  added: number,
): { at: number; bytes: Uint8Array } {
  const { at, size } = rawPlace(record, layout);
  const bytes = record.bytes.slice(at, at + size);
  if ((bytes[3]! & 15) >= added) bytes[3]! -= added;
  return { at, bytes };
}

/** Common fields for a sample that has no record: as if from an NMI, which says nothing about interrupts. */
function commonFields(record: ByteReader, { type, tidAt }: SampleLayout): Uint8Array {
  const bytes = new Uint8Array(COMMON_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, type, record.littleEndian);
  view.setUint8(2, RECORD_NMI);
  view.setUint32(4, tidAt === null ? 0 : Number(record.uintAt(tidAt, 4)), record.littleEndian);
  return bytes;
}

function readLoss(
  record: ByteReader,
  samples: Samples,
  offset: number,
  memory: SampleMemory,
  type: number,
): SampleEvent | null {
  const isLost = type === L.PERF_LOST;
  const body = isLost ? 16 : 24;
  if (record.length < HEADER + body) return null;
  const entry = samples.entryOf(record.uintAt(isLost ? 8 : 16, 8));
  const lost = isLost ? BigInt.asIntN(64, record.uintAt(16, 8)) : -1n;
  if (lost === 0n) return null;
  const layout = samples.layoutOf(entry);
  const room = record.length - HEADER - body;
  const trailer = (back: number | null | undefined, size: number): bigint | null =>
    back && back <= room ? record.uintAt(record.length - back, size) : null;
  const time = trailer(layout?.trailerTime, 8) ?? (isLost ? memory.time : record.uintAt(8, 8));
  const cpu = trailer(layout?.trailerCpu, 4) ?? entry?.cpu ?? memory.cpu;
  memory.cpu = Math.min(Number(cpu), 0xffff);
  return { time, bytes: record.bytes, offset, cpu: memory.cpu, lost: lost > 0n ? lost : -1n, callers: null };
}

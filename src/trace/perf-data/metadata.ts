import { ByteReader } from '../../base/byte-reader.ts';
import { SpinbackError } from '../../base/errors.ts';
import { readRange } from '../../io/bytes.ts';
import type { ByteSource } from '../../io/source.ts';
import type { Anchor } from '../capture.ts';
import * as P from '../../model/perf-records.ts';
import { readAttr, readIds, type Attr } from './attr.ts';
import type { PerfDamageLog } from './damage.ts';
import {
  FEATURE,
  kernelBuildId,
  LARGEST_FEATURE,
  readCpuCount,
  readEventDescriptions,
  readString,
  type EventDescription,
} from './features.ts';
import type { FileHeader, Section } from './header.ts';
import type { PerfRecord } from './walk.ts';

/** More are not believed, of one event or of all: 8192 CPUs with 128 events each. */
const MOST_IDS = 1 << 20;
/** Nor more events: a kernel has about two thousand tracepoints, and those that are none get types of 16 bits from the other end. */
const MOST_ATTRS = 1 << 15;

/** What a perf.data says about itself: in its header, or in the records that stand in front of the samples. */
export class Metadata {
  readonly attrs: Attr[] = [];
  /** On which CPU each id was opened. */
  readonly idCpus = new Map<bigint, number>();
  descriptions: readonly EventDescription[] = [];
  /** Where the event formats lie, null where there are none. */
  tracingData: Section | null = null;
  kernel: string | null = null;
  cpuCount: number | null = null;
  buildId: string | null = null;
  anchor: Anchor | null = null;
  #ids = 0;
  readonly #log: PerfDamageLog;

  constructor(log: PerfDamageLog) {
    this.#log = log;
  }

  /** The header of a file: attributes in front of the data, features behind it. */
  addHeader(source: ByteSource, header: FileHeader): void {
    if (header.kind !== 'file') return;
    const { attrs, attrSize, data, features, littleEndian } = header;
    const count = attrSize > ENTRY ? Math.floor(attrs.size / attrSize) : 0;
    for (let n = 0; n < count; n++) {
      const at = attrs.at + n * attrSize;
      const entry = new ByteReader(readRange(source, at, attrSize), littleEndian, at);
      if (entry.length < attrSize || !this.#addAttr(this.#readEntry(source, entry, attrSize), at)) break;
    }
    const places = new ByteReader(
      readRange(source, data.at + data.size, ENTRY * features.length),
      littleEndian,
      data.at + data.size,
    );
    for (const feature of features) {
      if (places.remaining < ENTRY) return;
      const [at, size] = [places.u64('the place of a feature'), places.u64('the size of a feature')];
      if (at + size > BigInt(source.size)) {
        this.#log.add('features-damaged', places.offset - ENTRY, `feature ${feature}`);
        continue;
      }
      const place = { at: Number(at), size: Number(size) };
      if (feature === FEATURE.tracingData) this.tracingData = place;
      else if (place.size <= LARGEST_FEATURE) {
        this.#addFeature(
          feature,
          () => new ByteReader(readRange(source, place.at, place.size), littleEndian, place.at),
        );
      }
    }
  }

  /** An attribute, then the section of its ids. */
  #readEntry(source: ByteSource, entry: ByteReader, size: number): Attr {
    const attr = readAttr(entry, size - ENTRY);
    entry.position = size - ENTRY;
    const [at, bytes] = [entry.size64('the place of ids'), entry.size64('the size of ids')];
    const count = Math.floor(bytes / 8);
    if (this.#ids + count > MOST_IDS || at + bytes > source.size) {
      this.#log.add('features-damaged', entry.base, 'the ids of an event');
      return attr;
    }
    const ids = new ByteReader(readRange(source, at, 8 * count), entry.littleEndian, at);
    return { ...attr, ids: readIds(ids, count) };
  }

  /** False where there are too many. */
  #addAttr(attr: Attr, at: number): boolean {
    if (this.attrs.length === MOST_ATTRS) {
      this.#log.add('features-damaged', at, `more than ${MOST_ATTRS} events`);
      return false;
    }
    this.attrs.push(attr);
    this.#ids += attr.ids.length;
    return true;
  }

  /** A record from in front of the samples. `base`: where the stream lies in the file. */
  addRecord(record: PerfRecord, base: number): void {
    const { type, body } = record;
    body.position = 0;
    try {
      if (type === P.HEADER_ATTR) this.#addAttr(readAttrRecord(body), base + record.at);
      else if (type === P.HEADER_TRACING_DATA) {
        this.tracingData = { at: base + record.at + record.size, size: body.u32() };
      } else if (type === P.HEADER_FEATURE) this.#addFeature(Number(body.u64()), () => body);
      else if (type === P.ID_INDEX) this.#addIdIndex(body);
      else if (type === P.MMAP) this.anchor ??= anchorOf(body);
    } catch (error) {
      this.#tell(error, `record ${type}`);
    }
  }

  #addFeature(feature: number, read: () => ByteReader): void {
    try {
      if (feature === FEATURE.osRelease) this.kernel = readString(read(), 'the kernel version');
      else if (feature === FEATURE.cpus) this.cpuCount = readCpuCount(read());
      else if (feature === FEATURE.eventDescriptions) this.descriptions = readEventDescriptions(read());
      else if (feature === FEATURE.buildId) this.buildId = kernelBuildId(read());
    } catch (error) {
      this.#tell(error, `feature ${feature}`);
    }
  }

  /** PERF_RECORD_ID_INDEX: u64 number, then for each u64 id, index, CPU and thread; -1 for none. */
  #addIdIndex(body: ByteReader): void {
    const count = body.size64('the number of ids');
    for (let n = 0; n < count && body.remaining >= 32 && this.idCpus.size < MOST_IDS; n++) {
      const id = body.u64();
      body.u64();
      const cpu = BigInt.asIntN(32, body.u64());
      body.u64();
      if (cpu >= 0n && cpu < 0xffffn) this.idCpus.set(id, Number(cpu));
    }
  }

  #tell(error: unknown, what: string): void {
    if (!(error instanceof SpinbackError && error.code === 'DAMAGED')) throw error;
    this.#log.add('features-damaged', error.offset, `${what}: ${error.message}`);
  }
}

/** A section: u64 offset, u64 size. */
const ENTRY = 16;

/** PERF_RECORD_HEADER_ATTR: an attribute, then its ids. */
function readAttrRecord(body: ByteReader): Attr {
  const attr = readAttr(body, body.length);
  return { ...attr, ids: readIds(body, Math.floor(body.remaining / 8)) };
}

// PERF_RECORD_MMAP of the kernel: pid -1, file name "[kernel.kallsyms]_text", page offset: the address of that symbol
// (perf_event__synthesize_kernel_mmap() in tools/perf/util/synthetic-events.c, Linux 6.16).
function anchorOf(body: ByteReader): Anchor | null {
  if (body.i32() !== -1) return null;
  body.position = 8 + 8 + 8;
  const address = body.u64();
  const name = /^\[kernel\.kallsyms\]([A-Za-z_]\w*)$/.exec(body.cstring('a file name'))?.[1];
  return name === undefined ? null : { name, address };
}

import * as P from '../model/perf-records.ts';
import { SAMPLE, TYPE_TRACEPOINT } from '../trace/perf-data/attr.ts';
import { ByteWriter } from './bytes.ts';
import { EVENT_SPECS, specsOf, type EventSpec, type Sink, type TraceEvent } from './events.ts';
import { eventFormats, ftraceFormats, headerInfo } from './metadata.ts';
import type { Output } from './output.ts';
import { RecordEncoder } from './record.ts';

export interface PerfDataOptions {
  readonly cpus: number;
  /** What is recorded, trace systems and events; perf describes nothing else. */
  readonly systems: readonly string[];
  /** Bytes of a CPU's buffer: a round is written when one is full. */
  readonly bufferSize?: number;
}

/** "PERFILE2", and the size of a pipe's header. */
const MAGIC = 0x32454c4946524550n;
const PIPE_HEADER = 16;
/** struct perf_event_attr up to PERF_ATTR_SIZE_VER7, and its bit sample_id_all. */
const ATTR_SIZE = 128;
const SAMPLE_ID_ALL = 1n << 18n;
/** PERF_RECORD_FINISHED_ROUND: nothing that comes behind it is older than what lay before the round ahead of it. */
const FINISHED_ROUND = 68;
/** What perf lock record asks for. */
const SAMPLE_TYPE =
  SAMPLE.identifier | SAMPLE.ip | SAMPLE.tid | SAMPLE.time | SAMPLE.cpu | SAMPLE.period | SAMPLE.raw;
/** Header, identifier, address, task, time, CPU, period. */
const SAMPLE_HEAD = 8 + 6 * 8;
const CALLER = 0xffff_ffff_8100_0000n;
const MAX_RECORD = 1 << 15;

/**
 * Writes events as a perf.data in pipe mode (perf record -o - | cat), little endian. The CPUs' buffers are written one after the other, each in
 * its own order of time, as perf record does. Layouts: include/uapi/linux/perf_event.h and tools/perf/util/header.c, Linux 6.16.
 */
export class PerfDataWriter implements Sink {
  readonly #output: Output;
  readonly #cpus: number;
  readonly #bufferSize: number;
  readonly #encoder = new RecordEncoder();
  readonly #record = new Uint8Array(MAX_RECORD);
  readonly #view = new DataView(this.#record.buffer);
  readonly #isRecorded: readonly boolean[];
  #buffers: ByteWriter[];
  #time = 0;

  constructor(output: Output, { cpus, systems, bufferSize = 1 << 16 }: PerfDataOptions) {
    this.#output = output;
    this.#cpus = cpus;
    this.#bufferSize = bufferSize;
    this.#buffers = emptyBuffers(cpus);
    const recorded = specsOf(systems);
    this.#isRecorded = EVENT_SPECS.map((spec) => recorded.includes(spec));
    output.write(new ByteWriter().u64(MAGIC).u64(PIPE_HEADER).done());
    for (const spec of recorded) output.write(this.#attr(spec, EVENT_SPECS.indexOf(spec)));
    output.write(tracingData(recorded));
  }

  /** PERF_RECORD_HEADER_ATTR: the attribute, then an id for each CPU. */
  #attr(spec: EventSpec, type: number): Uint8Array {
    const body = new ByteWriter()
      .u32(TYPE_TRACEPOINT)
      .u32(ATTR_SIZE)
      .u64(spec.id)
      .u64(1)
      .u64(SAMPLE_TYPE)
      .u64(0)
      .u64(SAMPLE_ID_ALL)
      .bytes(new Uint8Array(ATTR_SIZE - 48));
    for (let cpu = 0; cpu < this.#cpus; cpu++) body.u64(this.#id(type, cpu));
    return record(P.HEADER_ATTR, body.done());
  }

  #id(type: number, cpu: number): number {
    return 1 + type * this.#cpus + cpu;
  }

  event(event: TraceEvent): void {
    if (!this.#isRecorded[event.type]) return;
    const length = this.#encoder.encode(event, this.#record, this.#view, 0);
    // Size and record together are padded to 8 bytes, and the padding counts.
    const padding = (8 - ((length + 4) % 8)) % 8;
    const buffer = this.#buffers[event.cpu]!;
    buffer
      .u32(P.SAMPLE)
      .u16(0)
      .u16(SAMPLE_HEAD + 4 + length + padding)
      .u64(this.#id(event.type, event.cpu))
      .u64(CALLER)
      .u32(event.pid)
      .u32(event.pid)
      .u64(event.time)
      .u32(event.cpu)
      .u32(0)
      .u64(1)
      .u32(length + padding)
      .bytes(this.#record.subarray(0, length))
      .alignTo(8);
    this.#time = event.time;
    this.#endRecord(event.cpu);
  }

  /** PERF_RECORD_LOST; it always says how many. */
  lost(cpu: number, count: number): void {
    const id = this.#id(0, cpu);
    // struct sample_id: tid, time, CPU, identifier
    const body = new ByteWriter().u64(id).u64(count).u64(0).u64(this.#time).u32(cpu).u32(0).u64(id);
    this.#buffers[cpu]!.bytes(record(P.LOST, body.done()));
    this.#endRecord(cpu);
  }

  #endRecord(cpu: number): void {
    if (this.#buffers[cpu]!.length >= this.#bufferSize) this.#round();
  }

  #round(): void {
    for (const buffer of this.#buffers) this.#output.write(buffer.done());
    this.#output.write(record(FINISHED_ROUND, new Uint8Array(0)));
    this.#buffers = emptyBuffers(this.#cpus);
  }

  /** Writes what is left. `comms`: task names by pid. */
  finish(comms: ReadonlyMap<number, string>): void {
    this.#round();
    for (const [pid, comm] of comms) {
      const body = new ByteWriter().u32(pid).u32(pid).cstring(comm).alignTo(8);
      const trailer = body.u32(pid).u32(pid).u64(this.#time).u32(0).u32(0).u64(1);
      this.#output.write(record(P.COMM, trailer.done()));
    }
  }
}

function emptyBuffers(cpus: number): ByteWriter[] {
  return Array.from({ length: cpus }, () => new ByteWriter());
}

function record(type: number, body: Uint8Array): Uint8Array {
  return new ByteWriter()
    .u32(type)
    .u16(0)
    .u16(8 + body.length)
    .bytes(body)
    .done();
}

/** PERF_RECORD_HEADER_TRACING_DATA, and behind it the formats without symbols, printk formats and names of tasks. */
function tracingData(recorded: readonly EventSpec[]): Uint8Array {
  const data = new ByteWriter()
    .bytes(Uint8Array.of(23, 8, 68))
    .text('tracing')
    .cstring('0.6')
    .u8(0)
    .u8(8)
    .u32(4096)
    .bytes(headerInfo(4096, 8, false))
    .bytes(ftraceFormats())
    .bytes(eventFormats(8, false, recorded))
    .u32(0)
    .u32(0)
    .u64(0);
  const head = new ByteWriter().u32(data.length).u32(0).done();
  return new ByteWriter().bytes(record(P.HEADER_TRACING_DATA, head)).bytes(data.alignTo(8).done()).done();
}

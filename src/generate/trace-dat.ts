import { specsOf, type Sink, type TraceEvent } from './events.ts';
import { ByteWriter } from './bytes.ts';
import {
  cpuStats,
  eventFormats,
  ftraceFormats,
  headerInfo,
  kallsyms,
  RECORDER,
  savedCmdlines,
  traceClock,
  uname as unameOf,
} from './metadata.ts';
import { CpuPages, type Packer, type Output, type Spool } from './output.ts';
import { PageWriter, type LongTimes } from './pages.ts';
import { RecordEncoder, type WordSize } from './record.ts';
import { OPTION } from '../trace/trace-dat/options.ts';
import { writeVersion6, writeVersion7, type FileOption, type FileParts } from './container.ts';

export interface TraceDatOptions {
  readonly version: 6 | 7;
  readonly cpus: number;
  /** Bytes of a sub-buffer. */
  readonly pageSize: number;
  /** Bytes of a long: 4 writes what a 32-bit kernel would have recorded. */
  readonly wordSize: WordSize;
  /** In the byte order of s390x or ppc64 instead. */
  readonly bigEndian: boolean;
  /** Name of the trace clock. "x86-tsc" counts cycles of half a nanosecond. */
  readonly clock: string;
  /** With "x86-tsc": say how cycles become nanoseconds. */
  readonly tsc2nsec: boolean;
  /** Version 7 only; null: plain. */
  readonly packer: Packer | null;
  readonly longTimes: LongTimes;
  readonly uname?: string;
  /** Systems and events that the file describes, all by default: trace-cmd record describes those of its -e, all of them with -a. */
  readonly systems?: readonly string[];
}

export const TRACE_DAT_DEFAULTS: Omit<TraceDatOptions, 'cpus'> = {
  version: 7,
  pageSize: 4096,
  wordSize: 8,
  bigEndian: false,
  clock: 'mono',
  tsc2nsec: false,
  packer: null,
  longTimes: 'extend',
};

const CYCLES_PER_NS = 2;
// ns = cycles * mult >> shift
const TSC_MULT = 0x40000000;
const TSC_SHIFT = 31;
const MAX_RECORD = 1 << 16;

/** Writes events as a trace.dat of trace-cmd. Feed it, then call finish. */
export class TraceDatWriter implements Sink {
  readonly #options: TraceDatOptions;
  readonly #output: Output;
  readonly #pages: CpuPages;
  readonly #writers: readonly PageWriter[];
  readonly #encoder: RecordEncoder;
  readonly #words = new Int32Array(MAX_RECORD / 4);
  readonly #bytes = new Uint8Array(this.#words.buffer);
  readonly #view = new DataView(this.#words.buffer);
  readonly #scale: number;
  #end = 0;

  constructor(output: Output, spool: Spool, options: TraceDatOptions) {
    const { cpus, pageSize, wordSize, bigEndian, longTimes } = options;
    this.#options = options;
    this.#output = output;
    this.#scale = options.clock === 'x86-tsc' ? CYCLES_PER_NS : 1;
    this.#encoder = new RecordEncoder(wordSize, bigEndian);
    const pages = new CpuPages(spool, cpus, pageSize);
    this.#pages = pages;
    const shape = { pageSize, commitSize: wordSize, bigEndian };
    this.#writers = Array.from(
      { length: cpus },
      (_, cpu) => new PageWriter(shape, (page) => pages.add(cpu, page), 0n, longTimes),
    );
  }

  event(event: TraceEvent): void {
    const length = this.#encoder.encode(event, this.#bytes, this.#view, 0);
    this.#writers[event.cpu]!.add(event.time * this.#scale, this.#words, length);
    this.#end = event.time;
  }

  lost(cpu: number, count: number, told: boolean): void {
    this.#writers[cpu]!.lost(count, told);
  }

  losePages(
    cpu: number,
    pages: number,
    told: boolean,
    onLost: (events: number, lastNs: number) => void,
  ): void {
    this.#writers[cpu]!.losePages(pages, told, (events, last) => onLost(events, last / this.#scale));
  }

  /** Writes the file. `comms`: task names by pid. */
  finish(comms: ReadonlyMap<number, string>): void {
    for (const writer of this.#writers) writer.finish();
    const { version, pageSize, wordSize, bigEndian, clock, packer, cpus, systems } = this.#options;
    const parts: FileParts = {
      wordSize,
      bigEndian,
      pageSize,
      clock,
      headerInfo: headerInfo(pageSize, wordSize, bigEndian),
      ftraceFormats: ftraceFormats(),
      eventFormats: eventFormats(wordSize, bigEndian, systems && specsOf(systems)),
      kallsyms: new ByteWriter().text(kallsyms(wordSize)).done(),
      printk: new Uint8Array(0),
      cmdlines: new ByteWriter().text(savedCmdlines(comms)).done(),
      options: this.#fileOptions(),
      cpus: Array.from({ length: cpus }, (_, cpu) => ({
        cpu,
        size: this.#pages.size(cpu),
        pieces: (size: number) => this.#pages.pieces(cpu, size),
      })),
    };
    if (version === 6) writeVersion6(this.#output, parts);
    else writeVersion7(this.#output, parts, packer);
  }

  #fileOptions(): FileOption[] {
    const { clock, tsc2nsec, cpus, uname, wordSize, bigEndian } = this.#options;
    const text = (id: number, value: string): FileOption => ({
      id,
      data: new ByteWriter().cstring(value).done(),
    });
    const options = [
      text(OPTION.traceClock, traceClock(clock)),
      text(OPTION.uname, uname ?? unameOf(wordSize, bigEndian)),
      text(OPTION.version, RECORDER),
      ...this.#writers.map(({ counts }, cpu) => text(OPTION.cpuStat, cpuStats(cpu, counts, this.#end))),
      { id: OPTION.cpuCount, data: new ByteWriter(bigEndian).u32(cpus).done() },
    ];
    if (tsc2nsec) {
      const data = new ByteWriter(bigEndian).u32(TSC_MULT).u32(TSC_SHIFT).u64(0).done();
      options.push({ id: OPTION.tsc2nsec, data });
    }
    return options;
  }
}

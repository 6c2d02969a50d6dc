import { SpinbackError } from '../../base/errors.ts';
import { shellPath } from '../../base/shell.ts';
import { EVENT_RECORD_SIZE } from '../../model/event-record.ts';
import type { EventPlace } from '../../model/event.ts';
import type { LinePattern, Mapping } from '../../mapping/mapping.ts';
import { RowTable } from '../../mapping/row-table.ts';
import { mappingText } from '../../mapping/save.ts';
import type { MappingRow } from '../../mapping/rows.ts';
import { partOf, readRange } from '../../io/bytes.ts';
import type { ByteSource } from '../../io/source.ts';
import type { Capture, Clock, Damage, EventRecord, Keepsake, Lane } from '../capture.ts';
import type { Reader } from '../reader.ts';
import { DamageLog, fewOf } from '../damage.ts';
import { TEXT_DAMAGES } from './damages.ts';
import { DUMP, findDump, kernelOf, LOG_SNIFF_BYTES, looksLikeKernelLog } from './dump.ts';
import { FTRACE, type Dialect } from './dialect.ts';
import { EventLine } from './line.ts';
import { patternDialect } from './line-patterns.ts';
import { Labels } from './labels.ts';
import { LineReader } from './lines.ts';
import { Places } from './places.ts';
import { readEventText } from './event-text.ts';
import { CommTable } from './comms.ts';
import { RecordStream } from './records.ts';
import { lanesOf, type Run } from './runs.ts';
import { TextLane } from './text-lane.ts';
import {
  LINES_SNIFF_BYTES,
  looksLikeFtraceText,
  looksLikeLines,
  readBeginning,
  SNIFF_BYTES,
  type Beginning,
} from './sniff.ts';
import { TypeTable } from './types.ts';

/** Bytes that each of several lanes reads at once. */
const SMALL_CHUNK = 16 * 1024;

/** Text of tracefs (`trace`, `trace_pipe`) and of trace-cmd report: docs/formats/ftrace-text.md. */
export const ftraceTextReader: Reader = {
  name: 'ftrace-text',
  sniffBytes: SNIFF_BYTES,
  sniff: looksLikeFtraceText,
  async open(source, { rows = [] }) {
    return openFtraceText(source, { rows });
  },
};

/** Text of any other tool, by the patterns of a mapping file: docs/mapping.md. */
export const lineTextReader: Reader = {
  name: 'lines of text that a mapping describes (--map)',
  sniffBytes: LINES_SNIFF_BYTES,
  sniff: (head, { lines = [] }) => lines.length > 0 && looksLikeLines(head, patternDialect(lines)),
  async open(source, { rows = [], lines = [] }) {
    return openFtraceText(source, { rows, lines });
  },
};

/** The ring as a panic dumped it into the kernel's log (ftrace_dump_on_oops): docs/formats/ftrace-text.md. */
export const dumpReader: Reader = {
  name: 'kernel log with a dump of the ring',
  sniffBytes: LOG_SNIFF_BYTES,
  sniff: looksLikeKernelLog,
  async open(source, { rows = [] }) {
    const dumpAt = findDump(source);
    if (dumpAt === null) {
      throw new SpinbackError(
        'NOT_A_CAPTURE',
        'this is a kernel log without a dump of the ring (ftrace_dump_on_oops), so there are no events in it: ' +
          `read it with spinback dmesg ${shellPath(source.name)}`,
      );
    }
    return openFtraceText(source, { rows, dumpAt });
  },
};

export interface TextOptions {
  /** Which event means what, besides the built-in table. */
  readonly rows?: readonly MappingRow[];
  /** Bytes read at once; any size gives the same records. */
  readonly chunk?: number;
}

export interface FtraceTextOptions extends TextOptions {
  /** How lines become events, where they are not tracefs' or trace-cmd's. */
  readonly lines?: readonly LinePattern[];
  /** Byte offset of a dump in a kernel log. */
  readonly dumpAt?: number;
}

/** Opens a text capture. Throws SpinbackError UNSUPPORTED for tracers that print no task, CPU and time per line. */
export function openFtraceText(source: ByteSource, options: FtraceTextOptions = {}): Capture {
  return openText(source, inputOf(source, options), options);
}

function inputOf(source: ByteSource, { lines, dumpAt }: FtraceTextOptions): TextInput {
  if (lines) {
    const clock: Clock = { name: lines[0]?.clock ?? 'unknown', unit: 'ns' };
    return { dialect: patternDialect(lines), lines, format: 'text lines (mapping)', clock };
  }
  if (dumpAt === undefined) return { dialect: FTRACE };
  const kernel = kernelOf(readRange(source, 0, LOG_SNIFF_BYTES));
  return { dialect: DUMP, format: 'ftrace dump in a kernel log', from: dumpAt, kernel };
}

/** A text with events; what is left out here, it tells by itself. */
export interface TextInput {
  readonly dialect: Dialect;
  /** What the dialect was made of, where it is a mapping's. */
  readonly lines?: readonly LinePattern[];
  readonly format?: string;
  readonly clock?: Clock;
  readonly kernel?: string | null;
  /** Byte offset where it begins. */
  readonly from?: number;
}

/** Opens text of any program. Throws as openFtraceText does. */
export function openText(source: ByteSource, input: TextInput, options: TextOptions = {}): Capture {
  return new TextCapture(source, input, options);
}

/** One in so many entries must be missing to be told. */
const LEAST_SHARE = 100;

class TextCapture implements Capture {
  readonly path: string;
  readonly format: string;
  readonly clock: Clock;
  readonly kernel: string | null;
  readonly cpuCount: number | null;
  lanes: readonly Lane[];
  readonly #source: ByteSource;
  readonly #mappings: RowTable;
  readonly #dialect: Dialect;
  readonly #types: TypeTable;
  readonly #damage = new DamageLog(TEXT_DAMAGES);
  /** The user's part of the mapping. */
  readonly #own: Mapping;
  readonly #comms = new CommTable();
  readonly #places = new Places();
  readonly #from: number;
  readonly #open: (run: Run) => RecordStream;
  readonly #lost: number | null;
  /** Of the ring buffers, by the header. */
  readonly #entries: number | null;
  readonly #labels = new Labels();
  #texts: readonly TextLane[] = [];

  constructor(source: ByteSource, input: TextInput, { rows, chunk }: TextOptions) {
    const { dialect, from = 0 } = input;
    this.#dialect = dialect;
    this.#own = { rows: rows ?? [], lines: input.lines ?? [] };
    this.#mappings = new RowTable(rows);
    this.#types = new TypeTable(this.#mappings);
    const beginning = readBeginning(source, this.#types, dialect, from);
    const { header, first } = beginning;
    if (!first && header.tracer?.startsWith('function_graph')) {
      throw new SpinbackError(
        'UNSUPPORTED',
        'the function_graph tracer prints call graphs, not events: trace with the nop tracer',
        { path: source.name },
      );
    }
    this.#source = source;
    this.#from = from;
    const parts = {
      dialect,
      types: this.#types,
      comms: this.#comms,
      labels: this.#labels,
      places: this.#places,
      damage: this.#damage,
      timeForm: first?.timeForm ?? null,
    };
    this.#open = (run) =>
      new RecordStream(
        run.to < source.size ? partOf(source, 0, run.to) : source,
        parts,
        run.from,
        this.#texts.length > 1 ? Math.min(chunk ?? SMALL_CHUNK, SMALL_CHUNK) : chunk,
      );
    this.path = source.name;
    this.format = input.format ?? formatOf(beginning);
    this.clock = input.clock ?? clockOf(beginning);
    this.kernel = input.kernel === undefined ? header.kernel : input.kernel;
    this.cpuCount = header.cpuCount;
    const lost = header.written === null ? null : Math.max(0, header.written - header.entries!);
    if (lost) this.#damage.add('overwritten', undefined, '', lost);
    if (dialect === DUMP) this.#damage.add('log-not-read', from);
    if (dialect.mayHideLosses) this.#damage.add('losses-not-shown');
    if (first?.timeForm === 'integer' && this.clock.unit === 'ns') this.#damage.add('time-unit-assumed');
    this.#lost = lost;
    this.#entries = header.entries;
    this.lanes = this.#lanesOf([[{ from, to: source.size }]]);
  }

  /** Text that was joined of several files is merged by time again. */
  arrange(): void {
    const lanes = lanesOf(this.#source, this.#dialect, this.#from);
    if (lanes.length === 1 && lanes[0]!.length === 1) return;
    this.lanes = this.#lanesOf(lanes);
    this.#damage.add('joined', undefined, '', lanes.flat().length);
  }

  #lanesOf(lanes: readonly (readonly Run[])[]): Lane[] {
    this.#texts = lanes.map((runs) => new TextLane(runs, this.#open));
    return this.#texts.map((text) => ({
      cpu: 0,
      input: { kind: 'records' },
      clock: { mult: 0, shift: 0, offsetNs: 0n },
      size: null,
      read: (target) => text.read(target),
      lost: this.#lost,
      lostTail: false,
    }));
  }

  /** Types in the first 4 MiB; grows while the lane is read. */
  get types() {
    return this.#types.list;
  }

  /** One row for every type that there can be; those of later types are filled in while the lane is read. */
  get rows() {
    return this.#types.rows;
  }

  /**
   * A cut in text of all CPUs is only an earlier end, as the recorder's own: up to it every CPU is there. Where texts of single
   * CPUs were joined, those that the last one of them shows have lost their ends.
   */
  get isCut(): boolean {
    return this.#texts.length > 1 && this.#damage.list().some(({ name }) => name === 'truncated');
  }

  damage() {
    const known = this.#damage.list();
    const isShown = known.some(({ name }) => name === 'lost-events');
    const list = isShown ? known.filter(({ name }) => name !== 'losses-not-shown') : known;
    // What is not there is known when all was read.
    if (!this.#texts.every(({ hasEnded }) => hasEnded)) return list;
    const missing = this.#missingEntries(isShown);
    const unused = this.#mappings.unused();
    const { severity, text } = TEXT_DAMAGES['mapping-unused'];
    return [
      ...(missing === null ? list : list.map(surelyCut)),
      ...(missing === null ? [] : [missing]),
      ...(unused.length === 0
        ? []
        : [{ name: 'mapping-unused', severity, text: `${text} (${fewOf(unused)})`, count: unused.length }]),
    ];
  }

  /**
   * The header counts more events than the text holds. A trace that goes on while it is printed may lack a few; where it was overwritten under
   * way, the text has marks of lost events (`hasMarks`): peek_next_entry and print_trace_line in kernel/trace/trace.c of Linux 6.12.
   */
  #missingEntries(hasMarks: boolean): Damage | null {
    const [text] = this.#texts;
    if (this.#entries === null || this.#texts.length > 1 || !text) return null;
    const count = this.#entries - text.records;
    if (count <= 0 || count * LEAST_SHARE < this.#entries) return null;
    const { severity, text: meaning } = TEXT_DAMAGES['missing-entries'];
    const holds = `Of ${this.#entries} events that its header counts, the text holds ${text.records}: `;
    return {
      name: 'missing-entries',
      severity: hasMarks ? 'data loss' : severity,
      text: holds + (hasMarks ? 'it was cut or filtered, or printed while the trace went on.' : meaning),
      count,
    };
  }

  comm(pid: number): string | null {
    return this.#comms.get(pid);
  }

  /** Text shows kernel addresses already by name. */
  symbol(): null {
    return null;
  }

  lockName(label: bigint): string | null {
    return this.#labels.nameOf(Number(label));
  }

  record(place: EventPlace): EventRecord | null {
    const index = place.offset / EVENT_RECORD_SIZE;
    const start = Number.isSafeInteger(index) && index >= 0 ? this.#texts[place.lane]?.place(index) : null;
    if (!start) return null;
    const { offset, first } = start;
    const lines = new LineReader(this.#source, offset);
    const line = new EventLine();
    for (let n = first; lines.next();) {
      const isEvent = this.#dialect.parseEvent(lines.bytes, lines.start, lines.end, line);
      if (!isEvent && this.#dialect.parseDropped(lines.bytes, lines.start, lines.end) === null) continue;
      if (n++ < index) continue;
      return isEvent ? readEventText(lines, line, this.#types, this.#comms, this.#dialect) : null;
    }
    return null;
  }

  /** Throws UNSUPPORTED for text that was put in order: a container keeps the lines as they lie in the file. */
  keepsake(): Keepsake {
    if (this.#texts.length > 1) {
      throw new SpinbackError(
        'UNSUPPORTED',
        'the text is joined of parts that begin again with earlier times: sort its lines by their times, or convert the binary trace',
        { path: this.path },
      );
    }
    this.#places.areKept = true;
    const text = {
      source: this.#source,
      placeOf: (record: number) => this.#places.of(record),
      dialect: this.#dialect.name,
      mapping: mappingText(this.#own),
      comms: () => this.#comms.entries(),
    };
    return { longSize: 8, formats: [], tables: null, text, samples: null };
  }

  progress() {
    const read = this.#texts.reduce((sum, { consumed }) => sum + consumed, 0);
    return { done: this.#from + read, total: this.#source.size };
  }

  close(): void {
    this.#source.close();
  }
}

/** A last line without a line end, where events are missing besides, was cut. */
function surelyCut(damage: Damage): Damage {
  return damage.name === 'cut-last-line'
    ? { ...damage, name: 'truncated', ...TEXT_DAMAGES.truncated }
    : damage;
}

function formatOf({ header, first }: Beginning): string {
  return (header.traceCmd ? 'trace-cmd report' : 'ftrace text') + (first?.latency ? ' (latency format)' : '');
}

/**
 * Text never names its clock. The kernel prints seconds for every clock that counts nanoseconds, microseconds from
 * the ring's start in latency-format, and bare integers for the others (x86-tsc, counter, uptime). trace-cmd prints
 * integers also for boot and tai, which count nanoseconds (libtracecmd, tracecmd_get_use_trace_clock): where the
 * kernel's own table is missing they are taken for such.
 */
function clockOf({ header, first }: Beginning): Clock {
  if (first?.timeForm === 'microseconds') return { name: 'unknown', unit: 'relative' };
  const cycles = first?.timeForm === 'integer' && header.tracefs;
  return { name: 'unknown', unit: cycles ? 'cycles' : 'ns' };
}

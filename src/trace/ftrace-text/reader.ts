import { SpinbackError } from '../../base/errors.ts';
import { EVENT_RECORD_SIZE } from '../../model/event-record.ts';
import type { EventPlace } from '../../model/event.ts';
import { BUILTIN_ROWS, type MappingRow } from '../../mapping/rows.ts';
import type { ByteSource } from '../../io/source.ts';
import type { Capture, Clock, EventRecord, Keepsake, Lane } from '../capture.ts';
import type { Reader } from '../reader.ts';
import { DamageLog } from '../damage.ts';
import { TEXT_DAMAGES } from './damages.ts';
import { EventLine, parseEventLine } from './line.ts';
import { parseDropped } from './header.ts';
import { LineReader } from './lines.ts';
import { readEventText } from './event-text.ts';
import { RecordStream } from './records.ts';
import { looksLikeFtraceText, readBeginning, SNIFF_BYTES, type Beginning } from './sniff.ts';
import { TypeTable } from './types.ts';

/** Text of tracefs (`trace`, `trace_pipe`) and of trace-cmd report: docs/formats/ftrace-text.md. */
export const ftraceTextReader: Reader = {
  name: 'ftrace-text',
  sniffBytes: SNIFF_BYTES,
  sniff: looksLikeFtraceText,
  async open(source) {
    return openFtraceText(source);
  },
};

export interface FtraceTextOptions {
  /** Which event means what; the built-in table by default. */
  readonly rows?: readonly MappingRow[];
  /** Bytes read at once; any size gives the same records. */
  readonly chunk?: number;
}

/** Opens a text capture. Throws SpinbackError UNSUPPORTED for tracers that print no task, CPU and time per line. */
export function openFtraceText(source: ByteSource, options: FtraceTextOptions = {}): Capture {
  return new FtraceTextCapture(source, options);
}

class FtraceTextCapture implements Capture {
  readonly path: string;
  readonly format: string;
  readonly clock: Clock;
  readonly kernel: string | null;
  readonly cpuCount: number | null;
  readonly lanes: readonly Lane[];
  readonly #source: ByteSource;
  readonly #types: TypeTable;
  readonly #damage = new DamageLog(TEXT_DAMAGES);
  readonly #stream: RecordStream;

  constructor(source: ByteSource, options: FtraceTextOptions) {
    this.#types = new TypeTable(options.rows ?? BUILTIN_ROWS);
    const beginning = readBeginning(source, this.#types);
    const { header, first } = beginning;
    if (!first && header.tracer?.startsWith('function_graph')) {
      throw new SpinbackError(
        'UNSUPPORTED',
        'the function_graph tracer prints call graphs, not events: trace with the nop tracer',
        { path: source.name },
      );
    }
    this.#source = source;
    this.#stream = new RecordStream(
      source,
      this.#types,
      this.#damage,
      first?.timeForm ?? null,
      options.chunk,
    );
    this.path = source.name;
    this.format = formatOf(beginning);
    this.clock = clockOf(beginning);
    this.kernel = header.kernel;
    this.cpuCount = header.cpuCount;
    const lost = header.written === null ? null : Math.max(0, header.written - header.entries!);
    if (lost) this.#damage.add('overwritten', undefined, '', lost);
    if (first?.timeForm === 'integer' && this.clock.unit === 'ns') this.#damage.add('time-unit-assumed');
    this.lanes = [
      {
        cpu: 0,
        input: { kind: 'records' },
        clock: { mult: 0, shift: 0, offsetNs: 0n },
        size: null,
        read: (target) => this.#stream.read(target),
        lost,
        lostTail: false,
      },
    ];
  }

  /** Types in the first 4 MiB; grows while the lane is read. */
  get types() {
    return this.#types.list;
  }

  /** One row for every type that there can be; those of later types are filled in while the lane is read. */
  get rows() {
    return this.#types.rows;
  }

  damage() {
    return this.#damage.list();
  }

  comm(pid: number): string | null {
    return this.#stream.comms.get(pid);
  }

  /** Text shows kernel addresses already by name. */
  symbol(): null {
    return null;
  }

  record(place: EventPlace): EventRecord | null {
    const index = place.offset / EVENT_RECORD_SIZE;
    if (place.lane !== 0 || !Number.isSafeInteger(index) || index < 0) return null;
    const { offset, first } = this.#stream.checkpoint(index);
    const lines = new LineReader(this.#source, offset);
    const line = new EventLine();
    for (let n = first; lines.next();) {
      const isEvent = parseEventLine(lines.bytes, lines.start, lines.end, line);
      if (!isEvent && parseDropped(lines.bytes, lines.start, lines.end) === null) continue;
      if (n++ < index) continue;
      return isEvent ? readEventText(lines, line, this.#types, this.#stream.comms) : null;
    }
    return null;
  }

  keepsake(): Keepsake {
    const text = { source: this.#source, comms: () => this.#stream.comms.entries() };
    return { longSize: 8, formats: [], tables: null, text };
  }

  progress() {
    return { done: this.#stream.position, total: this.#source.size };
  }

  close(): void {
    this.#source.close();
  }
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

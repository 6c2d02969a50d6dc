import { decodeText } from '../../base/byte-reader.ts';
import { isDigit, skipBlanks } from './line.ts';

/** What the lines around the events tell. */
export class Header {
  /** `# tracer: nop`. */
  tracer: string | null = null;
  kernel: string | null = null;
  cpuCount: number | null = null;
  /** Events that the ring holds and that were ever written to it; null where the header does not say. */
  entries: number | null = null;
  written: number | null = null;
  /** One of the tables that the kernel prints above the events was seen. */
  tracefs = false;
  /** The `cpus=4` that trace-cmd report begins with was seen. */
  traceCmd = false;

  /**
   * Takes in one line, and says whether it is one of those that stand around events: comments, `cpus=4`,
   * `version = 7`, and the warnings that trace-cmd prints before it begins.
   */
  accept(bytes: Uint8Array, start: number, end: number): boolean {
    const first = bytes[skipBlanks(bytes, start)];
    if (first === 0x0a || first === 0x0d) return true;
    const text = decodeText(bytes.subarray(start, Math.min(end, start + 512)));
    if (first === 0x23) {
      this.#comment(text);
      return true;
    }
    const cpus = /^cpus=(\d{1,6})\s*$/.exec(text);
    if (!cpus) return WARNING.test(text);
    this.cpuCount = Number(cpus[1]);
    this.traceCmd = true;
    return true;
  }

  // Samples, from kernel/trace/trace.c (print_trace_header, print_event_info) of Linux 6.12:
  //   # tracer: nop
  //   # entries-in-buffer/entries-written: 358096/10552611   #P:4
  //   # irqsoff latency trace v1.1.5 on 6.12.117-bitlock
  //   # latency: 259 us, #4/4, CPU#2 | (M:preempt VP:0, KP:0, SP:0 HP:0 #P:4)
  //   #           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION
  #comment(text: string): void {
    this.tracer ??= /^# tracer: (\S+)/.exec(text)?.[1] ?? null;
    const kernel = /^# \S+ latency trace v\S+ on (\S+)/.exec(text)?.[1];
    if (kernel !== undefined) {
      this.kernel = kernel;
      this.tracefs = true;
    }
    const counts =
      /^# (?:entries-in-buffer\/entries-written: |latency: \d+ us, #)(\d{1,15})\/(\d{1,15})/.exec(text);
    if (counts) {
      this.entries = Number(counts[1]);
      this.written = Number(counts[2]);
      this.tracefs = true;
      const cpus = /#P:(\d{1,6})/.exec(text)?.[1];
      if (cpus !== undefined) this.cpuCount = Number(cpus);
    }
    if (/^#\s+TASK-PID\s|^#\s+CPU\s+DURATION\s/.test(text)) this.tracefs = true;
  }
}

// "version = 7", "trace-cmd: ...", "  [kvm:kvm_exit] function kvm_foo not defined", "  Error: expected type 5 but read 4"
const WARNING = new RegExp(
  [
    'version = \\d',
    '(?:trace-cmd|libtracecmd|libtracefs|libtraceevent)\\b',
    '\\s*(?:\\[\\S+\\] )?(?:function \\S+ not defined|warning\\b|error:|could not |failed to |expected |bad op token)',
  ]
    .map((start) => `^${start}`)
    .join('|'),
  'i',
);

/** `CPU:3 [400042 EVENTS DROPPED]` of trace-cmd, `CPU:3 [LOST 400042 EVENTS]` of tracefs. */
export interface Dropped {
  /** null: the line does not say. */
  readonly cpu: number | null;
  /** How many; 0 where the line does not say. */
  readonly count: bigint;
}

const DROPPED = /^CPU:(\d{1,5}) \[(?:(?:(\d{1,19}) )?EVENTS DROPPED|LOST (?:(\d{1,19}) )?EVENTS)\]\s*$/;

/** The line as a mark of lost events, null when it is none. */
export function parseDropped(bytes: Uint8Array, start: number, end: number): Dropped | null {
  if (!isCpuNote(bytes, start) || end - start > 80) return null;
  const match = DROPPED.exec(decodeText(bytes.subarray(start, end)));
  if (!match || Number(match[1]) > 0xfffe) return null;
  return { cpu: Number(match[1]), count: BigInt(match[2] ?? match[3] ?? 0) };
}

/** Does the line begin with `CPU:` and a number, like the marks above and trace-cmd's `CPU:1 [SUBBUFFER START]`? */
export function isCpuNote(bytes: Uint8Array, start: number): boolean {
  return (
    bytes[start] === 0x43 &&
    bytes[start + 1] === 0x50 &&
    bytes[start + 2] === 0x55 &&
    bytes[start + 3] === 0x3a &&
    isDigit(bytes[start + 4]!)
  );
}

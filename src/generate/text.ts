import {
  TRACE_FLAG_HARDIRQ,
  TRACE_FLAG_IRQS_OFF,
  TRACE_FLAG_NEED_RESCHED,
  TRACE_FLAG_NMI,
  TRACE_FLAG_PREEMPT_RESCHED,
  TRACE_FLAG_SOFTIRQ,
  type Sink,
  type TraceEvent,
} from './events.ts';
import type { Output, Spool } from './output.ts';
import { bodyText } from './text-body.ts';

/** tracefs' `trace`, the same with the latency-format option, and `trace-cmd report`. */
export type TextFormat = 'trace' | 'latency' | 'report';

export interface TextOptions {
  readonly format: TextFormat;
  readonly cpus: number;
  /** Times with nine decimals, as `trace-cmd report -t` prints them; `report` only. */
  readonly nanoseconds: boolean;
}

const encoder = new TextEncoder();
const BLOCK_CHARS = 1 << 16;

/** Writes events as text. Feed it, then call finish. The shapes are those of Linux 6.12 and trace-cmd 3.1. */
export class TextWriter implements Sink {
  readonly #options: TextOptions;
  readonly #output: Output;
  readonly #spool: Spool;
  readonly #blocks: [at: number, size: number][] = [];
  #text = '';
  #events = 0;
  #lost = 0;
  #firstTime = NaN;
  /** The last line of the latency format, whose delay mark depends on the next event. */
  #open: { head: string; tail: string; time: number } | undefined;
  /** Losses that the CPU's next event reports. */
  readonly #pending = new Map<number, { count: number; told: boolean }>();

  constructor(output: Output, spool: Spool, options: TextOptions) {
    this.#output = output;
    this.#spool = spool;
    this.#options = options;
  }

  event(event: TraceEvent): void {
    if (this.#events++ === 0) this.#firstTime = event.time;
    const pending = this.#pending.get(event.cpu);
    const { format } = this.#options;
    if (format === 'latency') {
      this.#closeLine(event.time);
      if (pending) this.#add(this.#lossLine(event.cpu, pending));
      const usec = Math.round((event.time - this.#firstTime) / 1000);
      this.#open = {
        head: `${latencyHead(event)} ${String(usec).padStart(4)}us`,
        tail: `: ${event.name}: ${bodyText(event, 'kernel')}\n`,
        time: event.time,
      };
    } else {
      if (pending) this.#add(this.#lossLine(event.cpu, pending));
      this.#add(format === 'trace' ? traceLine(event) : reportLine(event, this.#options.nanoseconds));
    }
    if (pending) this.#pending.delete(event.cpu);
  }

  lost(cpu: number, count: number, told: boolean): void {
    const before = this.#pending.get(cpu);
    this.#lost += count;
    this.#pending.set(cpu, { count: count + (before?.count ?? 0), told: told && (before?.told ?? true) });
  }

  /** Writes the file. */
  finish(): void {
    this.#closeLine(Infinity);
    this.#flush();
    this.#output.write(encoder.encode(this.#header()));
    for (const [at, size] of this.#blocks) {
      const block = new Uint8Array(size);
      this.#spool.read(at, block);
      this.#output.write(block);
    }
  }

  #closeLine(nextTime: number): void {
    const line = this.#open;
    if (line) this.#add(line.head + delayMark(nextTime - line.time) + line.tail);
    this.#open = undefined;
  }

  #lossLine(cpu: number, { count, told }: { count: number; told: boolean }): string {
    const number = told ? `${count} ` : '';
    return this.#options.format === 'report'
      ? `CPU:${cpu} [${number}EVENTS DROPPED]\n`
      : `CPU:${cpu} [LOST ${number}EVENTS]\n`;
  }

  #add(line: string): void {
    this.#text += line;
    if (this.#text.length > BLOCK_CHARS) this.#flush();
  }

  #flush(): void {
    const bytes = encoder.encode(this.#text);
    this.#blocks.push([this.#spool.write(bytes), bytes.length]);
    this.#text = '';
  }

  #header(): string {
    const { format, cpus } = this.#options;
    if (format === 'report') return `cpus=${cpus}\n`;
    const counts = `${this.#events}/${this.#events + this.#lost}`;
    if (format === 'trace')
      return `# tracer: nop\n#\n# entries-in-buffer/entries-written: ${counts}   #P:${cpus}\n${TRACE_HEAD}`;
    return (
      '# tracer: nop\n#\n# nop latency trace v1.1.5 on 6.12.0-spinback\n' +
      `# ${'-'.repeat(68)}\n` +
      `# latency: 0 us, #${counts}, CPU#0 | (M:preempt VP:0, KP:0, SP:0 HP:0 #P:${cpus})\n${LATENCY_HEAD}`
    );
  }
}

const TRACE_HEAD = `#
#                                _-----=> irqs-off/BH-disabled
#                               / _----=> need-resched
#                              | / _---=> hardirq/softirq
#                              || / _--=> preempt-depth
#                              ||| / _-=> migrate-disable
#                              |||| /     delay
#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION
#              | |         |   |||||     |         |
`;
const LATENCY_HEAD = `#    -----------------
#    | task: -0 (uid:0 nice:0 policy:0 rt_prio:0)
#    -----------------
#
#                    _------=> CPU#            
#                   / _-----=> irqs-off/BH-disabled
#                  | / _----=> need-resched    
#                  || / _---=> hardirq/softirq 
#                  ||| / _--=> preempt-depth   
#                  |||| / _-=> migrate-disable 
#                  ||||| /     delay           
#  cmd     pid     |||||| time  |   caller     
#     \\   /        ||||||  \\    |    /       
`;

function commOf(event: TraceEvent): string {
  return event.pid === 0 ? '<idle>' : event.comm;
}

//        trace-cmd-108     [003] .....    16.034320: lock_release: ffffffff81ff0c70 trace_types_lock
function traceLine(event: TraceEvent): string {
  const who = `${commOf(event).padStart(16)}-${String(event.pid).padEnd(7)}`;
  const body = bodyText(event, 'kernel');
  return `${who} [${cpuText(event)}] ${flagsText(event)} ${micros(event.time).padStart(12)}: ${event.name}: ${body}\n`;
}

//          busybox-113   [001]    17.304869: lock_release:         0xffffffff81ff0c70 trace_types_lock
function reportLine(event: TraceEvent, nanoseconds: boolean): string {
  const who = `${commOf(event).padStart(16)}-${String(event.pid).padEnd(5)}`;
  const time = nanoseconds ? nanos(event.time).padStart(15) : micros(event.time).padStart(12);
  const name = `${event.name}:`.padEnd(21);
  return `${who} [${cpuText(event)}] ${time}: ${name} ${bodyText(event, 'report')}\n`;
}

// trace-cm-108       3..... 1607290us+: lock_release: ffffffff81ff0c70 trace_types_lock
function latencyHead(event: TraceEvent): string {
  const comm = commOf(event).slice(0, 8).padStart(8);
  return `${comm}-${String(event.pid).padEnd(7)} ${String(event.cpu).padStart(3)}${flagsText(event)}`;
}

function cpuText({ cpu }: TraceEvent): string {
  return String(cpu).padStart(3, '0');
}

function micros(ns: number): string {
  const usec = Math.round(ns / 1000);
  return `${Math.floor(usec / 1e6)}.${String(usec % 1e6).padStart(6, '0')}`;
}

function nanos(ns: number): string {
  return `${Math.floor(ns / 1e9)}.${String(ns % 1e9).padStart(9, '0')}`;
}

/** The five flag characters of Linux 6.12 (trace_print_lat_fmt in kernel/trace/trace_output.c). */
function flagsText({ flags, preempt }: TraceEvent): string {
  const has = (flag: number): boolean => (flags & flag) !== 0;
  const irqs = has(TRACE_FLAG_IRQS_OFF) ? 'd' : '.';
  const need = has(TRACE_FLAG_NEED_RESCHED);
  const resched = need && has(TRACE_FLAG_PREEMPT_RESCHED) ? 'N' : need ? 'n' : '.';
  const hard = has(TRACE_FLAG_HARDIRQ);
  const soft = has(TRACE_FLAG_SOFTIRQ);
  const context = has(TRACE_FLAG_NMI)
    ? hard
      ? 'Z'
      : 'z'
    : hard && soft
      ? 'H'
      : hard
        ? 'h'
        : soft
          ? 's'
          : '.';
  const depth = preempt & 15;
  const migrate = preempt >> 4;
  const digit = (value: number): string => (value > 0 ? value.toString(16) : '.');
  return irqs + resched + context + digit(depth) + digit(migrate);
}

const DELAYS: readonly (readonly [ns: number, mark: string])[] = [
  [1e9, '$'],
  [1e8, '@'],
  [1e7, '*'],
  [1e6, '#'],
  [1e5, '!'],
  [1e4, '+'],
];

/** The mark of the latency format for the time to the next event. */
function delayMark(ns: number): string {
  if (ns === Infinity) return ' ';
  return DELAYS.find(([limit]) => ns > limit)?.[1] ?? ' ';
}

import { decodeText } from '../../base/byte-reader.ts';
import { FLAGS } from '../../model/event.ts';
import { fromHalves } from './numbers.ts';

// The part of an event line that every event has: who, where, when, and the event's name.
//
//            TASK-PID      TGID    CPU#  flags   TIMESTAMP  EVENT
//   0               16
//   |           init-105     (    105) [000] d.h1.    16.034406: irq_disable: caller=...      tracefs, trace-cmd
//   |       trace-cmd-105   [000]    14.312670848: irq_disable:          caller=...           trace-cmd report -t
//   0       8
//   trace-cm-108       3..... 1607290us+: lock_release: ffffffff81ff0c70 trace_types_lock      tracefs, latency-format
//   trace-cm-105     0d....    14.312671: irq_disable:          caller=...                     trace-cmd report -l
//
// Sources: kernel/trace/trace_output.c of Linux 5.4 to 6.12 (trace_print_context, trace_print_lat_fmt,
// lat_print_timestamp); trace_show_data in trace-cmd 3.1.6 and 3.4; data_latency_format in libtraceevent 1.8.4.

export type TimeForm = 'seconds' | 'microseconds' | 'integer';

const NOTHING = new Uint8Array(0);

/** Parses the line `bytes[start..end)`; false where it is no event. `bytes[end]` must be a line feed or a carriage return. */
export type ParseLine = (bytes: Uint8Array, start: number, end: number, line: EventLine) => boolean;

/** What parseEventLine found. Positions are indices into the bytes that it was given. */
export class EventLine {
  commStart = 0;
  commEnd = 0;
  pid = 0;
  cpu = 0;
  /** Event flags (FLAGS of model/event.ts) that the flag columns tell. */
  flags = 0;
  /** Nanoseconds; for the form 'integer' the number as printed. */
  time = 0n;
  timeForm: TimeForm = 'seconds';
  /** `comm-pid  2d..1`: the style that cuts a comm to eight bytes. */
  latency = false;
  /** The event's name, in the line's own bytes or elsewhere; empty for lines of the function tracer and others that name none. */
  nameBytes: Uint8Array = NOTHING;
  nameStart = 0;
  nameEnd = 0;
  /** What stands behind `event: `, trimmed. */
  textStart = 0;
  textEnd = 0;
}

const MAX_CPU = 0xfffe;
const MAX_TIME = (1n << 64n) - 1n;
/** Bytes before the dash: `%16s` in the normal style, `%8.8s` in the latency style. A comm has at most 15. */
const COLUMN = 16;
const LATENCY_COLUMN = 8;
/** How far in front of a line's dash other text may stand (a buffer's name in trace-cmd report). */
const MAX_PREFIX = 256;

/** The kernel allows 64 (MAX_EVENT_NAME_LEN); trace_printk shows a function, whose name may be longer. */
const MAX_NAME = 128;

const SPACE = 0x20;
const DASH = 0x2d;
const DOT = 0x2e;
const COLON = 0x3a;
const OPEN_PAREN = 0x28;
const CLOSE_PAREN = 0x29;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/**
 * Parses one line as tracefs and trace-cmd print it: a ParseLine. The comm may hold anything, also text
 * that looks like the columns behind it, so the dash in front of the pid is first looked for where the print
 * formats put it; only lines whose indentation was lost are searched.
 */
export function parseEventLine(bytes: Uint8Array, start: number, end: number, line: EventLine): boolean {
  if (parseFromDash(bytes, start, start + COLUMN, end, line)) return true;
  if (parseFromDash(bytes, start, start + LATENCY_COLUMN, end, line)) return true;
  return search(bytes, start, end, line);
}

/** The last dash that fits within the longest comm; failing that, the first one behind it that fits. */
function search(bytes: Uint8Array, start: number, end: number, line: EventLine): boolean {
  const first = skipBlanks(bytes, start) + 1;
  for (let dash = Math.min(first + COLUMN - 1, end - 1); dash >= first; dash--) {
    if (parseFromDash(bytes, start, dash, end, line)) return true;
  }
  const limit = Math.min(first + MAX_PREFIX, end);
  for (let dash = first + COLUMN; dash < limit; dash++) {
    if (parseFromDash(bytes, start, dash, end, line)) return true;
  }
  return false;
}

function parseFromDash(
  bytes: Uint8Array,
  start: number,
  dash: number,
  end: number,
  line: EventLine,
): boolean {
  if (dash >= end || bytes[dash] !== DASH) return false;
  let at = parsePid(bytes, dash + 1, line);
  if (at < 0 || !isBlank(bytes[at]!)) return false;
  at = skipBlanks(bytes, at);
  const first = bytes[at]!;
  if (first === OPEN_BRACKET || first === OPEN_PAREN) at = parseCpuColumns(bytes, at, line);
  else if (isDigit(first)) at = parseLatencyColumns(bytes, at, line);
  else return false;
  if (at < 0) return false;
  at = parseTime(bytes, at, line);
  if (at < 0) return false;

  line.commStart = skipBlanks(bytes, start);
  line.commEnd = dash;
  parseName(bytes, at, end, line);
  return true;
}

export function parsePid(bytes: Uint8Array, at: number, line: EventLine): number {
  const from = bytes[at] === DASH ? at + 1 : at;
  const to = skipDigits(bytes, from);
  if (to === from || to - from > 10) return -1;
  const pid = decimal(bytes, from, to);
  if (pid > 0x7fffffff) return -1;
  line.pid = from > at ? -pid : pid;
  return to;
}

/** `(tgid) [cpu] flags`, `[tgid] [cpu] flags` or `[cpu] flags`; returns where the time begins, or -1. */
function parseCpuColumns(bytes: Uint8Array, from: number, line: EventLine): number {
  let at = from;
  if (bytes[at] === OPEN_PAREN) {
    // (    105) or (-------)
    do at++;
    while (isDigit(bytes[at]!) || bytes[at] === SPACE || bytes[at] === DASH);
    if (bytes[at] !== CLOSE_PAREN) return -1;
    at = skipBlanks(bytes, at + 1);
  }
  at = parseBracketed(bytes, at, line);
  if (at < 0) return -1;
  const behind = skipBlanks(bytes, at);
  if (bytes[behind] === OPEN_BRACKET) {
    at = parseBracketed(bytes, behind, line);
    if (at < 0) return -1;
  }
  if (line.cpu > MAX_CPU) return -1;
  line.latency = false;

  line.flags = FLAGS['irqs-unknown'];
  if (bytes[at] === DASH) {
    at = parseRawFlags(bytes, at, line);
  } else if (isBlank(bytes[at]!)) {
    at = skipBlanks(bytes, at);
    if (!isDigit(bytes[at]!)) at = parseFlags(bytes, at, line);
  } else return -1;
  return at < 0 ? -1 : skipBlanks(bytes, at);
}

function parseBracketed(bytes: Uint8Array, at: number, line: EventLine): number {
  if (bytes[at] !== OPEN_BRACKET) return -1;
  const from = skipBlanks(bytes, at + 1);
  const to = skipDigits(bytes, from);
  if (to === from || to - from > 10 || bytes[to] !== CLOSE_BRACKET) return -1;
  line.cpu = decimal(bytes, from, to);
  return to + 1;
}

/** `2d..1.`: the CPU and the flags without a gap. */
function parseLatencyColumns(bytes: Uint8Array, from: number, line: EventLine): number {
  const to = skipDigits(bytes, from);
  if (to - from > 5) return -1;
  line.cpu = decimal(bytes, from, to);
  if (line.cpu > MAX_CPU) return -1;
  line.latency = true;
  const at = bytes[to] === DASH ? parseRawFlags(bytes, to, line) : parseFlags(bytes, to, line);
  return at < 0 ? -1 : skipBlanks(bytes, at);
}

/** Flag columns: a table from character to event flags, -1 for a character that the column never has. */
function column(meanings: Readonly<Record<string, number>>): Int32Array {
  const table = new Int32Array(256).fill(-1);
  for (const [char, flags] of Object.entries(meanings)) table[char.charCodeAt(0)] = flags;
  return table;
}
const IRQS = column({
  '.': 0,
  d: FLAGS['irqs-off'],
  D: FLAGS['irqs-off'], // bottom halves off as well
  b: 0, // only bottom halves off
  X: FLAGS['irqs-unknown'],
});
const RESCHED = column({ '.': 0, N: 0, n: 0, p: 0, B: 0, b: 0, L: 0, l: 0 });
const CONTEXT = column({
  '.': 0,
  s: FLAGS.softirq,
  h: FLAGS.hardirq,
  H: FLAGS.hardirq | FLAGS.softirq,
  z: FLAGS.nmi,
  Z: FLAGS.nmi | FLAGS.hardirq,
});
/** Preempt depth, then migrate-disable depth; libtraceevent may add more columns. */
const DEPTH = column(
  Object.fromEntries([...'.0123456789abcdef'].map((char) => [char, '.0'.includes(char) ? 0 : 1])),
);

function parseFlags(bytes: Uint8Array, at: number, line: EventLine): number {
  const irqs = IRQS[bytes[at]!]!;
  if (irqs < 0 || RESCHED[bytes[at + 1]!]! < 0) return -1;
  const context = CONTEXT[bytes[at + 2]!]!;
  const depth = DEPTH[bytes[at + 3]!]!;
  if (context < 0 || depth < 0) return -1;
  let to = at + 4;
  while (to < at + 12 && DEPTH[bytes[to]!]! >= 0) to++;
  if (!isBlank(bytes[to]!)) return -1;
  line.flags = irqs | context | (depth > 0 ? FLAGS['preempt-off'] : 0);
  return to;
}

/**
 * `-0x1`: trace-cmd report -R prints common_flags as a number. Bit 1 says that interrupts cannot be told, or
 * from Linux 6.13 on that a lazy reschedule is wanted: without bit 0 the state of interrupts is then unknown.
 */
function parseRawFlags(bytes: Uint8Array, at: number, line: EventLine): number {
  if (bytes[at + 1] !== 0x30 || bytes[at + 2] !== 0x78) return -1;
  let to = at + 3;
  let raw = 0;
  for (; to < at + 7; to++) {
    const digit = hexDigit(bytes[to]!);
    if (digit < 0) break;
    raw = raw * 16 + digit;
  }
  if (to === at + 3 || !isBlank(bytes[to]!)) return -1;
  line.flags =
    (raw & 0x01 ? FLAGS['irqs-off'] : raw & 0x02 ? FLAGS['irqs-unknown'] : 0) |
    (raw & 0x08 ? FLAGS.hardirq : 0) |
    (raw & 0x10 ? FLAGS.softirq : 0) |
    (raw & 0x40 ? FLAGS.nmi : 0);
  return to;
}

/** `16.034406:`, `14.312670848:`, `1607290us+:` or `58503202776:`; returns the place behind the colon, or -1. */
export function parseTime(bytes: Uint8Array, from: number, line: EventLine): number {
  let at = skipDigits(bytes, from);
  const digits = at - from;
  if (digits === 0 || digits > 20) return -1;
  let scale = 1;
  let fraction = 0;
  if (bytes[at] === DOT) {
    const to = skipDigits(bytes, at + 1);
    const decimals = to - at - 1;
    if (decimals === 0 || decimals > 9) return -1;
    fraction = decimal(bytes, at + 1, to) * 10 ** (9 - decimals);
    scale = 1e9;
    line.timeForm = 'seconds';
    at = to;
  } else if (bytes[at] === 0x75 && bytes[at + 1] === 0x73) {
    scale = 1e3;
    line.timeForm = 'microseconds';
    at += 2;
    if (MARK[bytes[at]!] === 1) at++;
  } else {
    line.timeForm = 'integer';
  }
  if (bytes[at] !== COLON) return -1;
  const number = digits <= 15 ? decimal(bytes, from, from + digits) * scale + fraction : Infinity;
  if (number <= Number.MAX_SAFE_INTEGER) {
    line.time = fromHalves(number / 0x100000000, number); // stores take what fits into 32 bits
  } else {
    const whole = BigInt(decodeText(bytes.subarray(from, from + digits)));
    line.time = whole * BigInt(scale) + BigInt(fraction);
    if (line.time > MAX_TIME) return -1;
  }
  return at + 1;
}

/** ` irq_disable:          caller=...`, perhaps behind the `(+1120)` of trace-cmd report --ts-diff. */
function parseName(bytes: Uint8Array, from: number, end: number, line: EventLine): void {
  let at = skipBlanks(bytes, from);
  if (bytes[at] === OPEN_PAREN && bytes[at + 1] === 0x2b) {
    const to = skipDigits(bytes, at + 2);
    if (bytes[to] === CLOSE_PAREN) at = skipBlanks(bytes, to + 1);
  }
  let to = at;
  if (!isDigit(bytes[at]!)) while (NAME[bytes[to]!] === 1) to++;
  const named =
    to > at && to - at <= MAX_NAME && bytes[to] === COLON && (to + 1 >= end || isBlank(bytes[to + 1]!));
  line.nameBytes = bytes;
  line.nameStart = at;
  line.nameEnd = named ? to : at;
  line.textEnd = trimEnd(bytes, at, end);
  line.textStart = named ? Math.min(skipBlanks(bytes, to + 1), line.textEnd) : at;
}

function charSet(chars: string): Uint8Array {
  const set = new Uint8Array(256);
  for (const char of chars) set[char.charCodeAt(0)] = 1;
  return set;
}
const NAME = charSet('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.');
/** How long until the next event: more than 1 s, 100 ms, 10 ms, 1 ms, 100 us, 10 us, or less. */
const MARK = charSet('$@*#!+ ');

export function isBlank(byte: number): boolean {
  return byte === SPACE || byte === 0x09;
}

export function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function hexDigit(byte: number): number {
  return isDigit(byte) ? byte - 0x30 : byte >= 0x61 && byte <= 0x66 ? byte - 0x57 : -1;
}

export function skipBlanks(bytes: Uint8Array, from: number): number {
  let at = from;
  while (isBlank(bytes[at]!)) at++;
  return at;
}

export function skipDigits(bytes: Uint8Array, from: number): number {
  let at = from;
  while (isDigit(bytes[at]!)) at++;
  return at;
}

function trimEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = end;
  while (at > start && isBlank(bytes[at - 1]!)) at--;
  return at;
}

/** A decimal number; exact up to 15 digits. */
export function decimal(bytes: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) value = value * 10 + (bytes[at]! - 0x30);
  return value;
}

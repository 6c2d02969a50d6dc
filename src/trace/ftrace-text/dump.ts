import { decodeText } from '../../base/byte-reader.ts';
import { findBytes } from '../../io/bytes.ts';
import type { ByteSource } from '../../io/source.ts';
import { FTRACE, type Dialect } from './dialect.ts';
import { isCpuNote, parseDropped } from './header.ts';
import { isDigit, parseEventLine } from './line.ts';

// The ring, dumped into the kernel's log by a panic or oops (ftrace_dump_on_oops, kernel/trace/trace.c, ftrace_dump, Linux 6.12):
//
//   [   40.073899] Dumping ftrace buffer:
//   [   40.074606] ---------------------------------
//   [   40.077930]   <idle>-0         0d..2. 125961us : sched_switch: prev_comm=swapper/0 prev_pid=0 ...
//   [   40.131828] CPU:3 [LOST 699 EVENTS]
//   [   40.616743] ---------------------------------
//
// Lines have latency-format, whose times count from the ring's first event, behind whatever the log puts in front.

/** Consoles print what the firmware and the boot loader said first. */
export const LOG_SNIFF_BYTES = 64 * 1024;

// "[    0.000000] Linux version", "<6>[ 12.345678]", "Nov 22 11:03:01 host kernel: [   12.345678]"
const LOG_LINE = /^(?:<\d{1,3}>)?(?:.{0,80}?\bkernel: )?\[\s{0,5}\d{1,12}\.\d{6}\]/m;

const HEADING = new TextEncoder().encode('Dumping ftrace ');

/** Does the input begin like a kernel log? Whether there is a dump in it takes a look at the whole. */
export function looksLikeKernelLog(head: Uint8Array): boolean {
  const text = decodeText(head);
  // The heading alone is in every kernel image, too.
  return LOG_LINE.test(text) || (!head.includes(0) && text.includes('Dumping ftrace '));
}

/** Where the line behind the first "Dumping ftrace buffer:" (or "instance") begins, null where there is none. */
export function findDump(source: ByteSource): number | null {
  return findBytes(source, HEADING);
}

/** "6.12.117" of the log's own "Linux version 6.12.117 (...)", null where that is not in `head`. */
export function kernelOf(head: Uint8Array): string | null {
  return /\bLinux version (\S{1,128}) /.exec(decodeText(head))?.[1] ?? null;
}

/** Lines of the dump, behind the log's prefix. */
export const DUMP: Dialect = {
  ...FTRACE,
  name: 'dump',
  parseEvent: (bytes, start, end, line) =>
    parseEventLine(bytes, behindPrefix(bytes, start, end), end, line) && line.latency,
  parseDropped: (bytes, start, end) => parseDropped(bytes, behindPrefix(bytes, start, end), end),
  isNote: (bytes, start, end) => isCpuNote(bytes, behindPrefix(bytes, start, end)),
  strange: 'log-lines',
};

const SPACE = 0x20;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const DOT = 0x2e;
/** Farthest place of the time: syslog puts date, host and "kernel: " in front. */
const FARTHEST_TIME = 96;

/**
 * Where the text behind "[   40.077930] " begins; also behind a caller's id ("[   40.077930][  T123] "). The line's start
 * where there is no such time.
 */
function behindPrefix(bytes: Uint8Array, start: number, end: number): number {
  const limit = Math.min(end, start + FARTHEST_TIME);
  for (let at = bytes.indexOf(OPEN, start); at >= 0 && at < limit; at = bytes.indexOf(OPEN, at + 1)) {
    let to = behindTime(bytes, at, end);
    if (to < 0) continue;
    if (bytes[to] === OPEN) to = bytes.indexOf(CLOSE, to) + 1 || to;
    return bytes[to] === SPACE ? to + 1 : to;
  }
  return start;
}

/** Where "[   40.077930]" ends, -1 when that is not what stands at `at`. */
function behindTime(bytes: Uint8Array, at: number, end: number): number {
  let to = at + 1;
  while (bytes[to] === SPACE) to++;
  const seconds = to;
  while (isDigit(bytes[to]!)) to++;
  if (to === seconds || bytes[to] !== DOT) return -1;
  to++;
  while (isDigit(bytes[to]!)) to++;
  return to < end && bytes[to] === CLOSE ? to + 1 : -1;
}

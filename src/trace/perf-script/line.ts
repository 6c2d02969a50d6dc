import { FLAGS } from '../../model/event.ts';
import {
  decimal,
  isBlank,
  isDigit,
  parsePid,
  parseTime,
  skipBlanks,
  skipDigits,
  type EventLine,
} from '../ftrace-text/line.ts';

// One event as perf script prints it: process_event() and perf_sample__fprintf_start() in tools/perf/builtin-script.c of
// Linux 6.1 to 6.16.
//
//   COMM                PID   CPU    TIME        PERIOD  EVENT
//   0               16
//   |            perf   118 [000]   101.449662:        lock:contention_end: 0xffff8882777e9768 (ret=0)
//   |            perf   118/118   [000]   101.449662454:     1 lock:lock_acquire: 0xffffffff81fdef20 read rcu_read_lock
//   sleep 14144 [001] 14322.313316:     250000 cpu-clock:       (with callchains the name is not padded)
//
// The name of a task may hold anything, also blanks and brackets, and has at most 15 bytes.

const COLUMN = 16;
const SLASH = 0x2f;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COLON = 0x3a;
const MAX_CPU = 0xfffe;
const MAX_NAME = 128;

/** Parses one line; `bytes[end]` must be a line feed or a carriage return. */
export function parseScriptLine(bytes: Uint8Array, start: number, end: number, line: EventLine): boolean {
  const from = parseWho(bytes, start, end, line);
  return from >= 0 && parseName(bytes, from, end, line);
}

/** Who, where and when; returns where the rest begins, or -1. The longest name that fits is the right one. */
export function parseWho(bytes: Uint8Array, start: number, end: number, line: EventLine): number {
  const first = skipBlanks(bytes, start);
  const last = Math.min(Math.max(start, first) + COLUMN, end - 1);
  for (let commEnd = last; commEnd > first; commEnd--) {
    if (!isBlank(bytes[commEnd]!)) continue;
    const from = parseColumns(bytes, commEnd, end, line);
    if (from < 0) continue;
    line.commStart = first;
    line.commEnd = trimmed(bytes, first, commEnd);
    return from;
  }
  return -1;
}

function parseColumns(bytes: Uint8Array, from: number, end: number, line: EventLine): number {
  let at = parsePid(bytes, skipBlanks(bytes, from), line);
  if (at < 0) return -1;
  // pid/tid: the thread is what ftrace calls a pid.
  if (bytes[at] === SLASH) at = parsePid(bytes, at + 1, line);
  if (at < 0 || !isBlank(bytes[at]!)) return -1;
  at = skipBlanks(bytes, at);
  if (bytes[at] !== OPEN_BRACKET) return -1;
  const to = skipDigits(bytes, at + 1);
  if (to === at + 1 || to - at > 6 || bytes[to] !== CLOSE_BRACKET) return -1;
  line.cpu = decimal(bytes, at + 1, to);
  if (line.cpu > MAX_CPU || to + 1 >= end) return -1;
  line.flags = FLAGS['irqs-unknown'];
  line.latency = false;
  at = parseTime(bytes, skipBlanks(bytes, to + 1), line);
  return at > end ? -1 : at;
}

/** `lock:contention_end: text`, perhaps behind a period: the name without the system in front of it. */
function parseName(bytes: Uint8Array, from: number, end: number, line: EventLine): boolean {
  let at = skipBlanks(bytes, from);
  if (isDigit(bytes[at]!)) at = skipBlanks(bytes, skipDigits(bytes, at));
  let to = at;
  let colon = -1;
  while (to < end && !isBlank(bytes[to]!)) {
    if (bytes[to] === COLON) {
      if (to + 1 >= end || isBlank(bytes[to + 1]!)) break;
      if (colon < 0) colon = to;
    }
    to++;
  }
  if (bytes[to] !== COLON || to === at || to - at > MAX_NAME) return false;
  const hasSystem = colon > at && !isModifier(bytes, colon + 1, to);
  line.nameBytes = bytes;
  line.nameStart = hasSystem ? colon + 1 : at;
  line.nameEnd = to;
  if (startsWith(bytes, line.nameStart, RECORD)) return false;
  line.textEnd = trimmed(bytes, to, end);
  line.textStart = Math.min(skipBlanks(bytes, to + 1), line.textEnd);
  return true;
}

/** `cycles:u`, `cpu-clock:pppH`: the letters that perf puts behind an event for the modes it counts. */
const MODIFIERS = new Set(Array.from('ukhIGHpPSDWeb', (letter) => letter.charCodeAt(0)));

function isModifier(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (!MODIFIERS.has(bytes[at]!)) return false;
  return true;
}

/** What perf script prints of other records than samples: "PERF_RECORD_COMM: init:1/1". */
const RECORD = Array.from('PERF_RECORD_', (letter) => letter.charCodeAt(0));

export function startsWith(bytes: Uint8Array, at: number, text: readonly number[]): boolean {
  return text.every((byte, n) => bytes[at + n] === byte);
}

/** Does the line tell of another record than a sample? Returns where its name begins, or -1. */
export function otherRecord(bytes: Uint8Array, start: number, end: number, line: EventLine): number {
  const from = parseWho(bytes, start, end, line);
  if (from < 0) return -1;
  const at = skipBlanks(bytes, from);
  return startsWith(bytes, at, RECORD) ? at : -1;
}

function trimmed(bytes: Uint8Array, start: number, end: number): number {
  let at = end;
  while (at > start && isBlank(bytes[at - 1]!)) at--;
  return at;
}

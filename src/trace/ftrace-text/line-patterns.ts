import { decodeText } from '../../base/byte-reader.ts';
import { FLAGS } from '../../model/event.ts';
import type { LinePattern } from '../../mapping/mapping.ts';
import { FTRACE, type Dialect } from './dialect.ts';
import type { Dropped } from './header.ts';
import type { EventLine, ParseLine } from './line.ts';

// Lines of other tools, by the expressions of a mapping file.
//
//   ns            cpu tid  comm       event        text
//   19274438321   3   109  fake_endio finish_enter bh=0xffff888100829d00 state=0x931     bpftrace's printf

/** Longer lines are no event's. */
const LONGEST = 4096;
const LETTER_L = 0x4c;
const MAX_CPU = 0xfffe;
const MAX_PID = 0x7fffffff;
const MAX_TIME = (1n << 64n) - 1n;

type Spans = (group: string) => readonly [start: number, end: number] | null;

/** The dialect of text whose lines fit one of the patterns. */
export function patternDialect(patterns: readonly LinePattern[]): Dialect {
  return {
    ...FTRACE,
    name: 'lines',
    parseEvent: patternParser(patterns),
    parseDropped: parseLost,
    isNote: (bytes, start, end) => parseLost(bytes, start, end) !== null,
    strange: 'other-lines',
  };
}

/** "Lost 34 events" of bpftrace (src/output.cpp, lost_events, bpftrace 0.17): some CPU's buffer was full. */
function parseLost(bytes: Uint8Array, start: number, end: number): Dropped | null {
  if (bytes[start] !== LETTER_L || end - start > 40) return null;
  const match = /^Lost (\d{1,19}) events\s*$/.exec(decodeText(bytes.subarray(start, end)));
  return match && { cpu: null, count: BigInt(match[1]!) };
}

/** A ParseLine for lines that fit one of the patterns; the first that fits counts. */
function patternParser(patterns: readonly LinePattern[]): ParseLine {
  const utf8 = new TextEncoder();
  const names = patterns.map(({ event }) => utf8.encode(event?.slice(event.indexOf(':') + 1) ?? ''));
  return (bytes, start, end, line) => {
    if (end - start > LONGEST || end === start) return false;
    // One character per byte, so that places in the text are places in the bytes.
    const text = String.fromCharCode(...bytes.subarray(start, end));
    for (const [n, { pattern }] of patterns.entries()) {
      const spans = pattern.exec(text);
      if (spans === null || !fill(line, spans, text)) continue;
      const name = spans('event');
      line.nameBytes = name ? bytes : names[n]!;
      [line.nameStart, line.nameEnd] = name ? [start + name[0], start + name[1]] : [0, names[n]!.length];
      // What follows counts, or, where the pattern does not say, the whole line.
      const [from, to] = spans('text') ?? [0, text.length];
      [line.textStart, line.textEnd] = [start + from, start + to];
      [line.commStart, line.commEnd] = (spans('comm') ?? [0, 0]).map((at) => start + at) as [number, number];
      return true;
    }
    return false;
  };
}

/** Who, where and when; false where the groups hold no such numbers. */
function fill(line: EventLine, spans: Spans, text: string): boolean {
  const caught = (group: string): string | null => {
    const span = spans(group);
    return span && text.slice(...span);
  };
  const cpu = whole(caught('cpu'), MAX_CPU);
  const pid = whole(caught('tid'), MAX_PID);
  const time = timeOf(caught);
  if (cpu === null || pid === null || time === null) return false;
  line.cpu = cpu;
  line.pid = pid;
  line.time = time;
  line.timeForm = 'seconds';
  line.latency = false;
  line.flags = FLAGS['irqs-unknown'];
  return true;
}

function whole(text: string | null, most: number): number | null {
  if (text === null || !/^\d{1,10}$/.test(text)) return null;
  const number = Number(text);
  return number <= most ? number : null;
}

function timeOf(caught: (group: string) => string | null): bigint | null {
  const seconds = caught('seconds');
  if (seconds !== null) {
    const match = /^(\d{1,10})(?:\.(\d{1,9})\d*)?$/.exec(seconds);
    return match && BigInt(match[1]!) * 1_000_000_000n + BigInt((match[2] ?? '').padEnd(9, '0'));
  }
  const us = caught('us');
  const digits = us ?? caught('ns');
  if (digits === null || !/^\d{1,20}$/.test(digits)) return null;
  const time = BigInt(digits) * (us === null ? 1n : 1000n);
  return time <= MAX_TIME ? time : null;
}

import type { Dialect } from './dialect.ts';
import { Header, isCpuNote } from './header.ts';
import { EventLine, parseEventLine, type TimeForm } from './line.ts';
import { bytesSource } from '../../io/bytes.ts';
import type { ByteSource } from '../../io/source.ts';
import { LineReader } from './lines.ts';
import type { TypeTable } from './types.ts';

/** The tables above the first event take less than 2 KiB. */
export const SNIFF_BYTES = 4096;
/** Other tools may say more before they begin. */
export const LINES_SNIFF_BYTES = 64 * 1024;
const MAX_LINES_BEFORE = 64;
const MAX_COMM = 16;
/** A header that goes on for longer holds no event worth waiting for. */
const MAX_HEADER = 16 * 1024 * 1024;
const TYPES_AHEAD = 4 * 1024 * 1024;

// "[   40.077930]   <idle>-0         0d..2. 125961us : ..." is a kernel log with a dump of the ring in it.
const KERNEL_LOG = /^(?:<\d+>)?\[\s*\d+\.\d+\]/;

/** Lines that may stand in front of the events: a line that was cut, a shell's prompt, the words of a mail. */
const MAX_STRANGE = 16;
/** So many events in a row are no accident. */
const ENOUGH_EVENTS = 3;

/**
 * Does this begin like an ftrace text? The first line that is not one of those that tracefs or trace-cmd put
 * before their events must be an event, or a few events in a row must follow soon, or the kernel's own table must have stood in front.
 */
export function looksLikeFtraceText(head: Uint8Array): boolean {
  const lines = new LineReader(bytesSource(head), 0, SNIFF_BYTES);
  const header = new Header();
  const line = new EventLine();
  let [strange, events] = [0, 0];
  for (let n = 0; n < MAX_LINES_BEFORE && strange <= MAX_STRANGE && lines.next(); n++) {
    const { bytes, start, end } = lines;
    if (parseEventLine(bytes, start, end, line)) {
      // Only trace-cmd report of several files puts anything in front of the comm; others only quote a line.
      const bare = line.commEnd - line.commStart <= MAX_COMM || header.traceCmd;
      if (!bare || KERNEL_LOG.test(lines.text(start, end))) return false;
      if (strange === 0 || ++events === ENOUGH_EVENTS) return true;
    } else if (!header.accept(bytes, start, end) && !isCpuNote(bytes, start)) {
      strange++;
      events = 0;
    }
  }
  return header.tracefs && header.tracer !== null;
}

/** Does one of the first lines fit a pattern of the mapping? */
export function looksLikeLines(head: Uint8Array, dialect: Dialect): boolean {
  const lines = new LineReader(bytesSource(head), 0, SNIFF_BYTES);
  const line = new EventLine();
  while (lines.next()) if (dialect.parseEvent(lines.bytes, lines.start, lines.end, line)) return true;
  return false;
}

export interface Beginning {
  readonly header: Header;
  /** How the first event shows its time and columns; null where no event was found. */
  readonly first: { readonly timeForm: TimeForm; readonly latency: boolean } | null;
}

/**
 * Reads the header and the first 4 MiB of events, to know most of the event types beforehand. Types are numbered by
 * their first appearance, so reading them again changes nothing.
 */
export function readBeginning(source: ByteSource, types: TypeTable, dialect: Dialect, from = 0): Beginning {
  const lines = new LineReader(source, from);
  const header = new Header();
  const line = new EventLine();
  let first: Beginning['first'] = null;
  while (lines.position - from < (first ? TYPES_AHEAD : MAX_HEADER) && lines.next()) {
    if (dialect.parseEvent(lines.bytes, lines.start, lines.end, line)) {
      first ??= { timeForm: line.timeForm, latency: line.latency };
      types.get(line.nameBytes, line.nameStart, line.nameEnd);
    } else if (!first) {
      header.accept(lines.bytes, lines.start, lines.end);
    }
  }
  return { header, first };
}

import { continues } from './continuation.ts';
import { isCpuNote, parseDropped, type Dropped } from './header.ts';
import { parseEventLine, type EventLine } from './line.ts';

/** How one program prints events, line by line; what the lines become is the same for all. */
export interface Dialect {
  /** Parses one event's line; `bytes[end]` is a line feed or a carriage return. */
  parseEvent(bytes: Uint8Array, start: number, end: number, line: EventLine): boolean;
  /** The line as a mark of lost events, null when it is none. */
  parseDropped(bytes: Uint8Array, start: number, end: number): Dropped | null;
  /** Is it a line that stands between events and belongs to none? */
  isNote(bytes: Uint8Array, start: number, end: number): boolean;
  /** Does a line belong to the event of this kind before it, with so many lines between? */
  continues(bytes: Uint8Array, start: number, end: number, kind: number, lines: number): boolean;
  /** Who called, where the lines behind an event tell; innermost first. */
  callers(lines: readonly string[]): readonly string[];
}

/** tracefs and trace-cmd report. */
export const FTRACE: Dialect = {
  parseEvent: parseEventLine,
  parseDropped,
  isNote: isCpuNote,
  continues,
  callers: () => [],
};

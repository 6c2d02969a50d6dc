import { continues } from './continuation.ts';
import { isCpuNote, parseDropped, type Dropped } from './header.ts';
import { parseEventLine, type ParseLine } from './line.ts';

export type DialectName = 'ftrace' | 'dump' | 'perf-script' | 'lines';

/** How one program prints events, line by line; what the lines become is the same for all. */
export interface Dialect {
  /** Which one it is, for a container that keeps its lines. */
  readonly name: DialectName;
  /** Parses one event's line; `bytes[end]` is a line feed or a carriage return. */
  readonly parseEvent: ParseLine;
  /** The line as a mark of lost events, null when it is none. */
  readonly parseDropped: (bytes: Uint8Array, start: number, end: number) => Dropped | null;
  /** Is it a line that stands between events and belongs to none? */
  readonly isNote: (bytes: Uint8Array, start: number, end: number) => boolean;
  /** Does a line belong to the event of this kind before it, with so many lines between? */
  readonly continues: (bytes: Uint8Array, start: number, end: number, kind: number, lines: number) => boolean;
  /** Who called, where the lines behind an event tell; innermost first. */
  readonly callers: (lines: readonly string[]) => readonly string[];
  /** Do lines behind an event tell that? */
  readonly hasCallers: boolean;
  /** The damage that a line is which is neither event nor part of one. */
  readonly strange: 'unparsed-lines' | 'other-lines' | 'log-lines';
  /** Losses are shown only when the program is asked to. */
  readonly mayHideLosses: boolean;
}

/** tracefs and trace-cmd report. */
export const FTRACE: Dialect = {
  name: 'ftrace',
  parseEvent: parseEventLine,
  parseDropped,
  isNote: isCpuNote,
  continues,
  callers: () => [],
  hasCallers: false,
  strange: 'unparsed-lines',
  mayHideLosses: false,
};

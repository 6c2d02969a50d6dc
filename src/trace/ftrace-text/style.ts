import { isCpuNote, parseDropped, type Dropped } from './header.ts';
import { parseEventLine, type ParseLine } from './line.ts';

/** How a text shows events and losses. */
export interface LineStyle {
  readonly parse: ParseLine;
  /** The line as a mark of lost events, null when it is none. */
  readonly dropped: (bytes: Uint8Array, start: number, end: number) => Dropped | null;
  /** Does the line begin a note of the recorder's own, which belongs to no event? */
  readonly isNote: (bytes: Uint8Array, start: number) => boolean;
  /** The damage that a line is which is neither event nor part of one. */
  readonly strange: 'unparsed-lines' | 'other-lines' | 'log-lines';
}

/** Text of tracefs and trace-cmd. */
export const FTRACE_STYLE: LineStyle = {
  parse: parseEventLine,
  dropped: parseDropped,
  isNote: isCpuNote,
  strange: 'unparsed-lines',
};

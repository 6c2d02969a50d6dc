import { decodeText } from '../../base/byte-reader.ts';
import type { EventRecord } from '../capture.ts';
import { withCallers } from '../callers.ts';
import { CUT, type CommTable } from './comms.ts';
import { FTRACE, type Dialect } from './dialect.ts';
import { listFields } from './fields.ts';
import { EventLine } from './line.ts';
import type { LineReader } from './lines.ts';
import type { TypeTable } from './types.ts';

/** The event that `lines` stands on, for people. Moves `lines` on, over the lines that belong to the event. */
export function readEventText(
  lines: LineReader,
  line: EventLine,
  types: TypeTable,
  comms: CommTable,
  dialect = FTRACE,
): EventRecord {
  const { bytes } = lines;
  const { type, kind, fields } = types.peek(line.nameBytes, line.nameStart, line.nameEnd);
  const text = decodeText(bytes.subarray(line.textStart, line.textEnd));
  const comm = commOf(bytes, line, comms);
  const rest = restOf(lines, kind, dialect);
  const callers = dialect.callers(rest);
  return {
    type,
    fields: fields ? fields.list(text) : listFields(text),
    text: callers.length > 0 ? withCallers(text, callers) : [text, ...rest].join('\n').trimEnd(),
    ...(callers.length > 0 ? { callers } : {}),
    ...(comm === null ? {} : { comm }),
  };
}

/** The lines of a message or a stack trace behind its first one. */
function restOf(lines: LineReader, kind: number, dialect: Dialect): string[] {
  const rest: string[] = [];
  const next = new EventLine();
  while (lines.next()) {
    const { bytes, start, end } = lines;
    if (dialect.parseEvent(bytes, start, end, next) || dialect.isNote(bytes, start, end)) break;
    if (!dialect.continues(bytes, start, end, kind, rest.length)) break;
    rest.push(decodeText(bytes.subarray(start, end)));
  }
  return rest;
}

/** The name that the line shows; the longer one where the latency style has cut it and the rest is known. */
function commOf(bytes: Uint8Array, line: EventLine, comms: CommTable): string | null {
  const shown = decodeText(bytes.subarray(line.commStart, line.commEnd));
  if (shown === '<...>' || shown === '') return null;
  const known = comms.get(line.pid);
  const cut = line.latency && line.commEnd - line.commStart >= CUT;
  return cut && known?.startsWith(shown) ? known : shown;
}

import { decodeText } from '../../base/byte-reader.ts';
import type { EventRecord } from '../capture.ts';
import { CUT, type CommTable } from './comms.ts';
import { continues } from './continuation.ts';
import { listFields } from './fields.ts';
import { EventLine } from './line.ts';
import type { LineReader } from './lines.ts';
import type { LineStyle } from './style.ts';
import type { TypeTable } from './types.ts';

/** The event that `lines` stands on, for people. Moves `lines` on, over the lines that belong to the event. */
export function readEventText(
  lines: LineReader,
  line: EventLine,
  style: LineStyle,
  types: TypeTable,
  comms: CommTable,
): EventRecord {
  const { bytes } = lines;
  const { type, kind, fields } = types.peek(line.nameBytes, line.nameStart, line.nameEnd);
  const text = decodeText(bytes.subarray(line.textStart, line.textEnd));
  const comm = commOf(bytes, line, comms);
  return {
    type,
    fields: fields ? fields.list(text) : listFields(text),
    text: [text, ...restOf(lines, style, kind)].join('\n').trimEnd(),
    ...(comm === null ? {} : { comm }),
  };
}

/** The lines of a message or a stack trace behind its first one. */
function restOf(lines: LineReader, style: LineStyle, kind: number): string[] {
  const rest: string[] = [];
  const next = new EventLine();
  while (lines.next()) {
    const { bytes, start, end } = lines;
    if (style.parse(bytes, start, end, next) || style.isNote(bytes, start)) break;
    if (!continues(bytes, start, end, kind, rest.length)) break;
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

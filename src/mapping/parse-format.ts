import { SpinbackError } from '../base/errors.ts';
import type { EventFormat, FormatField } from './event-format.ts';

/** A parsed `format` file, with the line that says how the kernel prints the event. */
export interface PrintableFormat extends EventFormat {
  /** Everything behind `print fmt:`, null where there is none. */
  readonly print: string | null;
}

/** Records fit a sub-buffer page and its length field has 20 bits (include/linux/ring_buffer.h), so no field lies beyond. */
const FARTHEST = 1 << 20;
const LONGEST_LINE = 512;

const NAME = /^name:[ \t]*(\S{1,256})/m;
const ID = /^ID:[ \t]*(\d{1,9})/m;
const PRINT = /^print fmt:[ \t]*([\s\S]*)/m;

/**
 * Reads the text of an ftrace event's `format` file (kernel/trace/trace_events.c, f_show, Linux 2.6.31 to 6.12;
 * `signed:` came with 2.6.33). Lines that are not understood are skipped. Throws DAMAGED without a name or an ID.
 */
export function parseFormat(text: string, system: string): PrintableFormat {
  const name = NAME.exec(text)?.[1];
  const id = Number(ID.exec(text)?.[1] ?? NaN);
  if (name === undefined || !Number.isInteger(id)) {
    throw new SpinbackError('DAMAGED', `an event format of system "${system}" has no name or no ID`);
  }
  return { id, system, name, fields: parseFields(text), print: PRINT.exec(text)?.[1]?.trimEnd() ?? null };
}

/**
 * The `field:` lines of a format file or of tracefs' header_page. By hand, with a few searches per line, for dozens of
 * formats are parsed before the first event is seen.
 *
 *     field:unsigned short common_type;	offset:0;	size:2;	signed:0;
 */
export function parseFields(text: string): FormatField[] {
  const fields: FormatField[] = [];
  const printAt = text.indexOf('\nprint fmt:');
  const end = printAt < 0 ? text.length : printAt;
  for (let at = text.indexOf('field:'); at >= 0 && at < end;) {
    const newline = text.indexOf('\n', at);
    const lineEnd = newline < 0 ? text.length : newline;
    const line = text.slice(at, Math.min(lineEnd, at + LONGEST_LINE));
    at = text.indexOf('field:', lineEnd);
    const semicolon = line.indexOf(';');
    const named = splitDeclaration(line.slice('field:'.length, semicolon).trim());
    const offset = numberAfter(line, 'offset:', semicolon);
    const size = numberAfter(line, 'size:', semicolon);
    if (semicolon < 0 || named === null || !(offset <= FARTHEST) || !(size <= FARTHEST)) continue;
    const signed = numberAfter(line, 'signed:', semicolon);
    fields.push({
      ...named,
      offset,
      size,
      signed: isNaN(signed) ? !named.type.includes('unsigned') : signed !== 0,
    });
  }
  return fields;
}

/** The digits behind `label`, NaN where there are none. */
function numberAfter(line: string, label: string, from: number): number {
  const start = line.indexOf(label, from);
  if (start < 0) return NaN;
  return Number.parseInt(line.slice(start + label.length, start + label.length + 9), 10);
}

type Declaration = Pick<FormatField, 'name' | 'type' | 'isArray' | 'location'>;

/**
 * "char comm[16]" is an array comm of char, "__data_loc char[] name" a dynamic field name, "struct page * page" a
 * pointer page. By hand: the text is a stranger's, and regular expressions for this take cubic time.
 */
function splitDeclaration(declaration: string): Declaration | null {
  let end = declaration.length;
  let isArray = false;
  while (declaration[end - 1] === ']') {
    const open = declaration.lastIndexOf('[', end - 1);
    if (open < 0) return null;
    isArray = true;
    end = declaration.slice(0, open).trimEnd().length;
  }
  let start = end;
  while (start > 0 && isWordCharacter(declaration.charCodeAt(start - 1))) start--;
  if (start === end) return null;
  const type = declaration.slice(0, start).trim();
  return {
    name: declaration.slice(start, end),
    type,
    isArray,
    location: type.startsWith('__data_loc') ? 'data' : type.startsWith('__rel_loc') ? 'rel' : 'none',
  };
}

function isWordCharacter(code: number): boolean {
  const letter = code | 0x20;
  return (code >= 0x30 && code <= 0x39) || code === 0x5f || (letter >= 0x61 && letter <= 0x7a);
}

/** The four fields that every record starts with, as every kernel since 2.6.31 lays them out (include/linux/trace_events.h). */
export const COMMON: readonly (readonly [name: string, offset: number, size: number])[] = [
  ['common_type', 0, 2],
  ['common_flags', 2, 1],
  ['common_preempt_count', 3, 1],
  ['common_pid', 4, 4],
];

/** Bytes of the common fields. */
export const COMMON_SIZE = 8;

/** Why the engine cannot read this type's records: a common field lies elsewhere. Null when it can. */
export function commonFieldsMisfit(format: EventFormat): string | null {
  for (const [name, offset, size] of COMMON) {
    const field = format.fields.find((candidate) => candidate.name === name);
    if (field?.offset === offset && field.size === size) continue;
    const found = field ? `at ${field.offset} with ${field.size} bytes` : 'missing';
    return `records of ${format.system}:${format.name} have ${name} ${found}, expected at ${offset} with ${size} bytes`;
  }
  return null;
}

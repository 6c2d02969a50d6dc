import type { FormatField } from './event-format.ts';
import type { PrintableFormat } from './parse-format.ts';
import { readFields } from './fields.ts';
import { compilePrint, type Printer } from './print-format.ts';
import type { Names } from './printf.ts';

/** Compiled print formats; a format is compiled when the first record of its type is looked at. */
const printers = new WeakMap<PrintableFormat, Printer | null>();

/**
 * One record as one line of text, the way `trace-cmd report` shows it behind "event: ". Where the kernel's print format
 * is not understood, the fields are listed as name=value. `record` begins with common_type.
 */
export function describeRecord(format: PrintableFormat, record: Uint8Array, names: Names): string {
  let print = printers.get(format);
  if (print === undefined) printers.set(format, (print = compilePrint(format)));
  const text = print?.(record, names) ?? listFields(format, record, names);
  return text.trimEnd().replaceAll(/[\r\n]+/g, ' ');
}

function listFields(format: PrintableFormat, record: Uint8Array, names: Names): string {
  const parts: string[] = [];
  for (const { name, value } of readFields(format, record, names.bigEndian)) {
    const field = format.fields.find((candidate) => candidate.name === name)!;
    parts.push(`${name}=${typeof value === 'string' ? value : shown(field, value, names)}`);
  }
  return parts.join(' ');
}

/** Fields that hold code addresses, by the names that kernel and kprobes give them. */
const CODE = /^(?:ip|parent_ip|caller|func|function|__probe_(?:ip|func|ret_ip))$/;

function shown(field: FormatField, value: bigint, names: Names): string {
  if (CODE.test(field.name)) {
    const symbol = names.symbol(value);
    if (symbol !== null) return symbol;
  }
  const isAddress = field.type.includes('*') || /\bunsigned long\b|\bu64\b/.test(field.type);
  return isAddress ? `0x${BigInt.asUintN(field.size * 8, value).toString(16)}` : value.toString();
}

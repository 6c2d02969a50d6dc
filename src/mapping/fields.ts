import { ByteReader, decodeText } from '../base/byte-reader.ts';
import type { EventFormat, FormatField } from './event-format.ts';
import { COMMON_SIZE } from './parse-format.ts';

/** One field of a record, for people: numbers as bigint by the field's signedness, everything else as text. */
export interface RecordField {
  readonly name: string;
  readonly value: bigint | string;
}

/**
 * Reads the fields of one record, the common ones left out. `record` begins with common_type. Fields that lie outside
 * the record, as they do in damaged ones, are left out too.
 */
export function readFields(format: EventFormat, record: Uint8Array, bigEndian = false): RecordField[] {
  const reader = new ByteReader(record, !bigEndian);
  const fields: RecordField[] = [];
  for (const field of format.fields) {
    if (field.offset < COMMON_SIZE && field.name.startsWith('common_')) continue;
    const value = fieldValue(field, reader);
    if (value !== null) fields.push({ name: field.name, value });
  }
  return fields;
}

/** A field as number or text, null where it lies outside the record. */
export function fieldValue(field: FormatField, reader: ByteReader): bigint | string | null {
  if (isNumber(field)) return numberAt(reader, field.offset, field.size, field.signed);
  const bytes = fieldBytes(field, reader);
  if (bytes === null) return null;
  return isText(field) ? upToZero(bytes) : bytesAsHex(bytes);
}

/** Is the field one number of a size that a machine has? */
export function isNumber(field: FormatField): boolean {
  return field.location === 'none' && !field.isArray && [1, 2, 4, 8].includes(field.size);
}

/** Is the field an array of characters? */
export function isText(field: FormatField): boolean {
  return /\bchar\b/.test(field.type) && !/\bunsigned\b/.test(field.type);
}

/** A number of `size` bytes, null where it lies outside the record. */
export function numberAt(reader: ByteReader, at: number, size: number, signed: boolean): bigint | null {
  if (at < 0 || at + size > reader.length) return null;
  const value = reader.uintAt(at, size);
  return signed ? BigInt.asIntN(size * 8, value) : value;
}

/**
 * The bytes of an array or of a dynamic field, null where they lie outside the record. A dynamic field is a word of
 * length << 16 | offset; the offset counts from the record's start for __data_loc and from the end of the word for
 * __rel_loc (include/trace/stages/stage*.h, Linux 6.12).
 */
export function fieldBytes(field: FormatField, reader: ByteReader): Uint8Array | null {
  let { offset: at, size } = field;
  if (field.location !== 'none') {
    const word = numberAt(reader, at, 4, false);
    if (word === null) return null;
    at = Number(word & 0xffffn) + (field.location === 'rel' ? at + 4 : 0);
    size = Number(word >> 16n);
  } else if (size === 0) {
    // "char buf[]" at the end of ftrace:print: it runs to the end of the record.
    size = reader.length - at;
  }
  if (size < 0 || at + size > reader.length) return null;
  return reader.bytes.subarray(at, at + size);
}

/** Text up to the first zero byte. */
export function upToZero(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decodeText(end < 0 ? bytes : bytes.subarray(0, end));
}

/** "01,ff,20", as __print_hex would, cut after 64 bytes. */
function bytesAsHex(bytes: Uint8Array): string {
  const shown = Array.from(bytes.subarray(0, 64), (byte) => byte.toString(16).padStart(2, '0'));
  return shown.join(',') + (bytes.length > 64 ? ',...' : '');
}

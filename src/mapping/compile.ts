import { FLAGS, KINDS, NAMESPACES, type FlagName } from '../model/event.ts';
import { namespaceFlags } from '../model/event-record.ts';
import { WHOLE_LOCK } from '../model/engine-numbers.ts';
import { NO_FIELD, type DecodeRow, type FieldPlace } from './decode-row.ts';
import type { EventFormat } from './event-format.ts';
import { COMMON, commonFieldsMisfit, COMMON_SIZE } from './parse-format.ts';
import { namespaceOf, type MappingRow } from './rows.ts';

/** A row that fits this kernel's format, or the sentence that says why it does not. */
export type Compiled = { readonly row: DecodeRow } | { readonly row: null; readonly why: string };

/** The engine selects flags by the low six bits of a field (assembly/layout.ts, ROW_AUX_FLAGS). */
const AUX_ENTRIES = 64;
const AUX_BITS = 6;
/** Offsets are u16 in a decode row. */
const LARGEST_OFFSET = 0xffff;

/**
 * Resolves a mapping row against the format of one event type: field names become offsets and sizes. A type that lacks a
 * field, or whose common fields are not where every known kernel has them, gets no row but a reason. `typeOf` tells the
 * number of the event that a row has as its entry, undefined where the capture has no such event.
 */
export function compileRow(
  row: MappingRow,
  format: EventFormat,
  typeOf: (event: string) => number | undefined = () => undefined,
): Compiled {
  const why = commonFieldsMisfit(format);
  if (why) return { row: null, why };
  try {
    return { row: resolve(row, format, typeOf) };
  } catch (error) {
    if (error instanceof Mismatch) return { row: null, why: error.message };
    throw error;
  }
}

class Mismatch extends Error {}

function resolve(
  row: MappingRow,
  format: EventFormat,
  typeOf: (event: string) => number | undefined,
): DecodeRow {
  const entry = row.entry === undefined ? 0 : typeOf(row.entry);
  if (entry === undefined)
    throw new Mismatch(`${row.event} has its address from ${row.entry}, which this capture has not`);
  const place = (name: string | undefined): FieldPlace =>
    name === undefined ? NO_FIELD : find(format, name);
  const address = place(row.address);
  const bit = place(typeof row.bit === 'string' ? row.bit : undefined);
  const value = place(row.value);
  const high = place(row.high);
  const aux = place(row.flagsFrom?.field);
  const forStatistics = namesOf(row, format);
  checkOverlaps([address, bit, value, high, aux, ...placesOf(forStatistics)], format);
  const namespace = namespaceOf(row);
  const flags = (row.flags ?? []).reduce((all, name) => all | flagOf(name), namespaceFlags(namespace));
  return {
    type: format.id,
    kind: KINDS.indexOf(row.kind),
    namespace: NAMESPACES.indexOf(namespace),
    address,
    bit,
    bitConst: bitConst(row),
    value,
    high,
    aux,
    auxFlags: auxFlags(row.flagsFrom),
    flags,
    entry,
    ...forStatistics,
    minSize: Math.max(COMMON_SIZE, ...[address, bit, value, high, aux].map(({ at, size }) => at + size)),
  };
}

function find(format: EventFormat, name: string): FieldPlace {
  const field = format.fields.find((candidate) => candidate.name === name);
  const event = `${format.system}:${format.name}`;
  if (field === undefined) throw new Mismatch(`${event} has no field "${name}" in this kernel`);
  const { offset, size } = field;
  const isNumber = field.location === 'none' && !field.isArray && [1, 2, 4, 8].includes(size);
  if (!isNumber)
    throw new Mismatch(`field "${name}" of ${event} is not a number (${field.type}, ${size} bytes)`);
  if (offset + size > LARGEST_OFFSET) throw new Mismatch(`field "${name}" of ${event} lies at ${offset}`);
  return { at: offset, size };
}

/** Names and call sites are for statistics: a kernel whose format lacks them is replayed all the same. */
function namesOf({ name, site }: MappingRow, { fields }: EventFormat): Pick<DecodeRow, 'name' | 'site'> {
  const fieldOf = (wanted: string | undefined) =>
    wanted === undefined ? undefined : fields.find((field) => field.name === wanted);
  const [text, code] = [fieldOf(name), fieldOf(site)];
  const isNumber =
    code !== undefined && code.location === 'none' && !code.isArray && (code.size === 4 || code.size === 8);
  return {
    ...(text !== undefined &&
      text.location !== 'none' &&
      text.offset <= LARGEST_OFFSET && { name: { at: text.offset, location: text.location } }),
    ...(isNumber && code.offset <= LARGEST_OFFSET && { site: { at: code.offset, size: code.size } }),
  };
}

function placesOf({ name, site }: Pick<DecodeRow, 'name' | 'site'>): FieldPlace[] {
  return [...(name ? [{ at: name.at, size: 4 }] : []), ...(site ? [site] : [])];
}

const COMMON_PLACES = COMMON.map(([, at, size]): FieldPlace => ({ at, size }));

/**
 * No kernel lays fields over each other; a format that says so is damaged. The engine relies on it where it turns the fields of
 * a big-endian record.
 */
function checkOverlaps(places: readonly FieldPlace[], { system, name }: EventFormat): void {
  const inOrder = [...COMMON_PLACES, ...places]
    .filter(({ size }) => size > 0)
    .toSorted((a, b) => a.at - b.at || a.size - b.size);
  let last = NO_FIELD;
  for (const place of inOrder) {
    const isSame = place.at === last.at && place.size === last.size;
    if (!isSame && place.at < last.at + last.size)
      throw new Mismatch(`fields of ${system}:${name} overlap at ${place.at}`);
    last = place;
  }
}

function bitConst(row: MappingRow): number {
  if (typeof row.bit !== 'number') return WHOLE_LOCK;
  if (Number.isInteger(row.bit) && row.bit >= 0 && row.bit < 64) return row.bit;
  throw new Mismatch(`bit ${row.bit} of ${row.event} is not between 0 and 63`);
}

function auxFlags(from: MappingRow['flagsFrom']): readonly number[] {
  const table = Array.from({ length: AUX_ENTRIES }, () => 0);
  if (from === undefined) return table;
  for (const [bitText, name] of Object.entries(from.bits ?? {})) {
    const bit = Number(bitText);
    if (!Number.isInteger(bit) || bit < 0 || bit >= AUX_BITS) {
      throw new Mismatch(
        `bit ${bitText} of "${from.field}" cannot select a flag, only bits 0 to ${AUX_BITS - 1} can`,
      );
    }
    const flag = flagOf(name);
    for (let entry = 0; entry < AUX_ENTRIES; entry++) if (entry & (1 << bit)) table[entry]! |= flag;
  }
  if (from.nonzero !== undefined) {
    const flag = flagOf(from.nonzero);
    for (let entry = 1; entry < AUX_ENTRIES; entry++) table[entry]! |= flag;
  }
  return table;
}

/** Mapping files are written by hand: a flag that does not exist is told, not ignored. */
function flagOf(name: FlagName): number {
  const flag = (FLAGS as Readonly<Record<string, number | undefined>>)[name];
  if (flag === undefined) throw new Mismatch(`there is no flag "${name}"`);
  return flag;
}

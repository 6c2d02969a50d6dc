import { decodeText } from '../../base/byte-reader.ts';
import { otherRow, type DecodeRow } from '../../mapping/decode-row.ts';
import { nameOf, type RowTable } from '../../mapping/row-table.ts';
import type { MappingRow } from '../../mapping/rows.ts';
import type { EventType } from '../capture.ts';
import { TextFields } from './fields.ts';

/** One event type that the text has shown. */
export interface TextType {
  readonly type: EventType;
  /** Null where no mapping row names the event. */
  readonly fields: TextFields | null;
  /** Number of the canonical kind. */
  readonly kind: number;
}

/** Types with a number of their own. A kernel has about two thousand tracepoints, and few captures use a tenth. */
const MAX_TYPES = 2048;
/** Names that are remembered; trace_printk prints a function's name for the event's, and damage makes up any. */
const MAX_NAMES = 4096;
const SLOTS = MAX_NAMES * 4;

interface Slot {
  readonly name: Uint8Array;
  readonly text: TextType;
}

const utf8 = new TextEncoder();
const FUNCTION = utf8.encode('function');

/**
 * The event types by name, numbered from 1 in the order of their first appearance. Names are compared as bytes,
 * so that no string is made per line. `list` grows while lines are read. `rows` has its length from the beginning,
 * for an engine wants to know how many there will be: a row describes nothing until its type has appeared.
 */
export class TypeTable {
  readonly list: EventType[] = [];
  readonly rows: DecodeRow[] = Array.from({ length: MAX_TYPES + 1 }, (_, type) => otherRow(type));
  #names = 0;

  readonly #mappings: RowTable;
  readonly #fields = new Map<MappingRow, TextFields>();
  readonly #slots = Array.from<Slot | undefined>({ length: SLOTS });

  /**
   * Rows are matched by the event's name alone, for text does not print the system. Throws SpinbackError USAGE when an
   * expression of the user's rows is none.
   */
  constructor(mappings: RowTable) {
    this.#mappings = mappings;
    for (const row of mappings.own) this.#fieldsOf(row);
  }

  /**
   * The type named `bytes[start..end)`, which is new when it was never asked for; number 0 when there are too many.
   * An empty name is the function tracer's.
   */
  get(bytes: Uint8Array, start: number, end: number): TextType {
    if (start === end) return this.get(FUNCTION, 0, FUNCTION.length);
    const slot = this.#slotOf(bytes, start, end);
    const known = this.#slots[slot];
    if (known) return known.text;
    const name = bytes.slice(start, end);
    const text = this.#describe(decodeText(name), this.list.length < MAX_TYPES ? this.list.length + 1 : 0);
    if (text.type.id > 0) {
      this.list.push(text.type);
      this.rows[text.type.id] = rowOf(text, this.#entryOf(text));
    }
    if (this.#names++ < MAX_NAMES) this.#slots[slot] = { name, text };
    return text;
  }

  /** The same, but a new type gets the number 0 and is not remembered. */
  peek(bytes: Uint8Array, start: number, end: number): TextType {
    if (start === end) return this.peek(FUNCTION, 0, FUNCTION.length);
    return (
      this.#slots[this.#slotOf(bytes, start, end)]?.text ??
      this.#describe(decodeText(bytes.subarray(start, end)), 0)
    );
  }

  /** The number of the event that this one takes its address from. */
  #entryOf({ fields }: TextType): number {
    if (!fields?.entry) return 0;
    const name = utf8.encode(nameOf(fields.entry));
    return this.get(name, 0, name.length).type.id;
  }

  /** Where the name is, or where it would go. The table is never more than a quarter full, so the probe ends. */
  #slotOf(bytes: Uint8Array, start: number, end: number): number {
    let hash = end - start;
    for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0;
    let slot = (hash >>> 0) % SLOTS;
    for (;;) {
      const entry = this.#slots[slot];
      if (entry === undefined || same(entry.name, bytes, start, end)) return slot;
      slot = (slot + 1) % SLOTS;
    }
  }

  #describe(name: string, id: number): TextType {
    const row = this.#mappings.find('', name);
    const fields = row === null ? null : this.#fieldsOf(row);
    return { type: { id, system: '', name }, fields, kind: fields?.kind ?? 0 };
  }

  #fieldsOf(row: MappingRow): TextFields {
    let fields = this.#fields.get(row);
    if (!fields) this.#fields.set(row, (fields = new TextFields(row)));
    return fields;
  }
}

/** What the type's records carry. They are canonical ones, so the places are those of a canonical record. */
function rowOf({ type, kind, fields }: TextType, entry: number): DecodeRow {
  const row = { ...otherRow(type.id), kind, entry };
  if (fields?.hasAddress) row.address = { at: 8, size: 8 };
  if (fields?.hasValue) row.value = { at: 16, size: 8 };
  return row;
}

function same(name: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (name.length !== end - start) return false;
  for (let i = 0; i < name.length; i++) if (name[i] !== bytes[start + i]) return false;
  return true;
}

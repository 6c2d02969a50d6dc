import { SpinbackError } from '../../base/errors.ts';
import { readRange } from '../../io/bytes.ts';
import { decodeText } from '../../base/byte-reader.ts';
import type { ByteSource } from '../../io/source.ts';
import { compileRow } from '../../mapping/compile.ts';
import { otherRow, type DecodeRow } from '../../mapping/decode-row.ts';
import { commonFieldsMisfit, parseFormat, type PrintableFormat } from '../../mapping/parse-format.ts';
import { RowTable } from '../../mapping/row-table.ts';
import type { EventType } from '../capture.ts';
import type { Cursor } from './cursor.ts';

/** Where the text of one event's format lies. */
interface Place extends EventType {
  readonly source: ByteSource;
  readonly at: number;
  readonly size: number;
}

/** The longest format text that is read; those of Linux 6.12 have at most 20 KiB. */
const LONGEST_FORMAT = 1 << 20;
/** The text begins with "name: NAME\nID: NUMBER\n"; names have at most 64 characters. */
const HEAD = 160;

/**
 * The event formats of a capture. A trace.dat holds about 1 MB of them, so only names and numbers are read when the
 * file is opened; a format is parsed when it is asked for.
 */
export class FormatIndex {
  readonly #places = new Map<number, Place>();
  readonly #parsed = new Map<number, PrintableFormat | null>();
  /** Formats without a name or with a number that no record can carry. */
  unusable = 0;

  /** Reads "u32 count, count x (u64 size, text)": the formats of ftrace's own events. */
  scanFtrace(cursor: Cursor, source: ByteSource): void {
    this.#scanSystem(cursor, source, 'ftrace', cursor.u32('the number of ftrace formats'));
  }

  /** Reads "u32 systems, systems x (name\0, u32 count, count x (u64 size, text))". */
  scanEvents(cursor: Cursor, source: ByteSource): void {
    const systems = cursor.u32('the number of event systems');
    for (let index = 0; index < systems; index++) {
      const system = cursor.cstring('the name of an event system');
      this.#scanSystem(cursor, source, system, cursor.u32(`the number of formats of ${system}`));
    }
  }

  /** Takes over formats whose numbers and names are known, without a look at their texts. */
  adopt(type: EventType, source: ByteSource, at: number, size: number): void {
    this.#places.set(type.id, { ...type, source, at, size });
  }

  /** The texts of all formats, in the order of `types`; empty for those that are too long to be read. */
  texts(): Uint8Array[] {
    return Array.from(this.#places.values(), ({ source, at, size }) =>
      size > LONGEST_FORMAT ? new Uint8Array(0) : readRange(source, at, size),
    );
  }

  get types(): EventType[] {
    return Array.from(this.#places.values(), ({ id, system, name }) => ({ id, system, name }));
  }

  type(id: number): EventType | null {
    const place = this.#places.get(id);
    return place ? { id, system: place.system, name: place.name } : null;
  }

  /** The parsed format of an event type, null when there is none or it is damaged. */
  format(id: number): PrintableFormat | null {
    let format = this.#parsed.get(id);
    if (format === undefined) this.#parsed.set(id, (format = this.#parse(id)));
    return format;
  }

  /**
   * One decode row per event type, behind row 0 for unknown types: mapped types first, the others as signs of life.
   * `misfit` hears of types whose mapping does not fit this kernel. Throws UNSUPPORTED when nothing fits because the
   * records' common fields are laid out differently.
   */
  rows(mappings: RowTable, misfit: (why: string) => void): DecodeRow[] {
    const mapped: DecodeRow[] = [];
    const others: DecodeRow[] = [];
    const other = otherRow(0);
    let misplaced: string | null = null;
    for (const { id, system, name } of this.#places.values()) {
      const mapping = mappings.find(system, name);
      const format = mapping ? this.format(id) : null;
      if (mapping && !format) misfit(`the format of ${system}:${name} cannot be read`);
      else if (mapping && format) {
        const compiled = compileRow(mapping, format, (event) => this.#idOf(event));
        if (compiled.row) {
          mapped.push(compiled.row);
          continue;
        }
        misplaced ??= commonFieldsMisfit(format);
        misfit(compiled.why);
      }
      others.push({ ...other, type: id });
    }
    // One such type is damaged; when none is left, it is the kernel's layout.
    if (mapped.length === 0 && misplaced) throw new SpinbackError('UNSUPPORTED', misplaced);
    return [other, ...mapped, ...others];
  }

  #idOf(event: string): number | undefined {
    for (const { id, system, name } of this.#places.values()) if (`${system}:${name}` === event) return id;
    return undefined;
  }

  #parse(id: number): PrintableFormat | null {
    const place = this.#places.get(id);
    if (place === undefined || place.size > LONGEST_FORMAT) return null;
    try {
      return parseFormat(decodeText(readRange(place.source, place.at, place.size)), place.system);
    } catch (error) {
      if (error instanceof SpinbackError && error.code === 'DAMAGED') return null;
      throw error;
    }
  }

  /** One pass over about a thousand formats, so it makes few calls and few objects. */
  #scanSystem(cursor: Cursor, source: ByteSource, system: string, count: number): void {
    for (let index = 0; index < count; index++) {
      const bytes = cursor.peek(SIZE + HEAD, 'an event format');
      if (bytes.length < SIZE) throw cursor.damaged(`the formats of ${system} are cut`);
      const size = sizeOf(bytes, cursor.littleEndian);
      const at = cursor.position + SIZE;
      cursor.skip(SIZE + size, 'an event format');
      // "name: NAME\nID: 301\n"
      const isFormat = bytes[SIZE] === 0x6e && bytes[SIZE_AND_TAG - 2] === 0x3a;
      const nameEnd = isFormat ? bytes.indexOf(NEWLINE, SIZE_AND_TAG) : -1;
      const id = nameEnd < 0 ? -1 : idAt(bytes, nameEnd + 1);
      if (id < 0 || id > 0xffff) this.unusable++;
      else if (!this.#places.has(id)) {
        this.#places.set(id, {
          id,
          system,
          name: decodeText(bytes.subarray(SIZE_AND_TAG, nameEnd)),
          source,
          at,
          size,
        });
      }
    }
  }
}

/** Bytes of the size before each format, and with the "name: " that each begins with. */
const SIZE = 8;
const SIZE_AND_TAG = SIZE + 'name: '.length;
const NEWLINE = 0x0a;

/** The 64-bit size at the start; without a BigInt for each. */
function sizeOf(bytes: Uint8Array, littleEndian: boolean): number {
  let size = 0;
  for (let n = 0; n < SIZE; n++) size = 256 * size + bytes[littleEndian ? SIZE - 1 - n : n]!;
  return size;
}

/** The number in "ID: 301\n"; -1 when something else is there. */
function idAt(bytes: Uint8Array, start: number): number {
  if (bytes[start] !== 0x49 || bytes[start + 1] !== 0x44 || bytes[start + 2] !== 0x3a) return -1;
  let id = 0;
  for (let at = start + 4; id <= 0xffff; at++) {
    const digit = bytes[at]! - 0x30;
    if (!(digit >= 0 && digit <= 9)) return at === start + 4 ? -1 : id;
    id = id * 10 + digit;
  }
  return id;
}

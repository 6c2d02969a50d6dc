import { describeRecord } from '../../mapping/describe.ts';
import { readFields } from '../../mapping/fields.ts';
import type { Names } from '../../mapping/printf.ts';
import type { Anchor, EventRecord, EventType } from '../capture.ts';
import type { FormatIndex } from './formats.ts';
import { Kallsyms } from './kallsyms.ts';
import { Cmdlines, PrintkFormats, type Load } from './names.ts';

/** A record's common_type; 0 where it is too short to have one. */
export function typeOfRecord(record: Uint8Array, bigEndian = false): number {
  const [first = 0, second = 0] = record;
  return bigEndian ? (first << 8) | second : first | (second << 8);
}

/** Names tasks and symbols and puts raw records into words, by the formats and tables of a capture. */
export class Teller {
  readonly #formats: FormatIndex;
  readonly #kallsyms: Kallsyms;
  readonly #cmdlines: Cmdlines;
  readonly #names: Names;

  constructor(
    formats: FormatIndex,
    { longSize, bigEndian }: Pick<Names, 'longSize' | 'bigEndian'>,
    tables: Readonly<Record<'kallsyms' | 'cmdlines' | 'printk-formats', Load>>,
    anchor: Anchor | null = null,
  ) {
    this.#formats = formats;
    this.#kallsyms = new Kallsyms(tables.kallsyms);
    this.#cmdlines = new Cmdlines(tables.cmdlines);
    const printkFormats = new PrintkFormats(tables['printk-formats']);
    this.#names = {
      symbol: (address) => this.#kallsyms.symbol(address),
      address: (symbol) =>
        this.#kallsyms.address(symbol) ?? (anchor?.name === symbol ? anchor.address : null),
      text: (address) => printkFormats.text(address),
      longSize,
      bigEndian,
    };
  }

  comm(pid: number): string | null {
    return this.#cmdlines.comm(pid);
  }

  symbol(address: bigint): string | null {
    return this.#kallsyms.symbol(address);
  }

  /** The type with this number, by that where the capture does not know it. */
  type(id: number): EventType {
    return this.#formats.type(id) ?? { id, system: '', name: `type-${id}` };
  }

  /** A record that begins with common_type, for people; null where it is too short to have a type. */
  tell(record: Uint8Array): EventRecord | null {
    if (record.byteLength < 2) return null;
    const id = typeOfRecord(record, this.#names.bigEndian);
    const type = this.type(id);
    const format = this.#formats.format(id);
    if (format === null) return { type, fields: [], text: '' };
    const names = this.#names;
    return {
      type,
      // Whoever asks for one of them seldom wants the other.
      get fields() {
        return readFields(format, record, names.bigEndian);
      },
      get text() {
        return describeRecord(format, record, names);
      },
    };
  }
}

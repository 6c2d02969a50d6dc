import { SpinbackError } from '../../base/errors.ts';
import { otherRow, type DecodeRow, type FieldPlace } from '../../mapping/decode-row.ts';
import type { Capture, Clock, Damage } from '../capture.ts';

// What the msgpack parts of a .spin file hold, and reading it back: a checksum tells of accidents only, so every field is
// looked at. docs/formats/spin.md lists them.

/** Frame HEAD: what is known when the first event is read. */
export interface HeadNotes {
  /** Version of the spinback that wrote the file. */
  readonly writer: string;
  /** The original's path, as it was given, and format. */
  readonly path: string;
  readonly format: string;
  readonly clock: Clock;
  readonly kernel: string | null;
  readonly cpuCount: number | null;
  /** What the original's lanes delivered: raw pages, or canonical records made of text. */
  readonly of: 'pages' | 'records';
  /** Bytes of the kernel's long. */
  readonly longSize: 4 | 8;
  /** Its records are big-endian; absent where they are not. */
  readonly bigEndian?: true | undefined;
  readonly lanes: readonly { readonly cpu: number; readonly lost: number | null }[];
  readonly names: TypeNames;
}

/** The event types, and where records of the mapped ones keep what events say. */
export interface TypeNames {
  readonly ids: readonly number[];
  /** "system:name", one per line, in the order of the ids. */
  readonly names: string;
  /** Bytes of each type's format in section "formats"; empty where there are none. */
  readonly sizes: readonly number[];
  /** type, kind, namespace, least size, and at and size of address, value and high. */
  readonly rows: readonly (readonly number[])[];
}

/** Frame BLCK: what the block holds. */
export interface BlockNotes {
  readonly events: number;
  /** Bytes of the block in front of its words, unpacked. */
  readonly head: number;
  /** Bytes of the same, packed. */
  readonly packed: number;
  /** Bytes of its rest, unpacked. */
  readonly rest: number;
  /** Times of the first and the last event. */
  readonly from: bigint;
  readonly to: bigint;
  /** Lane number and offset of each lane's first event, by turns. */
  readonly lanes: readonly number[];
  /** CPUs that have events in it. */
  readonly cpus: readonly number[];
  /** Types that appeared since they were last told (text). */
  readonly names?: TypeNames;
  /** Names that tasks have had since the last block (text): pid and name by turns. */
  readonly comms?: readonly (number | string)[];
}

/** A block and its rest in the file. */
export interface BlockEntry extends BlockNotes {
  /** Where frame BLCK begins. */
  readonly at: number;
  /** Where frame REST begins. */
  readonly restAt: number;
}

/** Frame TAIL: what is known when the last event is read. */
export interface TailNotes {
  readonly damage: readonly Damage[];
  /** By lane. */
  readonly lostTail: readonly boolean[];
  /** Where they are not what HEAD says any more (text). */
  readonly names?: TypeNames;
  readonly blocks: readonly BlockEntry[];
}

/** Notes of the frames whose body is packed in one: HEAD, TAIL (msgpack both) and SECT, a piece of the original's metadata. */
export interface PackedNotes {
  /** Of a section. */
  readonly name: string;
  /** Unpacked. */
  readonly size: number;
}

/** Reads fields of one unpacked map; each says DAMAGED where it is not what it should be. */
class Fields {
  readonly #map: Readonly<Record<string, unknown>>;
  readonly offset: number;

  constructor(value: unknown, offset: number) {
    this.offset = offset;
    if (typeof value !== 'object' || value === null) throw this.#wrong('a map');
    this.#map = value as Readonly<Record<string, unknown>>;
  }

  #wrong(what: string): SpinbackError {
    return new SpinbackError('DAMAGED', `the notes at offset ${this.offset} have no proper ${what}`, {
      offset: this.offset,
    });
  }

  text(name: string): string {
    const value = this.#map[name];
    if (typeof value === 'string') return value;
    throw this.#wrong(name);
  }

  textOrNull(name: string): string | null {
    return this.#map[name] === null ? null : this.text(name);
  }

  one<T extends string | number>(name: string, of: readonly T[]): T {
    const value = this.#map[name] as T;
    if (of.includes(value)) return value;
    throw this.#wrong(name);
  }

  /** A whole number from 0 to 2^53. */
  count(name: string, most: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.#map[name];
    if (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most)
      return value as number;
    throw this.#wrong(name);
  }

  countOrNull(name: string, most?: number): number | null {
    return this.#map[name] === null ? null : this.count(name, most);
  }

  /** An unsigned 64-bit number; msgpack may hold it as a number or a bigint. */
  wide(name: string): bigint {
    const value = this.#map[name];
    if (typeof value === 'bigint') return BigInt.asUintN(64, value);
    if (typeof value === 'number' && Number.isInteger(value)) return BigInt.asUintN(64, BigInt(value));
    throw this.#wrong(name);
  }

  has(name: string): boolean {
    return this.#map[name] !== undefined;
  }

  value(name: string): unknown {
    return this.#map[name];
  }

  list<T>(name: string, read: (item: unknown) => T): T[] {
    const value = this.#map[name];
    if (Array.isArray(value)) return value.map(read);
    throw this.#wrong(name);
  }

  /** Throws for a list of more than `most`. */
  atMost(name: string, most: number): void {
    const value = this.#map[name];
    if (Array.isArray(value) && value.length > most) throw this.#wrong(name);
  }

  counts(name: string, most?: number): number[] {
    return this.list(name, (item) => new Fields({ [name]: item }, this.offset).count(name, most));
  }
}

const MOST_IDS = 0xffff;
const UNITS = ['ns', 'cycles', 'relative'] as const;
const SEVERITIES = ['info', 'error', 'data loss'] as const;

export function readHeadNotes(value: unknown, offset: number): HeadNotes {
  const fields = new Fields(value, offset);
  const clock = new Fields(fields.value('clock'), offset);
  return {
    writer: fields.text('writer'),
    path: fields.text('path'),
    format: fields.text('format'),
    clock: { name: clock.text('name'), unit: clock.one('unit', UNITS) },
    kernel: fields.textOrNull('kernel'),
    cpuCount: fields.countOrNull('cpuCount', MOST_IDS + 1),
    of: fields.one('of', ['pages', 'records']),
    longSize: fields.one('longSize', [4, 8]),
    ...(fields.has('bigEndian') ? { bigEndian: true } : {}),
    lanes: fields.list('lanes', (item) => {
      const lane = new Fields(item, offset);
      return { cpu: lane.count('cpu', MOST_IDS), lost: lane.countOrNull('lost') };
    }),
    names: readTypeNames(fields.value('names'), offset),
  };
}

function readTypeNames(value: unknown, offset: number): TypeNames {
  const fields = new Fields(value, offset);
  // Types have 16 bits, and each costs a row.
  for (const name of ['ids', 'rows']) fields.atMost(name, MOST_IDS + 1);
  return {
    ids: fields.counts('ids', MOST_IDS),
    names: fields.text('names'),
    sizes: fields.counts('sizes'),
    rows: fields.list('rows', (row) => new Fields({ row }, offset).counts('row', MOST_IDS)),
  };
}

export function readBlockNotes(value: unknown, offset: number): BlockNotes {
  const fields = new Fields(value, offset);
  return {
    events: fields.count('events'),
    head: fields.count('head', LARGEST_SECTION),
    packed: fields.count('packed'),
    rest: fields.count('rest', LARGEST_SECTION),
    from: fields.wide('from'),
    to: fields.wide('to'),
    lanes: fields.counts('lanes'),
    cpus: fields.counts('cpus', MOST_IDS),
    ...(fields.has('names') ? { names: readTypeNames(fields.value('names'), offset) } : {}),
    ...(fields.has('comms') ? { comms: readComms(fields) } : {}),
  };
}

function readComms(fields: Fields): (number | string)[] {
  return fields.list('comms', (item) => (typeof item === 'number' ? item : String(item)));
}

export function readTailNotes(value: unknown, offset: number): TailNotes {
  const fields = new Fields(value, offset);
  return {
    damage: fields.list('damage', (item) => {
      const damage = new Fields(item, offset);
      return {
        name: damage.text('name'),
        severity: damage.one('severity', SEVERITIES),
        text: damage.text('text'),
        count: damage.count('count'),
        ...(damage.has('offset') ? { offset: damage.count('offset') } : {}),
      };
    }),
    lostTail: fields.list('lostTail', (item) => item === true),
    ...(fields.has('names') ? { names: readTypeNames(fields.value('names'), offset) } : {}),
    blocks: fields.list('blocks', (item) => {
      const place = new Fields(item, offset);
      return { ...readBlockNotes(item, offset), at: place.count('at'), restAt: place.count('restAt') };
    }),
  };
}

export function readPackedNotes(value: unknown, offset: number): PackedNotes {
  const fields = new Fields(value, offset);
  return { name: fields.text('name'), size: fields.count('size', LARGEST_SECTION) };
}

/** Sections are unpacked in one. */
export const LARGEST_SECTION = 1 << 26;

/** The names and rows of a capture's types, as they are now. `sizes`: see TypeNames. */
export function typeNamesOf({ types, rows }: Capture, sizes: readonly number[]): TypeNames {
  return {
    ids: types.map(({ id }) => id),
    names: types.map(({ system, name }) => `${system}:${name.replaceAll('\n', ' ')}`).join('\n'),
    sizes,
    rows: rows.filter(isTelling).map(numbersOf),
  };
}

function numbersOf({ type, kind, namespace, minSize, address, value, high, entry }: DecodeRow): number[] {
  const places = [address, value, high].flatMap(({ at, size }) => [at, size]);
  return [type, kind, namespace, minSize, ...places, entry];
}

function isTelling({ kind, address, value }: DecodeRow): boolean {
  return kind !== 0 || address.size > 0 || value.size > 0;
}

/** One row for each type, behind row 0: all that blocks leave to ask of a row. */
export function rowsOf({ ids, rows }: TypeNames): DecodeRow[] {
  const mapped = rows.map((numbers): DecodeRow => {
    const at = (n: number): number => numbers[n] ?? 0;
    const place = (n: number): FieldPlace => ({ at: at(n), size: at(n + 1) });
    const [address, value, high] = [place(4), place(6), place(8)];
    return {
      ...otherRow(at(0)),
      kind: at(1),
      namespace: at(2),
      minSize: at(3),
      address,
      value,
      high,
      entry: at(10),
    };
  });
  const known = new Set(mapped.map(({ type }) => type));
  const other = otherRow(0);
  return [other, ...mapped, ...ids.filter((id) => !known.has(id)).map((type) => ({ ...other, type }))];
}

import type { BlocksOf } from '../../blocks/build-block.ts';
import { otherRow, type DecodeRow, type FieldPlace } from '../../mapping/decode-row.ts';
import type { Capture, CaptureLoss, Clock, Damage } from '../capture.ts';
import type { DialectName } from '../ftrace-text/dialect.ts';
import { Fields } from './fields.ts';
import { MOST_LOCKS } from './lock-names.ts';
import { packSampleNotes, readSampleNotes, type SampleNotes } from './sample-notes.ts';

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
  readonly of: BlocksOf;
  /** Of text: the program that printed it. */
  readonly dialect: DialectName;
  /** Of samples. */
  readonly samples: SampleNotes | null;
  /** As captures have them. */
  readonly losses: readonly CaptureLoss[];
  readonly partialTailNs: number;
  readonly isCut: boolean;
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
  /** Types that the original names without knowing them: they have no row. */
  readonly unknown: readonly number[];
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
  /** The latest time of all, for times may run backwards; older files do not tell. */
  readonly latest?: bigint;
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
  /** What labels stand for, and names of locks, by turns. */
  readonly locks?: readonly (bigint | string)[];
  readonly blocks: readonly BlockEntry[];
}

/** Notes of the frames whose body is packed in one: HEAD, TAIL (msgpack both) and SECT, a piece of the original's metadata. */
export interface PackedNotes {
  /** Of a section. */
  readonly name: string;
  /** Unpacked. */
  readonly size: number;
}

/** Numbers of types, CPUs and lanes have 16 bits; what kinds, namespaces and sizes of fields are is one byte. */
const MOST_IDS = 0xffff;
const MOST_OF_A_BYTE = 0xff;
const DIALECTS = ['ftrace', 'dump', 'perf-script', 'lines'] as const;
const UNITS = ['ns', 'cycles', 'relative'] as const;
const SEVERITIES = ['info', 'error', 'data loss'] as const;

/** As it is written: what is nothing special is left out. */
export function packHeadNotes(notes: HeadNotes): object {
  const { dialect, samples, losses, partialTailNs, isCut, ...rest } = notes;
  return {
    ...rest,
    ...(dialect === 'ftrace' ? {} : { dialect }),
    ...(samples ? { samples: packSampleNotes(samples) } : {}),
    ...(losses.length > 0 ? { losses } : {}),
    ...(partialTailNs > 0 ? { partialTailNs } : {}),
    ...(isCut ? { isCut } : {}),
  };
}

export function readHeadNotes(value: unknown, offset: number): HeadNotes {
  const fields = new Fields(value, offset);
  const clock = fields.within(fields.value('clock'));
  const of = fields.one('of', ['pages', 'records', 'samples']);
  fields.atMost('lanes', MOST_IDS + 1);
  return {
    writer: fields.text('writer'),
    path: fields.text('path'),
    format: fields.text('format'),
    clock: { name: clock.text('name'), unit: clock.one('unit', UNITS) },
    kernel: fields.textOrNull('kernel'),
    cpuCount: fields.countOrNull('cpuCount'),
    of,
    dialect: fields.has('dialect') ? fields.one('dialect', DIALECTS) : 'ftrace',
    samples: of === 'samples' ? readSampleNotes(fields.within(fields.value('samples'))) : null,
    losses: fields.has('losses') ? fields.list('losses', (item) => readLoss(fields.within(item))) : [],
    partialTailNs: fields.has('partialTailNs') ? fields.count('partialTailNs') : 0,
    isCut: fields.has('isCut') && fields.flag('isCut'),
    longSize: fields.one('longSize', [4, 8]),
    ...(fields.has('bigEndian') ? { bigEndian: true } : {}),
    lanes: fields.list('lanes', (item) => {
      const lane = new Fields(item, offset);
      return { cpu: lane.count('cpu', MOST_IDS), lost: lane.countOrNull('lost') };
    }),
    names: readTypeNames(fields.value('names'), offset),
  };
}

function readLoss(fields: Fields): CaptureLoss {
  return {
    cpu: fields.countOrNull('cpu'),
    count: fields.value('count') === null ? null : fields.amount('count'),
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
    rows: fields.list('rows', (row) => readRow(new Fields({ row }, offset))),
    unknown: fields.has('unknown') ? fields.counts('unknown', MOST_IDS) : [],
  };
}

/** TypeNames.rows */
function readRow(fields: Fields): number[] {
  const row = fields.counts('row', MOST_IDS);
  const [, kind, namespace, , , address, , value, , high] = row;
  fields.within({ row: [kind, namespace, address, value, high] }).counts('row', MOST_OF_A_BYTE);
  return row;
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
    ...(fields.has('latest') ? { latest: fields.wide('latest') } : {}),
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
        count: damage.amount('count'),
        ...(damage.has('offset') ? { offset: damage.count('offset') } : {}),
      };
    }),
    lostTail: fields.list('lostTail', (item) => item === true),
    ...(fields.has('names') ? { names: readTypeNames(fields.value('names'), offset) } : {}),
    ...(fields.has('locks') ? { locks: readLocks(fields) } : {}),
    blocks: fields.list('blocks', (item) => {
      const place = new Fields(item, offset);
      return { ...readBlockNotes(item, offset), at: place.count('at'), restAt: place.count('restAt') };
    }),
  };
}

function readLocks(fields: Fields): (bigint | string)[] {
  fields.atMost('locks', 2 * MOST_LOCKS);
  return fields.list('locks', (item) =>
    typeof item === 'string' ? item : new Fields({ label: item }, fields.offset).wide('label'),
  );
}

export function readPackedNotes(value: unknown, offset: number): PackedNotes {
  const fields = new Fields(value, offset);
  return { name: fields.text('name'), size: fields.count('size', LARGEST_SECTION) };
}

/** Sections are unpacked in one. */
export const LARGEST_SECTION = 1 << 26;

/** The names and rows of a capture's types, as they are now. `sizes`: see TypeNames. */
export function typeNamesOf({ types, rows }: Capture, sizes: readonly number[]): TypeNames {
  const known = new Set(rows.map(({ type }) => type));
  return {
    ids: types.map(({ id }) => id),
    names: types.map(({ system, name }) => `${system}:${name.replaceAll('\n', ' ')}`).join('\n'),
    sizes,
    rows: rows.filter(isTelling).map(numbersOf),
    unknown: types.map(({ id }) => id).filter((id) => !known.has(id)),
  };
}

function numbersOf({ type, kind, namespace, minSize, address, value, high, entry }: DecodeRow): number[] {
  const places = [address, value, high].flatMap(({ at, size }) => [at, size]);
  return [type, kind, namespace, minSize, ...places, entry];
}

function isTelling({ kind, address, value }: DecodeRow): boolean {
  return kind !== 0 || address.size > 0 || value.size > 0;
}

/** One row for each known type, behind row 0: all that blocks leave to ask of a row. */
export function rowsOf({ ids, rows, unknown }: TypeNames): DecodeRow[] {
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
  const known = new Set([...mapped.map(({ type }) => type), ...unknown]);
  const other = otherRow(0);
  return [other, ...mapped, ...ids.filter((id) => !known.has(id)).map((type) => ({ ...other, type }))];
}

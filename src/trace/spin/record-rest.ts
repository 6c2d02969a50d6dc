import { ByteReader } from '../../base/byte-reader.ts';
import { readCount, VarintWriter } from '../../blocks/varint.ts';
import type { Block, Walk } from '../../blocks/block.ts';
import type { BuiltBlock } from '../../blocks/build-block.ts';
import type { DecodeRow, FieldPlace } from '../../mapping/decode-row.ts';
import type { CanonicalEvent } from '../../model/event.ts';
import { fieldsToTurn } from '../../model/fields-to-turn.ts';
import type { Rest } from './look-up.ts';

// What raw records hold beyond their events. Of each record what the event says (type, pid, address, value) is blanked; what
// then remains is mostly the same for all records of a token, and kept once. Numbers are varints:
//
//   for each token    number of its variants
//   for each variant  its size
//   for each strand   bytes of its numbers below
//   for each variant  its bytes
//   for each event of each strand, where its token has several variants: which one (1 byte; 2 where there are more than 256)

/** A field that the event of its record holds whole. */
interface KnownField extends FieldPlace {
  readonly from: 'address' | 'value' | 'high';
}

/** Blanks in raw records what their events say, and fills it in again. */
export class RecordMask {
  readonly #littleEndian: boolean;
  readonly #rows: (DecodeRow | undefined)[] = [];
  readonly #fields: KnownField[][] = [];
  /** What the engine has turned in a big-endian record, by type. */
  readonly #turned: ReturnType<typeof fieldsToTurn>[] = [];

  constructor(rows: readonly DecodeRow[], bigEndian = false) {
    this.#littleEndian = !bigEndian;
    for (const row of rows.slice(1)) {
      this.#rows[row.type] = row;
      this.#fields[row.type] = fieldsKnown(row);
      if (bigEndian) this.#turned[row.type] = fieldsToTurn(row);
    }
  }

  /**
   * Blanks what `restore` can fill in of the record from `start` to `end`, which is as the engine leaves it. `kind`: its event's.
   */
  blank(bytes: Uint8Array, start: number, end: number, type: number, kind: number): void {
    for (const { at, size } of this.#turned[type] ?? [])
      if (start + at + size <= end) bytes.subarray(start + at, start + at + size).reverse();
    bytes[start] = bytes[start + 1] = 0;
    for (let n = 4; n < 8; n++) bytes[start + n] = 0;
    if (!this.#isMapped(type, kind, end - start)) return;
    for (const { at, size } of this.#fields[type]!) for (let n = 0; n < size; n++) bytes[start + at + n] = 0;
  }

  restore(
    record: Uint8Array,
    { type, kind, pid, address, value }: Omit<CanonicalEvent, 'time' | 'cpu' | 'bit' | 'flags'>,
  ): void {
    if (record.length < 8) return;
    const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
    view.setUint16(0, type, this.#littleEndian);
    view.setInt32(4, pid, this.#littleEndian);
    if (!this.#isMapped(type, kind, record.length)) return;
    for (const { at, size, from } of this.#fields[type]!) {
      let rest = from === 'address' ? address : from === 'value' ? value : value >> 32n;
      for (let n = 0; n < size; n++, rest >>= 8n)
        record[at + (this.#littleEndian ? n : size - 1 - n)] = Number(rest & 0xffn);
    }
  }

  /** Was the event decoded by its type's row, to whatever kind? A record that is too short was not, and has no kind. */
  #isMapped(type: number, kind: number, size: number): boolean {
    const row = this.#rows[type];
    return row !== undefined && kind !== 0 && row.kind !== 0 && size >= row.minSize;
  }
}

/** Of a value that is halved, either half may have lost bits. */
function fieldsKnown({ address, value, high, minSize }: DecodeRow): KnownField[] {
  const isHalved = high.size > 0;
  const fields: KnownField[] = [{ ...address, from: 'address' }];
  if (!isHalved || value.size <= 4) fields.push({ ...value, from: 'value' });
  if (high.size <= 4) fields.push({ ...high, from: 'high' });
  return fields.filter(({ at, size }) => size > 0 && at + size <= minSize);
}

/** The raw records of a block, blanked, as they are collected. */
export interface Records {
  readonly bytes: Uint8Array;
  /** Where each event's record begins in `bytes`, and behind the last one their end. */
  readonly starts: Uint32Array;
}

export function buildRecordRest({ bytes, starts }: Records, block: BuiltBlock): Uint8Array {
  const { variants, variantOf, perToken } = findVariants(bytes, starts, block);
  const out = new VarintWriter();
  for (const count of perToken) out.count(count);
  for (const n of variants) out.count(starts[n + 1]! - starts[n]!);
  const numbers = eventsByStrand(block).map((events) => {
    const which = new VarintWriter();
    for (const n of events) {
      const count = perToken[block.tokenOf[n]!]!;
      if (count > 1) which.byte(variantOf[n]! & 0xff);
      if (count > 256) which.byte(variantOf[n]! >>> 8);
    }
    return which.bytes;
  });
  for (const { length } of numbers) out.count(length);
  for (const n of variants) out.append(bytes.subarray(starts[n]!, starts[n + 1]!));
  for (const part of numbers) out.append(part);
  return out.bytes;
}

/** The events of each strand. A task's own path through the kernel repeats itself more than the mixture of all CPUs does. */
function eventsByStrand({ strandOf, strands }: BuiltBlock): number[][] {
  const lists = Array.from({ length: strands }, (): number[] => []);
  strandOf.forEach((strand, n) => lists[strand]!.push(n));
  return lists;
}

/** Distinct records of each token: `variants` has an event for each, by token, the first seen first. */
function findVariants(bytes: Uint8Array, starts: Uint32Array, { tokenOf, tokens }: BuiltBlock) {
  const events = tokenOf.length;
  const slots = new Int32Array(2 ** (34 - Math.clz32(events))).fill(-1);
  const found: { readonly event: number; readonly token: number }[] = [];
  const perToken = new Uint16Array(tokens);
  const number = new Uint16Array(events);
  const same = (a: number, b: number): boolean => {
    const [x, y, size] = [starts[a]!, starts[b]!, starts[a + 1]! - starts[a]!];
    if (starts[b + 1]! - y !== size) return false;
    for (let n = 0; n < size; n++) if (bytes[x + n] !== bytes[y + n]) return false;
    return true;
  };
  for (let n = 0; n < events; n++) {
    const token = tokenOf[n]!;
    let hash = token;
    for (let at = starts[n]!, end = starts[n + 1]!; at < end; at++)
      hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
    let slot = (hash ^ (hash >>> 15)) & (slots.length - 1);
    for (; slots[slot]! >= 0; slot = (slot + 1) & (slots.length - 1)) {
      const { event } = found[slots[slot]!]!;
      if (tokenOf[event] === token && same(event, n)) break;
    }
    if (slots[slot]! < 0) {
      slots[slot] = found.push({ event: n, token }) - 1;
      number[n] = perToken[token]!++;
    } else number[n] = number[found[slots[slot]!]!.event]!;
  }
  found.sort((a, b) => a.token - b.token || number[a.event]! - number[b.event]!);
  return { variants: found.map(({ event }) => event), variantOf: number, perToken };
}

/** Fills in what the event of a record says. */
interface Filler {
  restore(record: Uint8Array, event: CanonicalEvent): void;
}

/** Takes a rest apart again, in step with a walk over the block. */
export class RecordRest implements Rest {
  readonly #block: Block;
  readonly #perToken: Uint32Array;
  /** The first variant of each token. */
  readonly #firsts: Float64Array;
  /** Where each variant's bytes begin, and behind the last one their end. */
  readonly #starts: Float64Array;
  readonly #bytes: Uint8Array;
  /** The numbers of each strand's variants. */
  readonly #numbers: readonly Uint8Array[];
  readonly #mask: Filler;
  /** Bytes of those numbers that an event of each token has. */
  readonly weights: Uint8Array;

  /** Throws DAMAGED where the numbers do not fit the block's. */
  constructor(bytes: Uint8Array, block: Block, mask: Filler) {
    const reader = new ByteReader(bytes);
    const counts = (length: number): Uint32Array =>
      Uint32Array.from({ length }, () => readCount(reader, bytes.length));
    this.#block = block;
    this.#mask = mask;
    this.#perToken = counts(block.shapeOf.length);
    this.#firsts = sums(this.#perToken);
    reader.need(this.#firsts.at(-1)!, 'the sizes of records');
    const sizes = counts(this.#firsts.at(-1)!);
    const lengths = counts(block.strands.length);
    this.#starts = sums(sizes);
    this.#bytes = reader.take(this.#starts.at(-1)!, 'the bytes of records');
    this.#numbers = Array.from(lengths, (length) => reader.take(length, 'the numbers of variants'));
    this.weights = Uint8Array.from(this.#perToken, (variants) => (variants > 256 ? 2 : variants > 1 ? 1 : 0));
  }

  /** The raw record of the event that the walk passed last; null where there is none. */
  record({ token, strand, pid, time, weighed }: Walk): Uint8Array | null {
    const variants = this.#perToken[token]!;
    const numbers = this.#numbers[strand]!;
    const at = weighed[strand]!;
    const which =
      variants <= 1
        ? 0
        : variants <= 256
          ? (numbers[at - 1] ?? variants)
          : (numbers[at - 2] ?? 0) + (numbers[at - 1] ?? 0xff) * 256;
    if (which >= variants) return null;
    const variant = this.#firsts[token]! + which;
    const record = this.#bytes.slice(this.#starts[variant]!, this.#starts[variant + 1]!);
    const { cpu } = this.#block.strands[strand]!;
    this.#mask.restore(record, { ...this.#block.token(token), pid, cpu, time });
    return record;
  }
}

/** What comes before each of some counts, and at the end their sum. Doubles, for damaged counts add up to more than 32 bits. */
function sums(counts: Uint32Array): Float64Array {
  const before = new Float64Array(counts.length + 1);
  counts.forEach((count, n) => (before[n + 1] = before[n]! + count));
  return before;
}

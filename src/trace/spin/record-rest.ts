import { ByteReader } from '../../base/byte-reader.ts';
import { readCount, VarintWriter } from '../../blocks/varint.ts';
import type { BlockEvents } from '../../blocks/block.ts';
import type { BuiltBlock } from '../../blocks/build-block.ts';
import type { DecodeRow, FieldPlace } from '../../mapping/decode-row.ts';

// What raw records hold beyond their events. Of each record what the event says (type, pid, address, value) is blanked; what
// then remains is mostly the same for all records of a token, and kept once. Numbers are varints:
//
//   for each token    number of its variants
//   for each variant  its size
//   for each variant  its bytes
//   for each event of each strand, where its token has several variants: which one (1 byte; 2 where there are more than 256)

/** Raw records are stored without what their events say already. */
export class RecordMask {
  readonly #rows = new Map<number, DecodeRow>();

  constructor(rows: readonly DecodeRow[]) {
    for (const row of rows.slice(1)) this.#rows.set(row.type, row);
  }

  /** Blanks what `restore` can fill in. `kind`: the event's. */
  blank(record: Uint8Array, type: number, kind: number): void {
    record.fill(0, 0, 2);
    record.fill(0, 4, 8);
    for (const { at, size } of this.#places(record, type, kind)) record.fill(0, at, at + size);
  }

  restore(record: Uint8Array, event: { type: number; kind: number; pid: number; address: bigint; value: bigint }): void {
    const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
    view.setUint16(0, event.type, true);
    view.setInt32(4, event.pid, true);
    for (const { at, size, from } of this.#places(record, event.type, event.kind)) {
      let rest = BigInt.asUintN(64, from === 'address' ? event.address : event.value);
      if (from === 'high') rest >>= 32n;
      for (let n = 0; n < size; n++, rest >>= 8n) record[at + n] = Number(rest & 0xffn);
    }
  }

  /** The fields that an event holds whole. */
  #places(record: Uint8Array, type: number, kind: number): (FieldPlace & { from: 'address' | 'value' | 'high' })[] {
    const row = this.#rows.get(type);
    if (!row || row.kind !== kind || kind === 0 || record.length < row.minSize) return [];
    const { address, value, high } = row;
    const isHalved = high.size > 0;
    return [
      { ...address, from: 'address' as const },
      ...(isHalved && value.size > 4 ? [] : [{ ...value, from: 'value' as const }]),
      ...(high.size > 4 ? [] : [{ ...high, from: 'high' as const }]),
    ].filter(({ at, size }) => size > 0 && at + size <= record.length);
  }
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
  for (const n of variants) out.append(bytes.subarray(starts[n]!, starts[n + 1]!));
  for (const events of eventsByStrand(block.strandOf)) {
    for (const n of events) {
      const count = perToken[block.tokenOf[n]!]!;
      if (count > 1) out.byte(variantOf[n]! & 0xff);
      if (count > 256) out.byte(variantOf[n]! >>> 8);
    }
  }
  return out.bytes;
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
    for (let at = starts[n]!, end = starts[n + 1]!; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
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

/** Takes a rest apart again. */
export class RecordRest {
  readonly #bytes: Uint8Array;
  readonly #starts: readonly number[];
  /** The first variant of each token. */
  readonly #firsts: readonly number[];
  readonly #variantOf: Uint16Array;
  readonly #tokenOf: Uint16Array;

  /** `tokens` and `strands`: how many the block has. Throws DAMAGED where the numbers do not fit the block's. */
  constructor(bytes: Uint8Array, { tokens: tokenOf, strands: strandOf, count }: BlockEvents, tokens: number) {
    const reader = new ByteReader(bytes);
    const perToken = Array.from({ length: tokens }, () => readCount(reader, bytes.length));
    let total = 0;
    this.#firsts = perToken.map((variants) => (total += variants) - variants);
    if (total > bytes.length) reader.need(total, 'the variants of records');
    let at = 0;
    const sizes = Array.from({ length: total }, () => readCount(reader, bytes.length));
    this.#starts = [...sizes.map((size) => (at += size) - size), at];
    this.#bytes = reader.take(at, 'the bytes of records');
    this.#tokenOf = tokenOf;
    this.#variantOf = new Uint16Array(count);
    for (const events of eventsByStrand(strandOf.subarray(0, count))) {
      for (const n of events) {
        const variants = perToken[tokenOf[n]!]!;
        if (variants > 1) this.#variantOf[n] = reader.u8();
        if (variants > 256) this.#variantOf[n]! |= reader.u8() << 8;
        if (variants > 0 && this.#variantOf[n]! >= variants) reader.need(Infinity, 'a variant');
      }
    }
  }

  /** A copy of the blanked record of event `n`. */
  record(n: number): Uint8Array {
    const variant = this.#firsts[this.#tokenOf[n]!]! + this.#variantOf[n]!;
    return this.#bytes.slice(this.#starts[variant]!, this.#starts[variant + 1]!);
  }
}

/** The events of each strand, strands by number. A task's own path through the kernel repeats itself more than the CPUs' mixture. */
function eventsByStrand(strandOf: Uint16Array): number[][] {
  const strands = strandOf.reduce((most, strand) => Math.max(most, strand + 1), 0);
  const lists = Array.from({ length: strands }, (): number[] => []);
  strandOf.forEach((strand, n) => lists[strand]!.push(n));
  return lists;
}

import * as L from '../../assembly/layout.ts';
import type { BlockLane, Strand, Token } from './block.ts';
import type { Items, Label } from './items.ts';
import { VarintWriter } from './varint.ts';

/** What the lanes delivered whose events are merged in blocks: raw pages, canonical records, or perf's samples. */
export type BlocksOf = 'pages' | 'records' | 'samples';

/** A block that was made of items. */
export interface BuiltBlock {
  /** Everything in front of the words, and the words (assembly/layout.ts, BLOCK_*). */
  readonly head: Uint8Array;
  readonly words: Uint8Array;
  /** Numbers of each event's token and strand. */
  readonly tokenOf: Uint16Array;
  readonly strandOf: Uint16Array;
  readonly tokens: number;
  readonly strands: number;
  /** Lanes that have events in the block, and where the first one of each lies. */
  readonly lanes: readonly { readonly lane: number; readonly offset: number }[];
  readonly cpus: readonly number[];
  /** Every class of lock that labels name, and one event that does; 0n is none. */
  readonly classes: ReadonlyMap<bigint, number>;
}

/** What reading a lane came upon since the last block. */
export type LaneTally = Omit<BlockLane, 'offset'>;

/** The most events that a block holds, and the bytes of the largest one. */
export const BLOCK_EVENTS: number = L.BLOCK_EVENT_LIMIT;
export const BLOCK_BYTES: number = L.BLOCK_WINDOW;

/** Bytes of a word's fields that are loaded as 64 bits from the last byte on. */
const SPARE = 8;
/** What an exception costs about, in bits: event, place, amount. */
const EXCEPTION_BITS = 48;

/**
 * Makes a block of up to BLOCK_EVENT_LIMIT events in merged order. `of`: what their lanes deliver. Every event comes out of
 * it as it went in, its raw place in the window apart.
 */
export function buildBlock(items: Items, of: BlocksOf, tallies: readonly LaneTally[]): BuiltBlock {
  const { tokens, tokenOf, firsts } = findTokens(items, of);
  const { lanes, begun, strands, strandOf } = findStrands(items, tallies);
  const strandBits = bitsFor(strands.length);
  const tokenBits = bitsFor(tokens.length);
  const timeBits = bestTimeBits(items, strandBits + tokenBits);
  const words = new Bits(items.count * (timeBits + strandBits + tokenBits));
  const exceptions = new Exceptions();
  const pids = strands.map(({ pid }) => pid);
  const offsets = lanes.map(({ offset }) => offset);
  for (let n = 0; n < items.count; n++) {
    const strand = strandOf[n]!;
    const token = tokenOf[n]!;
    const { lane } = strands[strand]!;
    let delta = n === 0 ? 0 : items.delta(n);
    if (delta < 0 || delta >= 2 ** timeBits) {
      exceptions.add(n, L.EXCEPTION_TIME, 0, items.time(n) - items.time(n - 1));
      delta = 0;
    }
    const pid = items.pid(n);
    if (pid !== pids[strand]) {
      exceptions.add(n, L.EXCEPTION_PID, strand, BigInt(pid));
      pids[strand] = pid;
    }
    const offset = items.offset(n);
    if (offset !== offsets[lane])
      exceptions.add(n, L.EXCEPTION_POSITION, lane, BigInt(offset - offsets[lane]!));
    offsets[lane] = offset + tokens[token]!.step;
    words.put(delta, timeBits);
    words.put(strand, strandBits);
    words.put(token, tokenBits);
  }
  const body = encodeTokens(tokens);
  const head = new Uint8Array(
    L.BLOCK_HEADER +
      lanes.length * L.DUE_SIZE +
      strands.length * L.STRAND_SIZE +
      body.shapes.length +
      body.labels.length +
      body.varints.length +
      exceptions.bytes.length,
  );
  const view = new DataView(head.buffer);
  view.setUint32(L.BLOCK_EVENTS, items.count, true);
  view.setUint32(L.BLOCK_LANES, lanes.length, true);
  view.setUint32(L.BLOCK_STRANDS, strands.length, true);
  view.setUint32(L.BLOCK_SHAPES, body.shapes.length / L.SHAPE_SIZE, true);
  view.setUint32(L.BLOCK_LABELS, body.labels.length / L.LABEL_SIZE, true);
  view.setUint32(L.BLOCK_TOKENS, tokens.length, true);
  view.setUint32(L.BLOCK_TOKEN_BYTES, body.varints.length, true);
  view.setUint32(L.BLOCK_EXCEPTION_BYTES, exceptions.bytes.length, true);
  view.setUint32(L.BLOCK_WORD_BYTES, words.bytes.length, true);
  view.setBigUint64(L.BLOCK_TIME, items.count > 0 ? items.time(0) : 0n, true);
  view.setUint8(L.BLOCK_TIME_BITS, timeBits);
  view.setUint8(L.BLOCK_STRAND_BITS, strandBits);
  view.setUint8(L.BLOCK_TOKEN_BITS, tokenBits);
  let at = L.BLOCK_HEADER;
  for (const lane of lanes) at = writeLane(view, at, lane);
  for (const strand of strands) at = writeStrand(view, at, strand);
  for (const part of [body.shapes, body.labels, body.varints, exceptions.bytes]) {
    head.set(part, at);
    at += part.length;
  }
  return {
    head,
    words: words.bytes,
    tokenOf,
    strandOf,
    tokens: tokens.length,
    classes: new Map(tokens.map(({ label }, n) => [label.class, firsts[n]!])),
    strands: strands.length,
    lanes: lanes.filter((_, n) => begun.has(n)).map(({ lane, offset }) => ({ lane, offset })),
    cpus: [...new Set(strands.map(({ cpu }) => cpu))],
  };
}

/** Bits that hold every number below `count`. */
function bitsFor(count: number): number {
  return count <= 1 ? 0 : 32 - Math.clz32(count - 1);
}

/** The width of times that makes the block smallest, longer ones being exceptions. */
function bestTimeBits(items: Items, otherBits: number): number {
  const widths = new Uint32Array(65);
  for (let n = 1; n < items.count; n++) {
    const delta = items.delta(n);
    widths[delta < 0 ? 64 : delta < 2 ** 32 ? 32 - Math.clz32(delta) : 33]!++;
  }
  const most = Math.min(L.BLOCK_TIME_BITS_LIMIT, L.BLOCK_WORD_BITS_LIMIT - otherBits);
  let best = { bits: most, cost: Infinity };
  let longer = widths.subarray(most + 1).reduce((sum, count) => sum + count, 0);
  for (let bits = most; bits >= 0; bits--) {
    const cost = bits * items.count + longer * EXCEPTION_BITS;
    if (cost < best.cost) best = { bits, cost };
    longer += widths[bits]!;
  }
  return best.bits;
}

/** The distinct tokens, neighbours in address next to each other, each event's, and the first event of each. */
function findTokens(items: Items, of: BlocksOf): { tokens: Token[]; tokenOf: Uint16Array; firsts: number[] } {
  const size = 2 ** bitsFor(4 * items.count + 1);
  const slots = new Int32Array(size).fill(-1);
  const found: number[] = [];
  const numbers = new Uint16Array(items.count);
  for (let n = 0; n < items.count; n++) {
    let slot = items.hash(n) & (size - 1);
    while (slots[slot]! >= 0 && !items.isSame(found[slots[slot]!]!, n)) slot = (slot + 1) & (size - 1);
    if (slots[slot]! < 0) slots[slot] = found.push(n) - 1;
    numbers[n] = slots[slot]!;
  }
  const tokens = found.map((n, number) => ({ number, token: tokenOf(items, n, of) }));
  tokens.sort((a, b) => compareTokens(a.token, b.token));
  const rank = new Uint16Array(tokens.length);
  tokens.forEach(({ number }, n) => (rank[number] = n));
  return {
    tokens: tokens.map(({ token }) => token),
    tokenOf: numbers.map((number) => rank[number]!),
    firsts: tokens.map(({ number }) => found[number]!),
  };
}

function tokenOf(items: Items, n: number, of: BlocksOf): Token {
  const kindAndBit = items.kindAndBit(n);
  const flagsAndType = items.flagsAndType(n);
  return {
    kind: kindAndBit & 0xff,
    bit: kindAndBit >>> 8,
    flags: flagsAndType & 0xffff,
    type: flagsAndType >>> 16,
    step: stepOf(of, items.recordSize(n)),
    address: items.address(n),
    value: items.value(n),
    label: items.label(n),
  };
}

/**
 * From an event's position to the next one's of its lane, as it is mostly. From a record of a page: its padding, and the next one's
 * event word. From a sample: its size, for in samples alike the raw record lies at the same place.
 */
function stepOf(of: BlocksOf, recordSize: number): number {
  if (of === 'records') return L.EVENT_SIZE;
  const step = of === 'samples' ? recordSize : ((recordSize + 3) & ~3) + 4;
  return recordSize === 0 || step > 0xffff ? 0 : step;
}

function compareTokens(a: Token, b: Token): number {
  if (a.address !== b.address) return a.address < b.address ? -1 : 1;
  if (a.value !== b.value) return a.value < b.value ? -1 : 1;
  const byShape = a.type - b.type || a.flags - b.flags || a.kind - b.kind || a.bit - b.bit || a.step - b.step;
  if (byShape !== 0) return byShape;
  if (a.label.site !== b.label.site) return a.label.site < b.label.site ? -1 : 1;
  return a.label.class < b.label.class ? -1 : 1;
}

/** The CPUs of each lane, and each event's. */
function findStrands(
  items: Items,
  tallies: readonly LaneTally[],
): { lanes: BlockLane[]; begun: Set<number>; strands: Strand[]; strandOf: Uint16Array } {
  const lanes = tallies.map((tally) => ({ ...tally, offset: 0 }));
  const laneNumbers = new Map(lanes.map(({ lane }, n) => [lane, n]));
  const begun = new Set<number>();
  const strands: Strand[] = [];
  const numbers = new Map<number, number>();
  const strandOf = new Uint16Array(items.count);
  let [lastKey, lastNumber] = [-1, 0];
  for (let n = 0; n < items.count; n++) {
    const key = items.lane(n) * 0x10000 + items.cpu(n);
    if (key !== lastKey) {
      let number = numbers.get(key);
      if (number === undefined) {
        let lane = laneNumbers.get(items.lane(n));
        if (lane === undefined) {
          lane = lanes.push({ ...NOTHING_MET, lane: items.lane(n), offset: 0 }) - 1;
          laneNumbers.set(items.lane(n), lane);
        }
        if (!begun.has(lane)) lanes[lane]!.offset = items.offset(n);
        begun.add(lane);
        number = strands.push({ cpu: items.cpu(n), pid: items.pid(n), lane }) - 1;
        numbers.set(key, number);
      }
      [lastKey, lastNumber] = [key, number];
    }
    strandOf[n] = lastNumber;
  }
  return { lanes, begun, strands, strandOf };
}

/** For a lane of which nothing is to be told. */
const NOTHING_MET = { events: 0n, firstBad: 0n, pages: 0, badPages: 0, badEvents: 0, backwards: 0 };

function writeLane(view: DataView, at: number, lane: BlockLane): number {
  view.setBigUint64(at + L.DUE_POSITION, (BigInt(lane.lane) << 48n) | BigInt(lane.offset), true);
  view.setBigUint64(at + L.DUE_EVENTS, lane.events, true);
  view.setBigUint64(at + L.DUE_FIRST_BAD, lane.firstBad, true);
  view.setUint32(at + L.DUE_PAGES, lane.pages, true);
  view.setUint32(at + L.DUE_BAD_PAGES, lane.badPages, true);
  view.setUint32(at + L.DUE_BAD_EVENTS, lane.badEvents, true);
  view.setUint32(at + L.DUE_BACKWARDS, lane.backwards, true);
  return at + L.DUE_SIZE;
}

function writeStrand(view: DataView, at: number, { cpu, pid, lane }: Strand): number {
  view.setUint16(at + L.STRAND_HEAD + 2, cpu, true);
  view.setInt32(at + L.STRAND_HEAD + 4, pid, true);
  view.setUint32(at + L.STRAND_LANE, lane, true);
  return at + L.STRAND_SIZE;
}

function encodeTokens(tokens: readonly Token[]): {
  shapes: Uint8Array;
  labels: Uint8Array;
  varints: Uint8Array;
} {
  const shapes: Token[] = [];
  const numbers = new Map<string, number>();
  const varints = new VarintWriter();
  for (const token of tokens) {
    const key = [token.kind, token.bit, token.flags, token.type, token.step].join();
    let number = numbers.get(key);
    if (number === undefined) numbers.set(key, (number = shapes.push(token) - 1));
    varints.count(number);
  }
  tokens.forEach(({ address }, n) => varints.signed(address - (tokens[n - 1]?.address ?? 0n)));
  for (const { value } of tokens) varints.unsigned(value);
  const labels = findLabels(tokens);
  if (labels.size > 0) for (const { label } of tokens) varints.count(labels.get(keyOf(label))?.number ?? 0);
  return { shapes: encodeShapes(shapes), labels: encodeLabels([...labels.values()]), varints: varints.bytes };
}

/** The distinct labels, numbered from 1; that of nothing is none. */
function findLabels(tokens: readonly Token[]): Map<string, Label & { readonly number: number }> {
  const labels = new Map<string, Label & { readonly number: number }>();
  for (const { label } of tokens) {
    if (label.class === 0n && label.site === 0n) continue;
    const key = keyOf(label);
    if (!labels.has(key)) labels.set(key, { ...label, number: labels.size + 1 });
  }
  return labels;
}

function keyOf({ class: name, site }: Label): string {
  return `${name}:${site}`;
}

function encodeLabels(labels: readonly Label[]): Uint8Array {
  const bytes = new Uint8Array(labels.length * L.LABEL_SIZE);
  const view = new DataView(bytes.buffer);
  labels.forEach(({ class: name, site }, n) => {
    view.setBigUint64(n * L.LABEL_SIZE + L.LABEL_CLASS, name, true);
    view.setBigUint64(n * L.LABEL_SIZE + L.LABEL_SITE, site, true);
  });
  return bytes;
}

function encodeShapes(shapes: readonly Token[]): Uint8Array {
  const bytes = new Uint8Array(shapes.length * L.SHAPE_SIZE);
  const view = new DataView(bytes.buffer);
  shapes.forEach(({ kind, bit, flags, type, step }, n) => {
    const at = n * L.SHAPE_SIZE;
    view.setUint8(at + L.SHAPE_KIND, kind);
    view.setUint8(at + L.SHAPE_BIT, bit);
    view.setUint16(at + L.SHAPE_FLAGS, flags, true);
    view.setUint16(at + L.SHAPE_TYPE, type, true);
    view.setUint16(at + L.SHAPE_STEP, step, true);
  });
  return bytes;
}

class Exceptions {
  readonly #varints = new VarintWriter();
  #last = 0;

  get bytes(): Uint8Array {
    return this.#varints.bytes;
  }

  add(event: number, what: number, place: number, amount: bigint): void {
    this.#varints.count(event - this.#last);
    this.#varints.count(place * 4 + what);
    this.#varints.signed(amount);
    this.#last = event;
  }
}

/** Fields of up to 32 bits, one behind the other from bit 0 up. */
class Bits {
  readonly bytes: Uint8Array;
  #at = 0;

  constructor(bits: number) {
    this.bytes = new Uint8Array(Math.ceil(bits / 8) + SPARE);
  }

  put(value: number, width: number): void {
    let rest = value;
    for (let left = width; left > 0;) {
      const shift = this.#at & 7;
      const room = Math.min(8 - shift, left);
      this.bytes[this.#at >>> 3]! |= (rest & ((1 << room) - 1)) << shift;
      rest >>>= room;
      left -= room;
      this.#at += room;
    }
  }
}

import * as L from '../../assembly/layout.ts';
import { ByteReader } from '../base/byte-reader.ts';
import { SpinbackError } from '../base/errors.ts';
import { NO_LABEL, type Label } from './items.ts';
import { readCount, readVarint, signed } from './varint.ts';

/** What reading a lane came upon within a block, and where its first event in it lies (assembly/layout.ts, DUE_*). */
export interface BlockLane {
  readonly lane: number;
  readonly offset: number;
  readonly events: bigint;
  readonly firstBad: bigint;
  readonly pages: number;
  readonly badPages: number;
  readonly badEvents: number;
  readonly backwards: number;
}

/** A CPU of a lane, with the task that runs there when the block begins. */
export interface Strand {
  readonly cpu: number;
  readonly pid: number;
  /** Index into the block's lanes. */
  readonly lane: number;
}

/** What an event says apart from when, who, address and value. */
export interface Shape {
  readonly kind: number;
  readonly bit: number;
  readonly flags: number;
  readonly type: number;
  /** Bytes from such an event's position to that of its lane's next event. */
  readonly step: number;
}

/** What an event says apart from when and who. */
export interface Token extends Shape {
  readonly address: bigint;
  readonly value: bigint;
  readonly label: Label;
}

/** Widths of a word's fields. */
type WordBits = readonly [time: number, strand: number, token: number];

/**
 * One block of a .spin container, unpacked (assembly/layout.ts, BLOCK_*): for the twin, and for going back to single
 * events. Every read is bounded; numbers that cannot be throw DAMAGED.
 */
export class Block {
  readonly eventCount: number;
  /** What the first event's time counts from. */
  readonly time: bigint;
  readonly lanes: readonly BlockLane[];
  readonly strands: readonly Strand[];
  /** The shape of each token. */
  readonly shapeOf: readonly Shape[];
  #addresses: BigUint64Array | null = null;
  #values: BigUint64Array | null = null;
  /** The number of each token's label, 0 for none. */
  #labelOf: Uint32Array | null = null;
  readonly #labels: readonly Label[];
  /** The tokens' addresses, values and labels. */
  readonly #varints: Uint8Array;
  readonly #exceptions: Uint8Array;
  readonly #words: Uint8Array;
  readonly #bits: WordBits;

  constructor(bytes: Uint8Array) {
    const reader = new ByteReader(bytes);
    const counts = Array.from({ length: 8 }, () => reader.u32('a block'));
    const [events, lanes, strands, shapes, tokens, tokenBytes, exceptionBytes, wordBytes] = counts;
    this.time = reader.u64('a block');
    this.#bits = [reader.u8('a block'), reader.u8('a block'), reader.u8('a block')];
    reader.take(L.BLOCK_LABELS - reader.position, 'a block');
    const labels = reader.u32('a block');
    this.eventCount = events!;
    const width = this.#bits.reduce((sum, bits) => sum + bits);
    const fits =
      this.#bits[0] <= L.BLOCK_TIME_BITS_LIMIT &&
      this.#bits[1] <= L.BLOCK_NUMBER_BITS_LIMIT &&
      this.#bits[2] <= L.BLOCK_NUMBER_BITS_LIMIT &&
      width <= L.BLOCK_WORD_BITS_LIMIT;
    if (!fits || events! > L.BLOCK_EVENT_LIMIT || tokens! > L.BLOCK_EVENT_LIMIT) throw impossible(reader);
    const stretch = (size: number): ByteReader =>
      new ByteReader(reader.take(size, 'a block'), true, reader.base + reader.position - size);
    const laneBytes = stretch(lanes! * L.DUE_SIZE);
    const strandBytes = stretch(strands! * L.STRAND_SIZE);
    const shapeBytes = stretch(shapes! * L.SHAPE_SIZE);
    const labelBytes = stretch(labels * L.LABEL_SIZE);
    const varints = stretch(tokenBytes!);
    this.#exceptions = reader.take(exceptionBytes!, 'a block');
    this.#words = reader.take(wordBytes!, 'a block');
    if (Math.ceil((events! * width) / 8) + 8 > wordBytes!) throw impossible(reader);
    this.#labels = readLabels(labelBytes, labels);
    this.shapeOf = readTokenShapes(varints, tokens!, readShapes(shapeBytes, shapes!));
    this.#varints = varints.take(varints.remaining, 'tokens');
    this.lanes = Array.from({ length: lanes! }, () => readLane(laneBytes));
    this.strands = Array.from({ length: strands! }, () => readStrand(strandBytes, lanes!));
  }

  /** Reads what the tokens say besides their shapes. Throws DAMAGED where that cannot be read. */
  readTokens(): void {
    if (this.#addresses) return;
    const reader = new ByteReader(this.#varints);
    const [addresses, values] = [
      new BigUint64Array(this.shapeOf.length),
      new BigUint64Array(this.shapeOf.length),
    ];
    let address = 0n;
    for (let n = 0; n < addresses.length; n++) addresses[n] = address += signed(readVarint(reader));
    for (let n = 0; n < values.length; n++) values[n] = readVarint(reader);
    const labelOf = new Uint32Array(this.shapeOf.length);
    if (this.#labels.length > 0)
      for (let n = 0; n < labelOf.length; n++) labelOf[n] = readCount(reader, this.#labels.length);
    [this.#addresses, this.#values, this.#labelOf] = [addresses, values, labelOf];
  }

  /** What the events of token `n` say. Throws DAMAGED where the tokens cannot be read. */
  token(n: number): Token {
    this.readTokens();
    const label = this.#labels[this.#labelOf![n]! - 1] ?? NO_LABEL;
    return { ...this.shapeOf[n]!, address: this.#addresses![n]!, value: this.#values![n]!, label };
  }

  /** A walk over the events, from the first one on. `weights`: by token, for Walk.weighed. */
  walk(weights?: Uint8Array | null): Walk {
    const weighing = weights ?? new Uint8Array(this.shapeOf.length);
    return new Walk(this, this.#bits, this.#words, this.#exceptions, weighing);
  }
}

/** Goes over the events of a block, one after the other, without an object for each. The fields are those of event `n`. */
export class Walk {
  /** -1 before the first event. */
  n = -1;
  token = 0;
  strand = 0;
  /** Index into the block's lanes; -1 when a search has found nothing. */
  lane = 0;
  /** In the event's lane. */
  offset = 0;
  pid = 0;
  /** Time since the block's: by the words, and beyond them. */
  #elapsed = 0;
  #leap = 0n;
  readonly #time: bigint;
  /** By strand: the weights of the tokens of all events up to this one, added up. */
  readonly weighed: Uint32Array;
  readonly #count: number;
  readonly #bits: WordBits;
  /** Words of 32 bits, two spare ones at the end. */
  readonly #words: Uint32Array;
  readonly #exceptions: Exceptions;
  readonly #laneOf: Uint32Array;
  readonly #pids: Int32Array;
  readonly #steps: Uint16Array;
  readonly #offsets: Float64Array;
  readonly #weights: Uint8Array;

  constructor(block: Block, bits: WordBits, words: Uint8Array, exceptions: Uint8Array, weights: Uint8Array) {
    this.#count = block.eventCount;
    this.#time = block.time;
    this.#bits = bits;
    this.#words = new Uint32Array((words.length >>> 2) + 2);
    new Uint8Array(this.#words.buffer).set(words);
    this.#exceptions = new Exceptions(exceptions, block.eventCount);
    this.#laneOf = Uint32Array.from(block.strands, ({ lane }) => lane);
    this.#pids = Int32Array.from(block.strands, ({ pid }) => pid);
    this.#steps = Uint16Array.from(block.shapeOf, ({ step }) => step);
    this.#offsets = Float64Array.from(block.lanes, ({ offset }) => offset);
    this.weighed = new Uint32Array(block.strands.length);
    this.#weights = weights;
  }

  /** Something in the block is impossible: the walk ends in front of it. */
  get isBroken(): boolean {
    return this.#exceptions.isBroken;
  }

  /** When the event happened, ns. */
  get time(): bigint {
    return BigInt.asUintN(64, this.#time + BigInt(this.#elapsed) + this.#leap);
  }

  /** Offset of a lane's next event, if it is where it is expected. */
  nextOffset(lane: number): number {
    return this.#offsets[lane]!;
  }

  /** Moves on to the next event; false when there is none. */
  next(): boolean {
    return this.seek(ANY_LANE, 0);
  }

  /**
   * Moves on to the next event of a lane that lies at `offset` or behind it; false when there is none. One loop without calls, for it
   * goes over thousands of events on its way to one, and not often enough to be optimized.
   */
  seek(lane: number, offset: number): boolean {
    const [words, exceptions, weights, weighed] = [
      this.#words,
      this.#exceptions,
      this.#weights,
      this.weighed,
    ];
    const [laneOf, steps, offsets] = [this.#laneOf, this.#steps, this.#offsets];
    const [timeBits, strandBits, tokenBits] = this.#bits;
    const [timeMask, strandMask, tokenMask] = [maskOf(timeBits), maskOf(strandBits), maskOf(tokenBits)];
    const width = timeBits + strandBits + tokenBits;
    const [strands, tokens] = [laneOf.length, steps.length];
    for (let n = this.n + 1; n < this.#count; n++) {
      while (exceptions.at === n) this.#except();
      // 32 bits from any bit on lie in two words; of a shift by 32 only its low five bits would count.
      let at = n * width;
      let [word, shift] = [at >>> 5, at & 31];
      const low = (words[word]! >>> shift) | ((words[word + 1]! << 1) << (31 - shift));
      at += timeBits;
      [word, shift] = [at >>> 5, at & 31];
      const high = (words[word]! >>> shift) | ((words[word + 1]! << 1) << (31 - shift));
      const strand = high & strandMask;
      const token = (high >>> strandBits) & tokenMask;
      if (strand >= strands || token >= tokens) exceptions.isBroken = true;
      if (exceptions.isBroken) break;
      const here = laneOf[strand]!;
      const found = offsets[here]!;
      this.n = n;
      this.#elapsed += (low & timeMask) >>> 0;
      offsets[here] = found + steps[token]!;
      weighed[strand]! += weights[token]!;
      if (lane !== here && lane !== ANY_LANE) continue;
      if (found < offset) continue;
      this.token = token;
      this.strand = strand;
      this.lane = here;
      this.pid = this.#pids[strand]!;
      this.offset = found;
      return true;
    }
    // It has passed events: the fields are of none.
    this.lane = ANY_LANE;
    return false;
  }

  #except(): void {
    const { what, place, amount } = this.#exceptions.take();
    if (what === L.EXCEPTION_TIME) this.#leap += amount;
    else if (what === L.EXCEPTION_PID && place < this.#pids.length)
      this.#pids[Number(place)] = Number(BigInt.asIntN(32, amount));
    else if (what === L.EXCEPTION_POSITION && place < this.#offsets.length) {
      const offset = BigInt.asUintN(64, BigInt(this.#offsets[Number(place)]!) + amount);
      if (offset >= OFFSET_LIMIT) this.#exceptions.isBroken = true;
      else this.#offsets[Number(place)] = Number(offset);
    } else this.#exceptions.isBroken = true;
  }
}

// For next(), and for a walk that stands on no event: no lane has this number.
const ANY_LANE = -1;

function maskOf(bits: number): number {
  return bits === 32 ? -1 : (1 << bits) - 1;
}

/** What offsets, and numbers of events, are below. */
export const OFFSET_LIMIT = 1n << BigInt(L.BLOCK_OFFSET_BITS);

function impossible(reader: ByteReader): SpinbackError {
  return new SpinbackError('DAMAGED', 'a block with impossible numbers', { offset: reader.offset });
}

function readLane(reader: ByteReader): BlockLane {
  const position = reader.u64();
  const lane = {
    lane: Number(position >> 48n),
    offset: Number(BigInt.asUintN(48, position)),
    events: reader.u64(),
    firstBad: reader.u64(),
    pages: reader.u32(),
    badPages: reader.u32(),
    badEvents: reader.u32(),
    backwards: reader.u32(),
  };
  if ([lane.offset, lane.events, lane.firstBad].some((number) => number >= OFFSET_LIMIT))
    throw impossible(reader);
  return lane;
}

function readStrand(reader: ByteReader, lanes: number): Strand {
  reader.u16();
  const strand = { cpu: reader.u16(), pid: reader.i32(), lane: reader.u32() };
  reader.u32();
  if (strand.lane >= lanes) throw impossible(reader);
  return strand;
}

function readShapes(reader: ByteReader, count: number): Shape[] {
  return Array.from({ length: count }, () => ({
    kind: reader.u8(),
    bit: reader.u8(),
    flags: reader.u16(),
    type: reader.u16(),
    step: reader.u16(),
  }));
}

function readLabels(reader: ByteReader, count: number): Label[] {
  return Array.from({ length: count }, () => ({ class: reader.u64(), site: reader.u64() }));
}

function readTokenShapes(reader: ByteReader, count: number, shapes: readonly Shape[]): Shape[] {
  return Array.from({ length: count }, () => {
    const shape = shapes[Number(readVarint(reader))];
    if (!shape) throw impossible(reader);
    return shape;
  });
}

/** The exceptions of a block in order, each of one of its events; once one is impossible there are no more. */
class Exceptions {
  readonly #reader: ByteReader;
  readonly #events: number;
  /** Event of the next one; Infinity when there is none. */
  at = 0;
  isBroken = false;

  constructor(bytes: Uint8Array, events: number) {
    this.#reader = new ByteReader(bytes);
    this.#events = events;
    this.#next();
  }

  take(): { readonly what: number; readonly place: bigint; readonly amount: bigint } {
    const code = this.#varint();
    const amount = signed(this.#varint());
    this.#next();
    return { what: Number(code & 3n), place: code >> 2n, amount };
  }

  #next(): void {
    const isLast = this.#reader.remaining === 0;
    this.at = isLast ? Infinity : this.at + Number(this.#varint());
    if (!isLast && this.at >= this.#events) this.isBroken = true;
  }

  #varint(): bigint {
    try {
      return readVarint(this.#reader);
    } catch {
      this.isBroken = true;
      this.#reader.position = this.#reader.length;
      return 0n;
    }
  }
}

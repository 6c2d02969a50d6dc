import * as L from '../../assembly/layout.ts';
import { ByteReader } from '../base/byte-reader.ts';
import { SpinbackError } from '../base/errors.ts';
import { readVarint, signed } from './varint.ts';

/** What reading a lane came upon within a block, and where its first event in it lies (assembly/layout.ts, BLOCK_LANE_*). */
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

/** What an event says apart from when and who. */
export interface Token {
  readonly kind: number;
  readonly bit: number;
  readonly flags: number;
  readonly type: number;
  /** Bytes from such an event's position to that of its lane's next event. */
  readonly step: number;
  readonly address: bigint;
  readonly value: bigint;
}

/** The events of a block in columns; all of the same length. */
export interface BlockEvents {
  readonly count: number;
  /** Indices into the block's tokens and strands. */
  readonly tokens: Uint16Array;
  readonly strands: Uint16Array;
  readonly pids: Int32Array;
  /** Offset in the event's lane. */
  readonly offsets: Float64Array;
  /** Time since the event before, by the words alone, and beyond them: what exceptions add, by event. */
  readonly deltas: Uint32Array;
  readonly leaps: ReadonlyMap<number, bigint>;
  /** Something in the block was impossible: events behind it are left out. */
  readonly isBroken: boolean;
}

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
  readonly tokens: readonly Token[];
  readonly #exceptions: ByteReader;
  readonly #words: Uint8Array;
  readonly #bits: readonly [time: number, strand: number, token: number];

  constructor(bytes: Uint8Array) {
    const reader = new ByteReader(bytes);
    const counts = Array.from({ length: 8 }, () => reader.u32('a block'));
    const [events, lanes, strands, shapes, tokens, tokenBytes, exceptionBytes, wordBytes] = counts;
    this.time = reader.u64('a block');
    this.#bits = [reader.u8('a block'), reader.u8('a block'), reader.u8('a block')];
    reader.take(L.BLOCK_HEADER - reader.position, 'a block');
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
    const laneBytes = stretch(lanes! * L.BLOCK_LANE_SIZE);
    const strandBytes = stretch(strands! * L.STRAND_SIZE);
    const shapeBytes = stretch(shapes! * L.SHAPE_SIZE);
    const varints = stretch(tokenBytes!);
    this.#exceptions = stretch(exceptionBytes!);
    this.#words = reader.take(wordBytes!, 'a block');
    if (Math.ceil((events! * width) / 8) + 8 > wordBytes!) throw impossible(reader);
    this.tokens = readTokens(varints, tokens!, readShapes(shapeBytes, shapes!));
    this.lanes = Array.from({ length: lanes! }, () => readLane(laneBytes));
    this.strands = Array.from({ length: strands! }, () => readStrand(strandBytes, lanes!));
  }

  /** Decodes the words. */
  events(): BlockEvents {
    const [timeBits, strandBits, tokenBits] = this.#bits;
    const width = timeBits + strandBits + tokenBits;
    const words = new Bits(this.#words);
    const exceptions = new Exceptions(this.#exceptions);
    const events = {
      tokens: new Uint16Array(this.eventCount),
      strands: new Uint16Array(this.eventCount),
      pids: new Int32Array(this.eventCount),
      offsets: new Float64Array(this.eventCount),
      deltas: new Uint32Array(this.eventCount),
      leaps: new Map<number, bigint>(),
    };
    const steps = Uint16Array.from(this.tokens, ({ step }) => step);
    const laneOf = Uint32Array.from(this.strands, ({ lane }) => lane);
    const pids = Int32Array.from(this.strands, ({ pid }) => pid);
    const offsets = Float64Array.from(this.lanes, ({ offset }) => offset);
    for (let n = 0; n < this.eventCount; n++) {
      while (exceptions.at === n) this.#except(exceptions, n, pids, offsets, events.leaps);
      const at = n * width;
      const strand = words.field(at + timeBits, strandBits);
      const token = words.field(at + timeBits + strandBits, tokenBits);
      if (exceptions.isBroken || strand >= laneOf.length || token >= steps.length)
        return { ...events, count: n, isBroken: true };
      const lane = laneOf[strand]!;
      events.deltas[n] = words.field(at, timeBits);
      events.strands[n] = strand;
      events.tokens[n] = token;
      events.pids[n] = pids[strand]!;
      events.offsets[n] = offsets[lane]!;
      offsets[lane]! += steps[token]!;
    }
    return { ...events, count: this.eventCount, isBroken: exceptions.isBroken };
  }

  #except(
    exceptions: Exceptions,
    n: number,
    pids: Int32Array,
    offsets: Float64Array,
    leaps: Map<number, bigint>,
  ): void {
    const { what, place, amount } = exceptions.take();
    if (what === L.EXCEPTION_TIME) leaps.set(n, (leaps.get(n) ?? 0n) + amount);
    else if (what === L.EXCEPTION_PID && place < pids.length)
      pids[Number(place)] = Number(BigInt.asIntN(32, amount));
    else if (what === L.EXCEPTION_POSITION && place < offsets.length) {
      const offset = BigInt.asUintN(64, BigInt(offsets[Number(place)]!) + amount);
      if (offset >= OFFSET_LIMIT) exceptions.isBroken = true;
      else offsets[Number(place)] = Number(offset);
    } else exceptions.isBroken = true;
  }
}

const OFFSET_LIMIT = 1n << BigInt(L.BLOCK_OFFSET_BITS);

function impossible(reader: ByteReader): SpinbackError {
  return new SpinbackError('DAMAGED', 'a block with impossible numbers', { offset: reader.offset });
}

function readLane(reader: ByteReader): BlockLane {
  const position = reader.u64();
  const offset = BigInt.asUintN(48, position);
  if (offset >= OFFSET_LIMIT) throw impossible(reader);
  return {
    lane: Number(position >> 48n),
    offset: Number(offset),
    events: reader.u64(),
    firstBad: reader.u64(),
    pages: reader.u32(),
    badPages: reader.u32(),
    badEvents: reader.u32(),
    backwards: reader.u32(),
  };
}

function readStrand(reader: ByteReader, lanes: number): Strand {
  reader.u16();
  const strand = { cpu: reader.u16(), pid: reader.i32(), lane: reader.u32() };
  reader.u32();
  if (strand.lane >= lanes) throw impossible(reader);
  return strand;
}

type Shape = Omit<Token, 'address' | 'value'>;

function readShapes(reader: ByteReader, count: number): Shape[] {
  return Array.from({ length: count }, () => ({
    kind: reader.u8(),
    bit: reader.u8(),
    flags: reader.u16(),
    type: reader.u16(),
    step: reader.u16(),
  }));
}

function readTokens(reader: ByteReader, count: number, shapes: readonly Shape[]): Token[] {
  const shapeOf = Array.from({ length: count }, () => {
    const shape = shapes[Number(readVarint(reader))];
    if (!shape) throw impossible(reader);
    return shape;
  });
  let address = 0n;
  const addresses = shapeOf.map(() => (address = BigInt.asUintN(64, address + signed(readVarint(reader)))));
  return shapeOf.map((shape, n) => ({ ...shape, address: addresses[n]!, value: readVarint(reader) }));
}

/** Fields of up to 32 bits at any bit. */
class Bits {
  readonly #view: DataView;

  /** `bytes` has 8 spare bytes at its end. */
  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  field(at: number, width: number): number {
    if (width === 0) return 0;
    const shift = at & 7;
    const low = this.#view.getUint32(at >>> 3, true) >>> shift;
    const high = shift === 0 ? 0 : this.#view.getUint8((at >>> 3) + 4) << (32 - shift);
    const all = (low | high) >>> 0;
    return width >= 32 ? all : all & ((1 << width) - 1);
  }
}

/** The exceptions of a block in order; once one is impossible there are no more. */
class Exceptions {
  readonly #reader: ByteReader;
  /** Event of the next one; Infinity when there is none. */
  at = 0;
  isBroken = false;

  constructor(reader: ByteReader) {
    this.#reader = new ByteReader(reader.bytes);
    this.#next();
  }

  take(): { readonly what: number; readonly place: bigint; readonly amount: bigint } {
    const code = this.#varint();
    const amount = signed(this.#varint());
    this.#next();
    return { what: Number(code & 3n), place: code >> 2n, amount };
  }

  #next(): void {
    this.at = this.#reader.remaining === 0 ? Infinity : this.at + Number(this.#varint());
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

import { SpinbackError } from '../base/errors.ts';

// An ftrace sub-buffer (Linux 6.12, kernel/trace/ring_buffer.c and include/linux/ring_buffer.h):
//
//    0           8            8+commitSize                        commit
//    | time u64 | commit     | event word [| array[0]] | data ... | [missed count] | unused |
//
// event word: type_len:5 | time_delta:27; the type is the low 5 bits on little-endian machines, the high ones on big-endian ones.

/** Shape of the sub-buffers of a capture. */
export interface PageShape {
  /** Bytes of a sub-buffer, a multiple of 8. */
  readonly pageSize: number;
  /** Bytes of `commit`: a long of the recorded kernel. */
  readonly commitSize: 8 | 4;
  readonly bigEndian?: boolean | undefined;
}

const TYPE_DATA_MAX = 28;
const TYPE_PADDING = 29;
const TYPE_TIME_EXTEND = 30;
const TYPE_TIME_STAMP = 31;
const DELTA_LIMIT = 1 << 27;
const COMMIT_MASK = 0xfffff;
const MISSED_EVENTS = 0x80000000;
const MISSED_STORED = 0x40000000;
const STAMP_MASK = (1n << 59n) - 1n;

/** How a PageWriter writes a time that is too far from the one before: as a delta or as an absolute stamp. */
export type LongTimes = 'extend' | 'absolute';

/** What a CPU's record amounts to. */
export interface PageCounts {
  events: number;
  /** Bytes of the events, their event words included. */
  bytes: number;
  firstTime: number;
  lastTime: number;
  /** Overwritten or otherwise missing events that were followed by others. */
  overrun: number;
  /** Events refused at the end. */
  dropped: number;
}

/** Sub-buffers that are still to be lost. */
interface LostPages {
  pages: number;
  readonly told: boolean;
  readonly onLost: (events: number, last: number) => void;
}

/** Packs the records of one CPU into sub-buffers. Times are ns (or cycles) relative to `origin`. */
export class PageWriter {
  readonly counts: PageCounts = {
    events: 0,
    bytes: 0,
    firstTime: NaN,
    lastTime: NaN,
    overrun: 0,
    dropped: 0,
  };
  readonly #emit: (page: Uint8Array) => void;
  readonly #page: Uint8Array;
  readonly #words: Int32Array;
  readonly #view: DataView;
  readonly #commitSize: number;
  readonly #littleEndian: boolean;
  readonly #origin: bigint;
  readonly #longTimes: LongTimes;
  /** Offset of the next event; 0: no page is open. */
  #used = 0;
  #limit = 0;
  #time = 0;
  #lost = 0;
  #told = true;
  /** Losses that the open page reports, and whether it counts them. */
  #missed = 0;
  #counted = true;
  /** Sub-buffers to lose, and what the open one holds so far. */
  #losing: LostPages | null = null;
  #open = { events: 0, bytes: 0 };

  /** `emit` gets every full page; the array is used again, so copy what you keep. */
  constructor(
    shape: PageShape,
    emit: (page: Uint8Array) => void,
    origin = 0n,
    longTimes: LongTimes = 'extend',
  ) {
    this.#emit = emit;
    this.#page = new Uint8Array(shape.pageSize);
    this.#words = new Int32Array(this.#page.buffer);
    this.#view = new DataView(this.#page.buffer);
    this.#commitSize = shape.commitSize;
    this.#littleEndian = !shape.bigEndian;
    this.#origin = origin;
    this.#longTimes = longTimes;
  }

  /**
   * Appends a record: the first `length` bytes of `record`. A time before the one of the last
   * record starts a new page, as no delta is negative. Throws RangeError for a record longer than a page.
   */
  add(time: number, record: Int32Array, length: number): void {
    const size = eventSize(length);
    if (this.#lost > 0) this.flush();
    if (this.#used > 0) {
      const delta = time - this.#time;
      const long = delta >= DELTA_LIMIT ? 8 : 0;
      if (delta < 0 || this.#used + long + size > this.#limit) this.flush();
      else if (long > 0) this.#longTime(delta, time);
    }
    if (this.#used === 0) {
      this.#begin(time);
      if (this.#used + size > this.#limit)
        throw new RangeError(`a record of ${length} bytes does not fit a page`);
    }
    const delta = time - this.#time;
    this.#put(delta, record, length);
    this.#time = time;
    this.#count(time, size);
  }

  /** Events were lost here; `told`: the next page says how many. */
  lost(count: number, told: boolean): void {
    this.#lost += count;
    this.#told &&= told;
  }

  /** Loses the next `pages` sub-buffers whole. `onLost` hears how many events each one held, and the time of the last. */
  losePages(pages: number, told: boolean, onLost: (events: number, last: number) => void): void {
    this.flush();
    this.#losing = { pages, told, onLost };
  }

  /** Hands over the page that is open, unless it is to be lost. */
  flush(): void {
    if (this.#used === 0) return;
    if (this.#losing) {
      this.#lose(this.#losing);
      return;
    }
    const { start } = this;
    const commit = this.#used - start;
    let flags = 0;
    if (this.#missed > 0) {
      flags = MISSED_EVENTS;
      if (this.#counted) {
        flags |= MISSED_STORED;
        this.#long(this.#used, this.#missed);
        this.#used += this.#commitSize;
      }
      this.#missed = 0;
    }
    this.#long(8, (commit | flags) >>> 0);
    this.#page.fill(0, this.#used);
    this.#used = 0;
    this.#emit(this.#page);
  }

  /** Hands over the last page; losses without a later event count as dropped at the end. */
  finish(): void {
    this.flush();
    this.counts.dropped += this.#told ? this.#lost : 0;
    this.#lost = 0;
  }

  /** Offset of the data in a page. */
  get start(): number {
    return 8 + this.#commitSize;
  }

  #lose(losing: LostPages): void {
    const { events, bytes } = this.#open;
    this.counts.events -= events;
    this.counts.bytes -= bytes;
    losing.onLost(events, this.#time);
    // What the page would have said about losses before it is still to be said.
    this.counts.overrun -= this.#missed;
    this.lost(events + this.#missed, losing.told && (this.#missed === 0 || this.#counted));
    this.#missed = 0;
    this.#used = 0;
    if (--losing.pages === 0) this.#losing = null;
  }

  #begin(time: number): void {
    this.#view.setBigUint64(0, BigInt.asUintN(64, this.#origin + BigInt(time)), this.#littleEndian);
    this.#time = time;
    this.#open = { events: 0, bytes: 0 };
    this.#used = this.start;
    this.#limit = this.#page.length;
    if (this.#lost === 0) return;
    this.#missed = this.#lost;
    this.#counted = this.#told;
    this.counts.overrun += this.#lost;
    this.#lost = 0;
    this.#told = true;
    if (this.#counted) this.#limit -= this.#commitSize;
  }

  #longTime(delta: number, time: number): void {
    let type = TYPE_TIME_EXTEND;
    let low = delta % DELTA_LIMIT;
    let high = Math.floor(delta / DELTA_LIMIT);
    if (this.#longTimes === 'absolute') {
      const stamp = (this.#origin + BigInt(time)) & STAMP_MASK;
      type = TYPE_TIME_STAMP;
      low = Number(stamp % BigInt(DELTA_LIMIT));
      high = Number(stamp / BigInt(DELTA_LIMIT));
    }
    this.#header(type, low);
    this.#put32(high);
    this.#time = time;
  }

  /** An event word: its type and time delta. */
  #header(type: number, delta: number): void {
    this.#put32(this.#littleEndian ? (delta << 5) | type : (type << 27) | delta);
  }

  #put32(value: number): void {
    if (this.#littleEndian) this.#words[this.#used >> 2] = value;
    else this.#view.setInt32(this.#used, value);
    this.#used += 4;
  }

  /** A long of the recorded machine. */
  #long(at: number, value: number): void {
    if (this.#commitSize === 8) this.#view.setBigUint64(at, BigInt(value), this.#littleEndian);
    else this.#view.setUint32(at, value % 0x100000000, this.#littleEndian);
  }

  #put(delta: number, record: Int32Array, length: number): void {
    const words = this.#words;
    const size = (length + 3) >> 2;
    if (fitsTypeLength(length)) this.#header(size, delta);
    else {
      this.#header(0, delta);
      this.#put32(length + 4);
    }
    let at = this.#used >> 2;
    for (let i = 0; i < size; i++) words[at++] = record[i]!;
    this.#used = at << 2;
  }

  #count(time: number, size: number): void {
    const { counts } = this;
    if (counts.events++ === 0) counts.firstTime = time;
    counts.lastTime = time;
    counts.bytes += size;
    this.#open.events++;
    this.#open.bytes += size;
  }
}

/** Bytes of an event in a page: its word, sometimes its length, and the record up to a multiple of 4. */
function eventSize(length: number): number {
  return fitsTypeLength(length) ? length + 4 : ((length + 3) & ~3) + 8;
}

function fitsTypeLength(length: number): boolean {
  return length > 0 && length <= TYPE_DATA_MAX * 4 && length % 4 === 0;
}

/** Reads the records of one sub-buffer at a time. */
export class PageCursor {
  readonly #commitSize: number;
  readonly #littleEndian: boolean;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  /** Time of the page, and of the current record relative to it. */
  pageTime = 0n;
  elapsed = 0;
  /** Events lost before the page's first record: 0 none, -1 some, but nobody says how many. */
  missed = 0;
  /** The current record. */
  at = 0;
  length = 0;
  #next = 0;
  #end = 0;

  /** `bytes` holds whole pages. */
  constructor(bytes: Uint8Array, { commitSize, bigEndian }: Pick<PageShape, 'commitSize' | 'bigEndian'>) {
    this.#bytes = bytes;
    this.#littleEndian = !bigEndian;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#commitSize = commitSize;
  }

  /** Goes to the page at `page`. Throws DAMAGED where its length is impossible. */
  open(page: number, pageSize: number): void {
    const commit = this.#lowOfLong(page + 8);
    const length = commit & COMMIT_MASK;
    this.pageTime = this.#view.getBigUint64(page, this.#littleEndian);
    this.elapsed = 0;
    this.#next = page + 8 + this.#commitSize;
    this.#end = this.#next + length;
    const end = page + pageSize;
    if (this.#end > end)
      throw new SpinbackError('DAMAGED', `a page claims ${length} bytes`, { offset: page });
    this.missed = 0;
    if ((commit & MISSED_EVENTS) !== 0) {
      const stored = (commit & MISSED_STORED) !== 0 && this.#end + this.#commitSize <= end;
      this.missed = (stored && this.#lowOfLong(this.#end)) || -1;
    }
  }

  #lowOfLong(at: number): number {
    return this.#view.getUint32(this.#littleEndian ? at : at + this.#commitSize - 4, this.#littleEndian);
  }

  /** Goes to the next record; false: the page has no more. Throws DAMAGED where a record leaves its page. */
  next(): boolean {
    while (this.#next + 4 <= this.#end) {
      const word = this.#view.getUint32(this.#next, this.#littleEndian);
      const type = this.#littleEndian ? word & 31 : word >>> 27;
      const delta = this.#littleEndian ? word >>> 5 : word & (DELTA_LIMIT - 1);
      const data = this.#next + 4;
      const array = data + 4 <= this.#end ? this.#view.getUint32(data, this.#littleEndian) : 0;
      if (type >= TYPE_TIME_EXTEND) {
        this.#advance(type, delta, array);
        this.#next += 8;
        continue;
      }
      if (type === TYPE_PADDING) {
        if (delta === 0) return false;
        this.elapsed += delta;
        this.#next = data + Math.max(array, 4);
        continue;
      }
      this.elapsed += delta;
      this.at = type === 0 ? data + 4 : data;
      this.length = type === 0 ? array - 4 : type * 4;
      this.#next = this.at + ((this.length + 3) & ~3);
      if (this.length < 0 || this.#next > this.#end) {
        throw new SpinbackError('DAMAGED', 'a record leaves its page', { offset: data - 4 });
      }
      return true;
    }
    return false;
  }

  /** The current record's bytes, not copied. */
  record(): Uint8Array {
    return this.#bytes.subarray(this.at, this.at + this.length);
  }

  #advance(type: number, delta: number, array: number): void {
    const time = array * DELTA_LIMIT + delta;
    if (type === TYPE_TIME_EXTEND) {
      this.elapsed += time;
      return;
    }
    const stamp = BigInt(array) * BigInt(DELTA_LIMIT) + BigInt(delta);
    this.elapsed = Number(((this.pageTime & ~STAMP_MASK) | stamp) - this.pageTime);
  }
}

import type { BuiltBlock } from '../../blocks/build-block.ts';
import type { Items } from '../../blocks/items.ts';
import { readRange } from '../../io/bytes.ts';
import type { DecodeRow } from '../../mapping/decode-row.ts';
import { EVENT_RECORD_SIZE } from '../../model/event-record.ts';
import type { Keepsake } from '../capture.ts';
import { buildRecordRest, RecordMask } from './record-rest.ts';
import { buildTextRest } from './text-rest.ts';

/** The window that a lane's records lie in. */
export type WindowOf = (lane: number) => Uint8Array;

/** Collects what a block's events were made of. */
export interface Collector {
  /** Takes what belongs to events `from` to `to` of the items, as many as there is room for; returns where it stopped. */
  take(items: Items, from: number, to: number, windowOf: WindowOf): number;
  /** The rest of the block, whose events are all that were taken since the last one. `next`: the first event that was not taken. */
  build(block: BuiltBlock, next: { items: Items; n: number } | null): Uint8Array;
}

/** Bytes that the raw records or lines of one block may have: a block of ordinary events has a third of that. */
export const MOST_BYTES = 4 << 20;
/** Of one event's lines no more is kept. No event prints more than 8 KiB and a stack trace, of perf script 1024 callers at most. */
const MOST_LINES = 256 << 10;

/** Raw records of pages. */
export class RecordCollector implements Collector {
  readonly #mask: RecordMask;
  readonly #bytes = new Uint8Array(MOST_BYTES);
  readonly #starts: Uint32Array;
  #count = 0;

  constructor(rows: readonly DecodeRow[], bigEndian: boolean, events: number) {
    this.#mask = new RecordMask(rows, bigEndian);
    this.#starts = new Uint32Array(events + 1);
  }

  take(items: Items, from: number, to: number, windowOf: WindowOf): number {
    const windows: Uint8Array[] = [];
    for (let n = from; n < to; n++) {
      const size = items.recordSize(n);
      const start = this.#starts[this.#count]!;
      const end = start + size;
      if (end > MOST_BYTES) return n;
      if (size > 0) {
        const lane = items.lane(n);
        const window = (windows[lane] ??= windowOf(lane));
        const at = items.raw(n);
        for (let byte = 0; byte < size; byte++) this.#bytes[start + byte] = window[at + byte]!;
        this.#mask.blank(this.#bytes, start, end, items.type(n), items.kind(n));
      }
      this.#starts[++this.#count] = end;
    }
    return to;
  }

  build(block: BuiltBlock): Uint8Array {
    const rest = buildRecordRest({ bytes: this.#bytes, starts: this.#starts }, block);
    this.#count = 0;
    return rest;
  }
}

/** Lines of text. */
export class TextCollector implements Collector {
  readonly #text: NonNullable<Keepsake['text']>;
  readonly #starts: number[] = [];

  constructor(text: NonNullable<Keepsake['text']>) {
    this.#text = text;
  }

  take(items: Items, from: number, to: number): number {
    for (let n = from; n < to; n++) {
      const at = this.#placeOf(items, n);
      const first = this.#starts[0] ?? at;
      if (at - first > MOST_BYTES && this.#starts.length > 0) return n;
      this.#starts.push(at);
    }
    return to;
  }

  /** The source's offset of an event's line. */
  #placeOf(items: Items, n: number): number {
    return this.#text.placeOf(items.offset(n) / EVENT_RECORD_SIZE);
  }

  build(_block: BuiltBlock, next: { items: Items; n: number } | null): Uint8Array {
    const { source } = this.#text;
    const end = next ? this.#placeOf(next.items, next.n) : source.size;
    const ends = [...this.#starts.slice(1), end];
    const sizes = this.#starts.map((start, n) => Math.min(MOST_LINES, ends[n]! - start));
    const bytes = this.#starts.map((start, n) => readRange(source, start, sizes[n]!));
    this.#starts.length = 0;
    return buildTextRest({ sizes: bytes.map(({ length }) => length), bytes });
  }
}

import type { ByteSource } from '../../io/source.ts';
import { decodeText } from '../../base/byte-reader.ts';

/**
 * A longer line is damage. The kernel formats one event within a trace_seq of 8 KiB (4 KiB in older ones),
 * so no event line comes near this.
 */
export const MAX_LINE = 64 * 1024;

const DEFAULT_CHUNK = 256 * 1024;
const NEWLINE = 10;
const RETURN = 13;

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * Walks over the lines of a source in bounded memory: one window of a chunk and the longest line. After next(),
 * `bytes[start..end)` is the line without its line end, and `bytes[end]` is always a line feed or a carriage
 * return, so that a scanner needs no bounds check. How the source is cut into chunks changes nothing.
 */
export class LineReader {
  readonly bytes: Uint8Array;
  start = 0;
  end = 0;
  /** Byte offset of the line in the source. */
  offset = 0;
  /** False for a last line without a line feed: it may have been cut off. */
  terminated = true;
  /** Lines over MAX_LINE, which next() leaves out, and where the first one begins. */
  longLines = 0;
  firstLongLine = 0;

  readonly #source: ByteSource;
  readonly #chunk: number;
  #window: Uint8Array;
  #base: number;
  #cursor = 0;
  #ended = false;
  #skipping = false;
  /** The window as text, decoded when first asked for; undefined: not yet, null: not one character per byte. */
  #text: string | null | undefined = undefined;

  constructor(source: ByteSource, position = 0, chunk = DEFAULT_CHUNK) {
    this.#source = source;
    this.#chunk = chunk;
    this.#base = position;
    this.bytes = new Uint8Array(MAX_LINE + 1 + chunk + 1);
    this.#window = this.bytes.subarray(0, 0);
  }

  /** Byte offset in the source of the first byte that no line has covered yet. */
  get position(): number {
    return this.#base + this.#cursor;
  }

  /** Moves to the next line; false at the end. Throws what the source throws. */
  next(): boolean {
    let searched = this.#cursor;
    for (;;) {
      const at = this.#window.indexOf(NEWLINE, searched);
      if (at >= 0) {
        const start = this.#cursor;
        this.#cursor = at + 1;
        searched = at + 1;
        if (this.#skipping) this.#skipping = false;
        else if (at - start > MAX_LINE) this.#tooLong(start);
        else return this.#line(start, at, true);
        continue;
      }
      const rest = this.#window.length - this.#cursor;
      if (this.#ended) return this.#last(rest);
      if (this.#skipping || rest > MAX_LINE) {
        if (!this.#skipping) this.#tooLong(this.#cursor);
        this.#skipping = true;
        this.#cursor = this.#window.length;
      }
      searched = this.#window.length - this.#cursor;
      this.#refill();
    }
  }

  /** Bytes of the current line as text. Valid as long as the caller likes, but may keep a whole chunk alive. */
  text(from: number, to: number): string {
    if (this.#text === undefined) {
      // An ASCII window is decoded once and sliced: ten times cheaper than a call of the decoder for every line.
      const text = utf8.decode(this.#window);
      this.#text = text.length === this.#window.length ? text : null;
    }
    return this.#text === null ? decodeText(this.bytes.subarray(from, to)) : this.#text.slice(from, to);
  }

  #line(start: number, end: number, terminated: boolean): boolean {
    this.start = this.#base + start === 0 && this.#startsWithMark() ? 3 : start;
    this.end = end > this.start && this.bytes[end - 1] === RETURN ? end - 1 : end;
    this.offset = this.#base + start;
    this.terminated = terminated;
    return true;
  }

  /** A byte order mark, as some editors leave it. */
  #startsWithMark(): boolean {
    return this.bytes[0] === 0xef && this.bytes[1] === 0xbb && this.bytes[2] === 0xbf;
  }

  #last(rest: number): boolean {
    const start = this.#cursor;
    this.#cursor += rest;
    if (rest === 0 || this.#skipping) return false;
    if (rest <= MAX_LINE) return this.#line(start, start + rest, false);
    this.#tooLong(start);
    return false;
  }

  #tooLong(start: number): void {
    if (this.longLines++ === 0) this.firstLongLine = this.#base + start;
  }

  #refill(): void {
    const kept = this.#window.length - this.#cursor;
    this.bytes.copyWithin(0, this.#cursor, this.#window.length);
    this.#base += this.#cursor;
    this.#cursor = 0;
    const target = this.bytes.subarray(kept, kept + this.#chunk);
    const got = this.#source.readInto(target, this.#base + kept);
    this.#ended = got === 0;
    this.bytes[kept + got] = NEWLINE;
    this.#window = this.bytes.subarray(0, kept + got);
    this.#text = undefined;
  }
}

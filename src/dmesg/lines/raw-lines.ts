import { decodeText } from '../../base/byte-reader.ts';
import type { NeedleSearch } from './search.ts';

/** A line is cut here: kernel lines end at 1 KiB (kernel/printk, PRINTKRB_RECORD_MAX), lists of modules that others joined are longer. */
export const LINE_LIMIT = 16 * 1024;
/** Longer than any needle, so that none is missed across two windows. */
const OVERLAP = 64;
const NEWLINE = 10;

export interface RawLine {
  /** Byte offset of its first byte in the log. */
  readonly offset: number;
  /** Without its line end; cut at LINE_LIMIT. */
  readonly text: string;
  /** The line before it, which a mail program may have broken off. */
  readonly before: string;
  /** The line comes right after the one that was given out before. */
  readonly follows: boolean;
  /** It was given out for a needle in it. */
  readonly hasNeedle: boolean;
}

/**
 * Gives out those lines of a log that hold a needle, and after each of them as many following lines as are asked
 * for. Memory is one window, whatever the size of the log and of its lines.
 */
export class RawLines {
  readonly #read: (target: Uint8Array) => number;
  readonly #search: NeedleSearch;
  readonly #window: Uint8Array;
  /** Offset of the window's first byte in the log; bytes from #at to #end are still to be looked at. */
  #base = 0;
  #at = 0;
  #end = 0;
  #atEnd = false;
  #wanted = 0;
  #inLongLine = false;
  #follows = false;
  #longLines = 0;

  constructor(read: (target: Uint8Array) => number, search: NeedleSearch, windowSize = 1 << 20) {
    this.#read = read;
    this.#search = search;
    this.#window = new Uint8Array(Math.max(windowSize, 4 * LINE_LIMIT));
  }

  /** Bytes read so far. */
  get position(): number {
    return this.#base + this.#end;
  }

  /** How many given-out lines were cut. */
  get longLines(): number {
    return this.#longLines;
  }

  /** The last bytes that were read, at most a line's worth: the end of the log, once next() has returned null. */
  tail(): string {
    return decodeText(this.#window.subarray(Math.max(0, this.#end - LINE_LIMIT), this.#end));
  }

  /** The first bytes of the log, at most `size`; before the first next(). */
  head(size: number): string {
    if (this.#end === 0) this.#refill(0);
    return decodeText(this.#window.subarray(0, Math.min(size, this.#end)));
  }

  /** Wants the `count` lines after the last one, whatever they hold. */
  follow(count: number): void {
    this.#wanted = Math.max(this.#wanted, count);
  }

  next(): RawLine | null {
    // What is left of a line that was cut is no kernel's message.
    if (this.#inLongLine) this.#skipLine();
    if (this.#wanted > 0) {
      this.#wanted--;
      const line = this.#take(this.#at, false);
      if (line !== null) return line;
    }
    for (;;) {
      const found = this.#search.find(this.#window, this.#at, this.#end);
      if (found >= 0) {
        const start = this.#lineStart(found);
        this.#follows &&= start === this.#at;
        return this.#take(start, true);
      }
      if (this.#atEnd) return null;
      // Keeps the line that the window ends in, in case a needle comes later in it.
      const next = Math.max(this.#at, this.#lineStart(Math.max(this.#at, this.#end - OVERLAP)));
      this.#follows &&= next === this.#at;
      this.#at = Math.max(next, this.#end - LINE_LIMIT);
      this.#refill(Math.max(0, this.#at - LINE_LIMIT));
    }
  }

  /** The start of the line that holds `position`, or LINE_LIMIT / 2 before it where the line is longer. */
  #lineStart(position: number): number {
    const floor = Math.max(this.#at, position - LINE_LIMIT / 2);
    if (position <= floor) return floor;
    const newline = this.#window.lastIndexOf(NEWLINE, position - 1);
    return Math.max(floor, newline + 1);
  }

  #take(start: number, hasNeedle: boolean): RawLine | null {
    let end = this.#window.indexOf(NEWLINE, start);
    if ((end < 0 || end >= this.#end) && !this.#atEnd && start + LINE_LIMIT > this.#end) {
      // The line before goes along.
      const keep = Math.max(0, start - LINE_LIMIT);
      this.#refill(keep);
      start -= keep;
      end = this.#window.indexOf(NEWLINE, start);
    }
    if (start >= this.#end) return null;
    if (end < 0 || end > this.#end) end = this.#end;
    const long = end - start > LINE_LIMIT;
    if (long) {
      end = start + LINE_LIMIT;
      this.#longLines++;
    }
    const line: RawLine = {
      offset: this.#base + start,
      text: decodeText(this.#window.subarray(start, end)),
      before: this.#lineBefore(start),
      follows: this.#follows,
      hasNeedle,
    };
    this.#inLongLine = long;
    this.#at = Math.min(this.#end, long ? end : end + 1);
    this.#follows = true;
    return line;
  }

  #lineBefore(start: number): string {
    if (start === 0 || this.#window[start - 1] !== NEWLINE) return '';
    const from = start < 2 ? -1 : this.#window.lastIndexOf(NEWLINE, start - 2);
    return decodeText(this.#window.subarray(Math.max(from + 1, start - LINE_LIMIT), start - 1));
  }

  /** Moves on behind the end of a line that was cut. */
  #skipLine(): void {
    for (;;) {
      const newline = this.#window.indexOf(NEWLINE, this.#at);
      if (newline >= 0 && newline < this.#end) {
        this.#at = newline + 1;
        break;
      }
      this.#at = this.#end;
      if (this.#atEnd) break;
      this.#refill(this.#end);
    }
    this.#inLongLine = false;
    this.#follows = false;
  }

  /** Drops what lies before `keep` and reads until the window is full or the log at its end. */
  #refill(keep: number): void {
    this.#window.copyWithin(0, keep, this.#end);
    this.#base += keep;
    this.#at -= keep;
    this.#end -= keep;
    while (this.#end < this.#window.length) {
      const got = this.#read(this.#window.subarray(this.#end));
      if (got <= 0) {
        this.#atEnd = true;
        break;
      }
      this.#end += got;
    }
  }
}

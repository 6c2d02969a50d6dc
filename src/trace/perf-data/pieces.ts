import type { SampleStream } from '../../model/samples.ts';

/** Lanes that are kept at most; each has a window in the engine. Well-formed files need one per CPU or recorded task. */
export const MOST_LANES = 1024;
/** Pieces that are kept at most: 256 GiB in pieces of 64 KiB. */
export const MOST_PIECES = 1 << 22;

/** Pieces of a stream that follow each other in time: what one lane delivers. */
export class PieceList {
  /** Time of the last sample. */
  end = 0n;
  /** Bytes in all. */
  size = 0;
  readonly #at: number[] = [];
  readonly #sizes: number[] = [];
  /** Where each piece begins among the lane's bytes. */
  readonly #starts: number[] = [];
  #next = 0;

  add(at: number, size: number, last: bigint): void {
    this.#at.push(at);
    this.#sizes.push(size);
    this.#starts.push(this.size);
    this.size += size;
    if (last > this.end) this.end = last;
  }

  /** Fills `target` with as many of the next pieces as fit, and returns how many bytes. */
  read(stream: SampleStream, target: Uint8Array): number {
    let filled = 0;
    while (this.#next < this.#at.length) {
      const at = this.#at[this.#next]!;
      let size = 0;
      // What lies together in the stream is read together.
      while (
        this.#next < this.#at.length &&
        this.#at[this.#next] === at + size &&
        filled + size + this.#sizes[this.#next]! <= target.length
      ) {
        size += this.#sizes[this.#next++]!;
      }
      if (size === 0) break;
      const got = stream.readInto(target.subarray(filled, filled + size), at);
      filled += got;
      if (got < size) break;
    }
    return filled;
  }

  /** The piece that holds this offset of the lane's bytes; null when none does. */
  pieceAt(offset: number): { readonly at: number; readonly size: number; readonly start: number } | null {
    let from = 0;
    let to = this.#starts.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.#starts[middle]! <= offset) from = middle + 1;
      else to = middle;
    }
    const index = from - 1;
    const start = this.#starts[index];
    if (start === undefined || offset >= start + this.#sizes[index]!) return null;
    return { at: this.#at[index]!, size: this.#sizes[index]!, start };
  }
}

/**
 * Lays pieces out in lanes, so that each lane is in order of time: a piece goes behind the one before it in the stream where it
 * can, otherwise to the lane that ends last of those that end before it begins, otherwise into a lane of its own. Ordered
 * buffers that were copied one after the other thus become about one lane each.
 */
export class Lanes {
  readonly lists: PieceList[] = [];
  /** Pieces that found no lane to fit in, and pieces that were left out: where the first one lies. */
  disordered = 0;
  dropped = 0;
  firstMisfit: number | null = null;
  #current: PieceList | null = null;
  #pieces = 0;

  add(at: number, size: number, first: bigint, last: bigint): void {
    if (this.#pieces === MOST_PIECES) {
      this.dropped++;
      this.firstMisfit ??= at;
      return;
    }
    this.#pieces++;
    // A piece without samples holds losses only, which stay with their neighbours.
    const isTimeless = first === 0n && last === 0n;
    if (!this.#current || (!isTimeless && this.#current.end > first)) this.#current = this.#choose(first, at);
    this.#current.add(at, size, last);
  }

  #choose(first: bigint, at: number): PieceList {
    let best: PieceList | null = null;
    let earliest: PieceList | null = null;
    for (const list of this.lists) {
      if (list.end <= first && (!best || list.end > best.end)) best = list;
      if (!earliest || list.end < earliest.end) earliest = list;
    }
    if (best) return best;
    if (earliest && this.lists.length >= MOST_LANES) {
      this.disordered++;
      this.firstMisfit ??= at;
      return earliest;
    }
    const list = new PieceList();
    this.lists.push(list);
    return list;
  }
}

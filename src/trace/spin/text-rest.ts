import { ByteReader } from '../../base/byte-reader.ts';
import { readCount, VarintWriter } from '../../blocks/varint.ts';
import type { Rest } from './look-up.ts';

// The text of the events of a block: the size of each event's lines (varints), then the lines. To an event belong its own line and
// what stands behind it up to the next event's.

/** The lines of events as they are collected: where each begins, and in `lines` what was kept of them. */
export interface TextLines {
  readonly sizes: readonly number[];
  readonly bytes: readonly Uint8Array[];
}

export function buildTextRest({ sizes, bytes }: TextLines): Uint8Array {
  const out = new VarintWriter();
  for (const size of sizes) out.count(size);
  for (const part of bytes) out.append(part);
  return out.bytes;
}

/** Takes a rest apart again. */
export class TextRest implements Rest {
  readonly weights = null;
  readonly #bytes: Uint8Array;
  readonly #starts: readonly number[];

  /** Throws DAMAGED where the numbers do not fit the bytes. */
  constructor(bytes: Uint8Array, events: number) {
    const reader = new ByteReader(bytes);
    let at = 0;
    const sizes = Array.from({ length: events }, () => readCount(reader, bytes.length));
    this.#starts = [...sizes.map((size) => (at += size) - size), at];
    this.#bytes = reader.take(at, 'the lines of events');
  }

  /** The lines of event `n`. */
  lines(n: number): Uint8Array {
    return this.#bytes.subarray(this.#starts[n]!, this.#starts[n + 1]!);
  }
}

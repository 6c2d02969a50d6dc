import type { BuiltBlock } from '../../blocks/build-block.ts';
import type { Items } from '../../blocks/items.ts';
import { KINDS } from '../../model/event.ts';
import type { SampleKeepsake } from '../capture.ts';
import { MOST_BYTES, type Collector } from './collect.ts';
import { buildRecordRest } from './record-rest.ts';
import type { SampleMask } from './sample-mask.ts';

const LOST = KINDS.indexOf('lost');

/**
 * Samples, whole. They are read from the capture again: in the engine's windows their headers and preempt counts are not any more
 * what they were.
 */
export class SampleCollector implements Collector {
  readonly #samples: SampleKeepsake;
  readonly #mask: SampleMask;
  readonly #bytes = new Uint8Array(MOST_BYTES);
  readonly #starts: Uint32Array;
  #count = 0;

  constructor(samples: SampleKeepsake, mask: SampleMask, events: number) {
    this.#samples = samples;
    this.#mask = mask;
    this.#starts = new Uint32Array(events + 1);
  }

  take(items: Items, from: number, to: number): number {
    for (let n = from; n < to; n++) {
      const start = this.#starts[this.#count]!;
      const sample = this.#sampleOf(items, n);
      const size = sample?.length ?? 0;
      if (start + size > MOST_BYTES) return n;
      if (sample) {
        this.#bytes.set(sample, start);
        this.#mask.fold(this.#bytes.subarray(start, start + size), items.bytes, items.start(n));
      }
      items.setRecordSize(n, size);
      this.#starts[++this.#count] = start + size;
    }
    return to;
  }

  #sampleOf(items: Items, n: number): Uint8Array | null {
    if (items.kind(n) === LOST) return null;
    return this.#samples.sample({ lane: items.lane(n), offset: items.offset(n) });
  }

  build(block: BuiltBlock): Uint8Array {
    const rest = buildRecordRest({ bytes: this.#bytes, starts: this.#starts }, block);
    this.#count = 0;
    return rest;
  }
}

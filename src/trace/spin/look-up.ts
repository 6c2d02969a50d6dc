import { Block, type Walk } from '../../blocks/block.ts';
import { BLOCK_BYTES } from '../../blocks/build-block.ts';
import { SpinbackError } from '../../base/errors.ts';
import { inflate } from '../../io/deflate.ts';
import type { ByteSource } from '../../io/source.ts';
import { KINDS, type EventPlace } from '../../model/event.ts';
import { readBlock } from './blocks-lane.ts';
import type { SpinDamageLog } from './damage.ts';
import { FRAME, frameAt, readFrame } from './frame.ts';
import type { BlockEntry } from './notes.ts';

const LOST = KINDS.indexOf('lost');
/** Blocks that are kept unpacked: a report goes back to a few moments, and listing all events from block to block. */
const KEPT = 4;

/** What a block's events were made of. */
export interface Rest {
  /** What the walk shall add up for the rest, by token (Walk.weighed). */
  readonly weights: Uint8Array | null;
}

/** An event that was found: the walk stands on it until the next search. */
export interface FoundEvent<R extends Rest> {
  readonly walk: Walk;
  readonly rest: R;
}

/** A block with its rest, for going back to its events. */
class OpenBlock<R extends Rest> {
  readonly #block: Block;
  readonly #rest: R;
  #walk: Walk;

  constructor(block: Block, rest: R) {
    this.#block = block;
    this.#rest = rest;
    this.#walk = block.walk(rest.weights);
  }

  /** A lane's offsets only grow. So the walk goes on for whoever asks in order, and begins anew for what lies behind it. */
  find({ lane, offset }: EventPlace): FoundEvent<R> | null {
    const index = this.#block.lanes.findIndex((candidate) => candidate.lane === lane);
    if (index < 0) return null;
    const found = { walk: this.#walk, rest: this.#rest };
    if (this.#isAt(index, offset)) return found;
    if (offset < this.#walk.nextOffset(index)) found.walk = this.#walk = this.#block.walk(this.#rest.weights);
    while (this.#walk.seek(index, offset)) {
      if (this.#isAt(index, offset)) return found;
      if (this.#walk.offset > offset) return null;
    }
    return null;
  }

  /** Has the walk come to this place, and not to the loss before it? */
  #isAt(index: number, offset: number): boolean {
    const { n, token, lane, offset: at } = this.#walk;
    return n >= 0 && lane === index && at === offset && this.#block.shapeOf[token]!.kind !== LOST;
  }
}

/** Finds events by their place. `open` takes a rest apart. */
export class LookUp<R extends Rest> {
  readonly #source: ByteSource;
  readonly #blocks: readonly BlockEntry[];
  readonly #log: SpinDamageLog;
  readonly #open: (rest: Uint8Array, block: Block) => R;
  /** By lane: blocks that have events of it, and the offset of its first one there. */
  readonly #begins = new Map<number, { readonly offset: number; readonly entry: BlockEntry }[]>();
  #target: Uint8Array | null = null;
  readonly #kept = new Map<BlockEntry, OpenBlock<R> | null>();

  constructor(
    source: ByteSource,
    blocks: readonly BlockEntry[],
    log: SpinDamageLog,
    open: (rest: Uint8Array, block: Block) => R,
  ) {
    this.#source = source;
    this.#blocks = blocks;
    this.#log = log;
    this.#open = open;
  }

  /** The event at a place; of a loss and the record behind it, the record. Null where there is none, or it cannot be read. */
  find(place: EventPlace): FoundEvent<R> | null {
    const begins = this.#beginsOf(place.lane);
    const entry = begins[lastUpTo(begins.length, (n) => begins[n]!.offset <= place.offset)]?.entry;
    return (entry && this.#opened(entry)?.find(place)) ?? null;
  }

  #beginsOf(lane: number): readonly { readonly offset: number; readonly entry: BlockEntry }[] {
    if (this.#begins.size === 0) {
      for (const entry of this.#blocks) {
        for (let n = 0; n + 1 < entry.lanes.length; n += 2) {
          const [number, offset] = [entry.lanes[n]!, entry.lanes[n + 1]!];
          const list = this.#begins.get(number);
          if (list) list.push({ offset, entry });
          else this.#begins.set(number, [{ offset, entry }]);
        }
      }
    }
    return this.#begins.get(lane) ?? [];
  }

  #opened(entry: BlockEntry): OpenBlock<R> | null {
    let open = this.#kept.get(entry);
    if (open === undefined) {
      open = this.#read(entry);
      this.#kept.set(entry, open);
      if (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value!);
    }
    return open;
  }

  #read(entry: BlockEntry): OpenBlock<R> | null {
    const target = (this.#target ??= new Uint8Array(BLOCK_BYTES));
    const size = readBlock(this.#source, entry, target, this.#log);
    const place = frameAt(this.#source, entry.restAt);
    try {
      if (size === null) return null;
      const frame = place?.kind === FRAME.rest ? readFrame(this.#source, place) : null;
      if (!frame) throw new SpinbackError('DAMAGED', 'its checksum is wrong');
      const block = new Block(target.slice(0, size));
      return new OpenBlock(block, this.#open(inflate(frame.body, entry.rest, entry.restAt), block));
    } catch (error) {
      if (!(error instanceof SpinbackError && error.code === 'DAMAGED')) throw error;
      this.#log.add('damaged-rest', entry.restAt, error.message);
      return null;
    }
  }
}

/** The last of `length` numbers that still satisfies a condition which the first ones do; -1 for none. */
function lastUpTo(length: number, holds: (n: number) => boolean): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

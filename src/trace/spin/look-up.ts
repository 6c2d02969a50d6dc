import { Block, type BlockEvents } from '../../blocks/block.ts';
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

/** A block with its rest, for going back to its events. */
export interface OpenBlock<Rest> {
  readonly block: Block;
  readonly events: BlockEvents;
  readonly rest: Rest;
  /** Numbers of each lane's events, in order of their offsets. */
  readonly ofLane: ReadonlyMap<number, readonly number[]>;
}

export interface FoundEvent<Rest> extends OpenBlock<Rest> {
  /** Number of the event in its block. */
  readonly n: number;
}

/** Finds events by their place. `open` takes a rest apart. */
export class LookUp<Rest> {
  readonly #source: ByteSource;
  readonly #blocks: readonly BlockEntry[];
  readonly #log: SpinDamageLog;
  readonly #open: (rest: Uint8Array, events: BlockEvents, block: Block) => Rest;
  /** By lane: blocks that have events of it, and the offset of its first one there. */
  readonly #begins = new Map<number, { readonly offset: number; readonly entry: BlockEntry }[]>();
  readonly #kept = new Map<BlockEntry, OpenBlock<Rest> | null>();

  constructor(
    source: ByteSource,
    blocks: readonly BlockEntry[],
    log: SpinDamageLog,
    open: (rest: Uint8Array, events: BlockEvents, block: Block) => Rest,
  ) {
    this.#source = source;
    this.#blocks = blocks;
    this.#log = log;
    this.#open = open;
  }

  /** The event at a place; of a loss and the record behind it, the record. Null where there is none, or it cannot be read. */
  find({ lane, offset }: EventPlace): FoundEvent<Rest> | null {
    const begins = this.#beginsOf(lane);
    const entry = begins[lastUpTo(begins.length, (n) => begins[n]!.offset <= offset)]?.entry;
    const open = entry && this.#opened(entry);
    const numbers = open?.ofLane.get(lane);
    if (!open || !numbers) return null;
    const { offsets, tokens } = open.events;
    const n = numbers[lastUpTo(numbers.length, (at) => offsets[numbers[at]!]! <= offset)];
    if (n === undefined || offsets[n] !== offset || open.block.tokens[tokens[n]!]!.kind === LOST) return null;
    return { ...open, n };
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

  #opened(entry: BlockEntry): OpenBlock<Rest> | null {
    let open = this.#kept.get(entry);
    if (open === undefined) {
      open = this.#read(entry);
      this.#kept.set(entry, open);
      if (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value!);
    }
    return open;
  }

  #read(entry: BlockEntry): OpenBlock<Rest> | null {
    const bytes = readBlock(this.#source, entry, this.#log);
    const place = frameAt(this.#source, entry.restAt);
    try {
      if (!bytes) return null;
      const frame = place?.kind === FRAME.rest ? readFrame(this.#source, place) : null;
      if (!frame) throw new SpinbackError('DAMAGED', 'its checksum is wrong');
      const block = new Block(bytes);
      const events = block.events();
      const rest = this.#open(inflate(frame.body, entry.rest, entry.restAt), events, block);
      const ofLane = new Map<number, number[]>(block.lanes.map(({ lane }) => [lane, []]));
      for (let n = 0; n < events.count; n++)
        ofLane.get(block.lanes[block.strands[events.strands[n]!]!.lane]!.lane)!.push(n);
      return { block, events, rest, ofLane };
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

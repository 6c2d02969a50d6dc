import { buildBlock, type BlocksOf } from '../../blocks/build-block.ts';
import { Items } from '../../blocks/items.ts';
import { SpinbackError } from '../../base/errors.ts';
import { inflate } from '../../io/deflate.ts';
import type { ByteSource } from '../../io/source.ts';
import { KINDS } from '../../model/event.ts';
import type { Lane } from '../capture.ts';
import type { SpinDamageLog } from './damage.ts';
import { FRAME, frameAt, readFrameInto } from './frame.ts';
import type { BlockEntry } from './notes.ts';

const NO_CONVERSION = { mult: 0, shift: 0, offsetNs: 0n };
const LOST = KINDS.indexOf('lost');
const ALWAYS = 2n ** 64n;
/** As many as the engine keeps apart. */
const MOST_CPUS = 8192;

/** One lane of the original. The first one delivers the blocks, for all of them. */
export interface SpinLane extends Lane {
  /** Bytes of the file up to which blocks were delivered. */
  readonly consumed: number;
}

export interface LaneFacts {
  readonly cpu: number;
  readonly lost: number | null;
  readonly lostTail: boolean;
  readonly of: BlocksOf;
}

/**
 * The lanes of a file. `onBlock` hears of each block before it is delivered. Blocks are left out as long as nothing in them, or before them,
 * is as late as `wantedFrom` says; they are read all the same, for what is damaged is told, and names go on.
 */
export function spinLanes(
  source: ByteSource,
  blocks: readonly BlockEntry[],
  facts: readonly LaneFacts[],
  log: SpinDamageLog,
  onBlock: (entry: BlockEntry) => void,
  wantedFrom: () => bigint,
): SpinLane[] {
  let next = 0;
  let consumed = 0;
  let latest = 0n;
  const deliver = (target: Uint8Array): number => {
    for (let entry = blocks[next]; entry; entry = blocks[next]) {
      next++;
      onBlock(entry);
      consumed = entry.at;
      const size = readBlock(source, entry, target, log);
      const { latest: here = ALWAYS } = entry;
      if (here > latest) latest = here;
      if (latest < wantedFrom()) continue;
      if (size !== null) return size;
      const lost = lostBlock(entry, facts);
      target.set(lost);
      return lost.length;
    }
    return 0;
  };
  return facts.map(({ cpu, lost, lostTail, of }, n) => ({
    cpu,
    lost,
    lostTail,
    input: { kind: 'blocks', of },
    clock: NO_CONVERSION,
    size: null,
    read: n === 0 ? deliver : () => 0,
    get consumed() {
      return consumed;
    },
  }));
}

/**
 * Unpacks a block to `target`, which has room for the largest one, and returns its size; null where it is damaged, which is
 * counted. The words are read to where they belong, so that most bytes of a file are never copied.
 */
export function readBlock(
  source: ByteSource,
  { at, head, packed }: BlockEntry,
  target: Uint8Array,
  log: SpinDamageLog,
): number | null {
  try {
    const place = frameAt(source, at);
    const words = (place?.body ?? 0) - packed;
    if (place?.kind !== FRAME.block || words < 0 || head + place.notes + place.body > target.length)
      throw new SpinbackError('DAMAGED', 'its frame cannot be');
    // The words come to lie behind the head, unless the head is too short for what stands in front of them.
    const start = Math.max(0, head - packed - place.notes);
    if (!readFrameInto(source, place, target.subarray(start)))
      throw new SpinbackError('DAMAGED', 'its checksum is wrong');
    const packedAt = start + place.notes;
    const wordsAt = packedAt + packed;
    const unpacked = inflate(target.subarray(packedAt, wordsAt), head, at);
    if (wordsAt !== head) target.copyWithin(head, wordsAt, wordsAt + words);
    target.set(unpacked);
    return head + words;
  } catch (error) {
    if (!(error instanceof SpinbackError && error.code === 'DAMAGED')) throw error;
    log.add('damaged-block', at, error.message);
    return null;
  }
}

/** In place of a block that cannot be read: every CPU that had events in it lost an unknown number of them. */
function lostBlock({ from: time, cpus, lanes }: BlockEntry, facts: readonly LaneFacts[]): Uint8Array {
  const known = [...new Set(cpus)].slice(0, MOST_CPUS);
  const items = Items.ofCapacity(known.length);
  const isPages = facts[0]?.of === 'pages';
  for (const cpu of known) {
    const lane = isPages ? facts.findIndex((fact) => fact.cpu === cpu) : 0;
    const offset = lanes[lanes.findIndex((number, n) => n % 2 === 0 && number === lane) + 1] ?? 0;
    if (lane < 0) continue;
    const event = { time, cpu, kind: LOST, address: 0n, value: 0n, bit: 0, pid: 0, flags: 0, type: 0 };
    items.push(event, { lane, offset });
  }
  const { head, words } = buildBlock(items, facts[0]?.of ?? 'pages', []);
  const bytes = new Uint8Array(head.length + words.length);
  bytes.set(head);
  bytes.set(words, head.length);
  return bytes;
}

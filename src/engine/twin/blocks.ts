// Blocks of a .spin container -> events. model/block.ts takes them apart; here they are put in order of time.

import { SpinbackError } from '../../base/errors.ts';
import { Block, type BlockLane } from '../../blocks/block.ts';
import type { RawRecord } from './pages.ts';

const NOTHING = new Uint8Array(0);

/** What a lane of blocks tells of: the tallies of other lanes, and blocks that cannot be. */
export interface BlockListener {
  /** How many lanes there are. */
  readonly lanes: number;
  credit(lane: BlockLane): void;
  broken(): void;
}

/** The events of one block. What cannot be read is told, and left out with all that follows. */
export function* eventsOfBlock(bytes: Uint8Array, listener: BlockListener): Generator<RawRecord> {
  const block = blockOf(bytes, listener);
  if (!block) return;
  const events = block.events();
  if (events.isBroken && events.count === 0) listener.broken();
  let time = block.time;
  for (let n = 0; n < events.count; n++) {
    time = BigInt.asUintN(64, time + (events.leaps.get(n) ?? 0n) + BigInt(events.deltas[n]!));
    const { cpu, lane } = block.strands[events.strands[n]!]!;
    const { step: _, ...token } = block.tokens[events.tokens[n]!]!;
    const event = { time, cpu, pid: events.pids[n]!, ...token };
    const decoded = { event, lane: block.lanes[lane]!.lane };
    yield { time, bytes: NOTHING, offset: events.offsets[n]!, decoded };
    if (events.isBroken && n === events.count - 1) listener.broken();
  }
}

function blockOf(bytes: Uint8Array, listener: BlockListener): Block | null {
  if (bytes.length === 0) return null;
  try {
    const block = new Block(bytes);
    if (block.lanes.every(({ lane }) => lane < listener.lanes)) {
      for (const lane of block.lanes) listener.credit(lane);
      return block;
    }
  } catch (error) {
    if (!(error instanceof SpinbackError && error.code === 'DAMAGED')) throw error;
  }
  listener.broken();
  return null;
}

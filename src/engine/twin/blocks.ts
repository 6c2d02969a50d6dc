// Blocks of a .spin container -> events. src/blocks/block.ts takes them apart; here they are put in order of time.

import { SpinbackError } from '../../base/errors.ts';
import { Block, type BlockLane } from '../../blocks/block.ts';
import type { RawRecord } from './pages.ts';

const NOTHING = new Uint8Array(0);

/** What a lane of blocks tells of: the tallies of other lanes, and blocks that cannot be. */
export interface BlockListener {
  /** How many lanes there are. */
  readonly lanes: number;
  /** False: it cannot be. */
  credit(lane: BlockLane): boolean;
  broken(): void;
}

/** The events of one block. What cannot be read is told, and left out with all that follows. */
export function* eventsOfBlock(bytes: Uint8Array, listener: BlockListener): Generator<RawRecord> {
  const block = blockOf(bytes, listener);
  if (!block) return;
  const walk = block.walk();
  while (walk.next()) {
    const { time } = walk;
    const { step: _, label, ...token } = block.token(walk.token);
    const event = { time, cpu: block.strands[walk.strand]!.cpu, pid: walk.pid, ...token };
    const decoded = { event, label, lane: block.lanes[walk.lane]!.lane };
    yield { time, bytes: NOTHING, offset: walk.offset, decoded };
  }
  if (walk.isBroken) listener.broken();
}

function blockOf(bytes: Uint8Array, listener: BlockListener): Block | null {
  if (bytes.length === 0) return null;
  try {
    const block = new Block(bytes);
    block.readTokens();
    const areThere = block.lanes.every(({ lane }) => lane < listener.lanes);
    if (areThere && block.lanes.every((lane) => listener.credit(lane))) return block;
  } catch (error) {
    if (!(error instanceof SpinbackError && error.code === 'DAMAGED')) throw error;
  }
  listener.broken();
  return null;
}

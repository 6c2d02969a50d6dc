import { BLOCK_WINDOW, EVENT_SIZE } from '../../assembly/layout.ts';
import type { EngineOptions, LaneSpec } from './engine.ts';
import { limitsOf } from './limits.ts';

const SMALLEST = 64 << 10;

/**
 * Bytes of a lane's window: its share of the budget of all lanes, within bounds, in whole pages or records, and never
 * less than one of them. A lane of blocks holds the largest block. So many lanes may exceed the budget: each gets its smallest window.
 */
export function windowSize(lane: LaneSpec, options: EngineOptions): number {
  // Of lanes of blocks only the first delivers.
  if (lane.blocks) return lane === options.lanes[0] ? BLOCK_WINDOW : 0;
  // A piece of samples has any size up to the smallest window's (assembly/layout.ts, PIECE_LIMIT).
  const unit = lane.isSamples ? 1 : lane.layout ? lane.layout.pageSize : EVENT_SIZE;
  const { windowBudget, windowLimit } = limitsOf(options);
  const share = Math.floor(windowBudget / Math.max(1, options.lanes.length));
  const wanted = Math.max(lane.isSamples ? SMALLEST : 0, Math.min(windowLimit, Math.max(SMALLEST, share)));
  return Math.max(1, Math.floor(wanted / unit)) * unit;
}

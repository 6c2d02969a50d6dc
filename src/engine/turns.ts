import * as L from '../../assembly/layout.ts';
import { fieldsToTurn } from '../model/fields-to-turn.ts';
import type { RowSpec } from './engine.ts';
import type { WasmMemory } from './wasm-memory.ts';

/**
 * Writes which fields of each row's records are to be turned (assembly/layout.ts, TURN_*) into memory that `reserve` gives,
 * zeroed, and tells the engine where that is. False where memory is at its limit.
 */
export function writeTurns(
  memory: WasmMemory,
  rows: readonly RowSpec[],
  reserve: (size: number) => number,
): boolean {
  const turns = reserve(rows.length * L.TURN_SIZE);
  if (!turns) return false;
  rows.forEach((row, n) => {
    fieldsToTurn(row).forEach(({ at, size }, index) => {
      memory.setU16(turns + n * L.TURN_SIZE + 4 * index, at);
      memory.setU16(turns + n * L.TURN_SIZE + 4 * index + 2, size);
    });
  });
  memory.setU32(L.STATE + L.HEAD_TURNS, turns);
  return true;
}

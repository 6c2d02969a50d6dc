import * as L from '../../assembly/layout.ts';
import type { SampleLayout, SampleTables } from '../model/samples.ts';
import type { WasmMemory } from './wasm-memory.ts';

const GOLDEN = 0x9e3779b97f4a7c15n;

/**
 * Writes the tables of samples (assembly/layout.ts, SAMPLES_*) into memory that `reserve` gives, zeroed, and tells the engine
 * where they are. False where memory is at its limit.
 */
export function writeSampleTables(
  memory: WasmMemory,
  tables: SampleTables,
  reserve: (size: number) => number,
): boolean {
  const entries = 2 ** Math.ceil(Math.log2(2 * tables.ids.length + 2));
  const at = reserve(L.SAMPLES_SIZE);
  const layouts = reserve(Math.max(1, tables.layouts.length) * L.SAMPLE_SIZE);
  const ids = reserve(entries * L.ID_SIZE);
  if (!at || !layouts || !ids) return false;
  const layoutAt = (index: number): number => layouts + index * L.SAMPLE_SIZE;
  tables.layouts.forEach((layout, n) => writeLayout(memory, layoutAt(n), layout));
  for (const { id, layout, cpu } of tables.ids) {
    const entry = entryOf(memory, ids, entries, id);
    memory.setU64(entry + L.ID_NUMBER, id);
    memory.setU32(entry + L.ID_LAYOUT, layoutAt(layout));
    memory.setU32(entry + L.ID_CPU, cpu ?? -1);
  }
  memory.setU32(at + L.SAMPLES_ID_AT, tables.idAt ?? 0);
  memory.setU32(at + L.SAMPLES_IDS, ids);
  memory.setU32(at + L.SAMPLES_ID_MASK, entries - 1);
  memory.setU32(at + L.SAMPLES_DEFAULT, tables.fallback === null ? 0 : layoutAt(tables.fallback));
  memory.setU32(at + L.SAMPLES_DEPTH, tables.depth);
  memory.setU32(at + L.SAMPLES_BIG_ENDIAN, tables.bigEndian ? 1 : 0);
  memory.setU32(L.STATE + L.HEAD_SAMPLES, at);
  return true;
}

/** Where an id is, or where it goes (assembly/decode/samples.ts, entryOf). */
function entryOf(memory: WasmMemory, ids: number, entries: number, id: bigint): number {
  const hash = Number((BigInt.asUintN(64, id * GOLDEN) >> 32n) & 0xffff_ffffn);
  for (let n = hash & (entries - 1); ; n = (n + 1) & (entries - 1)) {
    const entry = ids + n * L.ID_SIZE;
    if (memory.u32(entry + L.ID_LAYOUT) === 0 || memory.u64(entry + L.ID_NUMBER) === id) return entry;
  }
}

function writeLayout(memory: WasmMemory, at: number, layout: SampleLayout): void {
  memory.setU8(at + L.SAMPLE_TIME_AT, layout.timeAt);
  memory.setU8(at + L.SAMPLE_TID_AT, layout.tidAt ?? 0);
  memory.setU8(at + L.SAMPLE_CPU_AT, layout.cpuAt ?? 0);
  memory.setU8(at + L.SAMPLE_REST_AT, layout.restAt);
  memory.setU8(
    at + L.SAMPLE_PARTS,
    (layout.readFormat === null ? 0 : L.SAMPLE_HAS_READ) |
      (layout.hasCallchain ? L.SAMPLE_HAS_CALLCHAIN : 0) |
      (layout.hasRaw ? L.SAMPLE_HAS_RAW : 0),
  );
  memory.setU8(at + L.SAMPLE_READ, layout.readFormat ?? 0);
  memory.setU16(at + L.SAMPLE_TYPE, layout.type);
  memory.setU8(at + L.SAMPLE_TRAILER_TIME, layout.trailerTime ?? 0);
  memory.setU8(at + L.SAMPLE_TRAILER_CPU, layout.trailerCpu ?? 0);
}

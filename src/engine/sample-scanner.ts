import { instantiateSync } from '@assemblyscript/loader';
import * as L from '../../assembly/layout.ts';
import { SpinbackError } from '../base/errors.ts';
import type { SampleStream, SampleTables, ScanItem, ScanTotals } from '../model/samples.ts';
import { writeSampleTables } from './sample-tables.ts';
import type { EngineExports } from './wasm-engine.ts';
import { WasmMemory } from './wasm-memory.ts';

const WINDOW = 1 << 18;
const ITEMS = 4096;
const LIMIT = 256 << 20;

/** A ScanSamples in WebAssembly: an engine's memory that holds tables, a window and items, and no lanes. */
export function scanInWasm(
  module: WebAssembly.Module,
  stream: SampleStream,
  tables: SampleTables,
  take: (item: ScanItem) => void,
): ScanTotals {
  const linear = new WebAssembly.Memory({ initial: 32, maximum: 65536 });
  const memory = new WasmMemory(linear);
  const engine = instantiateSync<EngineExports>(module, { env: { memory: linear } }).exports;
  const reserve = (size: number): number => engine.window(size) >>> 0;
  const isReady = engine.setup(LIMIT, 0, 1, 1, 0, 1, 0) && writeSampleTables(memory, tables, reserve);
  const [scan, window, items] = [reserve(L.SCAN_SIZE), reserve(WINDOW), reserve(ITEMS * L.ITEM_SIZE)];
  if (!isReady || !scan || !window || !items) {
    throw new SpinbackError('LIMIT', `the file has ${tables.ids.length} event ids: too many to read it`);
  }
  memory.setU32(scan + L.SCAN_WINDOW, window);
  memory.setU32(scan + L.SCAN_OUTPUT, items);
  memory.setU32(scan + L.SCAN_OUTPUT_CAPACITY, ITEMS);
  memory.setU32(scan + L.SCAN_DEPTH, 15);

  for (let position = 0, kept = 0, isLast = false; !isLast;) {
    const target = memory.bytes.subarray(window + kept, window + WINDOW);
    const got = stream.readInto(target, position);
    position += got;
    isLast = got < target.length;
    memory.setU32(scan + L.SCAN_FILLED, kept + got);
    memory.setU32(scan + L.SCAN_CONSUMED, 0);
    memory.setU32(scan + L.SCAN_IS_LAST, isLast ? 1 : 0);
    let isFull: boolean;
    do {
      isFull = engine.scanSamples(scan) === L.SCAN_OUTPUT_FULL;
      takeItems(memory, scan, items, take);
    } while (isFull);
    const consumed = memory.u32(scan + L.SCAN_CONSUMED);
    kept = kept + got - consumed;
    memory.bytes.copyWithin(window, window + consumed, window + consumed + kept);
    memory.setU64(scan + L.SCAN_BASE, memory.u64(scan + L.SCAN_BASE) + BigInt(consumed));
  }
  return {
    samples: memory.u64(scan + L.SCAN_SAMPLES),
    unknown: memory.u64(scan + L.SCAN_UNKNOWN),
    lowestDepth: memory.u32(scan + L.SCAN_RAW) === 0 ? null : memory.u32(scan + L.SCAN_DEPTH),
  };
}

const SORTS = {
  [L.ITEM_IS_DAMAGE]: 'damage',
  [L.ITEM_IS_CUT]: 'cut',
} as const;

function takeItems(memory: WasmMemory, scan: number, items: number, take: (item: ScanItem) => void): void {
  const count = memory.u32(scan + L.SCAN_OUTPUT_COUNT);
  for (let n = 0; n < count; n++) {
    const item = items + n * L.ITEM_SIZE;
    const kind = memory.u32(item + L.ITEM_KIND);
    const place = { at: Number(memory.u64(item + L.ITEM_AT)), size: memory.u32(item + L.ITEM_SIZE_OF) };
    const [first, last] = [memory.u64(item + L.ITEM_FIRST), memory.u64(item + L.ITEM_LAST)];
    if (kind === L.ITEM_IS_PIECE) take({ is: 'piece', ...place, first, last });
    else if (kind === L.ITEM_IS_NOTE) take({ is: 'note', ...place, type: Number(first) });
    else take({ is: SORTS[kind as keyof typeof SORTS], ...place });
  }
  memory.setU32(scan + L.SCAN_OUTPUT_COUNT, 0);
}

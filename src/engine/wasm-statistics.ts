import * as L from '../../assembly/layout.ts';
import { bucketsOf } from '../base/buckets.ts';
import { decodeText } from '../base/byte-reader.ts';
import type { DistributionState, SeriesState, StatisticsState } from '../model/state.ts';
import type { WasmMemory } from './wasm-memory.ts';
import { readRows } from './wasm-state.ts';

/** Lists a distribution's buckets at HEAD_BUCKETS; JavaScript would take longer to look through the empty ones than to replay. */
export type ListBuckets = (distribution: number) => number;

/** Reads out what the engine counted for statistics (assembly/layout.ts, SERIES_* and DISTRIBUTION_*). */
export function readStatistics(memory: WasmMemory, listBuckets: ListBuckets): StatisticsState {
  return {
    lastTime: memory.u64(L.STATE + L.HEAD_LAST_TIME),
    rows: readRows(memory),
    series: readSeries(memory, listBuckets),
  };
}

function readSeries(memory: WasmMemory, listBuckets: ListBuckets): SeriesState[] {
  const series = memory.u32(L.STATE + L.HEAD_SERIES);
  const count = memory.u32(L.STATE + L.HEAD_SERIES_COUNT);
  const bits = memory.u32(L.STATE + L.HEAD_HIST_BITS);
  const distribution = (at: number): DistributionState | null =>
    readDistribution(memory, at, bits, listBuckets);
  return Array.from({ length: count }, (_, n) =>
    readOne(memory, memory.u32(series + 4 * (n + 1)), distribution),
  );
}

function readOne(
  memory: WasmMemory,
  at: number,
  distribution: (at: number) => DistributionState | null,
): SeriesState {
  // Series are read by the hundred: the view is asked for once.
  const { view } = memory;
  return {
    kind: view.getUint8(at + L.SERIES_KIND),
    class: view.getBigUint64(at + L.SERIES_CLASS, true),
    name: nameAt(memory, at),
    address: view.getBigUint64(at + L.SERIES_ADDRESS, true),
    site: view.getBigUint64(at + L.SERIES_SITE, true),
    pid: view.getInt32(at + L.SERIES_PID, true),
    cpu: view.getUint16(at + L.SERIES_CPU, true),
    level: view.getUint8(at + L.SERIES_LEVEL),
    namespace: view.getUint8(at + L.SERIES_NAMESPACE),
    bit: view.getUint8(at + L.SERIES_BIT),
    isRead: view.getUint8(at + L.SERIES_READS) !== 0,
    acquisitions: memory.u53(at + L.SERIES_ACQUISITIONS),
    contentions: memory.u53(at + L.SERIES_CONTENTIONS),
    wait: distribution(view.getUint32(at + L.SERIES_WAIT, true)),
    hold: distribution(view.getUint32(at + L.SERIES_HOLD, true)),
    first: memory.mark(at + L.SERIES_FIRST)!,
  };
}

function nameAt({ bytes }: WasmMemory, series: number): string {
  const start = series + L.SERIES_NAME;
  return decodeText(bytes.subarray(start, start + bytes[series + L.SERIES_NAME_LENGTH]!));
}

function readDistribution(
  memory: WasmMemory,
  at: number,
  bits: number,
  listBuckets: ListBuckets,
): DistributionState | null {
  // Made, but there was no room for its first row of buckets.
  if (at === 0 || memory.u53(at + L.DISTRIBUTION_COUNT) === 0) return null;
  const buckets = listBuckets(at);
  const first = memory.u32(L.STATE + L.HEAD_BUCKETS) / 4;
  const second = first + bucketsOf(bits);
  const indices = memory.words.slice(first, first + buckets);
  const counts = memory.words.slice(second, second + buckets);
  return {
    bits,
    count: memory.u53(at + L.DISTRIBUTION_COUNT),
    sum: memory.u64(at + L.DISTRIBUTION_SUM),
    min: memory.u53(at + L.DISTRIBUTION_MIN),
    max: memory.u53(at + L.DISTRIBUTION_MAX),
    indices,
    counts,
    longest: memory.mark(at + L.DISTRIBUTION_LONGEST),
    address: memory.u64(at + L.DISTRIBUTION_ADDRESS),
  };
}

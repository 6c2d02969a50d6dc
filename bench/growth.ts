import { EVENT_TIME } from '../assembly/layout.ts';
import { EVENT_RECORD_SIZE } from '../src/model/event-record.ts';
import { table } from '../src/report/table.ts';
import { makeWasmEngine } from '../src/session/pump.ts';
import { cpuNs, engineOptions } from './replay.ts';
import { FIXED_LOCKS } from './workloads.ts';

const BLOCK_EVENTS = 1_000_000;
const MARKS = [1, 2, 5, 10, 20, 50, 100];

/**
 * Cost per event while a trace goes on, with a fixed set of locks: one block of events replayed again and again, each time later.
 * Prints the cost of the events since the previous line, and its ratio to the second million's (the first warms the code up).
 */
export function printGrowth(seed: number): void {
  const workload = FIXED_LOCKS(BLOCK_EVENTS, seed);
  const engine = makeWasmEngine(engineOptions(workload));
  const used = workload.lanes.map(() => 0);
  const shift = timeSpan(workload.lanes.map(({ bytes }) => bytes));
  const rows: string[][] = [];
  const rounds = MARKS.at(-1)! * (BLOCK_EVENTS / workload.events);
  let spent = 0;
  let since = 0;
  let reference: number | undefined;
  const passes = workload.lanes.map(() => 0);
  let replayed = 0;
  for (;;) {
    const start = cpuNs();
    const step = engine.step();
    spent += cpuNs() - start;
    if (step.state === 'done') break;
    if (step.state === 'full') engine.drain();
    if (step.state !== 'dry') continue;
    const { bytes } = workload.lanes[step.lane]!;
    if (used[step.lane] === bytes.length) {
      used[step.lane] = 0;
      moveTime(bytes, shift);
      passes[step.lane]!++;
    }
    if (passes[step.lane]! >= rounds) {
      engine.finish(step.lane);
      continue;
    }
    const window = engine.window(step.lane);
    const piece = bytes.subarray(used[step.lane]!, used[step.lane]! + window.length);
    window.set(piece);
    engine.supply(step.lane, piece.length);
    used[step.lane]! += piece.length;
    replayed += piece.length / EVENT_RECORD_SIZE;
    since += piece.length / EVENT_RECORD_SIZE;
    const mark = MARKS[rows.length];
    if (mark === undefined || replayed < mark * 1e6) continue;
    const each = spent / since;
    if (mark === 2) reference = each;
    rows.push([String(mark), each.toFixed(1), reference === undefined ? '-' : (each / reference).toFixed(2)]);
    spent = since = 0;
  }
  console.log('\nCost per event as a trace grows, with a fixed set of locks:');
  const head = ['events replayed, million', 'ns/event since the line above', 'times the second million'];
  console.log(table(head, rows, ['right', 'right', 'right']).join('\n'));
}

/** Time from the first event of all lanes to somewhat behind the last, ns. */
function timeSpan(lanes: readonly Uint8Array[]): bigint {
  let first = 2n ** 64n;
  let last = 0n;
  for (const bytes of lanes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const start = view.getBigUint64(EVENT_TIME, true);
    const end = view.getBigUint64(bytes.length - EVENT_RECORD_SIZE + EVENT_TIME, true);
    if (start < first) first = start;
    if (end > last) last = end;
  }
  return last - first + 1000n;
}

function moveTime(bytes: Uint8Array, by: bigint): void {
  const words = new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8);
  for (let at = EVENT_TIME / 8; at < words.length; at += EVENT_RECORD_SIZE / 8) words[at]! += by;
}

import { makeTwin } from '../src/engine/twin/twin-engine.ts';
import { table, type Align } from '../src/report/table.ts';
import { makeWasmEngine } from '../src/session/pump.ts';
import { captureWorkload } from './capture-workload.ts';
import { NativeEngine } from './native.ts';
import { median, ratioOf, ratioText, type Pair } from './ratio.ts';
import { readPassNs } from './read-pass.ts';
import { replayNs } from './replay.ts';
import { turn } from './scratch.ts';
import { fitsTypedArrays, makeTypedArrays } from './typed-arrays.ts';
import { bytesOf, LOCK_TABLES, WORKLOADS, type Workload } from './workloads.ts';

export interface ReplayOptions {
  readonly rounds: number;
  readonly events: number;
  readonly seed: number;
}

// The twin is some twenty times slower, and nobody judges its ratio: it gets fewer rounds.
const TWIN_ROUNDS = 3;
const TWIN_EVENTS = 1_500_000;

const HEAD = [
  'replay from memory',
  'M events/s',
  'ns/event',
  'MB/s',
  'native / ours',
  'typed arrays / ours',
  'read pass / ours',
  'twin / ours',
];

/** Replay from memory: every generated workload, then every capture that fits. */
export async function printReplay(files: readonly string[], options: ReplayOptions): Promise<void> {
  const native = NativeEngine.build();
  if (typeof native === 'string') console.log(native);
  const peer = typeof native === 'string' ? null : native;
  const rows: string[][] = [];
  for (const make of WORKLOADS)
    rows.push(await measure(make(options.events, options.seed), peer, options.rounds));
  for (const file of files) {
    const workload = await captureWorkload(file);
    if (workload) rows.push(await measure(workload, peer, options.rounds));
    else console.log(`${file} is too large to be replayed from memory`);
  }
  console.log(
    `CPU time, ${options.rounds} rounds in turns: medians, and 95 % bootstrap intervals of the median ratio.`,
  );
  console.log(table(HEAD, rows, ['left', ...HEAD.slice(1).map((): Align => 'right')]).join('\n'));
  const [many, few] = LOCK_TABLES.map((make) => make(options.events, options.seed));
  console.log(`\n${many!.name} / ${few!.name}, per event: ${await perEvent(many!, few!, options.rounds)}`);
}

/** Time per event of one workload over that of another, both replayed in turns. */
async function perEvent(a: Workload, b: Workload, rounds: number): Promise<string> {
  const pairs: Pair[] = [];
  for (let round = 0; round <= rounds; round++) {
    await turn();
    const [first, second] = [a, b].map(
      (workload) => replayNs(makeWasmEngine, workload) / workload.timedEvents,
    );
    if (round > 0) pairs.push([first!, second!]);
  }
  return ratioText(ratioOf(pairs));
}

/** One workload through everything that can replay it, in turns. The first round only warms up. */
async function measure(workload: Workload, native: NativeEngine | null, rounds: number): Promise<string[]> {
  const runNative = native?.prepare(workload);
  const withArrays = fitsTypedArrays(workload);
  const withTwin = workload.events <= TWIN_EVENTS;
  const ours: number[] = [];
  const pairs = { native: [], arrays: [], read: [], twin: [] } as Record<string, Pair[]>;
  for (let round = 0; round <= rounds; round++) {
    await turn();
    const own = replayNs(makeWasmEngine, workload);
    const nativeNs = runNative?.();
    const arraysNs = withArrays ? replayNs(makeTypedArrays, workload) : undefined;
    const readNs = readPassNs(workload);
    if (round === 0) continue;
    ours.push(own);
    pairs['read']!.push([readNs, own]);
    if (nativeNs !== undefined) pairs['native']!.push([nativeNs, own]);
    if (arraysNs !== undefined) pairs['arrays']!.push([arraysNs, own]);
    if (withTwin && round <= TWIN_ROUNDS) pairs['twin']!.push([replayNs(makeTwin, workload), own]);
  }
  const ns = median(ours);
  const bytes = bytesOf(workload);
  const timedBytes = bytes - workload.warmBytes;
  const text = (name: string): string => (pairs[name]!.length > 0 ? ratioText(ratioOf(pairs[name]!)) : '-');
  return [
    workload.name,
    ((workload.timedEvents / ns) * 1000).toFixed(1),
    (ns / workload.timedEvents).toFixed(1),
    ((timedBytes / ns) * 1000).toFixed(0),
    text('native'),
    text('arrays'),
    text('read'),
    text('twin'),
  ];
}

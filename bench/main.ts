import Table from 'cli-table3';
import { resolve } from 'node:path';
import { compareEngines, lockRecords } from './engines.ts';
import { compare, isInstalled, type Comparison } from './process-cpu.ts';

// npm run bench [FILE...]: whole processes, CPU time, ours and the peer's in turns.

const ROUNDS = Number(process.env['SPINBACK_BENCH_ROUNDS'] ?? 5);
const SPINBACK = resolve(import.meta.dirname, '../../bin/spinback.cjs');

function row(file: string, { oursMs, theirsMs, ratio }: Comparison): string[] {
  return [
    file,
    oursMs.toFixed(0),
    theirsMs.toFixed(0),
    `${ratio.median.toFixed(1)} (${ratio.least.toFixed(1)} .. ${ratio.most.toFixed(1)})`,
  ];
}

const given = process.argv.slice(2);
const files = given.length > 0 ? given : ['traces/lost-unlock.dat', 'traces/slow-holder.dat'];
const node = process.execPath;

if (isInstalled('trace-cmd')) {
  const table = new Table({
    head: ['file', 'spinback analyze, CPU ms', 'trace-cmd report, CPU ms', 'times less (range)'],
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right', 'right'],
  });
  for (const file of files) {
    table.push(row(file, compare([node, SPINBACK, 'analyze', file], ['trace-cmd', 'report', file], ROUNDS)));
  }
  console.log(`Whole processes, CPU time (user + system), ${ROUNDS} rounds in turns, medians:`);
  console.log(table.toString());
} else {
  console.log('trace-cmd is not installed: nothing to compare whole processes with.');
}

const engines = new Table({
  head: ['canonical events in memory', 'wasm, M events/s', 'TypeScript twin', 'ratio'],
  style: { head: [], border: [] },
  colAligns: ['left', 'right', 'right', 'right'],
});
for (const [name, locks] of [
  ['spinlocks, 1 thousand locks', 250],
  ['spinlocks, 100 thousand locks', 25_000],
] as const) {
  const { wasm, twin, ratio } = compareEngines(lockRecords(600_000, 4, locks, 1), 3);
  engines.push([name, wasm.toFixed(1), twin.toFixed(2), ratio.toFixed(1)]);
}
console.log('\nReplay alone, in one process, in turns, medians of 3 rounds:');
console.log(engines.toString());

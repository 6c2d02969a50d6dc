import Table from 'cli-table3';
import { resolve } from 'node:path';
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

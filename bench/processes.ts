import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { table, type Align } from '../src/report/table.ts';
import { compare, isInstalled } from './process-cpu.ts';
import { ratioText } from './ratio.ts';

const NODE = process.execPath;
const SPINBACK = resolve(import.meta.dirname, '../../bin/spinback.cjs');

interface Peer {
  readonly program: string;
  readonly reads: RegExp;
  readonly command: (file: string) => readonly string[];
}

/** What people wait for today, on the files that it reads. */
const PEERS: readonly Peer[] = [
  { program: 'trace-cmd', reads: /\.dat$/, command: (file) => ['trace-cmd', 'report', '-i', file] },
  { program: 'perf', reads: /\.data$/, command: (file) => ['perf', 'script', '-i', file] },
  { program: 'perf', reads: /\.data$/, command: (file) => ['perf', 'lock', 'report', '-i', file] },
];

/** Whole processes: analyze against the tools of today on the same file, stats against analyze, and our start against Node's own. */
export function printProcesses(files: readonly string[], rounds: number): void {
  console.log(`\nWhole processes, CPU time (user + system), ${rounds} rounds in turns:`);
  printPeers(files, rounds);
  printStats(files, rounds);
  printStart(files[0], rounds);
}

function printPeers(files: readonly string[], rounds: number): void {
  const rows: string[][] = [];
  for (const file of files) {
    for (const { program, reads, command } of PEERS) {
      if (!reads.test(file)) continue;
      const theirs = command(file);
      const label = theirs.slice(0, theirs.indexOf('-i')).join(' ');
      if (!isInstalled(program)) {
        rows.push([basename(file), '-', `${label} (not installed)`, '-', '-']);
        continue;
      }
      const { aMs, bMs, ratio } = compare(theirs, [NODE, SPINBACK, 'analyze', file], rounds);
      rows.push([basename(file), bMs.toFixed(0), label, aMs.toFixed(0), ratioText(ratio)]);
    }
  }
  print(['file', 'analyze, CPU ms', 'peer', 'peer, CPU ms', 'peer / analyze'], rows, 2);
}

/** Both replay the capture once; what stats costs more is its counting, its names and its tables. */
function printStats(files: readonly string[], rounds: number): void {
  const rows = files.map((file) => {
    const [stats, analyze] = ['stats', 'analyze'].map((command) => [NODE, SPINBACK, command, file]);
    const { aMs, bMs, ratio } = compare(stats!, analyze!, rounds);
    return [basename(file), bMs.toFixed(0), aMs.toFixed(0), ratioText(ratio)];
  });
  print(['file', 'analyze, CPU ms', 'stats, CPU ms', 'stats / analyze'], rows);
}

function printStart(small: string | undefined, rounds: number): void {
  const folder = mkdtempSync(join(tmpdir(), 'spinback-bench-'));
  const empty = join(folder, 'empty.mjs');
  writeFileSync(empty, '');
  const commands = [['--version'], ['--help'], ...(small === undefined ? [] : [['analyze', small]])];
  const rows = commands.map((command) => {
    // A start is short: more rounds.
    const { aMs, bMs, ratio } = compare([NODE, SPINBACK, ...command], [NODE, empty], 4 * rounds);
    const label = `spinback ${command.map((word) => basename(word)).join(' ')}`;
    return [label, aMs.toFixed(0), bMs.toFixed(0), ratioText(ratio)];
  });
  print(['start', 'CPU ms', 'empty Node module, CPU ms', 'ours / empty module'], rows);
  rmSync(folder, { recursive: true });
}

/** A table of figures, with names in its first column and in the one numbered `name`. */
function print(head: readonly string[], rows: readonly string[][], name = 0): void {
  const aligns = head.map((_, column): Align => (column === 0 || column === name ? 'left' : 'right'));
  console.log(`\n${table(head, rows, aligns).join('\n')}`);
}

import Table from 'cli-table3';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
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

/** Whole processes: analyze against the tools of today on the same file, and our start against Node's own. */
export function printProcesses(files: readonly string[], rounds: number): void {
  const head = ['file', 'ours, CPU ms', 'peer', 'peer, CPU ms', 'peer / ours'];
  const table = new Table({
    head,
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'left', 'right', 'right'],
  });
  for (const file of files) {
    for (const { program, reads, command } of PEERS) {
      if (!reads.test(file)) continue;
      const theirs = command(file);
      const label = theirs.slice(0, theirs.indexOf('-i')).join(' ');
      if (!isInstalled(program)) {
        table.push([basename(file), '-', `${label} (not installed)`, '-', '-']);
        continue;
      }
      const { aMs, bMs, ratio } = compare(theirs, [NODE, SPINBACK, 'analyze', file], rounds);
      table.push([basename(file), bMs.toFixed(0), label, aMs.toFixed(0), ratioText(ratio)]);
    }
  }
  console.log(`\nWhole processes, CPU time (user + system), ${rounds} rounds in turns:`);
  console.log(table.toString());
  printStart(files[0], rounds);
}

function printStart(small: string | undefined, rounds: number): void {
  const folder = mkdtempSync(join(tmpdir(), 'spinback-bench-'));
  const empty = join(folder, 'empty.mjs');
  writeFileSync(empty, '');
  const table = new Table({
    head: ['start', 'CPU ms', 'empty Node module, CPU ms', 'ours / empty module'],
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right', 'right'],
  });
  const commands = [['--version'], ['--help'], ...(small === undefined ? [] : [['analyze', small]])];
  for (const command of commands) {
    // A start is short: more rounds.
    const { aMs, bMs, ratio } = compare([NODE, SPINBACK, ...command], [NODE, empty], 4 * rounds);
    table.push([
      `spinback ${command.map((word) => basename(word)).join(' ')}`,
      aMs.toFixed(0),
      bMs.toFixed(0),
      ratioText(ratio),
    ]);
  }
  console.log(table.toString());
  rmSync(folder, { recursive: true });
}

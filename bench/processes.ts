import { statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { table, type Align } from '../src/report/table.ts';
import { ANALYZE, cpuTimeOf, inTurns, isInstalled, medianMs, spinback } from './process-cpu.ts';
import { ProgramFailed, type Program } from './programs.ts';
import { ratioOf, ratioText } from './ratio.ts';
import { scratchFolder } from './scratch.ts';

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

/**
 * Whole processes: analyze against the tools of today on the same file, containers against what they were made of, stats against
 * analyze, and our start against Node's own.
 */
export async function printProcesses(files: readonly string[], rounds: number): Promise<void> {
  const empty = emptyModule();
  console.log(caption(rounds));
  await printPeers(files, empty, rounds);
  const containers = await convertAll(files);
  await printContainers(containers, empty, rounds);
  await printStats([...files, ...containers.map(({ spin }) => spin)], rounds);
  await printStart(files[0], empty, rounds);
}

/** Containers alone. */
export async function printConverted(files: readonly string[], rounds: number): Promise<void> {
  console.log(caption(rounds));
  await printContainers(await convertAll(files), emptyModule(), rounds);
}

function caption(rounds: number): string {
  return `\nWhole processes, CPU time (user + system), ${rounds} rounds in turns:`;
}

/** What starting Node costs whoever does so. */
function emptyModule(): Program {
  const path = join(scratchFolder(), 'empty.mjs');
  writeFileSync(path, '');
  return { words: [process.execPath, path] };
}

const analyze = (file: string): Program => spinback([...ANALYZE, file]);

/** Columns `a` over `b`, each less column `less` of the same round. */
function ratioLess(measured: readonly (readonly number[])[], a: number, b: number, less: number): string {
  return ratioText(ratioOf(measured.map((row) => [row[a]! - row[less]!, row[b]! - row[less]!])));
}

function ratio(measured: readonly (readonly number[])[], a: number, b: number): string {
  return ratioText(ratioOf(measured.map((row) => [row[a]!, row[b]!])));
}

async function printPeers(files: readonly string[], empty: Program, rounds: number): Promise<void> {
  const rows: string[][] = [];
  for (const file of files) {
    for (const { program, reads, command } of PEERS) {
      if (!reads.test(file)) continue;
      const theirs = command(file);
      const label = theirs.slice(0, theirs.indexOf('-i')).join(' ');
      if (!isInstalled(program)) {
        rows.push([basename(file), '-', `${label} (not installed)`, '-', '-', '-', '-']);
        continue;
      }
      const measured = await inTurns([{ words: theirs }, analyze(file), empty], rounds);
      const [peerMs, ownMs] = [medianMs(measured, 0), medianMs(measured, 1)];
      const startless = ratioText(ratioOf(measured.map(([peer, own, start]) => [peer!, own! - start!])));
      const ratios = [ratio(measured, 0, 1), startless, ratioLess(measured, 0, 1, 2)];
      rows.push([basename(file), ownMs, label, peerMs, ...ratios]);
    }
  }
  const head = ['file', 'analyze, CPU ms', 'peer', 'peer, CPU ms', 'peer / analyze'];
  print([...head, 'peer / analyze less empty module', 'both less empty module'], rows, 2);
}

interface Container {
  readonly file: string;
  readonly spin: string;
  /** CPU time of the conversion. */
  readonly ms: number;
}

/** Containers of the captures that can be converted; of the others it says why not. */
async function convertAll(files: readonly string[]): Promise<Container[]> {
  const made: Container[] = [];
  for (const file of files) {
    if (file.endsWith('.spin')) continue;
    const spin = join(scratchFolder(), `${basename(file)}.spin`);
    try {
      const ms = await cpuTimeOf(spinback(['convert', file, spin]));
      made.push({ file, spin, ms });
    } catch (error) {
      if (!(error instanceof ProgramFailed)) throw error;
      console.log(`${error.message}: ${error.output.trim()}`);
    }
  }
  return made;
}

/** A container against the capture that it was made of. */
async function printContainers(
  containers: readonly Container[],
  empty: Program,
  rounds: number,
): Promise<void> {
  const rows: string[][] = [];
  for (const { file, spin, ms } of containers) {
    const measured = await inTurns([analyze(spin), analyze(file), empty], rounds);
    const size = (statSync(spin).size / statSync(file).size).toFixed(2);
    const times = [ms.toFixed(0), medianMs(measured, 1), medianMs(measured, 0)];
    rows.push([basename(file), size, ...times, ratio(measured, 0, 1), ratioLess(measured, 0, 1, 2)]);
  }
  const head = [
    'capture',
    '.spin / capture, bytes',
    'convert, CPU ms',
    'analyze, CPU ms',
    'of the .spin, CPU ms',
  ];
  print([...head, '.spin / capture', 'both less empty module'], rows);
}

/** Both replay the capture once; what stats costs more is its counting, its names and its tables. */
async function printStats(files: readonly string[], rounds: number): Promise<void> {
  const rows: string[][] = [];
  for (const file of files) {
    const measured = await inTurns([spinback(['stats', file]), analyze(file)], rounds);
    rows.push([basename(file), medianMs(measured, 1), medianMs(measured, 0), ratio(measured, 0, 1)]);
  }
  print(['file', 'analyze, CPU ms', 'stats, CPU ms', 'stats / analyze'], rows);
}

async function printStart(small: string | undefined, empty: Program, rounds: number): Promise<void> {
  const commands: [label: string, Program][] = [
    ['spinback --version', spinback(['--version'])],
    ['spinback --help', spinback(['--help'])],
  ];
  if (small !== undefined) commands.push([`spinback analyze ${basename(small)}`, analyze(small)]);
  const rows: string[][] = [];
  for (const [label, program] of commands) {
    // A start is short: more rounds.
    const measured = await inTurns([program, empty], 4 * rounds);
    rows.push([label, medianMs(measured, 0), medianMs(measured, 1), ratio(measured, 0, 1)]);
  }
  print(['start', 'CPU ms', 'empty Node module, CPU ms', 'ours / empty module'], rows);
}

/** A table of figures, with names in its first column and in the one numbered `name`. */
function print(head: readonly string[], rows: readonly string[][], name = 0): void {
  const aligns = head.map((_, column): Align => (column === 0 || column === name ? 'left' : 'right'));
  console.log(`\n${table(head, rows, aligns).join('\n')}`);
}

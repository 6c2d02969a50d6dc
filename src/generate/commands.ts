import * as fs from 'node:fs';
import { join } from 'node:path';
import { SpinbackError } from '../base/errors.ts';
import { openInput } from '../io/node-file.ts';
import { FileOutput, FileSpool, packerFor, type Compression } from './disk.ts';
import { EVENT_SPECS, type Sink } from './events.ts';
import { readFault } from './faults/faults.ts';
import { filterTrace } from './filter.ts';
import { writeIncident } from './incident-2015.ts';
import { readLoss } from './losses.ts';
import type { Output, Spool } from './output.ts';
import { PerfDataWriter } from './perf-data.ts';
import {
  Simulation,
  SIMULATION_DEFAULTS,
  type SimulationOptions,
  type SimulationResult,
} from './simulation.ts';
import { TextWriter, type TextFormat } from './text.ts';
import { TraceDatWriter } from './trace-dat.ts';
import { LOCK_CLASSES } from './machine/locks.ts';
import { ACTIVITIES, type Activity, type Mix } from './activities.ts';

export const FORMATS = ['v7', 'v6', 'perf', 'trace', 'latency', 'report'] as const;

/** The options of `generate workload` as the command line gives them. */
export interface WorkloadArguments {
  readonly out: string;
  readonly format: (typeof FORMATS)[number];
  readonly compress: Compression;
  readonly seed: number;
  readonly cpus: number;
  readonly events: number;
  readonly duration?: number;
  readonly start: number;
  readonly locks: number;
  readonly zipf: number;
  readonly tasks: number;
  readonly systems?: string[];
  readonly skew: number;
  readonly migration: number;
  readonly mix?: string[];
  readonly slow?: string[];
  readonly debugMutex: boolean;
  readonly fault?: string[];
  readonly loss?: string[];
  readonly pageSize: number;
  readonly long: '8' | '4';
  readonly endian: 'little' | 'big';
  readonly clock: string;
  readonly tsc2nsec: boolean;
  readonly longTimes: 'extend' | 'absolute';
  readonly nanoseconds: boolean;
}

/** Runs `generate workload` and returns a line that says what was written. Throws USAGE where a fault that was asked for did not happen. */
export async function runWorkload(args: WorkloadArguments): Promise<string> {
  const simulation = simulationOptions(args);
  const result = await toFile(args.out, null, async (output, spool) => {
    const writer = writerFor(args, output, spool);
    const run = new Simulation(simulation, writer).run();
    if (run.missed.length > 0) throw tooShort(run.missed);
    writer.finish(run.comms);
    return run;
  });
  if (result.truths.length > 0 || result.losses.length > 0) {
    fs.writeFileSync(`${args.out}.truth.json`, truthText(args.seed, result));
  }
  const seconds = ((result.endNs - result.startNs) / 1e9).toFixed(6);
  return `${args.out}: ${result.events} events, ${seconds} s`;
}

function tooShort(missed: readonly string[]): SpinbackError {
  return new SpinbackError(
    'USAGE',
    `the trace ended before this happened: ${missed.join(', ')}; let it begin sooner (at=), or the trace be longer (--duration, --events)`,
  );
}

/** The truth file: the faults and losses of a generated capture. */
export function truthText(seed: number, { truths, losses, startNs, endNs }: SimulationResult): string {
  const truth = { seed, startNs: String(startNs), endNs: String(endNs), faults: truths, losses };
  return `${JSON.stringify(truth, null, 2)}\n`;
}

function simulationOptions(args: WorkloadArguments): SimulationOptions {
  const { seed, cpus, events, locks, zipf, migration, debugMutex } = args;
  const systems = args.systems ?? SIMULATION_DEFAULTS.systems;
  const known = new Set(EVENT_SPECS.flatMap(({ system, name }) => [system, `${system}:${name}`]));
  const unknown = systems.find((system) => !known.has(system));
  if (unknown !== undefined) throw new SpinbackError('USAGE', `no trace system or event "${unknown}"`);
  return {
    ...SIMULATION_DEFAULTS,
    seed,
    cpus,
    events,
    locks,
    zipf,
    migration,
    debugMutex,
    systems,
    durationNs: args.duration ?? null,
    startNs: args.start,
    tasksPerCpu: args.tasks,
    skewNs: args.skew,
    mix: readMix(args.mix ?? []),
    slow: readSlow(args.slow ?? []),
    faults: (args.fault ?? []).map(readFault),
    losses: (args.loss ?? []).map((text) => readLoss(text, args.start)),
  };
}

function readMix(parts: readonly string[]): Mix {
  const weights = parts.map((part): [Activity, number] => {
    const [name, weight] = part.split('=', 2);
    const activity = ACTIVITIES.find((known) => known === name);
    if (activity && Number(weight) >= 0) return [activity, Number(weight)];
    throw new SpinbackError('USAGE', `"${part}" is no weight; there are ${ACTIVITIES.join(', ')}`);
  });
  return Object.fromEntries(weights);
}

/** "&xa->xa_lock=1.5": class and factor. */
function readSlow(parts: readonly string[]): Record<string, number> {
  const factors = parts.map((part): [string, number] => {
    const [, name = '', factor] = /^(.+)=([\d.]+)$/.exec(part) ?? [];
    if (LOCK_CLASSES.includes(name) && Number(factor) > 0) return [name, Number(factor)];
    throw new SpinbackError(
      'USAGE',
      `"${part}" is no class and factor; there are ${LOCK_CLASSES.join(', ')}`,
    );
  });
  return Object.fromEntries(factors);
}

interface FileWriter extends Sink {
  finish(comms: ReadonlyMap<number, string>): void;
}

function writerFor(args: WorkloadArguments, output: Output, spool: Spool): FileWriter {
  const { format, cpus, pageSize, clock, tsc2nsec, longTimes, nanoseconds } = args;
  if (pageSize % 8 !== 0 || pageSize < 256 || pageSize > 1 << 19) {
    throw new SpinbackError('USAGE', `a sub-buffer cannot have ${pageSize} bytes`);
  }
  if (format === 'perf') {
    return new PerfDataWriter(output, { cpus, systems: args.systems ?? SIMULATION_DEFAULTS.systems });
  }
  if (format !== 'v6' && format !== 'v7') {
    return new TextWriter(output, spool, { format: format satisfies TextFormat, cpus, nanoseconds });
  }
  return new TraceDatWriter(output, spool, {
    version: format === 'v6' ? 6 : 7,
    cpus,
    pageSize,
    wordSize: args.long === '4' ? 4 : 8,
    bigEndian: args.endian === 'big',
    clock,
    tsc2nsec,
    longTimes,
    ...(args.systems && { systems: args.systems }),
    packer: format === 'v7' ? packerFor(args.compress) : null,
  });
}

/** Runs `generate filter` and returns a line that says what was written. */
export async function runFilter(
  input: string,
  out: string,
  options: {
    drop: string[];
    from?: bigint;
    to?: bigint;
    cpus?: number[];
    format?: 'v6' | 'v7';
    compress: Compression;
  },
): Promise<string> {
  const source = await openInput(input);
  try {
    return await toFile(out, input, async (output, spool) => {
      const { kept, dropped } = await filterTrace(source, output, spool, {
        drop: options.drop,
        fromNs: options.from ?? null,
        toNs: options.to ?? null,
        cpus: options.cpus ?? null,
        version: options.format === undefined ? null : options.format === 'v6' ? 6 : 7,
        packer: packerFor(options.compress),
      });
      return `${out}: ${kept} events kept, ${dropped} left out`;
    });
  } finally {
    source.close();
  }
}

/** Runs `generate ext4-finish-bio-2015` and returns a line that says what was written. */
export async function runIncident(folder: string): Promise<string> {
  fs.mkdirSync(folder, { recursive: true });
  const path = join(folder, 'trace.dat');
  const { seed, result } = await toFile(path, null, async (output, spool) => writeIncident(output, spool));
  fs.writeFileSync(join(folder, 'truth.json'), truthText(seed, result));
  return `${path}: ${result.events} events`;
}

/** Writes a file, with a spool for what has no place yet; one that fails leaves none. `input`: the file that is read meanwhile. */
async function toFile<T>(
  path: string,
  input: string | null,
  write: (output: Output, spool: Spool) => Promise<T>,
): Promise<T> {
  const output = new FileOutput(path, input);
  try {
    const spool = new FileSpool();
    let result: T;
    try {
      result = await write(output, spool);
    } finally {
      spool.close();
    }
    output.finish();
    return result;
  } finally {
    output.discard();
  }
}

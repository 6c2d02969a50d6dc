import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { SpinbackError } from '../base/errors.ts';
import { exactDuration, parseDuration } from '../base/units.ts';
import { COMPRESSIONS, type Compression } from './disk.ts';
import { SYSTEMS } from './events.ts';
import { FAULTS } from './faults/faults.ts';
import { defaultText, helpText } from './faults/settings.ts';
import { LOSS_SORTS } from './losses.ts';
import { runFilter, runIncident, runWorkload, FORMATS, type WorkloadArguments } from './commands.ts';
import { SIMULATION_DEFAULTS as DEFAULTS } from './simulation.ts';

const EXIT_USAGE = 2;
const EXIT_INPUT = 3;

function number(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new InvalidArgumentError('It wants a number that is not negative.');
}

function durationNs(text: string): number {
  const value = parseDuration(text);
  if (value !== undefined) return value;
  throw new InvalidArgumentError('It wants a duration such as 250ms or 36s.');
}

function durationOption(flag: string, description: string, ns: number): Option {
  return new Option(`${flag} <time>`, description).argParser(durationNs).default(ns, exactDuration(ns));
}

/** Seconds with up to nine decimals, exactly: "14.572797678" -> 14572797678n. */
function secondsNs(text: string): bigint {
  const match = /^(\d+)(?:\.(\d{1,9}))?$/.exec(text);
  if (match) return BigInt(match[1]!) * 1_000_000_000n + BigInt((match[2] ?? '').padEnd(9, '0'));
  throw new InvalidArgumentError('It wants seconds such as 14.572797678.');
}

const list = (text: string): string[] => text.split(',').filter(Boolean);
const more = (text: string, before: string[] = []): string[] => [...before, text];

function faultHelp(): string {
  const lines = FAULTS.flatMap(({ name, help, settings }) => [
    `  ${name}: ${help}`,
    ...Object.entries(settings).map(
      ([key, setting]) => `      ${key}=${defaultText(setting)}  ${helpText(setting)}`,
    ),
  ]);
  return `\nFaults (--fault name or name:key=value,key=value):\n${lines.join('\n')}`;
}

/** Options of the workload that say how a file is written, by the formats that they mean something in. */
const APPLIES: Readonly<Record<string, readonly WorkloadArguments['format'][]>> = {
  '--compress': ['v7'],
  '--page-size': ['v6', 'v7'],
  '--long': ['v6', 'v7'],
  '--endian': ['v6', 'v7'],
  '--clock': ['v6', 'v7'],
  '--tsc2nsec': ['v6', 'v7'],
  '--long-times': ['v6', 'v7'],
  '--nanoseconds': ['report'],
};

/** Throws USAGE for an option that would be ignored. */
function refuseIdle(format: WorkloadArguments['format'], given: readonly Option[]): void {
  const idle = given.find(({ long }) => APPLIES[long ?? '']?.includes(format) === false);
  if (idle) {
    throw new SpinbackError(
      'USAGE',
      `${idle.long} means nothing in format ${format}, only in ${APPLIES[idle.long!]!.join(' and ')}`,
    );
  }
}

function program(): Command {
  const root = new Command('generate')
    .description('makes lock traces: seeded workloads with faults, and smaller traces out of existing ones')
    .exitOverride();
  const compress = (): Option =>
    new Option('--compress <method>', 'compression of a v7 file; zstd wants Node 22.15 or later')
      .choices(COMPRESSIONS)
      .default('none');

  root
    .command('workload')
    .description('simulates a machine and writes what its tracer would have recorded')
    .requiredOption('--out <file>', 'where to write; the truth about faults goes to FILE.truth.json')
    .addOption(new Option('--format <format>', 'shape of the file').choices(FORMATS).default('v7'))
    .addOption(compress())
    .option('--seed <n>', 'the same seed gives the same bytes', number, DEFAULTS.seed)
    .option('--cpus <n>', '1 to 512', number, DEFAULTS.cpus)
    .option('--events <n>', 'how many events, roughly where there is a duration', number, DEFAULTS.events)
    .option('--duration <time>', 'length of the trace (default: what the faults need)', durationNs)
    .addOption(durationOption('--start', 'clock at the beginning', DEFAULTS.startNs))
    .option('--locks <n>', 'locks of all sorts, up to 4 million', number, DEFAULTS.locks)
    .option('--zipf <s>', 'exponent of the distribution of locks', number, DEFAULTS.zipf)
    .option('--tasks <n>', 'tasks per CPU', number, DEFAULTS.tasksPerCpu)
    .option('--systems <list>', `recorded trace systems: ${SYSTEMS.join(',')}`, list)
    .addOption(durationOption('--skew', 'how far an event may lie from what it reports', DEFAULTS.skewNs))
    .option('--migration <share>', 'share of wakeups that move a task', number, DEFAULTS.migration)
    .option('--mix <list>', 'weights of what tasks do, such as spin=5,mutex=0', list)
    .option(
      '--slow <class=factor>',
      "holds of a lockdep class last so many times as long, such as '&xa->xa_lock=1.5'",
      more,
    )
    .option('--no-debug-mutex', 'no contention events for mutexes that are free')
    .option('--fault <fault>', 'puts a fault in; may be given several times', more)
    .option('--loss <loss>', `loses events: ${LOSS_SORTS.join(', ')} with cpu, at, for or pages, told`, more)
    .option('--page-size <bytes>', 'sub-buffer size', number, 4096)
    .addOption(
      new Option('--long <bytes>', 'size of a long on the recorded machine').choices(['8', '4']).default('8'),
    )
    .addOption(
      new Option('--endian <order>', 'byte order of the recorded machine')
        .choices(['little', 'big'])
        .default('little'),
    )
    .option('--clock <name>', 'trace clock; x86-tsc counts cycles', 'mono')
    .option('--tsc2nsec', 'with x86-tsc: say how cycles become nanoseconds', false)
    .addOption(
      new Option('--long-times <how>', 'time stamps after a long silence')
        .choices(['extend', 'absolute'])
        .default('extend'),
    )
    .option('--nanoseconds', 'format report: nine decimals, as trace-cmd report -t', false)
    .addHelpText('after', faultHelp())
    .action(async (options: WorkloadArguments, command: Command) => {
      const isGiven = (name: string): boolean => command.getOptionValueSource(name) === 'cli';
      refuseIdle(
        options.format,
        command.options.filter((option) => isGiven(option.attributeName())),
      );
      say(await runWorkload(options));
    });

  root
    .command('filter')
    .description('writes a trace.dat anew without some of its events; what stays is kept byte for byte')
    .argument('<in>', 'a trace.dat')
    .argument('<out>', 'the new one')
    .option('--drop <list>', 'systems and events to leave out, such as bitlock,bhrace:word_load', list, [])
    .option('--from <seconds>', 'first time to keep, on the trace clock', secondsNs)
    .option('--to <seconds>', 'first time to leave out', secondsNs)
    .option('--cpus <list>', 'CPUs to keep, such as 0,2', (text) => list(text).map(number))
    .addOption(
      new Option('--format <format>', 'version of the new file (default: as the old one)').choices([
        'v6',
        'v7',
      ]),
    )
    .addOption(compress())
    .action(
      async (
        input: string,
        output: string,
        options: {
          drop: string[];
          from?: bigint;
          to?: bigint;
          cpus?: number[];
          format?: 'v6' | 'v7';
          compress: Compression;
        },
      ) => say(await runFilter(input, output, options)),
    );

  root
    .command('ext4-finish-bio-2015')
    .description('writes the reconstruction of the lockup reported in October 2015')
    .requiredOption('--out <folder>', 'where to write trace.dat and truth.json')
    .action(async (options: { out: string }) => say(await runIncident(options.out)));
  return root;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Runs the command line; returns the exit status. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    await program().parseAsync([...argv], { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
    if (!(error instanceof SpinbackError)) throw error;
    say(`generate: ${error.message}`);
    return error.code === 'USAGE' ? EXIT_USAGE : EXIT_INPUT;
  }
}

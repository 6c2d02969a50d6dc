import { Command, CommanderError, Option } from 'commander';
import { VERSION } from '../base/version.ts';
import { CONFIDENCES } from '../model/report.ts';
import { hang, MAX_WIDTH } from '../report/text.ts';
import type { AnalyzeAllCommand } from './analyze.ts';
import type { CaptureCommand } from './capture.ts';
import type { ConvertCommand } from './convert.ts';
import type { DmesgCommand } from './dmesg.ts';
import type { EventsCommand } from './events.ts';
import { errorText, EXIT, exitOf } from './exit.ts';
import { isDebug } from './files.ts';
import type { InfoCommand } from './info.ts';
import type { Io, Output } from './io.ts';
import {
  countOption,
  cpusOption,
  durationOption,
  jobsOption,
  kindsOption,
  lockOption,
  pidsOption,
  timeOption,
  wordsOption,
} from './options.ts';
import { FILES, list, mapOption, reading } from './program.ts';
import { addStatistics } from './statistics-commands.ts';

const EXITS =
  'Exit status: 0 nothing found, 1 findings at or above --fail-on, 2 wrong usage, 3 unreadable or damaged input (what could be ' +
  'read is still reported), 70 internal error. Of several files the worst one counts.';

const LOG_EXITS =
  'Exit status: 0 no report in the log, 1 reports found, 2 wrong usage, 3 unreadable or damaged input (what could be read is ' +
  'still reported), 70 internal error. Of several logs the worst one counts.';

/** Runs the command line `argv` (without node and script) and returns the exit status. Never throws. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  // Commander writes while it parses, and cannot wait for a slow reader: keep it and write it afterwards.
  const said = { out: '', err: '' };
  let exit: number = EXIT.ok;
  const program = new Command('spinback')
    .description('Replays captured Linux lock traces and names the lock that was never released.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => (said.out += text),
      writeErr: (text) => (said.err += text),
      outputError: (text, write) => write(text.replace(/^error: /, 'spinback: ')),
      getOutHelpWidth: () => widthOf(io.stdout),
      getErrHelpWidth: () => widthOf(io.stderr),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });

  reading(
    program.command('analyze').argument('<file...>', FILES),
    'say what went wrong: which lock, who, since when, and how sure that is',
  )
    .addOption(duration('--watchdog', 'threshold of the lockup detector', '10s'))
    .addOption(
      duration(
        '--spin',
        'report spins with interrupts off and waits that are longer; proven causes are told anyway',
        '1s',
      ),
    )
    .addOption(duration('--irq-off', 'report interrupts off for longer', '1s'))
    .addOption(
      new Option('--fail-on <confidence>', 'exit with 1 for findings at least this sure')
        .choices([...CONFIDENCES, 'never'])
        .default('likely'),
    )
    .addOption(
      new Option(
        '--min-confidence <confidence>',
        'show weaker findings on one line only (default: likely, or all where none is likely)',
      ).choices([...CONFIDENCES]),
    )
    .option('--limit <count>', 'show at most so many findings in full', countOption, 10)
    .addOption(
      new Option(
        '--jobs <count>',
        'analyse so many files at the same time (default: as many as pay)',
      ).argParser(jobsOption),
    )
    .option('--log <file>', 'a kernel log of the same time: both are held against each other')
    .option(
      '--own-log',
      'the same with the messages of the kernel that the capture itself holds (printk:console)',
    )
    .option('--no-color', 'no colours (nor with NO_COLOR, or without a terminal)')
    .addHelpText('after', () => paragraph(EXITS, io))
    .action(async (files: readonly string[], options: AnalyzeAllCommand) => {
      const { analyze } = await import('./analyze.ts');
      exit = await analyze(files, options, io);
    });

  reading(
    program.command('info').argument('<file...>', FILES),
    'say what captures hold and which questions they can answer',
  )
    .option('--no-color', 'no colours (nor with NO_COLOR, or without a terminal)')
    .action(async (files: readonly string[], options: InfoCommand) => {
      const { info } = await import('./info.ts');
      exit = await info(files, options, io);
    });

  reading(program.command('events').argument('<file>', FILES), 'print the decoded events in order of time')
    .option('-v, --verbose', "with each record's own fields")
    .option(
      '--from <time>',
      "from this time of the trace's clock on (47.340), or +1.5s from the start",
      timeOption,
    )
    .option('--to <time>', 'up to this time', timeOption)
    .addOption(
      list(
        '--lock <address>',
        '0xaddress of a lock or word, or 0xaddress:bit for one bit lock alone (repeatable)',
        lockOption,
      ),
    )
    .addOption(list('--cpu <numbers>', 'such as 0,2 or 4-7 (repeatable)', cpusOption))
    .addOption(list('--pid <numbers>', 'such as 107, 107,108 or 100-110 (repeatable)', pidsOption))
    .addOption(list('--comm <name>', 'name of a task (repeatable)', wordsOption))
    .addOption(list('--kind <names>', 'such as attempt,acquire,word-store (repeatable)', kindsOption))
    .addOption(list('--event <name>', 'tracepoint, with or without its system (repeatable)', wordsOption))
    .addOption(
      new Option('--limit <count>', 'at most so many events').argParser(countOption).default(null, 'all'),
    )
    .action(async (file: string, options: EventsCommand) => {
      const { events } = await import('./events.ts');
      exit = await events(file, options, io);
    });

  program
    .command('convert')
    .description('write a capture as a .spin container: smaller, and nothing lost')
    .argument('<file>', FILES)
    .argument('<output>', 'the container, by custom FILE.spin; - is standard output')
    .option('-f, --force', 'replace an output that exists')
    .option('--instance <name>', 'the ftrace instance to read from a trace.dat')
    .addOption(mapOption())
    .showHelpAfterError('(spinback convert --help lists the options)')
    .action(async (file: string, output: string, options: ConvertCommand) => {
      const { convert } = await import('./convert.ts');
      exit = await convert(file, output, options, io);
    });

  program
    .command('dmesg')
    .description('read kernel logs: what each lockup report says, what the CPU was doing, and why')
    .argument('<file...>', 'kernel log, console capture, journal or mail, also packed; - is standard input')
    .option('--json', 'JSON, one line per log (docs/dmesg.md)')
    .option('--limit <count>', 'show at most so many incidents in full', countOption, 10)
    .option('--no-color', 'no colours (nor with NO_COLOR, or without a terminal)')
    .showHelpAfterError('(spinback dmesg --help lists the options)')
    .addHelpText('after', () => paragraph(LOG_EXITS, io))
    .action(async (files: readonly string[], options: DmesgCommand) => {
      const { dmesg } = await import('./dmesg.ts');
      exit = await dmesg(files, options, io);
    });

  program
    .command('capture')
    .description('say what can be recorded on this machine, and print the script for it (docs/capture.md)')
    .option('--print <situation>', 'print the script of a situation, fitted to the running kernel')
    .option('--json', 'JSON, one line per situation')
    .showHelpAfterError('(spinback capture --help lists the options)')
    .action(async (options: CaptureCommand) => {
      const { capture } = await import('./capture.ts');
      exit = await capture(options, io);
    });

  addStatistics(program, argv, io, (status) => (exit = status));

  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      exit = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    } else {
      said.err += errorText(error, null, isDebug(io));
      exit = exitOf(error);
    }
  }
  return await flush(said, exit, io);
}

/** Help is as wide as reports are: as the terminal, 100 columns at most. */
function widthOf({ columns }: Output): number {
  return Math.min(MAX_WIDTH, columns ?? MAX_WIDTH);
}

/** Text below the options, with an empty line before it. */
function paragraph(text: string, io: Io): string {
  return ['', ...hang('', text, widthOf(io.stdout))].join('\n');
}

function duration(flag: string, description: string, value: string): Option {
  return new Option(`${flag} <duration>`, description)
    .argParser(durationOption)
    .default(durationOption(value), value);
}

async function flush(
  said: { readonly out: string; readonly err: string },
  exit: number,
  io: Io,
): Promise<number> {
  try {
    await io.stdout.write(said.out);
    await io.stderr.write(said.err);
    return exit;
  } catch {
    // Nobody is left to tell.
    return EXIT.internal;
  }
}

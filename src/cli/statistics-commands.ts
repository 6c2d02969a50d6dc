import { Option, type Command } from 'commander';
import { SpinbackError } from '../base/errors.ts';
import { SPANS, SPLITS } from '../model/stats.ts';
import type { BenchCommand } from './bench.ts';
import type { CompareCommand } from './compare.ts';
import type { Io } from './io.ts';
import { countOption, cpusOption, positiveOption, timeOption, typesOption, wordsOption } from './options.ts';
import { FILES, list, reading } from './program.ts';
import type { StatsCommand } from './stats.ts';

const COMPARE_EXITS = `
Exit status: 0 no rule failed, 1 a rule failed, 2 wrong usage, 3 unreadable or damaged input, 70
internal error. docs/regression-testing.md has a worked example.`;

/** `stats`, `compare` and `bench`. `argv` is what the program was called with; `done` hears the exit status. */
export function addStatistics(
  program: Command,
  argv: readonly string[],
  io: Io,
  done: (exit: number) => void,
): void {
  statistics(
    program.command('stats').argument('<file...>', `${FILES}; or statistics saved before`),
    'count waits, holds and sections with interrupts or preemption off, by lock and by caller',
  )
    .option('--lock <expression>', 'only locks and callers whose name matches (RE2)')
    .addOption(
      list(
        '--type <names>',
        'lock, lockdep, bit, contention, irqs-off, preempt-off (repeatable)',
        typesOption,
      ),
    )
    .addOption(
      list('--cpu <numbers>', 'only what happened there, such as 0,2 or 4-7 (repeatable)', cpusOption),
    )
    .addOption(list('--comm <name>', 'only what tasks of this name did (repeatable)', wordsOption))
    .option(
      '--from <time>',
      "only what began from this time of the trace's clock on (47.340), or +1.5s from the start",
      timeOption,
    )
    .option('--to <time>', 'only what began up to this time', timeOption)
    .option('--sort <figure>', 'order of the tables, such as hold.p99 or acquisitions (the columns of --csv)')
    .option(
      '--limit <count>',
      'rows of each table that is printed, 0 for all; JSON and CSV have all',
      countOption,
      10,
    )
    .addOption(new Option('--csv', 'comma-separated values, times in ns').conflicts('json'))
    .addOption(
      new Option(
        '--folded <what>',
        'stacks of callers with their time in ns, for flame graph tools: of wait, hold, or off (interrupts or preemption)',
      )
        .choices([...SPANS])
        .conflicts(['by', 'json', 'csv', 'save', 'sort']),
    )
    .addOption(
      new Option(
        '--save <file>',
        'keep everything for compare, as JSON; packed where the name ends in .gz',
      ).conflicts(['json', 'csv']),
    )
    .action(async (files: readonly string[], options: StatsCommand) => {
      const { stats } = await import('./stats.ts');
      done(await stats(files, options, io));
    });

  statistics(
    program
      .command('compare')
      .argument('<file...>', 'BASE NEW, or BASE... -- NEW...: captures, or statistics saved before'),
    'say what changed between captures, by how much, and whether that stands out of the noise',
  )
    .option(
      '--per <what>',
      'divide totals by second, acquisition (of the row), or an event such as sched:sched_switch',
      'second',
    )
    .addOption(
      list(
        '--fail-on <rule>',
        `such as 'wait.p99 > +10% where lock ~ "inode|journal"' (repeatable)`,
        wordsOption,
        'none',
      ),
    )
    .addOption(
      list('--policy <file>', 'a file of such rules, one per line (repeatable)', wordsOption, 'none'),
    )
    .option('--strict', 'rules that are unclear or about nothing fail too')
    .option('--limit <count>', 'rows of the table, 0 for all', countOption, 20)
    .option('-v, --verbose', 'every figure of every row')
    .option('--markdown <file>', 'write a comment for a pull request; - is standard output')
    .option('--junit <file>', 'write the outcome of the rules as JUnit XML; - is standard output')
    .addHelpText('after', COMPARE_EXITS)
    .action(async (files: readonly string[], options: CompareCommand) => {
      const { compare } = await import('./compare.ts');
      const { base, next } = sidesOf(files, argv);
      done(await compare(base, next, options, io));
    });

  reading(
    program.command('bench').argument('<file>', FILES),
    'replay a capture again and again and say how fast that was',
  )
    .option('--repeat <count>', 'so many times', positiveOption, 10)
    .action(async (file: string, options: BenchCommand) => {
      const { bench } = await import('./bench.ts');
      done(await bench(file, options, io));
    });
}

/** What the commands about statistics have in common. */
function statistics(command: Command, description: string): Command {
  return reading(command, description)
    .addOption(
      new Option('--by <what>', 'keep rows apart by this as well')
        .choices([...SPLITS])
        .default(null, 'class, or what saved ones are kept apart by'),
    )
    .option('--no-color', 'no colours (nor with NO_COLOR, or without a terminal)');
}

/** Commander drops the `--` between the two sides: so many arguments stand behind it. Throws USAGE where a side is empty. */
function sidesOf(
  files: readonly string[],
  argv: readonly string[],
): { base: readonly string[]; next: readonly string[] } {
  const dashes = argv.indexOf('--');
  const behind = dashes < 0 ? 1 : argv.length - dashes - 1;
  const base = files.slice(0, files.length - behind);
  const next = files.slice(files.length - behind);
  if (base.length > 0 && next.length > 0 && (dashes >= 0 || files.length === 2)) return { base, next };
  throw new SpinbackError('USAGE', 'compare wants BASE NEW, or several files a side: BASE... -- NEW...');
}

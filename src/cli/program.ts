import { Option, type Command } from 'commander';
import { wordsOption } from './options.ts';

// What commands have in common.

export const FILES =
  'trace.dat, perf.data, text or .spin, also packed with zstd or gzip; - is standard input';

/** What every command that reads captures has in common. */
export function reading(command: Command, description: string): Command {
  return command
    .description(description)
    .option('--json', 'JSON, one line per file or event (docs/report.md)')
    .option('--instance <name>', 'the ftrace instance to read from a trace.dat')
    .addOption(mapOption())
    .showHelpAfterError(`(spinback ${command.name()} --help lists the options)`);
}

export function mapOption(): Option {
  return new Option('--map <file>', 'what events of your own mean (docs/mapping.md; repeatable)').argParser(
    (file: string, before: readonly string[] = []) => wordsOption(file, before),
  );
}

/** An option that may be given several times. */
export function list<T>(
  flags: string,
  description: string,
  parse: (text: string, before: readonly T[]) => readonly T[],
  otherwise = 'all',
): Option {
  return new Option(flags, description).argParser(parse).default([], otherwise);
}

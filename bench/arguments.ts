import { type Command, CommanderError, InvalidArgumentError } from 'commander';
import { EXIT } from '../src/cli/exit.ts';

/** A wrong call: one line on standard error, and the status that spinback has for it. */
export function usageError(command: Command, message: string): never {
  process.stderr.write(`${command.name()}: ${message}\n`);
  process.exit(EXIT.usage);
}

/** Parses this process's command line; a wrong one ends it. */
export function parseArguments(command: Command): void {
  command.exitOverride().configureOutput({
    outputError: (text, write) => write(text.replace(/^error: /, `${command.name()}: `)),
  });
  try {
    command.parse();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exit(error.exitCode === 0 ? EXIT.ok : EXIT.usage);
  }
}

/** An option's parser: a whole number that is not less than `least`. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`It wants a whole number from ${least}.`);
  };
}

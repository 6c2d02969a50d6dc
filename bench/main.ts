import { Command, InvalidArgumentError, Option } from 'commander';
import { findCaptures } from './capture-workload.ts';
import { printGrowth } from './growth.ts';
import { printProcesses } from './processes.ts';
import { printReplay } from './replay-table.ts';

const PARTS = ['replay', 'growth', 'processes'] as const;

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('a whole number from 1');
  return value;
}

const command = new Command('bench')
  .description('Measures spinback: everything that is compared runs in turns, and ratios are what counts.')
  .argument('[files...]', 'captures; by default those in traces/ and, with SPINBACK_TRACES, larger ones')
  .addOption(new Option('--only <part>', 'one part of it').choices(PARTS))
  .option('--rounds <n>', 'times that each pair is measured', positive, 9)
  .option('--events <n>', 'events of each generated workload', positive, 1_000_000)
  .option('--seed <n>', 'seed of the generated workloads', positive, 1)
  .parse();

const options = command.opts<{ only?: string; rounds: number; events: number; seed: number }>();
const wants = (part: (typeof PARTS)[number]): boolean => (options.only ?? part) === part;
const captures = await findCaptures(command.args);
try {
  if (wants('replay')) await printReplay(captures.files, options);
  if (wants('growth')) printGrowth(options.seed);
  if (wants('processes')) printProcesses(captures.files, options.rounds);
} finally {
  captures.dispose();
}

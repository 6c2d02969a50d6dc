import { Command, Option } from 'commander';
import { parseArguments, wholeNumber } from './arguments.ts';
import { findCaptures } from './capture-workload.ts';
import { printGrowth } from './growth.ts';
import { printInstructions } from './instructions.ts';
import { printConverted, printProcesses } from './processes.ts';
import { printReplay } from './replay-table.ts';

// Containers are part of processes, too; instructions are counted only when asked for.
const PARTS = ['replay', 'growth', 'processes', 'containers', 'instructions'] as const;

const command = new Command('bench')
  .description('Measures spinback: everything that is compared runs in turns, and ratios are what counts.')
  .argument('[files...]', 'captures; by default those in traces/ and, with SPINBACK_TRACES, larger ones')
  .addOption(new Option('--only <part>', 'one part of it').choices(PARTS))
  .option('--rounds <n>', 'times that each pair is measured', wholeNumber(1), 9)
  .option('--events <n>', 'events of each generated workload', wholeNumber(1), 1_000_000)
  .option('--seed <n>', 'seed of the generated workloads', wholeNumber(1), 1);
parseArguments(command);

const options = command.opts<{ only?: string; rounds: number; events: number; seed: number }>();
const wants = (part: (typeof PARTS)[number]): boolean => (options.only ?? part) === part;
const captures = await findCaptures(command.args);
if (wants('replay')) await printReplay(captures, options);
if (wants('growth')) printGrowth(options.seed);
if (wants('processes')) await printProcesses(captures, options.rounds);
if (options.only === 'instructions') await printInstructions(captures, options);
if (options.only === 'containers') await printConverted(captures, options.rounds);

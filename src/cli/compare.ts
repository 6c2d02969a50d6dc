import { decodeText } from '../base/byte-reader.ts';
import { compareRuns } from '../compare/compare.ts';
import { policyOf, readPolicy, type Policy } from '../compare/policy.ts';
import { SpinbackError } from '../base/errors.ts';
import { systemError } from '../io/descriptor.ts';
import { readSmallFile, writeSmallFile } from '../io/small-file.ts';
import type { Comparison } from '../model/comparison.ts';
import type { Run, Split } from '../model/stats.ts';
import { compareText } from '../report/compare.ts';
import { jsonLine } from '../report/json.ts';
import { appearanceOf, paintOf } from './appearance.ts';
import { errorText, EXIT, exitOf } from './exit.ts';
import { isDebug } from './files.ts';
import type { Io } from './io.ts';
import { openOptions, type OpenCommand } from './one-file.ts';
import { loadRuns } from './runs.ts';

/** The options of `spinback compare`. */
export interface CompareCommand extends OpenCommand {
  /** null: whatever saved statistics were split by, by class where there are none. */
  readonly by: Split | null;
  readonly per: string;
  readonly failOn: readonly string[];
  readonly policy: readonly string[];
  /** Rules that are unclear or match nothing fail too. */
  readonly strict?: boolean;
  readonly limit: number;
  readonly verbose?: boolean;
  readonly json?: boolean;
  readonly markdown?: string;
  readonly junit?: string;
  readonly color: boolean;
}

/** Holds the runs of `next` against those of `base`, and judges rules. Returns the exit status: 1 where a rule failed. */
export async function compare(
  base: readonly string[],
  next: readonly string[],
  command: CompareCommand,
  io: Io,
): Promise<number> {
  const policies = [
    ...(await Promise.all(command.failOn.map((rule) => policyOf(rule, '--fail-on')))),
    ...(await Promise.all(command.policy.map(readRules))).flat(),
  ];
  const before = await side(base, command.by, command, io);
  const after = await side(next, command.by ?? before.runs[0]?.split ?? null, command, io);
  const sides = [before, after];
  const damaged = Math.max(...sides.map(({ exit }) => exit));
  // Half of the files would be a comparison of something else.
  if (sides.some(({ failed }) => failed)) return damaged;
  checkSplits([...before.runs, ...after.runs], command.by);
  const result = compareRuns(before.runs, after.runs, { per: command.per, policies });
  if (command.markdown !== undefined) {
    const { compareMarkdown } = await import('../report/compare-markdown.ts');
    await put(command.markdown, compareMarkdown(result), io);
  }
  if (command.junit !== undefined) {
    const { compareJunit } = await import('../report/compare-junit.ts');
    await put(command.junit, compareJunit(result), io);
  }
  if (command.json) await io.stdout.write(`${jsonLine(result)}\n`);
  else if (command.markdown !== '-' && command.junit !== '-') {
    const appearance = appearanceOf(io, command.color);
    const paint = await paintOf(appearance);
    const { limit, verbose = false } = command;
    await io.stdout.write(compareText(result, { paint, width: appearance.width, limit, verbose }));
  }
  return Math.max(damaged, exitStatus(result, command.strict ?? false));
}

/** The exit status that a comparison stands for. */
export function exitStatus({ rules }: Pick<Comparison, 'rules'>, strict: boolean): number {
  const fails = ({ outcome }: Comparison['rules'][number]): boolean =>
    outcome === 'failed' || (strict && outcome !== 'passed');
  return rules.some(fails) ? EXIT.findings : EXIT.ok;
}

interface Side {
  readonly runs: readonly Run[];
  readonly exit: number;
  /** A file could not be used at all. */
  readonly failed: boolean;
}

/** Runs of a side; captures are split by `by`, or as saved ones before them are. */
async function side(
  paths: readonly string[],
  by: Split | null,
  command: CompareCommand,
  io: Io,
): Promise<Side> {
  const open = await openOptions(command);
  const runs: Run[] = [];
  let exit: number = EXIT.ok;
  let failed = false;
  for (const path of paths) {
    try {
      const loaded = await loadRuns(path, open, () => ({ split: by ?? runs[0]?.split ?? 'class' }), io);
      runs.push(...loaded.runs);
      exit = Math.max(exit, loaded.exit);
    } catch (error) {
      await io.stderr.write(errorText(error, path, isDebug(io)));
      exit = Math.max(exit, exitOf(error));
      failed = true;
    }
  }
  return { runs, exit, failed };
}

/** Throws USAGE for runs that were split by different things: no row of one would be in the other. */
function checkSplits(runs: readonly Run[], by: Split | null): void {
  const split = by ?? runs[0]?.split;
  const other = runs.find((run) => run.split !== split);
  if (other === undefined) return;
  throw new SpinbackError(
    'USAGE',
    `${other.path} is split by ${other.split}, the others by ${split}: all runs must be split alike (--by)`,
  );
}

const LARGEST_POLICY = 1 << 20;

async function readRules(path: string): Promise<Policy[]> {
  let bytes: Uint8Array;
  try {
    bytes = readSmallFile(path, LARGEST_POLICY + 1);
  } catch (error) {
    throw new SpinbackError('USAGE', systemError(error, path, 'cannot be read').message, { path });
  }
  if (bytes.length > LARGEST_POLICY)
    throw new SpinbackError('USAGE', 'a file of rules has at most 1 MiB', { path });
  return await readPolicy(decodeText(bytes), path);
}

/** Writes a report to a file; "-" is standard output. */
async function put(path: string, text: string, io: Io): Promise<void> {
  if (path === '-') await io.stdout.write(text);
  else writeSmallFile(path, text);
}

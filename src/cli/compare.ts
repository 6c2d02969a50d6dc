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
import { openRuns, type RunsFile } from './runs.ts';

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
  const work = new Files(io);
  const [before, after] = await work.load(base, next, command);
  // Half of the files would be a comparison of something else.
  if (work.failed) return work.exit;
  const result = compareRuns(before, after, { per: command.per, policies });
  if (command.markdown !== undefined) {
    const { compareMarkdown } = await import('../report/compare-markdown.ts');
    await put(command.markdown, compareMarkdown(result), io);
  }
  if (command.junit !== undefined) {
    const { compareJunit } = await import('../report/compare-junit.ts');
    await put(command.junit, compareJunit(result, command.strict), io);
  }
  if (command.json) await io.stdout.write(`${jsonLine(result)}\n`);
  else if (command.markdown !== '-' && command.junit !== '-') {
    const appearance = appearanceOf(io, command.color);
    const paint = await paintOf(appearance);
    const { limit, verbose = false } = command;
    await io.stdout.write(compareText(result, { paint, width: appearance.width, limit, verbose }));
  }
  return Math.max(work.exit, exitStatus(result, command.strict ?? false));
}

/** The exit status that a comparison stands for. */
export function exitStatus({ rules }: Pick<Comparison, 'rules'>, strict: boolean): number {
  const fails = ({ outcome }: Comparison['rules'][number]): boolean =>
    outcome === 'failed' || (strict && outcome !== 'passed');
  return rules.some(fails) ? EXIT.findings : EXIT.ok;
}

/** Reads the files of both sides. Those that cannot be read are told on standard error. */
class Files {
  readonly #io: Io;
  /** The status so far. */
  exit: number = EXIT.ok;
  /** A file could not be used at all. */
  failed = false;

  constructor(io: Io) {
    this.#io = io;
  }

  /**
   * The runs of each side; none where a file failed. All files are opened before the first capture is replayed: how captures are split is up to saved
   * statistics, on whichever side they are. Throws USAGE for saved ones that were split differently.
   */
  async load(
    base: readonly string[],
    next: readonly string[],
    command: CompareCommand,
  ): Promise<readonly [base: Run[], next: Run[]]> {
    const open = await openOptions(command);
    const files: RunsFile[] = [];
    const sides: [Run[], Run[]] = [[], []];
    try {
      for (const path of [...base, ...next])
        await this.#try(path, async () => files.push(await openRuns(path, open, this.#io)));
      if (this.failed) return sides;
      const split = splitOf(files, command.by);
      for (const [at, file] of files.entries()) {
        await this.#try(file.path, async () => {
          const { runs, exit } = await file.load(() => ({ split }));
          sides[at < base.length ? 0 : 1].push(...runs);
          this.exit = Math.max(this.exit, exit);
        });
      }
      return sides;
    } finally {
      for (const file of files) file.close();
    }
  }

  async #try(path: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      await this.#io.stderr.write(errorText(error, path, isDebug(this.#io)));
      this.exit = Math.max(this.exit, exitOf(error));
      this.failed = true;
    }
  }
}

/**
 * What all runs are split by: what was asked for, what saved ones are split by, or class. Throws USAGE for saved ones that are split by
 * anything else: no row of one would be in the other.
 */
function splitOf(files: readonly RunsFile[], by: Split | null): Split {
  const first = files.find(({ saved }) => saved !== null);
  const split = by ?? first?.saved?.[0]?.split ?? 'class';
  for (const { path, saved } of files) {
    const other = saved?.find((run) => run.split !== split);
    if (other === undefined) continue;
    const wanted = by === null ? `${first!.path} by ${split}` : `and --by ${by} needs the capture`;
    throw new SpinbackError(
      'USAGE',
      `${path} was saved by ${other.split}, ${wanted}: all runs must be split alike`,
    );
  }
  return split;
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

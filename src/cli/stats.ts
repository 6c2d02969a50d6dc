import { gzipSync } from 'node:zlib';
import { SpinbackError } from '../base/errors.ts';
import { VERSION } from '../base/version.ts';
import { writeSmallFile } from '../io/small-file.ts';
import { STATS_SCHEMA, type Run, type Span, type Split, type StatsRow } from '../model/stats.ts';
import { jsonLine } from '../report/json.ts';
import { printable } from '../report/printable.ts';
import { statsText } from '../report/stats.ts';
import { eventsOf } from '../session/session.ts';
import type { StatisticsRequest } from '../session/statistics.ts';
import { FIGURES, figuresOf } from '../stats/figures.ts';
import { plainRun } from '../stats/plain.ts';
import { LARGEST } from '../stats/sniff.ts';
import type { Capture } from '../trace/capture.ts';
import { openCapture } from '../trace/open.ts';
import type { OpenOptions } from '../trace/reader.ts';
import { appearanceOf, paintOf } from './appearance.ts';
import { errorText, EXIT, exitOf } from './exit.ts';
import { isDebug } from './files.ts';
import { timeOf, type TimeArgument } from './filter.ts';
import type { Io } from './io.ts';
import { namePattern, type NamePattern } from './name-pattern.ts';
import { openOptions, type OpenCommand } from './one-file.ts';
import { openRuns } from './runs.ts';

/** The options of `spinback stats`. */
export interface StatsCommand extends OpenCommand {
  /** null: whatever saved statistics were split by, captures by class. */
  readonly by: Split | null;
  readonly lock?: string;
  readonly type: readonly string[];
  readonly cpu: readonly number[];
  readonly comm: readonly string[];
  readonly from?: TimeArgument;
  readonly to?: TimeArgument;
  readonly sort?: string;
  readonly limit: number;
  readonly json?: boolean;
  readonly csv?: boolean;
  readonly folded?: Span;
  readonly save?: string;
  readonly color: boolean;
}

/**
 * Prints what was counted in each capture, or saves all of it for later comparisons. A file that fails does not stop the others. Returns
 * the exit status.
 */
export async function stats(paths: readonly string[], command: StatsCommand, io: Io): Promise<number> {
  if (command.sort !== undefined && !FIGURES.includes(command.sort))
    throw new SpinbackError(
      'USAGE',
      `--sort: there is no figure '${command.sort}', only ${FIGURES.join(', ')}`,
    );
  const pattern = command.lock === undefined ? null : await namePattern(command.lock);
  const keep = rowFilter(pattern, command.type);
  const open = await openOptions(command);
  const runs: Run[] = [];
  let areChosen = false;
  let exit: number = EXIT.ok;
  for (const path of paths) {
    try {
      const file = await openRuns(path, open, io);
      const loaded = await file.load((capture) => requestOf(capture, command, open));
      if (loaded.areSaved) checkSaved(loaded.runs, command);
      runs.push(...loaded.runs.map((run) => filtered(run, keep)));
      const names = loaded.runs.flatMap(({ rows }) => rows.map(({ name }) => name));
      areChosen ||= names.length > 0 && (pattern !== null || command.type.length > 0);
      if (pattern && names.length > 0 && !names.some(pattern.matches))
        await io.stderr.write(`spinback: ${printable(path)}: ${pattern.advice(names)}\n`);
      exit = Math.max(exit, loaded.exit);
    } catch (error) {
      await io.stderr.write(errorText(error, path, isDebug(io)));
      exit = Math.max(exit, exitOf(error));
    }
  }
  if (runs.length === 0) return exit;
  if (command.save !== undefined) await save(command.save, runs);
  else await io.stdout.write(await textOf(runs, command, areChosen, io));
  return exit;
}

/** Throws USAGE for what only a replay can tell. */
function checkSaved(runs: readonly Run[], { by, cpu, comm, from, to }: StatsCommand): void {
  const split = runs.find((run) => by !== null && run.split !== by)?.split;
  if (split !== undefined)
    throw new SpinbackError('USAGE', `these statistics were saved by ${split}: --by ${by} needs the capture`);
  const asked = [
    ...(cpu.length > 0 ? ['--cpu'] : []),
    ...(comm.length > 0 ? ['--comm'] : []),
    ...(from ? ['--from'] : []),
    ...(to ? ['--to'] : []),
  ];
  if (asked.length > 0)
    throw new SpinbackError(
      'USAGE',
      `saved statistics are counted already: ${asked.join(', ')} needs the capture`,
    );
}

async function textOf(
  runs: readonly Run[],
  command: StatsCommand,
  areChosen: boolean,
  io: Io,
): Promise<string> {
  if (command.json) {
    const shown = runs.map(plainRun).map((run) => ({
      ...run,
      rows: run.rows.map((row) => ({ ...row, figures: figuresOf(row) })),
    }));
    return `${jsonLine({ schema: STATS_SCHEMA, spinback: VERSION, runs: shown })}\n`;
  }
  if (command.folded) return foldedText(runs, command.folded, io);
  if (command.csv) {
    const { statsCsv } = await import('../report/stats-csv.ts');
    return statsCsv(runs);
  }
  const appearance = appearanceOf(io, command.color);
  const paint = await paintOf(appearance);
  const { limit, sort } = command;
  return runs
    .map((run) =>
      statsText(run, {
        paint,
        width: appearance.width,
        isWhole: !io.stdout.isTTY,
        limit,
        areChosen,
        ...(sort !== undefined && { sort }),
      }),
    )
    .join('\n\n');
}

/** Stacks for flame graph tools, and on standard error what they do not show. */
async function foldedText(runs: readonly Run[], span: Span, io: Io): Promise<string> {
  const { foldStacks } = await import('../report/stats-folded.ts');
  const unsplit = runs.find(({ split }) => split !== 'stack');
  if (unsplit) {
    throw new SpinbackError(
      'USAGE',
      'these statistics were saved without stacks: save them with --by stack',
      {
        path: unsplit.path,
      },
    );
  }
  const { text, knownNs, totalNs } = foldStacks(runs, span);
  const warn = (sentence: string): Promise<void> => io.stderr.write(`spinback: ${sentence}\n`);
  if (totalNs === 0n) await warn(`there is no ${NOUNS[span]} in these captures, so there are no stacks`);
  else if (knownNs < totalNs) {
    const share = Number(((totalNs - knownNs) * 1000n) / totalNs) / 10;
    await warn(
      `${share} % of the time has no callers: events carry them where perf record was asked to (-g, or --call-graph)`,
    );
  }
  const open = runs.reduce((sum, { rows }) => sum + rows.reduce((n, { openWaits }) => n + openWaits, 0), 0);
  if (span === 'wait' && open > 0) await warn(`waits without an end are left out: ${open}`);
  for (const note of new Set(runs.flatMap(({ notes }) => notes))) await warn(note);
  return text;
}

const NOUNS: Readonly<Record<Span, string>> = { wait: 'wait', hold: 'hold', off: 'section' };

async function save(path: string, runs: readonly Run[]): Promise<void> {
  const { encodeStats } = await import('../stats/stats-file.ts');
  const text = encodeStats(runs);
  if (text.length > LARGEST) {
    throw new SpinbackError(
      'LIMIT',
      `these statistics take ${text.length >> 20} MiB, and files of more than ${LARGEST >> 20} MiB are not read back: save fewer runs at a time, or split them by less`,
      { path },
    );
  }
  writeSmallFile(path, path.endsWith('.gz') ? gzipSync(text) : text);
}

async function requestOf(
  capture: Capture,
  command: StatsCommand,
  open: OpenOptions,
): Promise<StatisticsRequest> {
  const { by, cpu, comm, from, to, json, csv, folded, save: path, sort, lock, limit } = command;
  const isText = !json && !csv && !folded && path === undefined;
  // Callers that are not shown need no name, unless it is the names that say which ones are.
  const areNamed =
    !isText || (by ?? 'class') !== 'class' || sort !== undefined || lock !== undefined || limit === 0;
  const start = from?.relative || to?.relative ? await firstTime(capture, open) : 0n;
  return {
    split: folded ? 'stack' : (by ?? 'class'),
    cpus: cpu,
    comms: comm,
    withBlocks: Boolean(json) || path !== undefined,
    ...(!areNamed && { callers: limit - 1 }),
    ...(from && { since: timeOf(from, start, capture.clock) }),
    ...(to && { until: timeOf(to, start, capture.clock) }),
  };
}

/** The time of the first event, by opening the capture once more: times that count from there are needed before the replay. */
async function firstTime({ path }: Capture, open: OpenOptions): Promise<bigint> {
  if (path === '-') {
    throw new SpinbackError(
      'USAGE',
      'times that count from the start (+1.5s) need a file, not standard input',
    );
  }
  const again = await openCapture(path, open);
  try {
    for (const { event } of eventsOf(again)) return event.time;
    return 0n;
  } finally {
    again.close();
  }
}

type RowTest = (row: Pick<StatsRow, 'kind' | 'source' | 'name'>) => boolean;

function rowFilter(lock: NamePattern | null, type: readonly string[]): RowTest {
  const types = new Set(type);
  return ({ kind, source, name }) =>
    (lock?.matches(name) ?? true) &&
    (types.size === 0 || types.has(kind) || (source !== null && types.has(source)));
}

/** The run with the rows that pass; blocks and findings name rows by their index. */
function filtered(run: Run, keep: RowTest): Run {
  const index = new Map<number, number>();
  const rows = run.rows.filter((row, at) => keep(row) && index.set(at, index.size));
  return {
    ...run,
    rows,
    blocks: run.blocks.map((block) => ({
      ...block,
      rows: block.rows.flatMap((part) => {
        const row = index.get(part.row);
        return row === undefined ? [] : [{ ...part, row }];
      }),
    })),
    findings: run.findings.map((finding) => ({
      ...finding,
      row: finding.row === null ? null : (index.get(finding.row) ?? null),
    })),
  };
}

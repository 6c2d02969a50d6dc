import { reportOn, type AnalyzeCommand, type Task } from './analyze-file.ts';
import { appearanceOf } from './appearance.ts';
import { eachFile } from './files.ts';
import type { Io } from './io.ts';
import { oneFile, openOptions } from './one-file.ts';

/** The options of `spinback analyze`. */
export interface AnalyzeAllCommand extends AnalyzeCommand {
  readonly color: boolean;
  /** How many files are analysed at the same time; as many as pay by default. */
  readonly jobs?: number;
  /** A kernel log of the same time; for one capture only. */
  readonly log?: string;
  /** The kernel log that the capture itself holds. */
  readonly ownLog?: boolean;
}

/** Judges each file and prints one report per file: text, or one line of JSON. Returns the exit status. */
export async function analyze(paths: readonly string[], command: AnalyzeAllCommand, io: Io): Promise<number> {
  if (command.log !== undefined || command.ownLog) {
    const { analyzeJoined } = await import('./analyze-joined.ts');
    return await analyzeJoined(paths, command, io);
  }
  const appearance = appearanceOf(io, command.color);
  const mapped = await withMappings(command);
  const open = await openOptions(mapped);
  const task: Task = { command: mapped, appearance, isOneOfMany: paths.length > 1 };
  const separator = command.json ? '' : '\n\n';
  const jobs = await jobsFor(paths, command.jobs, io);
  if (jobs > 1) {
    const { Pool } = await import('./pool.ts');
    const pool = await Pool.start(paths, task, jobs, io);
    try {
      return await eachFile(paths, io, separator, (_, at) => pool.outcome(at));
    } finally {
      await pool.stop();
    }
  }
  const session = await io.session();
  return await eachFile(paths, io, separator, (path) =>
    oneFile(path, open, io, (capture, options) => reportOn(capture, task, session, options)),
  );
}

/** The command with its mapping files read: threads get their texts, for a pipe can be read once only. */
async function withMappings(command: AnalyzeAllCommand): Promise<AnalyzeAllCommand> {
  if (!command.map?.length) return command;
  const { mappingTexts } = await import('./mapping.ts');
  return { ...command, map: mappingTexts(command.map) };
}

async function jobsFor(paths: readonly string[], wanted: number | undefined, io: Io): Promise<number> {
  // Standard input belongs to this thread.
  if (paths.length < 2 || paths.includes('-') || !io.threads) return 1;
  return Math.min(paths.length, wanted ?? (await io.threads()).worthwhile(paths));
}

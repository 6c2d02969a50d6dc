import { existsSync, readFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { delimiter, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { decodeText } from '../base/byte-reader.ts';
import { SpinbackError } from '../base/errors.ts';
import { VERSION } from '../base/version.ts';
import { check, type Check, type Machine } from '../capture/check.ts';
import { fitted } from '../capture/print.ts';
import { SITUATIONS, type Situation } from '../capture/situations.ts';
import { packageFolder } from '../io/package-folder.ts';
import { readSmallFile } from '../io/small-file.ts';
import { jsonLine } from '../report/json.ts';
import { hang, MAX_WIDTH, page, plural } from '../report/text.ts';
import { EXIT } from './exit.ts';
import type { Io } from './io.ts';

/** The options of `spinback capture`. */
export interface CaptureCommand {
  /** The situation whose script to print; without it the situations are listed. */
  readonly print?: string;
  readonly json?: boolean;
}

/**
 * Lists the situations that there are scripts for, or prints one script fitted to this machine. Returns the exit status:
 * 1 when this machine lacks what the situation needs.
 */
export async function capture(
  command: CaptureCommand,
  io: Io,
  machine = thisMachine(io.env),
): Promise<number> {
  if (command.print === undefined) {
    const checks = SITUATIONS.map((situation) => check(situation, scriptOf(situation), machine));
    await io.stdout.write(command.json ? jsonLines(checks) : listText(checks, machine));
    return EXIT.ok;
  }
  const situation = SITUATIONS.find(({ name }) => name === command.print);
  if (situation === undefined) {
    const names = SITUATIONS.map(({ name }) => name).join(', ');
    throw new SpinbackError('USAGE', `there is no situation "${command.print}", only ${names}`);
  }
  const script = scriptOf(situation);
  const checked = check(situation, script, machine);
  await io.stdout.write(command.json ? jsonLines([checked]) : fitted(script, checked, machine, VERSION));
  for (const blocker of checked.blockers)
    await io.stderr.write(`spinback: ${situation.name} does not work here: ${blocker}\n`);
  for (const { what, events, why } of checked.unseen)
    await io.stderr.write(`spinback: cannot be seen here: ${what} (no ${events.join(', ')}: ${why})\n`);
  return checked.blockers.length > 0 ? EXIT.findings : EXIT.ok;
}

function scriptOf({ script }: Situation): string {
  const folder = packageFolder('capture');
  if (folder === null)
    throw new SpinbackError('UNREADABLE', 'the scripts are missing: the package has no folder capture');
  return readFileSync(join(folder, script), 'utf8');
}

function listText(checks: readonly Check[], { release: kernel, cpus: count }: Machine): string {
  const width = Math.max(...SITUATIONS.map(({ name }) => name.length));
  const lines = checks.flatMap(({ situation, blockers, unseen, events }) => {
    const works = events === null ? 'unknown' : blockers.length ? 'no' : unseen.length ? 'partly' : 'yes';
    const start = `  ${situation.name.padEnd(width)}  ${works.padEnd(7)}  `;
    const indent = ' '.repeat(start.length);
    return [
      ...hang(start, situation.what, MAX_WIDTH),
      ...blockers.flatMap((blocker) => hang(indent, blocker, MAX_WIDTH)),
    ];
  });
  return page([
    [`What can be recorded on this machine (Linux ${kernel}, ${plural(count, 'CPU')}):`],
    lines,
    ['spinback capture --print SITUATION prints the script, and says what cannot be seen.'],
  ]);
}

function jsonLines(checks: readonly Check[]): string {
  return checks
    .map(
      ({ situation: { name, script, what, read }, events, unseen, blockers }) =>
        `${jsonLine({ schema: 'spinback/capture@1', situation: name, script, what, read, events, unseen, blockers })}\n`,
    )
    .join('');
}

/** Files of tracefs and procfs have no size; no file that is looked at is longer. */
const LONGEST = 1 << 20;

/** The machine that spinback runs on. */
export function thisMachine(env: Io['env']): Machine {
  return {
    release: release(),
    cpus: cpus().length,
    exists: existsSync,
    read(path) {
      try {
        const bytes = readSmallFile(path, LONGEST);
        return decodeText(path.endsWith('.gz') ? gunzipSync(bytes, { maxOutputLength: 8 * LONGEST }) : bytes);
      } catch {
        return null;
      }
    },
    hasProgram: (name) =>
      (env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, name))),
  };
}

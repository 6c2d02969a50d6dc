import { SpinbackError } from '../base/errors.ts';
import { openOutput, type OutputFile } from '../io/output.ts';
import { printable } from '../report/printable.ts';
import { errorText, EXIT, exitOf, OutputError } from './exit.ts';
import { isDamaged, isDebug, reportDamage } from './files.ts';
import type { Io } from './io.ts';
import { openOptions, type OpenCommand } from './one-file.ts';
import { progressBar } from './progress.ts';

/** The options of `spinback convert`. */
export interface ConvertCommand extends OpenCommand {
  readonly force?: boolean;
}

/** Where the bytes of a container go. */
interface Sink {
  write(bytes: Uint8Array): Promise<void> | void;
  finish(): void;
  discard(): void;
  /** Nobody reads on. */
  readonly closed: boolean;
}

/** Writes one capture as a .spin container to `output`; "-" is standard output. Returns the exit status. */
export async function convert(
  input: string,
  output: string,
  command: ConvertCommand,
  io: Io,
): Promise<number> {
  const bar = await progressBar(io, printable(input));
  let sink: Sink | null = null;
  try {
    const open = await openOptions(command);
    const session = await io.session();
    const capture = await session.open(input, { ...open, onProgress: bar.report });
    try {
      sink = output === '-' ? toStdout(io) : toFile(output, input, command.force ?? false);
      for await (const bytes of session.convert(capture, { onProgress: bar.report })) {
        await sink.write(bytes);
        if (sink.closed) return EXIT.ok;
      }
      sink.finish();
    } finally {
      bar.stop();
      capture.close();
    }
    const damage = capture.damage().map((problem) => ({ ...problem, offset: problem.offset ?? null }));
    await reportDamage(input, damage, io);
    return isDamaged(damage) ? EXIT.unreadable : EXIT.ok;
  } catch (error) {
    bar.stop();
    await io.stderr.write(errorText(error, input, isDebug(io)));
    return exitOf(error);
  } finally {
    sink?.discard();
  }
}

/** Signals that end the process; a file that is half written goes first. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function toFile(path: string, input: string, force: boolean): Sink {
  let opened: OutputFile | null = null;
  const stop = (signal: NodeJS.Signals): void => {
    discard();
    process.kill(process.pid, signal);
  };
  const discard = (): void => {
    for (const signal of SIGNALS) process.removeListener(signal, stop);
    opened?.discard();
  };
  // Before there is a file: a signal that comes right behind its making finds somebody to remove it.
  for (const signal of SIGNALS) process.once(signal, stop);
  let file: OutputFile;
  try {
    file = opened = openOutput(path, input, force);
  } catch (error) {
    discard();
    throw error;
  }
  return {
    async write(bytes) {
      attempt(() => file.write(bytes));
      // Signals are heard of between two turns of the event loop only.
      await new Promise(setImmediate);
    },
    finish: () => attempt(() => file.finish()),
    discard,
    closed: false,
  };
}

/** What the system refuses is no fault of the input. */
function attempt(write: () => void): void {
  try {
    write();
  } catch (error) {
    throw error instanceof SpinbackError ? new OutputError(error.message) : error;
  }
}

function toStdout({ stdout }: Io): Sink {
  if (stdout.isTTY)
    throw new SpinbackError('USAGE', 'a terminal shows no containers: name a file, or a pipe');
  return {
    write: (bytes) => stdout.write(bytes),
    finish() {},
    discard() {},
    get closed() {
      return stdout.closed;
    },
  };
}

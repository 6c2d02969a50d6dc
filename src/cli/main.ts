import { writeSync } from 'node:fs';
import { tierByUse } from '../io/tiers.ts';
import { errorText, EXIT } from './exit.ts';
import { processIo } from './io.ts';

/** What a worker thread of this program runs. */
export async function work(): Promise<void> {
  const { serve } = await import('./serve.ts');
  serve();
}

/** The whole program: runs the process's command line and sets its exit status. */
export async function main(): Promise<void> {
  // Whatever ends the process before a command has come to its end is an internal error, also an event loop that
  // runs empty.
  process.exitCode = EXIT.internal;
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
  tierByUse();
  const { run } = await import('./run.ts');
  process.exitCode = await run(process.argv.slice(2), processIo());
}

/** Node would exit with 1, which means findings. */
function crash(error: unknown): void {
  try {
    writeSync(2, errorText(error, null, Boolean(process.env['SPINBACK_DEBUG'])));
  } finally {
    process.exit(EXIT.internal);
  }
}

import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loadMapping } from '../src/mapping/load.ts';
import type { OpenOptions } from '../src/trace/reader.ts';

const TRACES = resolve(import.meta.dirname, '../traces');
const LARGE = process.env['SPINBACK_TRACES'];

/** Path of a capture in traces/. */
export function smallCapture(name: string): string {
  return join(TRACES, name);
}

/**
 * Path of a capture that may be too large for the repository: in traces/, or in the folder that SPINBACK_TRACES names,
 * as it is or compressed. null where it is in neither; tests then skip, loudly.
 */
export function anyCapture(name: string): string | null {
  const folders = LARGE ? [TRACES, LARGE] : [TRACES];
  for (const folder of folders) {
    for (const path of [join(folder, name), join(folder, `${name}.zst`)]) if (existsSync(path)) return path;
  }
  console.warn(
    `SKIPPED: ${name} is not in traces/${LARGE ? ` nor in ${LARGE}` : ', and SPINBACK_TRACES is not set'}`,
  );
  return null;
}

/** What opening a capture with a mapping file of the project takes; nothing without one. */
export async function mappingOptions(file: string | undefined): Promise<OpenOptions> {
  if (file === undefined) return {};
  return await loadMapping(readFileSync(join(TRACES, '..', file), 'utf8'), file);
}

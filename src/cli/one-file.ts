import { printable } from '../report/printable.ts';
import type { AnalyzeOptions } from '../session/session.ts';
import type { Capture } from '../trace/capture.ts';
import type { OpenOptions } from '../trace/reader.ts';
import { isDebug, outcomeOf, type Outcome, type Reported } from './files.ts';
import type { Io } from './io.ts';
import type { MappingText } from './mapping.ts';
import { withBar } from './progress.ts';

/** Opens a file, works on it with a progress bar, and closes it. */
export async function oneFile(
  path: string,
  open: OpenOptions,
  io: Io,
  work: (capture: Capture, options: AnalyzeOptions) => Promise<Reported>,
): Promise<Outcome> {
  return await outcomeOf(path, isDebug(io), async () => {
    const session = await io.session();
    return await withBar(io, printable(path), async (onProgress) => {
      const capture = await session.open(path, { ...open, onProgress });
      try {
        return await work(capture, { onProgress });
      } finally {
        capture.close();
      }
    });
  });
}

/** Options of every command that opens captures. */
export interface OpenCommand {
  readonly instance?: string;
  /** Mapping files, names of those that come with spinback, or texts that were read already. */
  readonly map?: readonly (string | MappingText)[];
}

/** What a command's options say about opening captures. Throws USAGE for a mapping file that cannot be used. */
export async function openOptions({ instance, map = [] }: OpenCommand): Promise<OpenOptions> {
  const named = instance === undefined ? {} : { instance };
  if (map.length === 0) return named;
  const { mappingOptions } = await import('./mapping.ts');
  return { ...named, ...(await mappingOptions(map)) };
}

/** The same options as words of a command line. */
export function openWords({ instance, map = [] }: OpenCommand): string[] {
  return [
    ...map.flatMap((file) => ['--map', typeof file === 'string' ? file : file.given]),
    ...(instance === undefined ? [] : ['--instance', instance]),
  ];
}

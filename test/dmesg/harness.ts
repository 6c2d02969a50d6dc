import { analyzeLog, type LogOptions } from '../../src/dmesg/analyze-log.ts';
import { openInput } from '../../src/io/node-file.ts';
import type { LogReport } from '../../src/model/kernel-log.ts';

/** Analyses a log in memory, read in pieces of `piece` bytes. */
export async function logOf(
  log: string | Uint8Array,
  options: LogOptions = {},
  piece = 1 << 20,
): Promise<LogReport> {
  const bytes = typeof log === 'string' ? new TextEncoder().encode(log) : log;
  let position = 0;
  return await analyzeLog(
    'log',
    (target) => {
      const part = bytes.subarray(position, position + Math.min(piece, target.length));
      target.set(part);
      position += part.length;
      return part.length;
    },
    options,
  );
}

/** Analyses a log file, which may be packed. */
export async function logFile(path: string): Promise<LogReport> {
  const source = await openInput(path);
  try {
    let position = 0;
    return await analyzeLog(path, (target) => {
      const got = source.readInto(target, position);
      position += got;
      return got;
    });
  } finally {
    source.close();
  }
}

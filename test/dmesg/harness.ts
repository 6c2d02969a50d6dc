import { analyzeLog, type LogOptions } from '../../src/dmesg/analyze-log.ts';
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

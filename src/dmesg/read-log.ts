import { NEEDLES } from './headlines.ts';
import { parseLine } from './lines/prefix.ts';
import { RawLines } from './lines/raw-lines.ts';
import { NeedleSearch } from './lines/search.ts';
import { LogReader, type Found } from './reader.ts';

/** Lines of interest after one that said something: a list of modules or of registers may lie in between. */
const FOLLOWED = 120;

export interface ReadLog {
  readonly found: Found;
  readonly bytes: number;
  /** Times of the first and last line that has one. */
  readonly firstNs: bigint | null;
  readonly lastNs: bigint | null;
  readonly longLines: number;
}

export interface ReadOptions {
  readonly windowSize?: number;
  readonly onProgress?: (bytes: number) => void;
}

/**
 * Reads a log to its end. `read` fills its target from where it left off and returns how many bytes it put there, 0 at
 * the end. Memory is one window and what was found, which is bounded.
 */
export function readLog(read: (target: Uint8Array) => number, options: ReadOptions = {}): ReadLog {
  const lines = new RawLines(
    (target) => {
      const got = read(target);
      options.onProgress?.(lines.position);
      return got;
    },
    new NeedleSearch(NEEDLES),
    options.windowSize,
  );
  const firstNs = timeIn(lines.head(64 * 1024).split('\n'));
  const reader = new LogReader();
  for (let line = lines.next(); line !== null; line = lines.next()) {
    if (reader.add(line)) lines.follow(FOLLOWED);
    // The rest of a headline that a mail program broke may be in the next line.
    else if (line.hasNeedle) lines.follow(1);
  }
  const lastNs = timeIn(lines.tail().split('\n').toReversed());
  return { found: reader.found(), bytes: lines.position, firstNs, lastNs, longLines: lines.longLines };
}

function timeIn(lines: readonly string[]): bigint | null {
  for (const line of lines.slice(0, 400)) {
    const { bootNs, wallNs } = parseLine(line.slice(0, 1024), 0);
    if (bootNs !== null || wallNs !== null) return bootNs ?? wallNs;
  }
  return null;
}

import { partOf } from '../../io/bytes.ts';
import type { ByteSource } from '../../io/source.ts';
import type { Dialect } from './dialect.ts';
import { EventLine } from './line.ts';
import { LineReader } from './lines.ts';

// The files of single CPUs (per_cpu/cpu0/trace, per_cpu/cpu1/trace ...) joined one behind the other begin again with every
// file: each step back in time begins a run. Runs that follow each other in time make a lane, and the engine merges lanes.

/** A stretch of text, in bytes of the source, in which no event stands behind a later one. */
export interface Run {
  readonly from: number;
  readonly to: number;
}

const PROBES = 256;
const PROBE_BYTES = 4096;
/** Text that steps back more often was not joined but mixed; and the engine takes 512 lanes. */
const MAX_RUNS = 4096;
const MAX_LANES = 512;

/**
 * The lanes of a text, each a list of runs: one of all the text where it is in order of time, as far as samples of it tell, and
 * where it cannot be put in order.
 */
export function lanesOf(source: ByteSource, dialect: Dialect, from: number): readonly (readonly Run[])[] {
  const whole = [[{ from, to: source.size }]];
  return stepsBack(source, dialect, from) ? (lanesOfRuns(source, dialect, from) ?? whole) : whole;
}

/** Looks at the first event behind so many places of the text. Small texts are looked at everywhere. */
function stepsBack(source: ByteSource, dialect: Dialect, from: number): boolean {
  const step = Math.max(PROBE_BYTES, Math.ceil((source.size - from) / PROBES));
  const line = new EventLine();
  let last = -1n;
  for (let at = from; at < source.size; at += step) {
    const end = Math.min(source.size, at + step);
    const lines = new LineReader(partOf(source, 0, end), at, PROBE_BYTES);
    // The first line may be the end of one.
    if (at > from) lines.next();
    while (lines.next()) {
      if (!dialect.parseEvent(lines.bytes, lines.start, lines.end, line)) continue;
      if (line.time < last) return true;
      last = line.time;
      if (step > PROBE_BYTES) break;
    }
  }
  return false;
}

interface TimedRun extends Run {
  readonly first: bigint;
  readonly last: bigint;
}

/** null: there are too many. */
function lanesOfRuns(source: ByteSource, dialect: Dialect, from: number): Run[][] | null {
  const lanes: TimedRun[][] = [];
  for (const run of findRuns(source, dialect, from) ?? []) {
    const lane = lanes.find((known) => known.at(-1)!.last <= run.first);
    if (lane) lane.push(run);
    else if (lanes.push([run]) > MAX_LANES) return null;
  }
  return lanes.length > 0 ? lanes : null;
}

function findRuns(source: ByteSource, dialect: Dialect, from: number): TimedRun[] | null {
  const runs: TimedRun[] = [];
  const lines = new LineReader(source, from);
  const line = new EventLine();
  let begin = from;
  let first: bigint | null = null;
  let last = 0n;
  // Marks of lost events belong to the event behind them.
  let mark = -1;
  while (lines.next()) {
    const { bytes, start, end, offset } = lines;
    if (!dialect.parseEvent(bytes, start, end, line)) {
      if (mark < 0 && dialect.parseDropped(bytes, start, end)) mark = offset;
      continue;
    }
    if (first !== null && line.time < last) {
      const to = mark < 0 ? offset : mark;
      if (runs.push({ from: begin, to, first, last }) > MAX_RUNS) return null;
      begin = to;
      first = null;
    }
    first ??= line.time;
    last = line.time;
    mark = -1;
  }
  if (first !== null) runs.push({ from: begin, to: source.size, first, last });
  return runs;
}

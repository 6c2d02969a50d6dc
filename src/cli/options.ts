import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../base/units.ts';
import { KIND_WORDS } from '../report/events.ts';
import { parseTime, type LockArgument, type TimeArgument } from './filter.ts';

// What users write behind options. Each function throws commander's InvalidArgumentError, which ends in exit
// status 2 and names the option.

/** "10s", "50ms": nanoseconds above 0. */
export function durationOption(text: string): number {
  const ns = parseDuration(text);
  if (ns === undefined || ns <= 0)
    throw new InvalidArgumentError('Give a duration such as 10s, 1.5s or 50ms.');
  return ns;
}

/** A whole number from 1 up. */
export function positiveOption(text: string): number {
  const count = countOption(text);
  if (count === 0) throw new InvalidArgumentError('Give a number above 0.');
  return count;
}

/** One of what rows of statistics can be about. */
export function typesOption(text: string, before: readonly string[]): readonly string[] {
  const types = text.split(',').map((type) => type.trim());
  const wrong = types.find((type) => !TYPES.includes(type));
  if (wrong !== undefined)
    throw new InvalidArgumentError(`There is no type '${wrong}', only ${TYPES.join(', ')}.`);
  return [...before, ...types];
}

const TYPES: readonly string[] = ['lock', 'lockdep', 'bit', 'contention', 'irqs-off', 'preempt-off'];

/** A whole number from 0 up. */
export function countOption(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Give a whole number.');
  return Number(text);
}

/** More threads than this only take memory from each other. */
const MOST_JOBS = 256;

/** A number of threads. */
export function jobsOption(text: string): number {
  const jobs = countOption(text);
  if (jobs < 1 || jobs > MOST_JOBS) throw new InvalidArgumentError(`Give a number from 1 to ${MOST_JOBS}.`);
  return jobs;
}

/** "47.340" on the trace's clock, "+1.5s" from the first event on. */
export function timeOption(text: string): TimeArgument {
  const time = parseTime(text);
  if (time === undefined) {
    throw new InvalidArgumentError(
      "Give seconds on the trace's clock (47.340) or from its start (+1.5s, +200ms).",
    );
  }
  return time;
}

/** "0xffff888104ef4380" or "0xffff888104ef4380:4"; may be given several times. */
export function lockOption(text: string, before: readonly LockArgument[]): readonly LockArgument[] {
  const match = /^(0x[0-9a-f]{1,16})(?::(\d{1,2}))?$/i.exec(text);
  if (match === null)
    throw new InvalidArgumentError('Give an address such as 0xffff888104ef4380, or 0x...:4 for bit 4.');
  return [...before, { address: BigInt(match[1]!), bit: match[2] === undefined ? null : Number(match[2]) }];
}

/** pid_max is at most 2^22 (include/linux/threads.h, Linux 6.12). */
const MOST_PIDS = (1 << 22) + 1;
/** More CPUs than an event can name. */
const MOST_CPUS = 1 << 16;

/** "107", "107,108" or "100-110"; may be given several times. */
export function pidsOption(text: string, before: readonly number[]): readonly number[] {
  return [...before, ...ranges(text, MOST_PIDS, 'Give pids such as 107, 107,108 or 100-110.')];
}

/** "3", "0-3" or "0,2,4-7"; may be given several times. */
export function cpusOption(text: string, before: readonly number[]): readonly number[] {
  return [...before, ...ranges(text, MOST_CPUS, 'Give CPU numbers such as 3, 0,2 or 0-3.')];
}

/** The numbers below `end` that a list of numbers and ranges names. */
function ranges(text: string, end: number, advice: string): number[] {
  return text.split(',').flatMap((part) => {
    const [first = NaN, last = first, ...more] = part.split('-').map(countOption);
    if (more.length > 0 || last < first || last >= end) throw new InvalidArgumentError(advice);
    return Array.from({ length: last - first + 1 }, (_, n) => first + n);
  });
}

/** Any text; may be given several times. */
export function wordsOption(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}

/** "word-store" or "attempt,acquire"; may be given several times. */
export function kindsOption(text: string, before: readonly string[]): readonly string[] {
  const kinds = text.split(',').map((kind) => kind.trim().replaceAll(/[ _]/g, '-'));
  const wrong = kinds.find((kind) => !KIND_WORDS.includes(kind));
  if (wrong !== undefined)
    throw new InvalidArgumentError(`There is no kind '${wrong}', only ${KIND_WORDS.join(', ')}.`);
  return [...before, ...kinds];
}

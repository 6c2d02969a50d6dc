import { SpinbackError } from '../base/errors.ts';
import { parseDuration } from '../base/units.ts';
import { KINDS, type CanonicalEvent } from '../model/event.ts';
import { countsNanoseconds } from '../report/times.ts';
import type { Clock, EventType } from '../trace/capture.ts';

/** A time as a user writes it: on the trace's clock ("47.340"), or from the first event on ("+1.5s"). */
export interface TimeArgument {
  readonly text: string;
  readonly relative: boolean;
}

/** A lock as a user writes it: 0xffff888104ef4380, or with the bit behind a colon. */
export interface LockArgument {
  readonly address: bigint;
  readonly bit: number | null;
}

/** Which events to show; an empty list does not restrict. Lists are alternatives, options must all hold. */
export interface EventFilter {
  readonly from?: TimeArgument;
  readonly to?: TimeArgument;
  readonly lock: readonly LockArgument[];
  readonly cpu: readonly number[];
  readonly pid: readonly number[];
  readonly comm: readonly string[];
  /** Kinds as the command line spells them ("word-store"). */
  readonly kind: readonly string[];
  /** "word_store" or "bhrace:word_store". */
  readonly event: readonly string[];
}

/** What a filter needs to know of a capture. */
export interface FilterContext {
  /** Time of the first event. */
  readonly start: bigint;
  readonly clock: Clock;
  type(id: number): EventType | undefined;
  comm(pid: number): string | null;
}

/** A filter made ready for one capture. `range` says where a time lies; `passes` is asked about those inside. */
export interface ReadyFilter {
  /** No event before this time is shown; null: there is no such time. */
  readonly from: bigint | null;
  range(time: bigint): 'before' | 'inside' | 'after';
  passes(event: CanonicalEvent): boolean;
}

/** Throws USAGE for a time that the capture's unit cannot mean, and for an end before the beginning. */
export function readyFilter(filter: EventFilter, context: FilterContext): ReadyFilter {
  const { start, clock } = context;
  const from = filter.from === undefined ? null : timeOf(filter.from, start, clock);
  const to = filter.to === undefined ? null : timeOf(filter.to, start, clock);
  if (from !== null && to !== null && to < from)
    throw new SpinbackError('USAGE', `--to ${filter.to!.text} lies before --from ${filter.from!.text}`);
  const tests: ((event: CanonicalEvent) => boolean)[] = [];

  const { lock } = filter;
  if (lock.length > 0) {
    tests.push((event) =>
      lock.some(({ address, bit }) => event.address === address && (bit === null || event.bit === bit)),
    );
  }
  const cpus = new Set(filter.cpu);
  if (cpus.size > 0) tests.push((event) => cpus.has(event.cpu));
  const pids = new Set(filter.pid);
  if (pids.size > 0) tests.push((event) => pids.has(event.pid));
  const kinds = new Set(
    filter.kind.map((kind) => (KINDS as readonly string[]).indexOf(kind.replaceAll('-', ' '))),
  );
  if (kinds.size > 0) tests.push((event) => kinds.has(event.kind));
  if (filter.event.length > 0) {
    const known = new Map<number, boolean>();
    tests.push(({ type }) => {
      const answer = known.get(type) ?? isNamed(context.type(type), filter.event);
      known.set(type, answer);
      return answer;
    });
  }
  const comms = new Set(filter.comm);
  if (comms.size > 0) tests.push((event) => comms.has(context.comm(event.pid) ?? ''));

  return {
    from,
    range: (time) =>
      from !== null && time < from ? 'before' : to !== null && time > to ? 'after' : 'inside',
    passes: (event) => tests.every((test) => test(event)),
  };
}

/** Is this type one of `names`, with or without its system? */
export function isNamed(type: EventType | undefined, names: readonly string[]): boolean {
  return type !== undefined && (names.includes(type.name) || names.includes(`${type.system}:${type.name}`));
}

const SECONDS = /^(\d+)(?:\.(\d{1,9}))?$/;

/** Could `text` be a time at all? Whether it fits the capture's unit is known only once that is open. */
export function parseTime(text: string): TimeArgument | undefined {
  const relative = text.startsWith('+');
  const rest = relative ? text.slice(1) : text;
  if (!SECONDS.test(rest) && !(relative && parseDuration(rest) !== undefined)) return undefined;
  return { text: rest, relative };
}

/** The absolute time that an argument means, in the capture's unit. */
export function timeOf({ text, relative }: TimeArgument, start: bigint, clock: Clock): bigint {
  const base = relative ? start : 0n;
  if (!countsNanoseconds({ clock: clock.name, timeUnit: clock.unit })) {
    if (/^\d+$/.test(text)) return base + BigInt(text);
    throw new SpinbackError(
      'USAGE',
      `${text} is no time in this capture: its clock counts no seconds, give whole numbers`,
    );
  }
  const match = SECONDS.exec(text);
  if (match !== null)
    return base + BigInt(match[1]!) * 1_000_000_000n + BigInt((match[2] ?? '').padEnd(9, '0'));
  return base + BigInt(parseDuration(text) ?? 0);
}

import { groupBy } from '../base/group.ts';
import { FLAGS, KINDS } from '../model/event.ts';
import type { Case } from '../model/case.ts';
import type { CpuState, LockState, Mark } from '../model/state.ts';
import { at } from './times.ts';

/**
 * What the capture does not know about a span of time, as sentences: CPUs whose record begins inside it or ends before it
 * does, events lost inside it, unexplained breaks. A verdict that needs all events of that span is only as good as this list is short.
 *
 * @param what names the moment `from`, for the sentences: "the last release"
 */
export function taints(about: Case, from: bigint, to: bigint, what: string): string[] {
  return [...gaps(about, from, to, what), ...about.state.cpus.flatMap(({ cpu }) => untaken(about, cpu))];
}

/** A record does not begin later than the time to which its clock ran backwards. */
function earliest({ firstTime, step }: CpuState): bigint {
  return step && step.to < firstTime ? step.to : firstTime;
}

/** The same without what releases tell: for verdicts on releases themselves. */
export function gaps(about: Case, from: bigint, to: bigint, what: string): string[] {
  const late = about.state.cpus
    .filter((cpu) => cpu.events > 0n && earliest(cpu) > from)
    .map((cpu) => `CPU ${cpu.cpu} begins at ${at(about, earliest(cpu))}, after ${what}`);
  return [...late, ...missing(about, from, to), ...lostTails(about, to)];
}

/** Events of one CPU that are missing between two moments, marked as lost or not, as sentences; of all CPUs without one. */
export function losses(about: Case, from: bigint, to: bigint, cpu?: number): string[] {
  const cpus = about.state.cpus.filter((state) => cpu === undefined || state.cpu === cpu);
  return [...missing(about, from, to, cpu), ...cpus.flatMap((state) => untaken(about, state.cpu))];
}

/** Records that cannot be read, as sentences: nobody knows which CPU's events, and when. */
export function undecoded({ undecoded = [] }: Case): string[] {
  return undecoded.map(({ event, count }) =>
    event === null
      ? `${count} records of types that the capture does not describe cannot be read`
      : `the ${count} records of ${event} cannot be read`,
  );
}

function missing(about: Case, from: bigint, to: bigint, cpu?: number): string[] {
  const isMeant = (other: { readonly cpu: number }): boolean => cpu === undefined || other.cpu === cpu;
  const sentences: string[] = undecoded(about);
  for (const span of about.found.lost.filter(isMeant)) {
    if (span.from === null || span.to < from || span.from > to) continue;
    const events = span.count > 0n ? `${span.count} events` : 'an unknown number of events';
    sentences.push(
      `CPU ${span.cpu} lost ${events} between ${at(about, span.from)} and ${at(about, span.to)}`,
    );
  }
  for (const state of about.state.cpus.filter(isMeant)) sentences.push(...breaks(about, state, from, to));
  if (about.found.suppressed['lost']) {
    sentences.push(`${about.found.suppressed['lost']} further losses are counted but not listed`);
  }
  return sentences;
}

/** Breaks in continuity of one CPU that may lie between two moments, as a sentence. */
export function breaksOf(about: Case, cpu: number, from: bigint, to: bigint): string[] {
  const state = about.state.cpus.find((candidate) => candidate.cpu === cpu);
  return state ? breaks(about, state, from, to) : [];
}

/** Breaks in continuity are counted; of their times the first and the last one are known. */
function breaks(about: Case, cpu: CpuState, from: bigint, to: bigint): string[] {
  if (cpu.breaks === 0 || cpu.lastBreak < from || cpu.firstBreak > to) return [];
  const one = cpu.breaks === 1;
  return [
    `CPU ${cpu.cpu} has ${one ? 'a break' : `${cpu.breaks} breaks`} in continuity that no loss mark explains, ` +
      `${one ? '' : 'the last '}at ${at(about, cpu.lastBreak)}`,
  ];
}

/**
 * What is missing, from its take until then, where the holder may have run, as sentences: its release may be among it. An
 * interrupt stays on its CPU, and so does a task until it is switched out; after that it may run on any.
 *
 * @param last where the holder was seen last, if that is known
 */
export function lossesWhereHolderRan(
  about: Case,
  lock: LockState,
  until: bigint,
  last = lock.left,
): string[] {
  const { time, cpu } = lock.acquire!;
  const moves = movesFrom(lock, last);
  return distinct(
    losses(about, time, until, cpu),
    moves !== null && moves < until ? losses(about, moves, until) : [],
  );
}

/** From when on the holder may have run on other CPUs than that of its take; null: at no time. */
function movesFrom({ acquire, left }: LockState, last: Mark | null): bigint | null {
  const first = left ?? last;
  if (first && first.cpu !== acquire!.cpu) return acquire!.time;
  if (!left || KINDS[left.kind] === 'leave') return null;
  // Where its exit is all that is kept, it may have been switched out at any time before.
  return KINDS[left.kind] === 'task exit' ? acquire!.time : left.time;
}

/** Releases without a take that may each be a bug; more, of locks on one CPU or by the same code, tell of takes that are not recorded. */
export const BUGS_AT_MOST = 2;

/**
 * Locks that a CPU released with preemption off (spinning ones: taken on the same CPU) without a take, where these are more
 * than bugs explain, as a sentence. Releases of locks that were never seen taken are among the engine's breaks.
 */
export function untaken({ found }: Case, cpu: number): string[] {
  const records = [...found.doubleReleases, ...found.foreignReleases].filter(
    (record) => record.cpu === cpu && (record.flags & FLAGS['preempt-off']) !== 0,
  );
  const locks = groupBy(records, ({ namespace, address, bit }) => `${namespace}:${address}:${bit}`).size;
  if (locks <= BUGS_AT_MOST) return [];
  return [
    `CPU ${cpu} released ${locks} locks that it was not seen to take: events are missing without a mark`,
  ];
}

/** The sentences of several lists, each once. */
export function distinct(...lists: readonly (readonly string[])[]): string[] {
  return [...new Set(lists.flat())];
}

/** CPUs named one by one. */
const MOST_NAMED = 16;

/**
 * CPUs whose last events are lost, and lost before `until`, as sentences: their data was cut or is missing, or the recorder
 * dropped events. What a CPU did there, a take or a release, nobody can tell.
 */
export function lostTails(about: Case, until: bigint): string[] {
  const last = new Map(
    about.state.cpus.filter(({ events }) => events > 0n).map((cpu) => [cpu.cpu, cpu.lastTime]),
  );
  const missing: number[] = [];
  const sentences: string[] = [];
  for (const cpu of [...about.lostTails].toSorted((a, b) => a - b)) {
    const time = last.get(cpu);
    if (time === undefined) missing.push(cpu);
    else if (time < until)
      sentences.push(`the record of CPU ${cpu} ends at ${at(about, time)}, its last events are lost`);
  }
  if (missing.length === 0) return sentences;
  const named = missing.slice(0, MOST_NAMED).join(', ');
  const more = missing.length > MOST_NAMED ? ` and ${missing.length - MOST_NAMED} more` : '';
  return [...sentences, `the record of CPU${missing.length > 1 ? 's' : ''} ${named}${more} is missing`];
}

/** Until when it is known what a CPU does: the end of the capture, or of its own record where the last events are lost. */
export function knownUntil(about: Case, cpu: number): bigint {
  const state = about.lostTails.has(cpu) && about.state.cpus.find((candidate) => candidate.cpu === cpu);
  return state ? state.lastTime : about.state.lastTime;
}

/**
 * Does something show that a CPU's recording went on while it showed nothing of its own (design rule 10)? The recorder's own
 * statistics, an event from an NMI, or the kernel log's naming it (`isNamed`). Otherwise its record may simply have ended.
 */
export function recordingWentOn(about: Case, cpu: number, from: bigint, isNamed: boolean): boolean {
  if (isNamed || about.wholeTails.has(cpu)) return true;
  const last = about.state.cpus.find((state) => state.cpu === cpu)?.lastTime ?? 0n;
  return last - from > (about.state.lastTime - from) / 2n;
}

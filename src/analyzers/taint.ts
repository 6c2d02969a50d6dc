import { seconds } from '../base/units.ts';
import type { Case } from '../model/case.ts';

/**
 * What the capture does not know about a span of time, as sentences: CPUs whose record begins inside it or ends before it
 * does, events lost inside it, unexplained breaks. A verdict that needs all events of that span is only as good as this list is short.
 *
 * @param what names the moment `from`, for the sentences: "the last release"
 */
export function taints(about: Case, from: bigint, to: bigint, what: string): string[] {
  const sentences: string[] = [];
  for (const cpu of about.state.cpus) {
    if (cpu.events > 0n && cpu.firstTime > from) {
      sentences.push(`CPU ${cpu.cpu} begins at ${seconds(cpu.firstTime)}, after ${what}`);
    }
  }
  for (const span of about.found.lost) {
    if (span.from === null || span.to < from || span.from > to) continue;
    const events = span.count > 0n ? `${span.count} events` : 'an unknown number of events';
    sentences.push(`CPU ${span.cpu} lost ${events} between ${seconds(span.from)} and ${seconds(span.to)}`);
  }
  for (const cpu of about.state.cpus) {
    if (
      cpu.breaks > 0 &&
      cpu.lastBreak >= from &&
      !about.found.lost.some((span) => span.to === cpu.lastBreak)
    ) {
      sentences.push(
        `CPU ${cpu.cpu} has ${cpu.breaks} breaks in continuity that no loss mark explains, the last at ${seconds(cpu.lastBreak)}`,
      );
    }
  }
  if (about.found.suppressed['lost']) {
    sentences.push(`${about.found.suppressed['lost']} further losses are counted but not listed`);
  }
  return [...sentences, ...lostTails(about, to)];
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
      sentences.push(`the record of CPU ${cpu} ends at ${seconds(time)}, its last events are lost`);
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

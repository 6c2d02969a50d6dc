import { seconds } from '../base/units.ts';
import type { Case } from '../model/case.ts';

/**
 * What the capture does not know about a span of time, as sentences: CPUs whose record begins inside it, events lost
 * inside it, unexplained breaks. A verdict that needs all events of that span is only as good as this list is short.
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
  return sentences;
}

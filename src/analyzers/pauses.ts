import { duration, elapsed, seconds } from '../base/units.ts';
import type { Case, Pause } from '../model/case.ts';
import type { Alternative, Confidence } from '../model/report.ts';
import type { Mark, RingRecord } from '../model/state.ts';

// A machine that stops as a whole (a virtual machine that is paused, a stalled host, an SMI that holds all CPUs) leaves every
// CPU silent at once, and spans that went on meanwhile longer than they were. Silence of idle CPUs is no sign of it: without
// timer ticks they are silent for seconds. What decides is a witness: another CPU that was busy, that had never been silent
// for a tenth as long, that did not spin or run with interrupts off itself, and that went on afterwards.

const WITNESS = { gaps: 20, timesLonger: 10 };

/** A pause of the machine, and the busy CPU that shows it. */
export interface WitnessedPause extends Pause {
  readonly witness: number;
}

/** The CPU that shows a silence to be the machine's, null where none does. `involved`: CPUs that are silent for a reason. */
function witnessOf(about: Case, pause: Pause, involved: readonly number[]): number | null {
  const length = Number(pause.to - pause.from);
  const witness = about.found.gaps.find(
    ({ cpu, count, extra, marks: [before, after] }) =>
      !involved.includes(cpu) &&
      before!.time <= pause.from &&
      after!.time >= pause.to &&
      count >= WITNESS.gaps &&
      length >= WITNESS.timesLonger * Number(extra) &&
      !isStuckItself(about, cpu, pause),
  );
  return witness?.cpu ?? null;
}

/** It waited or had interrupts off all the while: a reason of its own to be silent. */
function isStuckItself({ found, state }: Case, cpu: number, { from, to }: Pause): boolean {
  const covers = (record: RingRecord, first: number, last: number): boolean =>
    record.cpu === cpu && record.marks[first]!.time <= from && record.marks[last]!.time >= to;
  const off = state.cpus.find((other) => other.cpu === cpu)?.irqsOff;
  return (
    found.waits.some((record) => covers(record, 0, 2)) ||
    found.irqOff.some((record) => covers(record, 0, 1)) ||
    (off != null && off.time <= from)
  );
}

/** The pauses of the whole machine that a busy CPU shows. */
export function machinePauses(about: Case): WitnessedPause[] {
  return about.found.pauses.flatMap((pause) => {
    const witness = witnessOf(about, pause, []);
    return witness === null ? [] : [{ ...pause, witness }];
  });
}

/** How a silence of the whole machine bears on a span of one CPU. */
export interface PauseDoubt {
  /** No finding about the span is surer than this. */
  readonly atMost: Confidence;
  readonly alternative: Alternative;
  readonly evidence: readonly [Mark, string];
}

/**
 * Is the span only as long as `leastNs` because the whole machine was silent in it? Null where it is not, or where the
 * kernel itself spoke of it meanwhile. Where a busy CPU was silent as well, nobody is to blame; where the others idled, or
 * there are none, it cannot be told.
 *
 * @param involved CPUs whose silence the span itself explains: the one it is about, and a holder's
 */
export function pauseDoubt(
  about: Case,
  involved: readonly number[],
  [from, to]: readonly [from: bigint, to: bigint],
  leastNs: number,
): PauseDoubt | null {
  const within = about.found.pauses
    .filter((pause) => pause.from < to && pause.to > from)
    .map((pause) => ({ pause, ns: overlap(pause, from, to), witness: witnessOf(about, pause, involved) }))
    .toSorted((a, b) => b.ns - a.ns);
  const length = elapsed(from, to);
  const isExplained = (parts: typeof within): boolean =>
    length - parts.reduce((sum, { ns }) => sum + ns, 0) < leastNs;
  const seen = within.filter(({ witness }) => witness !== null);
  const [longest] = isExplained(seen) ? seen : isExplained(within) ? within : [];
  if (!longest) return null;
  const { pause, witness } = longest;
  const silence = `no CPU emitted anything for ${duration(elapsed(pause.from, pause.to))} from ${seconds(pause.from)} on`;
  return {
    atMost: witness === null ? 'likely' : 'possible',
    alternative: {
      cause: 'machine paused',
      confidence: witness === null ? 'possible' : 'likely',
      why:
        witness === null
          ? `${silence}; the other CPUs idled or there are none, so it cannot be told whether the whole machine was stopped (a virtual machine, a stalled host)`
          : `${silence}, not even CPU ${witness}, which was busy before and after: the whole machine was stopped (a virtual machine, a stalled host)`,
    },
    evidence: [pause.first, 'the first event of any CPU after the silence'],
  };
}

function overlap(pause: Pause, from: bigint, to: bigint): number {
  const begin = pause.from > from ? pause.from : from;
  const end = pause.to < to ? pause.to : to;
  return Number(end > begin ? end - begin : 0n);
}

import { duration, seconds } from '../base/units.ts';
import type { Case } from '../model/case.ts';
import type { CpuState } from '../model/state.ts';
import type { Confidence } from '../model/report.ts';
import { weaker, type Draft } from './draft.ts';

// The events of one CPU come in order of its clock. Where a clock was set back, or a time stamp damaged (one flipped bit of a
// sub-buffer's time moves hundreds of events by as much as 2^63 ns), times run backwards within the CPU, and the engine counts that.
// Which side of the step is wrong nobody knows; but a time behind the CPU's last event, or before its first one, cannot be right.

/** A finding no surer than the times that it rests on. */
export function doubtSteps(draft: Draft, about: Case): Draft {
  const stepped = about.state.cpus.filter(({ backwards }) => backwards > 0);
  if (stepped.length === 0) return draft;
  const cpuOf = (cpu: number): CpuState | undefined => stepped.find((state) => state.cpu === cpu);
  const outside = draft.evidence.find(({ cpu, ns }) => isOutside(cpuOf(cpu), BigInt(ns)));
  if (outside) {
    const { cpu, firstTime, lastTime } = cpuOf(outside.cpu)!;
    const why =
      `the ${outside.event} at ${seconds(BigInt(outside.ns))} lies outside the record of CPU ${cpu}, ` +
      `${seconds(firstTime)} to ${seconds(lastTime)}: times ran backwards there, and this one is wrong`;
    return capped(draft, 'possible', why);
  }
  const end = about.state.cpus.reduce((last, { lastTime }) => (lastTime > last ? lastTime : last), 0n);
  if (draft.openEnded && about.state.lastTime > end) {
    const known = Math.max(0, Number(end - BigInt(draft.startNs)));
    const why =
      `the last time of the capture, ${seconds(about.state.lastTime)}, is one behind which times ran backwards; ` +
      `the records of all CPUs end by ${seconds(end)}, and until then it lasted ${duration(known)}`;
    return capped(draft, known >= about.thresholds.irqOffNs ? 'likely' : 'possible', why);
  }
  const involved = [draft.subject, draft.holder, ...draft.evidence].find(
    (actor) => actor && cpuOf(actor.cpu),
  );
  if (!involved) return draft;
  const { cpu, backwards } = cpuOf(involved.cpu)!;
  const times = backwards === 1 ? 'once' : `${backwards} times`;
  return capped(
    draft,
    'likely',
    `times of CPU ${cpu} ran backwards ${times}: a duration across that step is wrong`,
  );
}

function isOutside(cpu: CpuState | undefined, time: bigint): boolean {
  return cpu !== undefined && (time > cpu.lastTime || time < cpu.firstTime);
}

function capped(draft: Draft, most: Confidence, why: string): Draft {
  return { ...draft, confidence: weaker(draft.confidence, most), taintedBy: [...draft.taintedBy, why] };
}

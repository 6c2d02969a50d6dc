import { elapsed } from '../base/units.ts';
import { FLAGS } from '../model/event.ts';
import type { Case } from '../model/case.ts';
import { shows } from '../model/shows.ts';
import type { RingRecord } from '../model/state.ts';
import { cpuOf } from './waits.ts';

/**
 * Is it a spin that irq-off-spin reports? Where contention is recorded, a take without it was a first try that took long
 * for another reason (a virtual CPU that did not run). Where none is recorded, all may be such; `sawTaken` tells.
 */
export function isSpin(about: Case, record: RingRecord): boolean {
  const contended = record.marks[1] !== null || !shows(about.state, 'contend', record.namespace);
  // A mutex's waiter spins only while the owner runs, and sleeps then.
  const sleeps = (record.flags & FLAGS.mutex) !== 0;
  return contended && !sleeps && isOff(about, record) && spunFor(record) >= about.thresholds.spinNs;
}

/** Was the lock found taken: contended, or held by somebody known? */
export function sawTaken({ marks: [, contend, , holder] }: RingRecord): boolean {
  return (contend ?? holder) != null;
}

function spunFor({ marks: [attempt, , acquire] }: RingRecord): number {
  return attempt && acquire ? elapsed(attempt.time, acquire.time) : 0;
}

/** Interrupts were off all the while: by irq_disable, or, where that is not recorded, by the flags at both ends. */
function isOff(about: Case, record: RingRecord): boolean {
  const [attempt, , acquire, , , off] = record.marks;
  if (!attempt || !acquire) return false;
  if (off && off.time <= attempt.time) return true;
  if ((cpuOf(about, record.cpu)?.irqEvents ?? 0n) > 0n) return false;
  return (record.flags & acquire.flags & FLAGS['irqs-off']) !== 0;
}

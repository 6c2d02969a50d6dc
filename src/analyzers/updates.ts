import { duration, elapsed } from '../base/units.ts';
import type { Case } from '../model/case.ts';
import type { Alternative, Confidence } from '../model/report.ts';
import type { Mark, Suspect } from '../model/state.ts';
import { MARGIN_NS, ordersCpus } from './clock-order.ts';
import { losses } from './taint.ts';
import { isBefore } from './times.ts';

// Load-modify-stores. The engine takes a task's plain store together with its latest plain load of that word, however long ago that
// was (assembly/programs/words.ts). Whether the two are one update, and which of its borders the release lies between, is judged here.

/** An update takes nanoseconds; with the longest interrupts in between, or on a slow emulator, so long. */
const AT_ONCE_NS = 1e6;
/** So long a task that was preempted in between, or a virtual CPU that stood still, may take. */
const PREEMPTED_NS = 100e6;
/** An event is emitted behind its load by the same few instructions: so much later when an interrupt comes between. */
const LATE_NS = 100_000n;

/** Why the load may not be the store's. */
export interface PairDoubt {
  readonly atMost: Confidence;
  readonly alternative: Alternative;
}

/** May the load be the store's? Not where the record of the store says that its program had loaded something else. */
export function isPair(about: Case, load: Mark, store: Mark): boolean {
  const { loaded } = about.narrator.tell(store);
  return loaded === undefined || loaded === load.value;
}

/** What speaks against the load being the store's although nothing refutes it; null for nothing. */
export function pairDoubt(about: Case, load: Mark, store: Mark): PairDoubt | null {
  const gap = elapsed(load.time, store.time);
  if (!about.timeIsNs || gap <= AT_ONCE_NS) return null;
  const isLong = gap > PREEMPTED_NS;
  return {
    atMost: isLong ? 'possible' : 'likely',
    alternative: {
      cause: 'unknown-setter',
      confidence: isLong ? 'likely' : 'possible',
      why:
        `the store is taken together with the task's last recorded load of this word, ${duration(gap)} before it: ` +
        'it may have had a later one of its own, which was not recorded, and the bit may have been set before that',
    },
  };
}

/**
 * Did this store put the bit back? Its load saw the last holder's bit, so it came before the release. A load event can be late, but not
 * by much, and among losses it rather saw what somebody else had set: then the store changed nothing.
 */
export function isCulprit(
  about: Case,
  { load, update, store }: Pick<Suspect, 'load' | 'update' | 'store'>,
): boolean {
  if (!load || !update || !store || !isPair(about, load, store)) return false;
  if (isBefore(load, update)) return true;
  const late = load.time - update.time;
  const most = LATE_NS + (ordersCpus(about) ? 0n : MARGIN_NS);
  return (!about.timeIsNs || late <= most) && losses(about, update.time, load.time).length === 0;
}

import { hex, seconds } from '../base/units.ts';
import type { Case } from '../model/case.ts';
import type { Alternative } from '../model/report.ts';
import type { LockState, Mark } from '../model/state.ts';
import { task } from './draft.ts';
import { isStuck, type Verdict } from './stuck-causes.ts';
import { lostTails, taints } from './taint.ts';
import type { OpenWait } from './waits.ts';

// Locks that are known only by functions that take and release them: probes on their entry and return (kind pass). Inside,
// a function waits and then holds, and nobody can tell which. What can be told is the word at entry: a set bit while nobody
// is inside such a function is nobody's who was recorded.

/** Why those who are inside such functions do not return; null where nothing can be said. `waits`: oldest first. */
export function stuckInside(about: Case, lock: LockState, waits: readonly OpenWait[]): Verdict | null {
  const first = waits[0]!;
  const seen = seenAtEntry(lock, first);
  if (seen) return setOnEntry(about, lock, first, seen);
  return waits.length > 1 ? insideAtEnd(about, first, waits[1]!) : null;
}

/** The entry that found the bit set although nobody was inside; none of the returns since then has put that right. */
function seenAtEntry({ seen, release }: LockState, first: OpenWait): Mark | null {
  return seen && seen.time <= first.since.time && seen.time > (release?.time ?? 0n) ? seen : null;
}

function setOnEntry(about: Case, lock: LockState, first: OpenWait, seen: Mark): Verdict {
  const { acquire: entered, release: returned } = lock;
  const taintedBy = taints(about, (entered ?? seen).time, first.since.time, 'the last entry before');
  const hidden = lostTails(about, first.since.time).length > 0;
  const last = returned
    ? `the last one inside, ${task(about, returned)} on CPU ${returned.cpu}, returned at ${seconds(returned.time)}`
    : 'nobody was seen inside one before';
  const isFirst = seen.lane === first.since.lane && seen.offset === first.since.offset;
  return {
    cause: 'unknown-setter',
    confidence: isStuck(about, first) && !hidden && !taintedBy.length ? 'likely' : 'possible',
    headline:
      `${task(about, first.since)} entered a function that takes the lock on CPU ${first.hold.cpu} at ${seconds(first.since.time)} and never ` +
      `returned. Bit ${lock.bit} was set then (word ${hex(seen.value)}) with nobody inside such a function: ${last}. Who left the bit set, ` +
      'entries and returns alone do not tell.',
    start: seen,
    holder: null,
    culprit: null,
    evidence: [
      [entered, 'the last entry before'],
      [returned, 'it returned'],
      [isFirst ? first.since : seen, `bit ${lock.bit} is set on entry, and nobody is inside`],
    ],
    alternatives: explanations(about, entered, returned),
    taintedBy,
  };
}

function explanations(about: Case, entered: Mark | null, returned: Mark | null): Alternative[] {
  return [
    {
      cause: 'missing-unlock',
      confidence: 'possible',
      why: returned
        ? `${task(about, returned)}, inside from ${seconds((entered ?? returned).time)} to ${seconds(returned.time)}, may have returned without the unlock`
        : 'whoever was inside before the capture began may have returned without the unlock',
    },
    {
      cause: 'lost-unlock',
      confidence: 'possible',
      why: 'a plain store to the word may have put the bit back after the unlock; stores are not recorded',
    },
    {
      cause: 'unknown',
      confidence: 'possible',
      why: 'a function without probes that takes the same lock may hold it',
    },
  ];
}

/** The first one inside may hold the lock, or wait for somebody who is not in the picture. */
function insideAtEnd(about: Case, first: OpenWait, second: OpenWait): Verdict {
  return {
    cause: 'held-at-end',
    confidence: 'possible',
    headline:
      `${task(about, first.since)} entered a function that takes the lock on CPU ${first.hold.cpu} at ${seconds(first.since.time)} and is still inside ` +
      `when the capture ends; so is ${task(about, second.since)}, which came later. The first may hold the lock; entries and returns alone do not tell.`,
    start: first.since,
    holder: null,
    culprit: null,
    evidence: [
      [first.since, 'the first one inside; it has not returned'],
      [second.since, 'inside, too'],
    ],
    alternatives: [
      { cause: 'slow-holder', confidence: 'possible', why: 'the first may let go after the capture ended' },
      {
        cause: 'unknown',
        confidence: 'possible',
        why: 'both may wait for a holder in a function without probes',
      },
    ],
    taintedBy: taints(about, first.since.time, about.state.lastTime, 'the first entry'),
  };
}

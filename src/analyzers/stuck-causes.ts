import { duration, elapsed, hex } from '../base/units.ts';
import { WHOLE_LOCK } from '../model/engine-numbers.ts';
import { KINDS } from '../model/event.ts';
import type { Case } from '../model/case.ts';
import type { Alternative, Cause, Confidence } from '../model/report.ts';
import type { LockState, Mark, Suspect } from '../model/state.ts';
import { orderTaints } from './clock-order.ts';
import { contextOf, culprit, task, weaker, type Draft } from './draft.ts';
import { losses, lossesWhereHolderRan, lostTails, taints, undecoded } from './taint.ts';
import { at, isBefore, lasted } from './times.ts';
import { pairDoubt } from './updates.ts';
import { doubtOf, type OpenWait } from './waits.ts';

// Why a lock is stuck: one verdict per cause, each with its evidence, its confidence, and what would overturn it.

const STORE = KINDS.indexOf('word store');

/** A verdict on one lock: everything but what all verdicts share. */
export interface Verdict {
  readonly cause: Cause;
  readonly confidence: Confidence;
  readonly headline: string;
  /** The moment the state became wrong. */
  readonly start: Mark;
  readonly holder: Mark | null;
  readonly culprit: Draft['culprit'];
  readonly evidence: readonly (readonly [Mark | null, string])[];
  readonly alternatives: readonly Alternative[];
  readonly taintedBy: readonly string[];
  /** Where the lock alone does not tell this bug from others: a cycle is the same whoever came first. */
  readonly signature?: string;
}

/** The last value of the word that a waiter saw, where it shows the bit set. */
function seenSetBy(wait: OpenWait, lock: LockState): Mark | null {
  const seen = wait.hold.contend ?? null;
  if (!seen || lock.bit === WHOLE_LOCK) return null;
  // A value from before the last release says nothing about what came after it.
  if (lock.release && !isBefore(lock.release, seen)) return null;
  return (seen.value >> BigInt(lock.bit)) & 1n ? seen : null;
}

/** So long that a slow holder, or one whose release was lost, is no longer the better reading. */
export function isStuck(about: Case, wait: OpenWait): boolean {
  const { watchdogNs } = about.thresholds;
  if (!about.timeIsNs || !wait.spins || wait.durationNs < watchdogNs) return false;
  return doubtOf(about, wait, watchdogNs)?.atMost !== 'possible';
}

export function lostUnlock(about: Case, lock: LockState, suspect: Suspect, first: OpenWait): Verdict {
  const load = suspect.load!;
  const store = suspect.store!;
  const release = suspect.update ?? lock.release!;
  const shown = suspect.confirm ?? seenSetBy(first, lock);
  const taintedBy = taints(about, release.time, shown?.time ?? first.since.time, 'the last release');
  const inOrder = isBefore(load, release) && isBefore(release, store);
  const isShown = shown !== null && isBefore(store, shown);
  let confidence: Confidence = 'possible';
  if (inOrder && isShown && !taintedBy.length) confidence = 'certain';
  else if ((isShown || inOrder) && (!taintedBy.length || isStuck(about, first))) confidence = 'likely';
  const order = orderTaints(about, [
    [load, release],
    [release, store],
    [store, shown],
  ]);
  if (order.length > 0) confidence = weaker(confidence, 'likely');
  const doubt = pairDoubt(about, load, store);
  if (doubt) confidence = weaker(confidence, doubt.atMost);
  const gap = lasted(about, elapsed(release.time, store.time));
  return {
    cause: 'lost-unlock',
    confidence,
    headline:
      `The lock was released by ${task(about, release)} on CPU ${release.cpu} at ${at(about, release.time)}; ${gap === null ? 'then' : `${gap} later`} a plain store by ` +
      `${task(about, store)} on CPU ${store.cpu} wrote ${hex(store.value)}, loaded ${isBefore(load, release) ? 'before the release' : `at ${at(about, load.time)}`}, and put bit ${lock.bit} back. Nobody holds it.`,
    start: store,
    holder: null,
    culprit: culprit(about, load, store),
    evidence: [
      [suspect.acquire, 'last take'],
      [load, `plain load: bit ${lock.bit} still set`],
      [release, 'the unlock, really done'],
      [store, `plain store of the stale value: bit ${lock.bit} is set again, by nobody's lock operation`],
      [shown, `bit ${lock.bit} seen set; no take was recorded since the release`],
    ],
    alternatives: [
      ...(doubt ? [doubt.alternative] : []),
      {
        cause: 'unknown-setter',
        confidence: 'possible',
        why: 'a take that was not recorded (a path without these tracepoints) would explain the set bit as well; it would also have to be recorded nowhere as released',
      },
    ],
    taintedBy: [...taintedBy, ...order],
  };
}

const UNSEEN_BEFORE =
  'no take and no release of the lock is in the capture before the wait: whoever has it may have taken it before the records began';

export function unknownSetter(about: Case, lock: LockState, first: OpenWait): Verdict {
  const seen = seenSetBy(first, lock) ?? lock.seen;
  const reference = lock.release ?? lock.acquire;
  // Of a lock that is in the capture for the first time nobody knows who took it before.
  const taintedBy = reference
    ? taints(about, reference.time, first.since.time, lock.release ? 'the last release' : 'the last take')
    : [UNSEEN_BEFORE, ...losses(about, about.state.firstTime, first.since.time)];
  // A holder whose take is among events that were lost up to the end, or cannot be read, may simply not have let go yet.
  const hidden = lostTails(about, first.since.time).length > 0 || undecoded(about).length > 0;
  const stores = lock.writers.filter(
    (writer) =>
      writer.kind === STORE &&
      (writer.value >> BigInt(lock.bit)) & 1n &&
      writer.time >= (lock.acquire?.time ?? 0n) &&
      // Whoever stores behind the moment when the bit was seen set did not set it.
      writer.time <= (seen ?? first.since).time,
  );
  const alternatives: Alternative[] = [];
  const lastStore = stores.at(-1);
  if (lastStore) {
    alternatives.push({
      cause: 'lost-unlock',
      confidence: taintedBy.length > 0 ? 'possible' : 'likely',
      why: `a plain store by ${task(about, lastStore)} on CPU ${lastStore.cpu} at ${at(about, lastStore.time)} wrote ${hex(lastStore.value)} with the bit set, after the last recorded take`,
    });
  } else {
    alternatives.push({
      cause: 'lost-unlock',
      confidence: 'possible',
      why: taintedBy.length
        ? 'a plain store between the last release and the wait may be among the events that were lost'
        : 'no plain store to this word is in the capture; stores that are not recorded cannot be excluded',
    });
  }
  alternatives.push({
    cause: 'missing-unlock',
    confidence: 'possible',
    why: taintedBy.length
      ? 'a take whose release was forgotten may be among the events that were lost'
      : 'a take on a path without these tracepoints, never released, would look the same',
  });
  const free = lock.release
    ? `last released by ${task(about, lock.release)} on CPU ${lock.release.cpu} at ${at(about, lock.release.time)}`
    : 'no take of it is in the capture';
  // A holder on a path without these tracepoints would look the same for as long as holders hold.
  return {
    cause: 'unknown-setter',
    confidence: seen && first.spins && isStuck(about, first) && !hidden ? 'likely' : 'possible',
    headline:
      `Bit ${lock.bit} is set${seen ? ` (word ${hex(seen.value)})` : ''} and nobody who was recorded took it: ${free}. ` +
      (taintedBy.length && reference
        ? 'Who set it is among the events that were lost.'
        : 'Who set it was not recorded.'),
    start: seen ?? first.since,
    holder: null,
    culprit: null,
    evidence: [
      [lock.acquire, 'last recorded take'],
      [lock.release, 'last recorded release: by the recorded events the lock is free'],
      ...stores.slice(-3).map((store) => [store, 'plain store with the bit set'] as const),
      [seen, `bit ${lock.bit} seen set`],
    ],
    alternatives,
    taintedBy,
  };
}

/** Where a holder left what its lock belongs to. */
export interface Leave {
  readonly mark: Mark;
  /** Why it may not have gone for good. */
  readonly doubt?: { readonly atMost: Confidence; readonly why: string };
}

const HANDED_OVER: Alternative = {
  cause: 'by design',
  confidence: 'possible',
  why: 'the lock is handed over and released by another task, or on a path without these tracepoints, after the capture ended',
};

export function missingUnlock(about: Case, lock: LockState, leave: Leave, first: OpenWait | null): Verdict {
  const { mark: left, doubt } = leave;
  const taken = lock.acquire!;
  const seen = first ? seenSetBy(first, lock) : null;
  const exited = KINDS[left.kind] === 'task exit';
  // It can be released at any time until somebody finds it taken: long after its holder was first switched out.
  const found = (seen ?? first?.since)?.time ?? about.state.lastTime;
  const until = left.time > found ? left.time : found;
  const taintedBy = taints(about, taken.time, until, 'the last take');
  let confidence: Confidence =
    seen && exited ? 'certain' : seen || exited || (first && isStuck(about, first)) ? 'likely' : 'possible';
  if (taintedBy.length) confidence = seen && first && isStuck(about, first) ? 'likely' : 'possible';
  if (lossesWhereHolderRan(about, lock, exited ? left.time : until, left).length > 0) confidence = 'possible';
  if (doubt) confidence = seen ? weaker(confidence, doubt.atMost) : 'possible';
  const { headline, leaving } = departure(about, lock, taken, left);
  return {
    cause: 'missing-unlock',
    confidence,
    headline,
    start: taken,
    holder: taken,
    culprit: null,
    evidence: [
      [lock.release && isBefore(lock.release, taken) ? lock.release : null, 'the release before'],
      [taken, 'the take that no release follows'],
      ...leaving,
      [seen, `bit ${lock.bit} seen still set`],
    ],
    alternatives: [
      ...(doubt ? [{ cause: 'held-at-end', confidence: 'possible', why: doubt.why } as const] : []),
      ...(confidence === 'certain' ? [] : [HANDED_OVER]),
      ...releaseLost(taintedBy, 'its release'),
    ],
    taintedBy,
  };
}

/** How the holder went, in words, and the events that show it. */
function departure(
  about: Case,
  lock: LockState,
  taken: Mark,
  left: Mark,
): { headline: string; leaving: Verdict['evidence'] } {
  const took = `${task(about, taken)} took the lock on CPU ${taken.cpu} at ${at(about, taken.time)}`;
  const when = `${at(about, left.time)} without releasing it.`;
  const kind = KINDS[left.kind];
  if (kind === 'leave') {
    const context = `${contextOf(taken)} context`;
    return {
      headline: `${took} in ${context} and had returned from it by ${when}`,
      leaving: [[left, `first event after the return from ${context}`]],
    };
  }
  if (kind === 'switch') {
    return {
      headline: `${took} and was switched out at ${when}`,
      leaving: [[left, 'the holder is switched out, for the first time since its take']],
    };
  }
  if (kind !== 'task exit') {
    return {
      headline: `${took} and was outside its critical section at ${when}`,
      leaving: [[left, 'the last event of the holder, outside its critical section']],
    };
  }
  // Where the lock is bound to a context, its holder left it with the first switch.
  const isBound = lock.bit !== WHOLE_LOCK && !lock.isSleeping;
  const out = isBound && lock.left && lock.left.time < left.time ? lock.left : null;
  return {
    headline: `${took}${out ? `, was switched out at ${at(about, out.time)}` : ''} and exited at ${when}`,
    leaving: [
      [out, 'the holder is switched out, for the first time since its take'],
      [left, 'the holder exited'],
    ],
  };
}

export function releaseLost(taintedBy: readonly string[], what: string): Alternative[] {
  if (taintedBy.length === 0) return [];
  return [
    { cause: 'unknown', confidence: 'possible', why: `${what} may be among the events that were lost` },
  ];
}

export function heldAtEnd(about: Case, lock: LockState, first: OpenWait): Verdict {
  const taken = lock.acquire!;
  const held = duration(elapsed(taken.time, about.state.lastTime));
  return {
    cause: 'held-at-end',
    confidence: 'possible',
    headline:
      `${task(about, taken)} took the lock on CPU ${taken.cpu} at ${at(about, taken.time)} and still holds it ${held} later, when the capture ` +
      'ends, with somebody waiting. A slow holder cannot be told from one that never lets go.',
    start: taken,
    holder: taken,
    culprit: null,
    evidence: [
      [taken, 'taken, not released before the capture ends'],
      [first.hold.contend, 'the wait begins'],
    ],
    alternatives: [
      { cause: 'slow-holder', confidence: 'possible', why: 'the holder may let go after the capture ended' },
      ...releaseLost(lostTails(about, about.state.lastTime), 'its release'),
    ],
    taintedBy: taints(about, taken.time, about.state.lastTime, 'the last take'),
  };
}

/** Readers are named as such: some are let go by other tasks (rwsems, freezing), so a shared hold proves little. */
export function heldShared(about: Case, readers: readonly Mark[], first: OpenWait): Verdict {
  const oldest = readers[0]!;
  const others = readers.length > 1 ? ` and ${readers.length - 1} more` : '';
  return {
    cause: 'held-at-end',
    confidence: 'possible',
    headline:
      `${task(about, oldest)}${others} took the lock shared (for reading), the first on CPU ${oldest.cpu} at ${at(about, oldest.time)}, and no release ` +
      'is in the capture when it ends, with somebody waiting for the lock alone.',
    start: first.since,
    holder: null,
    culprit: null,
    evidence: [
      ...readers
        .slice(0, 3)
        .map((reader) => [reader, 'taken shared, not released before the capture ends'] as const),
      [first.hold.contend, 'the wait begins'],
    ],
    alternatives: [
      { cause: 'slow-holder', confidence: 'possible', why: 'the readers may let go after the capture ended' },
      {
        cause: 'by design',
        confidence: 'possible',
        why: 'some shared locks are released by another task than the one that took them',
      },
    ],
    taintedBy: taints(about, oldest.time, about.state.lastTime, 'the first shared take'),
  };
}

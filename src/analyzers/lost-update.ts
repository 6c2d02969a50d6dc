import { elapsed, hex } from '../base/units.ts';
import type { Case } from '../model/case.ts';
import { SUSPECT } from '../model/engine-numbers.ts';
import type { Cause, Confidence } from '../model/report.ts';
import type { Mark } from '../model/state.ts';
import { orderTaints } from './clock-order.ts';
import {
  actor,
  culprit,
  draft,
  evidence,
  lockName,
  signatureOf,
  subject,
  task,
  weaker,
  type Draft,
} from './draft.ts';
import { distinct, gaps, lostTails, taints } from './taint.ts';
import { at } from './times.ts';
import { isCulprit, isPair, pairDoubt } from './updates.ts';
import { openWaits } from './waits.ts';

interface Update {
  readonly lock: { readonly namespace: number; readonly address: bigint; readonly bit: number };
  readonly cause: number;
  readonly load: Mark;
  readonly update: Mark | null;
  readonly store: Mark;
  readonly acquire: Mark | null;
  readonly confirm: Mark | null;
  /** The take that ended a set-back bit's life. */
  readonly take: Mark | null;
}

/**
 * Plain stores that overwrote an atomic change made after their load: a defect of that code even where nobody suffered. A
 * bit that was put back and that somebody now spins on is never-released's, with this store as its culprit.
 */
export function lostUpdates(about: Case): Draft[] {
  const victims = new Set(
    openWaits(about)
      .filter((wait) => isLong(about, wait.durationNs))
      .map((wait) => wait.lock.id),
  );
  const settled = about.found.lostUpdates.flatMap(({ namespace, address, bit, count, marks }): Update[] => {
    const [load, update, store, acquire, confirm, take] = marks;
    if (!load || !store) return [];
    // The lock was taken again and nobody had seen the bit set: the store cannot have put it back.
    if (count === SUSPECT.sets && take && !confirm) return [];
    const rest = {
      update: update ?? null,
      acquire: acquire ?? null,
      confirm: confirm ?? null,
      take: take ?? null,
    };
    return [{ lock: { namespace, address, bit }, cause: count, load, store, ...rest }];
  });
  const open = [...about.state.locks.values()].flatMap((lock): Update[] => {
    const { suspect } = lock;
    if (!suspect?.load || !suspect.store || victims.has(lock.id)) return [];
    return [{ ...suspect, lock, load: suspect.load, store: suspect.store, take: null }];
  });
  return [...settled, ...open]
    .filter((update) => isUpdate(about, update))
    .map((update) => report(about, update));
}

/** Are load and store one update, which overwrote the change that lies between them? */
function isUpdate(about: Case, { cause, load, update, store }: Update): boolean {
  return cause === SUSPECT.sets && update
    ? isCulprit(about, { load, update, store })
    : isPair(about, load, store);
}

function isLong(about: Case, durationNs: number): boolean {
  return !about.timeIsNs || durationNs >= about.thresholds.spinNs;
}

function report(about: Case, { lock, cause, load, update, store, acquire, confirm, take }: Update): Draft {
  const setsBack = cause === SUSPECT.sets;
  const name = lockName(about, lock, null);
  const kind: Cause = setsBack ? 'bit-set-back' : 'bit-erased';
  const end = take?.time ?? about.state.lastTime;
  const stayed = elapsed(store.time, end);
  const stayedLong = setsBack && about.timeIsNs && stayed >= about.thresholds.spinNs;
  // A take among events that were lost explains the bit as well: until a value showed it, or up to the end.
  const until = setsBack && confirm ? confirm.time : store.time;
  const hidden = gaps(about, load.time, until, 'the load').length > 0 || lostTails(about, end).length > 0;
  const order = orderTaints(about, [
    [load, update],
    [update, store],
    [store, confirm],
  ]);
  const doubt = pairDoubt(about, load, store);
  const isShown = confirm && stayedLong && !hidden && order.length === 0;
  const confidence: Confidence = isShown ? weaker('likely', doubt?.atMost ?? 'likely') : 'possible';
  const what = setsBack
    ? `set bit ${lock.bit} again after its release`
    : `erased bit ${lock.bit}, taken meanwhile`;
  return draft({
    signature: signatureOf(about, 'lost-update', kind, name, acquire ?? store),
    kind: 'lost-update',
    cause: kind,
    confidence,
    severity: 'low',
    headline:
      `As far as the order of events tells, a plain store by ${task(about, store)} on CPU ${store.cpu} at ${at(about, store.time)} ` +
      `(${hex(store.value)}, loaded at ${at(about, load.time)}) ${what}.`,
    subject: subject(about, store.cpu, store.pid, 0),
    lock: name,
    startNs: String(store.time),
    durationNs: setsBack && confirm ? stayed : 0,
    openEnded: setsBack && take === null,
    lastAcquire: acquire && actor(about, acquire),
    lastRelease: setsBack && update ? actor(about, update) : null,
    culprit: culprit(about, load, store),
    alternatives: [
      ...(doubt ? [doubt.alternative] : []),
      {
        cause: 'recording order',
        confidence: 'possible',
        why: 'an event is emitted after its store: the store itself may have come before the atomic update',
      },
    ],
    evidence: evidence(about, [
      [acquire, 'the take'],
      [load, 'plain load'],
      [update, setsBack ? 'the atomic unlock' : 'the atomic update'],
      [store, 'plain store of the value loaded before'],
      [confirm, 'a later value shows the result'],
      [take, 'the lock is taken again: the bit was clear by then'],
    ]),
    taintedBy: distinct(
      taints(about, load.time, until, 'the load'),
      setsBack ? lostTails(about, end) : [],
      order,
    ),
  });
}

import type { Case } from '../model/case.ts';
import type { Confidence } from '../model/report.ts';
import type { HoldState, LockState } from '../model/state.ts';
import { lockName, task } from './draft.ts';
import { isStuck, releaseLost, type Verdict } from './stuck-causes.ts';
import { distinct, losses, lostTails, taints } from './taint.ts';
import { at, byTime } from './times.ts';
import { holdsAreRecorded, isHeld, type OpenWait } from './waits.ts';

export interface CycleStep {
  readonly wait: OpenWait;
  /** The entry with which the lock's owner holds what `wait` waits for. */
  readonly held: HoldState;
  /** Since when the owner does nothing but wait itself, or is interrupted by `wait`. */
  readonly stuckSince: bigint;
}

/**
 * Follows a wait to its lock's owner, to what that owner waits for, and so on. Returns the cycle if the walk comes back to a
 * context already met, or to a context that cannot run because one of the waiters interrupted it on the same CPU. Locks
 * without a known owner (readers, unseen takes) end the walk: no cycle is claimed through them.
 */
export function findCycle(about: Case, first: OpenWait, waits: readonly OpenWait[]): CycleStep[] | null {
  const steps: CycleStep[] = [];
  const met: number[] = [];
  let wait = first;
  for (;;) {
    const owner = about.state.contexts.find((context) => context.id === wait.lock.owner);
    // What it took last is what it holds: an older entry's release went unseen.
    const held = owner?.stack.findLast((hold) => hold.lock === wait.lock.id && isHeld(hold));
    if (!owner || !held?.acquire || !holdsAreRecorded(about, wait.lock)) return null;
    met.push(wait.context.id);
    const next = waits.find((candidate) => candidate.context.id === owner.id);
    steps.push({ wait, held, stuckSince: (next ?? wait).since.time });
    const known = met.indexOf(owner.id);
    if (known >= 0) return steps.slice(known);
    if (isInterruptedBy(wait, owner)) return [steps.at(-1)!];
    if (!next) return null;
    wait = next;
  }
}

/** The waiter runs on top of the owner on the same CPU: the owner cannot go on before the wait ends. */
function isInterruptedBy(wait: OpenWait, owner: { cpu: number; pid: number; level: number }): boolean {
  return (
    wait.spins &&
    owner.cpu === wait.hold.cpu &&
    owner.level < wait.context.level &&
    (owner.level > 0 || owner.pid === wait.context.pid)
  );
}

export function deadlock(
  about: Case,
  lock: LockState,
  first: OpenWait,
  cycle: readonly CycleStep[],
): Verdict {
  const oldest = cycle.map(({ held }) => held.acquire!).toSorted(byTime)[0]!;
  const closed = cycle.map(({ wait }) => wait.since.time).reduce((a, b) => (a > b ? a : b));
  const taintedBy = distinct(
    taints(about, oldest.time, first.since.time, 'the first take of the cycle'),
    lostTails(about, closed),
  );
  const doubts = distinct(...cycle.map((step) => [...edgeLosses(about, step), ...step.wait.mayHaveEnded]));
  let confidence: Confidence = 'certain';
  if (taintedBy.length > 0) confidence = isStuck(about, first) ? 'likely' : 'possible';
  if (doubts.length > 0) confidence = 'possible';
  const chain = cycle.map(({ wait, held }) => {
    const what = lockName(about, wait.lock, wait.since);
    const named = what.name ?? `${what.address}${what.bit === null ? '' : ` bit ${what.bit}`}`;
    return `${task(about, wait.since)} on CPU ${wait.hold.cpu} waits for ${named}, held since ${at(about, held.acquire!.time)} by ${task(about, held.acquire!)}`;
  });
  const classes = cycle.map(({ wait }) => {
    const { class: named, bit, namespace } = lockName(about, wait.lock, wait.since);
    return named ?? (bit === null ? namespace : `bit ${bit}`);
  });
  const own = cycle.length === 1;
  return {
    signature: `never-released/deadlock/${[...new Set(classes)].toSorted().join(' + ')}`,
    cause: 'deadlock',
    confidence,
    headline: own
      ? `${task(about, first.since)} on CPU ${first.hold.cpu} spins on a lock that it holds itself, or that the context it interrupted holds.`
      : `A cycle of waits: ${chain.join('; ')}.`,
    start: first.since,
    holder: lock.acquire,
    culprit: null,
    evidence: cycle.flatMap(({ wait, held }) => [
      [held.acquire, `taken by ${task(about, held.acquire!)}, not released`] as const,
      [wait.since, `${task(about, wait.since)} begins to wait for it`] as const,
    ]),
    alternatives: releaseLost(distinct(taintedBy, doubts), 'a release of one of the locks'),
    taintedBy: distinct(taintedBy, doubts),
  };
}

/**
 * An edge of the cycle needs the holder to have kept its lock until it got stuck itself: losses up to then, on the CPU where
 * it took a lock that somebody now spins on, or anywhere where it can have run with a sleeping lock, may hide its release.
 */
function edgeLosses(about: Case, { wait, held, stuckSince }: CycleStep): string[] {
  const cpu = wait.spins ? held.cpu : undefined;
  return losses(about, held.acquire!.time, stuckSince, cpu);
}

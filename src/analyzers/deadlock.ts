import type { Case } from '../model/case.ts';
import type { HoldState } from '../model/state.ts';
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

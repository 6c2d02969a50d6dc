import type { Hypothesis, SpinLoop } from '../../model/kernel-log.ts';
import type { Facts } from '../facts.ts';
import { asleepIdeas, busyIdeas } from './busy-or-asleep.ts';
import type { Idea } from './idea.ts';
import { lockWaitIdeas } from './lock-waits.ts';

/** From this weight on an explanation is called likely. */
const LIKELY = 3;

const LOCKS: ReadonlySet<SpinLoop['kind']> = new Set([
  'bit-spinlock',
  'ticket-spinlock',
  'queued-spinlock',
  'test-and-set-spinlock',
  'rwlock',
  'mutex-or-rwsem-spin',
]);

/** Explanations, the best supported first; those that nothing speaks for are left out. */
export function hypothesesOf(facts: Facts): Hypothesis[] {
  const ideas =
    facts.group.kind === 'hung-task'
      ? asleepIdeas(facts)
      : isLockWait(facts)
        ? lockWaitIdeas(facts)
        : busyIdeas(facts);
  return ideas
    .map(judged)
    .filter(({ pro }) => pro.length > 0)
    .toSorted((a, b) => b.weight - a.weight)
    .map(({ weight, ...rest }): Hypothesis => ({
      ...rest,
      confidence: weight >= LIKELY ? 'likely' : 'possible',
    }));
}

function judged({
  cause,
  says,
  facts,
  settledBy,
}: Idea): Omit<Hypothesis, 'confidence'> & { weight: number } {
  const known = facts.filter((fact) => fact !== null);
  return {
    cause,
    says,
    settledBy,
    weight: known.reduce((sum, [weight]) => sum + weight, 0),
    pro: known.filter(([weight]) => weight >= 0).map(([, text]) => text),
    contra: known.filter(([weight]) => weight < 0).map(([, text]) => text),
  };
}

export function isLockWait({ spin, group }: Facts): boolean {
  return group.kind === 'spinlock-lockup' || (spin !== null && LOCKS.has(spin.kind));
}

import type { EngineState } from '../model/state.ts';

/**
 * The state as text that is the same for the same events whatever engine replayed them: locks and contexts are told by what they are, and
 * not by where this engine keeps them.
 */
export function canonicalState({ locks, contexts, ...rest }: EngineState): string {
  const lockNames = new Map(
    [...locks].map(([id, { namespace, address, bit }]) => [id, `${namespace}:${address}:${bit}`]),
  );
  const contextNames = new Map(contexts.map(({ id, level, pid, cpu }) => [id, `${level}:${pid}:${cpu}`]));
  const named = {
    ...rest,
    locks: [...locks.values()].map(({ id, owner, ...lock }) => ({
      ...lock,
      id: lockNames.get(id),
      owner: owner === null ? null : contextNames.get(owner),
    })),
    contexts: contexts.map(({ id, stack, ...context }) => ({
      ...context,
      id: contextNames.get(id),
      stack: stack.map(({ lock, ...entry }) => ({ ...entry, lock: lockNames.get(lock) })),
    })),
  };
  return JSON.stringify(named, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}

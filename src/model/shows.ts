import { KINDS, NAMESPACES, type KindName, type NamespaceName } from './event.ts';
import type { EngineState } from './state.ts';

/** Events of this kind in this namespace. */
export function countOf({ kinds }: EngineState, kind: KindName, namespace: number): bigint {
  return kinds[4 * KINDS.indexOf(kind) + namespace] ?? 0n;
}

/** Does the capture hold events of this kind (of this namespace)? What was not recorded proves nothing by its absence. */
export function shows({ kinds }: EngineState, kind: KindName, namespace?: NamespaceName | number): boolean {
  const first = 4 * KINDS.indexOf(kind);
  if (namespace === undefined) return kinds.slice(first, first + 4).some((count) => count > 0n);
  const number = typeof namespace === 'number' ? namespace : NAMESPACES.indexOf(namespace);
  return (kinds[first + number] ?? 0n) > 0n;
}

// Functions that take and release a lock, seen through probes on their entry (attempt) and return (pass). Returns carry no
// address: it is that of the innermost entry of the right type that the same context has not returned from.

import * as L from '../../../assembly/layout.ts';
import type { CanonicalEvent } from '../../model/event.ts';
import { contextOf, findTask, removeEntry } from './contexts.ts';
import { levelOf } from './cpu-life.ts';
import { lockOf } from './lock-table.ts';
import { bareMark } from './marks.ts';
import type { Context, Cpu, Entry, Lock, World } from './world.ts';

interface Open {
  readonly context: Context;
  readonly entry: Entry;
}

/** Where this CPU entered the function: in the event's own context, or in another level (a probe's flags can be an NMI's). */
function openEntry(
  world: World,
  cpu: Cpu,
  event: CanonicalEvent,
  type: number,
  lock: Lock | null,
): Open | null {
  const own = contextOf(world, cpu, levelOf(event.flags));
  for (const context of [own, findTask(world, cpu.pid, cpu.number), ...cpu.contexts]) {
    const entry = context?.stack.findLast(
      (one) => one.state !== L.ENTRY_IS_HELD && (type === 0 ? one.lock === lock : one.type === type),
    );
    if (context && entry) return { context, entry };
  }
  return null;
}

/** The function returned: it has taken the lock and let it go. */
export function pass(world: World, cpu: Cpu, event: CanonicalEvent): void {
  const type = world.rowOf(event.type).spec.entry;
  const named = type === 0 ? lockOf(world, event) : null;
  const open = openEntry(world, cpu, event, type, named);
  if (!open) {
    world.count(L.COUNTER_UNPAIRED_RELEASES);
    if (named) passed(world, named, event);
    return;
  }
  const { context, entry } = open;
  const { lock } = entry;
  world.count(L.COUNTER_ACQUISITIONS);
  world.count(L.COUNTER_RELEASES);
  lock.acquisitions++;
  lock.releases++;
  if (!lock.isTakenVisibly) lock.acquire = bareMark(entry.attempt, event.pid, entry.cpu, L.KIND_ATTEMPT);
  removeEntry(context, entry);
  passed(world, lock, event);
}

/** Takes and releases that are seen themselves tell more than the function around them. */
function passed(world: World, lock: Lock, event: CanonicalEvent): void {
  if (lock.isTakenVisibly) return;
  lock.release = world.mark(event);
  lock.isSeenSet = false;
}

/** The event at a function's return with the lock of its entry; null: nobody here is known to have entered it. */
export function adopt(world: World, cpu: Cpu, event: CanonicalEvent): CanonicalEvent | null {
  const type = world.rowOf(event.type).spec.entry;
  if (type === 0) return event;
  const open = openEntry(world, cpu, event, type, null);
  if (!open) return null;
  const { namespace, address, bit } = open.entry.lock;
  const flags = event.flags & ((1 << L.FLAG_NAMESPACE_SHIFT) - 1);
  return { ...event, address, bit, flags: flags | (namespace << L.FLAG_NAMESPACE_SHIFT) };
}

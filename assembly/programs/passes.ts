// Functions that take and release a lock, seen through probes on their entry and return (kprobes: no stock tracepoint
// covers bit locks). How long such a function waited and how long it held the lock nobody can tell:
//
//   entry (attempt) .. [waits] .. [holds] .. return (pass)
//
// Returns carry no address. It is that of the innermost entry of the right type that the same context has not returned from.

import {
  COUNTER_ACQUISITIONS,
  COUNTER_RELEASES,
  COUNTER_UNPAIRED_RELEASES,
  CONTEXT_DEPTH,
  CONTEXT_STACK,
  CPU_CONTEXTS,
  CPU_NUMBER,
  CPU_PID,
  ENTRY_ATTEMPT_POSITION,
  ENTRY_ATTEMPT_TIME,
  ENTRY_CPU,
  ENTRY_IS_HELD,
  ENTRY_LOCK,
  ENTRY_SIZE,
  ENTRY_STATE,
  ENTRY_TYPE,
  EVENT_ADDRESS,
  EVENT_BIT,
  EVENT_FLAGS,
  EVENT_PID,
  FLAG_NAMESPACE_SHIFT,
  KIND_ATTEMPT,
  LEVEL_PROCESS,
  LOCK_ACQUIRE,
  LOCK_ACQUISITIONS,
  LOCK_ADDRESS,
  LOCK_BIT,
  LOCK_IS_SEEN_SET,
  LOCK_IS_TAKEN_VISIBLY,
  LOCK_NAMESPACE,
  LOCK_RELEASE,
  LOCK_RELEASES,
  LOCK_STATE,
  ROW_ENTRY,
} from '../layout';
import { count } from '../memory/counters';
import { setBareMark, setMark } from '../memory/mark';
import { contextOf, findEntry, findTask, removeEntry } from '../state/contexts';
import { lockOf } from '../state/locks';
import { levelOf } from './cpu-life';

/** The topmost entry of `context` that has not got its lock: begun by an event of `type`, or for `lock` where that is 0. */
function openEntry(context: usize, type: u16, lock: usize): usize {
  if (!context) return 0;
  if (!type) return findEntry(context, lock, false);
  const stack: usize = load<u32>(context, CONTEXT_STACK);
  for (let n = load<u32>(context, CONTEXT_DEPTH); n > 0; n--) {
    const entry = stack + usize(n - 1) * ENTRY_SIZE;
    if (load<u16>(entry, ENTRY_TYPE) == type && load<u8>(entry, ENTRY_STATE) != ENTRY_IS_HELD) return entry;
  }
  return 0;
}

/**
 * The context that entered the function: the event's own, or another level of the same CPU, for a probe that is hit through a
 * breakpoint runs like an NMI (exc_int3, arch/x86/kernel/traps.c, Linux 6.12) and one that is hit through ftrace does not. 0: none.
 */
function contextThatEntered(cpu: usize, event: usize, type: u16, lock: usize): usize {
  const own = contextOf(cpu, levelOf(u32(load<u16>(event, EVENT_FLAGS))));
  if (openEntry(own, type, lock)) return own;
  const task = findTask(load<i32>(cpu, CPU_PID), load<u16>(cpu, CPU_NUMBER));
  if (openEntry(task, type, lock)) return task;
  for (let level: u32 = LEVEL_PROCESS + 1; level < 4; level++) {
    const context: usize = load<u32>(cpu + CPU_CONTEXTS + ((level - 1) << 2));
    if (openEntry(context, type, lock)) return context;
  }
  return 0;
}

/** The function returned: it has taken the lock and let it go. */
export function pass(cpu: usize, event: usize, row: usize): void {
  const type = load<u16>(row, ROW_ENTRY);
  let lock: usize = 0;
  if (!type) {
    const namespace = u8(u32(load<u16>(event, EVENT_FLAGS)) >> FLAG_NAMESPACE_SHIFT);
    lock = lockOf(namespace, load<u64>(event, EVENT_ADDRESS), load<u8>(event, EVENT_BIT));
    if (!lock) return;
  }
  const context = contextThatEntered(cpu, event, type, lock);
  if (!context) {
    count(COUNTER_UNPAIRED_RELEASES);
    // Entered before the capture began, or the entry was lost; where the event names the lock, it is free all the same.
    if (lock) passed(lock, event);
    return;
  }
  const entry = openEntry(context, type, lock);
  lock = load<u32>(entry, ENTRY_LOCK);
  count(COUNTER_ACQUISITIONS);
  count(COUNTER_RELEASES);
  store<u32>(lock, load<u32>(lock, LOCK_ACQUISITIONS) + 1, LOCK_ACQUISITIONS);
  store<u32>(lock, load<u32>(lock, LOCK_RELEASES) + 1, LOCK_RELEASES);
  if (!(load<u16>(lock, LOCK_STATE) & LOCK_IS_TAKEN_VISIBLY)) {
    setBareMark(
      lock + LOCK_ACQUIRE,
      load<u64>(entry, ENTRY_ATTEMPT_TIME),
      load<u64>(entry, ENTRY_ATTEMPT_POSITION),
      load<i32>(event, EVENT_PID),
      load<u16>(entry, ENTRY_CPU),
      KIND_ATTEMPT,
    );
  }
  removeEntry(context, entry);
  passed(lock, event);
}

/** Takes and releases that are seen themselves tell more than the function around them. */
function passed(lock: usize, event: usize): void {
  const state = load<u16>(lock, LOCK_STATE);
  if (state & LOCK_IS_TAKEN_VISIBLY) return;
  setMark(lock + LOCK_RELEASE, event);
  store<u16>(lock, state & ~LOCK_IS_SEEN_SET, LOCK_STATE);
}

/** Gives the event at a function's return, whose row has an entry, that entry's lock. False: nobody here is known to have entered it. */
export function adopt(cpu: usize, event: usize, row: usize): bool {
  const type = load<u16>(row, ROW_ENTRY);
  const context = contextThatEntered(cpu, event, type, 0);
  if (!context) return false;
  const lock: usize = load<u32>(openEntry(context, type, 0), ENTRY_LOCK);
  const flags = u32(load<u16>(event, EVENT_FLAGS)) & ((1 << FLAG_NAMESPACE_SHIFT) - 1);
  store<u16>(event, u16(flags | (u32(load<u8>(lock, LOCK_NAMESPACE)) << FLAG_NAMESPACE_SHIFT)), EVENT_FLAGS);
  store<u64>(event, load<u64>(lock, LOCK_ADDRESS), EVENT_ADDRESS);
  store<u8>(event, load<u8>(lock, LOCK_BIT), EVENT_BIT);
  return true;
}

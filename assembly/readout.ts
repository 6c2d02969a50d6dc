// What user space looks for in the state: a few slots of large tables. Looking is done here, as a loop in JavaScript over tens of thousands
// of entries makes V8 compile it, for the one time that it runs.

import {
  CONTEXT_DEPTH,
  HEAD_LOCK_INDEX,
  HEAD_TASK_INDEX,
  INDEX_ENTRIES,
  INDEX_MASK,
  LOCK_IS_ORPHANED,
  LOCK_IS_SEEN_SET,
  LOCK_REFERENCES,
  LOCK_STATE,
  LOCK_SUSPECT,
  STATE,
} from './layout';

/** The first entry, from number `n` of the index on, of a lock that has something to tell; -1 when there is none. */
export function nextTellingLock(n: i32): i32 {
  return nextEntryOf(STATE + HEAD_LOCK_INDEX, n, isTelling);
}

/** The same for tasks that hold locks or wait for some. */
export function nextBusyTask(n: i32): i32 {
  return nextEntryOf(STATE + HEAD_TASK_INDEX, n, isBusy);
}

function nextEntryOf(index: usize, n: i32, isWanted: (slot: usize) => bool): i32 {
  const entries: usize = load<u32>(index, INDEX_ENTRIES);
  const last = i32(load<u32>(index, INDEX_MASK));
  for (; n <= last; n++) {
    const slot: usize = load<u32>(entries + (usize(n) << 3), 4);
    if (slot && isWanted(slot)) return n;
  }
  return -1;
}

function isTelling(lock: usize): bool {
  return (
    (load<u32>(lock, LOCK_REFERENCES) | load<u32>(lock, LOCK_SUSPECT)) != 0 ||
    (load<u16>(lock, LOCK_STATE) & (LOCK_IS_SEEN_SET | LOCK_IS_ORPHANED)) != 0
  );
}

function isBusy(task: usize): bool {
  return load<u32>(task, CONTEXT_DEPTH) != 0;
}

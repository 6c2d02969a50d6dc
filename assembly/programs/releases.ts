// Releases, and what nothing explains about them: nobody was seen to take the lock, somebody else did, or it was free already.

import {
  COUNTER_RELEASES,
  COUNTER_UNPAIRED_RELEASES,
  CPU_CONTEXTS,
  CPU_NUMBER,
  CPU_PID,
  CPU_SWITCH_KNOWN,
  ENTRY_ACQUIRE_TIME,
  ENTRY_IS_HELD,
  ENTRY_SERIES,
  ENTRY_STATE,
  EVENT_FLAGS,
  EVENT_TIME,
  FLAG_PREEMPT_OFF,
  HEAD_HIST_BITS,
  HEAD_HIST_HOLD,
  HEAD_KINDS,
  KIND_ACQUIRE,
  KIND_ATTEMPT,
  LEVEL_PROCESS,
  LOCK_ACQUIRE,
  LOCK_ACQUISITIONS,
  LOCK_ADDRESS,
  LOCK_IS_LEFT,
  LOCK_IS_ORPHANED,
  LOCK_IS_READ,
  LOCK_IS_SEEN_SET,
  LOCK_LEFT,
  LOCK_OWNER,
  LOCK_RELEASE,
  LOCK_RELEASES,
  LOCK_STATE,
  LOCK_SUSPECT,
  LOCK_WORD,
  MARK_TIME,
  RECORD_COUNT,
  RECORD_IS_DOUBLE_RELEASE,
  RECORD_IS_FOREIGN_RELEASE,
  STATE,
} from '../layout';
import { count } from '../memory/counters';
import { record as recordValue } from '../memory/histogram';
import { copyMark, setMark } from '../memory/mark';
import { markOf, push } from '../memory/ring';
import { dropOrphan, findEntry, findTask, findTop, removeEntry } from '../state/contexts';
import { pushWriter } from '../state/words';
import { noteBreak, since } from './cpu-life';
import { countHold } from './series';
import { aboutLock, contextOfEvent, lockIn, namespaceOf } from './locks';
import { checkValue, dropSuspect } from './words';

export function release(cpu: usize, event: usize): void {
  count(COUNTER_RELEASES);
  const own = contextOfEvent(cpu, event);
  const lock = lockIn(own, event);
  if (!lock) return;
  checkValue(cpu, lock, event, false);
  const owner: usize = load<u32>(lock, LOCK_OWNER);
  // An attempt on top of a hold is the release's own: an annotation, and the hold below ended unseen.
  let context = own;
  let entry = own ? findTop(own, lock) : 0;
  if (!entry) {
    context = releasingContext(cpu, own, lock);
    if (context) entry = findTop(context, lock);
  }
  if (context) {
    if (load<u8>(entry, ENTRY_STATE) == ENTRY_IS_HELD) {
      const hold = since(load<u64>(entry, ENTRY_ACQUIRE_TIME), load<u64>(event, EVENT_TIME));
      recordValue(load<u32>(STATE, HEAD_HIST_HOLD), load<u32>(STATE, HEAD_HIST_BITS), hold);
      countHold(load<u16>(entry, ENTRY_SERIES), hold, event, load<u64>(lock, LOCK_ADDRESS));
    }
    removeEntry(context, entry);
  } else {
    unpairedRelease(cpu, event, lock, owner);
  }
  store<u32>(lock, load<u32>(lock, LOCK_RELEASES) + 1, LOCK_RELEASES);
  if (load<u32>(lock, LOCK_SUSPECT)) dropSuspect(lock);
  // A late release of an earlier owner says nothing about the present one.
  if (!owner || owner == context || !context) {
    setMark(lock + LOCK_RELEASE, event);
    const state = load<u16>(lock, LOCK_STATE);
    if (state & LOCK_IS_ORPHANED) dropOrphan();
    store<u16>(lock, state & ~(LOCK_IS_ORPHANED | LOCK_IS_LEFT | LOCK_IS_SEEN_SET), LOCK_STATE);
  }
  if (load<u32>(lock, LOCK_WORD)) pushWriter(load<u32>(lock, LOCK_WORD), event);
}

/**
 * Where it is not the event's own: the context of another level of the same CPU whose hold this release ends, for the flags of an event at
 * the edge of an interrupt can be off by one level. 0: nobody here is known to have taken it.
 */
function releasingContext(cpu: usize, own: usize, lock: usize): usize {
  const task = findTask(load<i32>(cpu, CPU_PID), load<u16>(cpu, CPU_NUMBER));
  if (task && task != own && findTop(task, lock)) return task;
  for (let level: u32 = LEVEL_PROCESS + 1; level < 4; level++) {
    const context: usize = load<u32>(cpu + CPU_CONTEXTS + ((level - 1) << 2));
    if (context && context != own && findTop(context, lock)) return context;
  }
  return 0;
}

function unpairedRelease(cpu: usize, event: usize, lock: usize, owner: usize): void {
  count(COUNTER_UNPAIRED_RELEASES);
  const state = load<u16>(lock, LOCK_STATE);
  if (owner) {
    const record = pushRelease(RECORD_IS_FOREIGN_RELEASE, event, lock);
    if (record) setMark(markOf(record, 1), event);
    const entry = findEntry(owner, lock, true);
    if (entry) removeEntry(owner, entry);
    return;
  }
  if (state & LOCK_IS_ORPHANED) {
    const record = pushRelease(RECORD_IS_FOREIGN_RELEASE, event, lock);
    if (!record) return;
    setMark(markOf(record, 1), event);
    if (state & LOCK_IS_LEFT) copyMark(markOf(record, 2), lock + LOCK_LEFT);
    return;
  }
  const taken = load<u64>(lock + LOCK_ACQUIRE, MARK_TIME);
  const released = load<u64>(lock + LOCK_RELEASE, MARK_TIME);
  if (!taken && !(state & LOCK_IS_READ) && isTakeMissing(cpu, event))
    noteBreak(cpu, load<u64>(event, EVENT_TIME));
  // Only after a take and its release were both seen is one more release one too many; readers come in numbers.
  if (!taken || released < taken || state & LOCK_IS_READ) return;
  const record = pushRelease(RECORD_IS_DOUBLE_RELEASE, event, lock);
  if (!record) return;
  copyMark(markOf(record, 1), lock + LOCK_RELEASE);
  setMark(markOf(record, 2), event);
}

/**
 * Whoever releases with preemption off took the lock in the same stretch on this CPU, after the last switch there: where
 * that switch was seen and takes are recorded, the take is missing (design rule 13). Sleeping locks may be held since before
 * the capture began; annotations come with an attempt.
 */
function isTakeMissing(cpu: usize, event: usize): bool {
  if (!load<u8>(cpu, CPU_SWITCH_KNOWN) || !(load<u16>(event, EVENT_FLAGS) & FLAG_PREEMPT_OFF)) return false;
  const namespace = u32(namespaceOf(event));
  return (kindCount(KIND_ATTEMPT, namespace) | kindCount(KIND_ACQUIRE, namespace)) != 0;
}

function kindCount(kind: u32, namespace: u32): u64 {
  return load<u64>(STATE + HEAD_KINDS + (((kind << 2) | namespace) << 3));
}

/** A record about a release that nothing explains, with the lock's last take; 0 when the ring is full. */
function pushRelease(kind: u32, event: usize, lock: usize): usize {
  const record = push(kind, event);
  if (!record) return 0;
  aboutLock(record, lock);
  store<u32>(record, load<u32>(lock, LOCK_ACQUISITIONS), RECORD_COUNT);
  copyMark(markOf(record, 0), lock + LOCK_ACQUIRE);
  return record;
}

// Contexts: tasks by pid, and the three interrupt levels of each CPU, each with its stack of locks held and waited for. See
// layout.ts, CONTEXT_* and ENTRY_*.
//
// Invariant: while LOCK_OWNER of a lock is a context, that context's stack has an entry for the lock.

import {
  CONTEXT_CAPACITY,
  CONTEXT_CPU,
  CONTEXT_DEPTH,
  CONTEXT_EXIT_POSITION,
  CONTEXT_EXIT_TIME,
  CONTEXT_IN_TIME,
  CONTEXT_IS_EXITING,
  CONTEXT_KEY,
  CONTEXT_LEVEL,
  CONTEXT_NEXT,
  CONTEXT_OUT_POSITION,
  CONTEXT_OUT_TIME,
  CONTEXT_PID,
  CONTEXT_SIZE,
  CONTEXT_STACK,
  COUNTER_DROPPED_HOLDS,
  COUNTER_FORGOTTEN_TASKS,
  COUNTER_UNTRACKED_TASK_EVENTS,
  CPU_CONTEXTS,
  CPU_LIMIT,
  CPU_NUMBER,
  CPU_PID,
  CPU_TASK,
  ENTRY_ACQUIRE_TIME,
  ENTRY_ATTEMPT_TIME,
  ENTRY_FLAGS,
  ENTRY_IS_HELD,
  ENTRY_LOCK,
  ENTRY_SIZE,
  ENTRY_STATE,
  FLAG_READ,
  HEAD_CONTEXT_SLAB,
  HEAD_CPUS,
  HEAD_DEEP_STACK_SLAB,
  HEAD_ORPHANS,
  HEAD_POSITION,
  HEAD_STACK_SLAB,
  HEAD_TASK_INDEX,
  KIND_LEAVE,
  KIND_SWITCH,
  KIND_TASK_EXIT,
  LEVEL_PROCESS,
  LOCK_IS_LEFT,
  LOCK_IS_ORPHANED,
  LOCK_LEFT,
  LOCK_OWNER,
  LOCK_REFERENCES,
  LOCK_STATE,
  LOCK_WAITERS,
  STACK_DEEP,
  STACK_SHALLOW,
  STATE,
} from '../layout';
import { count, counterOf } from '../memory/counters';
import { giveSlot, takeSlot } from '../memory/heap';
import { firstEntry, hash, nextEntry, put } from '../memory/index-table';
import { setBareMark } from '../memory/mark';
import { AGELESS, takeRoom } from '../memory/room';

const INDEX = STATE + HEAD_TASK_INDEX;
const SLAB = STATE + HEAD_CONTEXT_SLAB;
const SHALLOW = STATE + HEAD_STACK_SLAB;
const DEEP = STATE + HEAD_DEEP_STACK_SLAB;

/** The context that the current event of `cpu` belongs to: its task, or an interrupt level. 0 when memory is full. */
export function contextOf(cpu: usize, level: u32): usize {
  if (level == LEVEL_PROCESS) {
    let task: usize = load<u32>(cpu, CPU_TASK);
    if (!task) {
      task = taskOf(load<i32>(cpu, CPU_PID), load<u16>(cpu, CPU_NUMBER));
      store<u32>(cpu, u32(task), CPU_TASK);
    }
    return task;
  }
  const at = cpu + CPU_CONTEXTS + ((level - 1) << 2);
  let context: usize = load<u32>(at);
  if (!context) {
    context = takeSlot(SLAB, CONTEXT_SIZE, CONTEXT_NEXT);
    if (!context) {
      count(COUNTER_UNTRACKED_TASK_EVENTS);
      return 0;
    }
    store<u16>(context, load<u16>(cpu, CPU_NUMBER), CONTEXT_CPU);
    store<u8>(context, u8(level), CONTEXT_LEVEL);
    store<u32>(at, u32(context));
  }
  store<i32>(context, load<i32>(cpu, CPU_PID), CONTEXT_PID);
  return context;
}

/** pid 0 is one task per CPU. */
function keyOf(pid: i32, cpu: u16): u64 {
  return pid ? u64(u32(pid)) : ((1 as u64) << 32) | u64(cpu);
}

/** The task's context, or 0. */
export function findTask(pid: i32, cpu: u16): usize {
  const key = keyOf(pid, cpu);
  const tag = hash(key, 0);
  let entry = firstEntry(INDEX, tag);
  while (true) {
    const task: usize = load<u32>(entry, 4);
    if (!task) return 0;
    if (load<u32>(entry) == tag && load<u64>(task, CONTEXT_KEY) == key) return task;
    entry = nextEntry(INDEX, entry);
  }
}

function taskOf(pid: i32, cpu: u16): usize {
  let task = findTask(pid, cpu);
  if (!task) {
    const forgotten = counterOf(COUNTER_FORGOTTEN_TASKS);
    task = takeRoom(INDEX, SLAB, CONTEXT_SIZE, CONTEXT_NEXT, AGELESS, isForgettable, forget);
    if (counterOf(COUNTER_FORGOTTEN_TASKS) != forgotten) forgetCachedTasks();
    if (!task) {
      count(COUNTER_UNTRACKED_TASK_EVENTS);
      return 0;
    }
    const key = keyOf(pid, cpu);
    store<u64>(task, key, CONTEXT_KEY);
    store<i32>(task, pid, CONTEXT_PID);
    put(INDEX, hash(key, 0), u32(task));
  }
  store<u16>(task, cpu, CONTEXT_CPU);
  return task;
}

/**
 * May it be forgotten? Tasks that hold nothing; that exited and were switched out for good; and that were switched out with
 * nothing but holds that ended unseen, for others have taken the locks since.
 */
function isForgettable(task: usize): bool {
  const depth = load<u32>(task, CONTEXT_DEPTH);
  if (!depth) return true;
  // One that is back was only preempted on its way out, or has the pid of one that is gone.
  const out = load<u64>(task, CONTEXT_OUT_TIME);
  if (out < load<u64>(task, CONTEXT_IN_TIME)) return false;
  const latest = timeOfEntry(entryAt(task, depth - 1));
  const exit = load<u64>(task, CONTEXT_EXIT_TIME);
  if (load<u8>(task, CONTEXT_IS_EXITING) && out >= exit && exit >= latest) return true;
  return out >= latest && holdsNothingNow(task);
}

function holdsNothingNow(context: usize): bool {
  for (let n: u32 = 0, depth = load<u32>(context, CONTEXT_DEPTH); n < depth; n++) {
    const entry = entryAt(context, n);
    const lock: usize = load<u32>(entry, ENTRY_LOCK);
    if (load<u8>(entry, ENTRY_STATE) != ENTRY_IS_HELD || load<u16>(entry, ENTRY_FLAGS) & FLAG_READ)
      return false;
    if (load<u32>(lock, LOCK_OWNER) == u32(context)) return false;
  }
  return true;
}

function entryAt(context: usize, n: u32): usize {
  return load<usize>(context, CONTEXT_STACK) + usize(n) * ENTRY_SIZE;
}

/** When the lock was taken, or its take attempted. */
function timeOfEntry(entry: usize): u64 {
  const isHeld = load<u8>(entry, ENTRY_STATE) == ENTRY_IS_HELD;
  return isHeld ? load<u64>(entry, ENTRY_ACQUIRE_TIME) : load<u64>(entry, ENTRY_ATTEMPT_TIME);
}

function forget(task: usize): void {
  abandon(task);
  giveStack(task);
  giveSlot(SLAB, task, CONTEXT_NEXT);
  count(COUNTER_FORGOTTEN_TASKS);
}

/** CPUs keep the address of their task, which may be gone. */
function forgetCachedTasks(): void {
  const cpus: usize = load<u32>(STATE, HEAD_CPUS);
  for (let n: usize = 0; n < usize(CPU_LIMIT); n++) {
    const cpu: usize = load<u32>(cpus + (n << 2));
    if (cpu) store<u32>(cpu, 0, CPU_TASK);
  }
}

function giveStack(context: usize): void {
  const stack: usize = load<u32>(context, CONTEXT_STACK);
  if (!stack) return;
  giveSlot(load<u32>(context, CONTEXT_CAPACITY) == STACK_DEEP ? DEEP : SHALLOW, stack, ENTRY_LOCK);
  store<u32>(context, 0, CONTEXT_STACK);
  store<u32>(context, 0, CONTEXT_CAPACITY);
}

/** A new, zeroed entry for `lock` on top of the context's stack; 0 when memory is full. */
export function pushEntry(context: usize, lock: usize): usize {
  let depth = load<u32>(context, CONTEXT_DEPTH);
  if (depth == load<u32>(context, CONTEXT_CAPACITY)) {
    if (!deepen(context)) return 0;
    depth = load<u32>(context, CONTEXT_DEPTH);
  }
  const entry = load<usize>(context, CONTEXT_STACK) + usize(depth) * ENTRY_SIZE;
  clearEntry(entry);
  store<u32>(entry, u32(lock), ENTRY_LOCK);
  store<u32>(context, depth + 1, CONTEXT_DEPTH);
  store<u32>(lock, load<u32>(lock, LOCK_REFERENCES) + 1, LOCK_REFERENCES);
  return entry;
}

/** ENTRY_SIZE zero bytes, as stores: memory.fill would be a call. */
function clearEntry(entry: usize): void {
  for (let at: usize = 0; at < usize(ENTRY_SIZE); at += 32) {
    store<u64>(entry + at, 0);
    store<u64>(entry + at, 0, 8);
    store<u64>(entry + at, 0, 16);
    store<u64>(entry + at, 0, 24);
  }
}

/** Room for one more entry: a stack, a deeper one, or the oldest entry's place (lockdep itself stops at 48). */
function deepen(context: usize): bool {
  const capacity = load<u32>(context, CONTEXT_CAPACITY);
  if (capacity == STACK_DEEP) {
    count(COUNTER_DROPPED_HOLDS);
    removeEntry(context, load<u32>(context, CONTEXT_STACK));
    return true;
  }
  const stack = capacity
    ? takeSlot(DEEP, STACK_DEEP * ENTRY_SIZE, ENTRY_LOCK)
    : takeSlot(SHALLOW, STACK_SHALLOW * ENTRY_SIZE, ENTRY_LOCK);
  if (!stack) {
    count(COUNTER_UNTRACKED_TASK_EVENTS);
    return false;
  }
  if (capacity) {
    memory.copy(stack, load<u32>(context, CONTEXT_STACK), STACK_SHALLOW * ENTRY_SIZE);
    giveSlot(SHALLOW, load<u32>(context, CONTEXT_STACK), ENTRY_LOCK);
  }
  store<u32>(context, u32(stack), CONTEXT_STACK);
  store<u32>(context, capacity ? STACK_DEEP : STACK_SHALLOW, CONTEXT_CAPACITY);
  return true;
}

/** The topmost entry for `lock`: a held one if `held`, one that still waits otherwise. 0: none. */
export function findEntry(context: usize, lock: usize, held: bool): usize {
  const stack: usize = load<u32>(context, CONTEXT_STACK);
  for (let n = load<u32>(context, CONTEXT_DEPTH); n > 0; n--) {
    const entry = stack + usize(n - 1) * ENTRY_SIZE;
    if (load<u32>(entry, ENTRY_LOCK) == u32(lock) && (load<u8>(entry, ENTRY_STATE) == ENTRY_IS_HELD) == held)
      return entry;
  }
  return 0;
}

/** The topmost entry for `lock`, held or not; 0: none. */
export function findTop(context: usize, lock: usize): usize {
  for (let n = load<u32>(context, CONTEXT_DEPTH); n > 0; n--) {
    const entry = entryAt(context, n - 1);
    if (load<u32>(entry, ENTRY_LOCK) == u32(lock)) return entry;
  }
  return 0;
}

/** Takes an entry out; the ones above it move down. Ends the context's ownership where this entry was it. */
export function removeEntry(context: usize, entry: usize): void {
  const lock: usize = load<u32>(entry, ENTRY_LOCK);
  store<u32>(lock, load<u32>(lock, LOCK_REFERENCES) - 1, LOCK_REFERENCES);
  if (load<u8>(entry, ENTRY_STATE) != ENTRY_IS_HELD) {
    store<u32>(lock, load<u32>(lock, LOCK_WAITERS) - 1, LOCK_WAITERS);
  } else if (load<u32>(lock, LOCK_OWNER) == u32(context)) {
    store<u32>(lock, 0, LOCK_OWNER);
  }
  const depth = load<u32>(context, CONTEXT_DEPTH) - 1;
  const top = load<usize>(context, CONTEXT_STACK) + usize(depth) * ENTRY_SIZE;
  if (entry != top) memory.copy(entry, entry + ENTRY_SIZE, top - entry);
  store<u32>(context, depth, CONTEXT_DEPTH);
}

/** Forgets what the context waited for: an event after a loss shows that it no longer does. */
export function dropWaits(context: usize): void {
  for (let n = load<u32>(context, CONTEXT_DEPTH); n > 0; n--) {
    const entry = load<usize>(context, CONTEXT_STACK) + usize(n - 1) * ENTRY_SIZE;
    if (load<u8>(entry, ENTRY_STATE) != ENTRY_IS_HELD) removeEntry(context, entry);
  }
}

/** Forgets what the context held or waited for, without a verdict: its events were lost. */
export function dropEntries(context: usize): void {
  while (load<u32>(context, CONTEXT_DEPTH)) {
    const top =
      load<usize>(context, CONTEXT_STACK) + usize(load<u32>(context, CONTEXT_DEPTH) - 1) * ENTRY_SIZE;
    removeEntry(context, top);
  }
}

/**
 * The task is switched out, or the interrupt level left: what belongs to the context should be released by now. Of each lock that it
 * owns, the first such moment since its take is kept.
 */
export function leave(context: usize, time: u64): void {
  const position = load<u64>(STATE, HEAD_POSITION);
  store<u64>(context, time, CONTEXT_OUT_TIME);
  store<u64>(context, position, CONTEXT_OUT_POSITION);
  for (let n: u32 = 0, depth = load<u32>(context, CONTEXT_DEPTH); n < depth; n++) {
    const entry = entryAt(context, n);
    const lock: usize = load<u32>(entry, ENTRY_LOCK);
    if (load<u8>(entry, ENTRY_STATE) != ENTRY_IS_HELD || load<u32>(lock, LOCK_OWNER) != u32(context))
      continue;
    if (load<u16>(lock, LOCK_STATE) & LOCK_IS_LEFT) continue;
    noteLeft(lock, context, time, position, load<u8>(context, CONTEXT_LEVEL) ? KIND_LEAVE : KIND_SWITCH);
  }
}

function noteLeft(lock: usize, context: usize, time: u64, position: u64, kind: u32): void {
  store<u16>(lock, load<u16>(lock, LOCK_STATE) | LOCK_IS_LEFT, LOCK_STATE);
  setBareMark(
    lock + LOCK_LEFT,
    time,
    position,
    load<i32>(context, CONTEXT_PID),
    load<u16>(context, CONTEXT_CPU),
    kind,
  );
}

/** The context is gone for good: what it owns is orphaned, with the place where it left; waits just end. */
export function abandon(context: usize): void {
  const exits = load<u8>(context, CONTEXT_IS_EXITING) != 0;
  const exit = load<u64>(context, CONTEXT_EXIT_TIME);
  while (load<u32>(context, CONTEXT_DEPTH)) {
    const top =
      load<usize>(context, CONTEXT_STACK) + usize(load<u32>(context, CONTEXT_DEPTH) - 1) * ENTRY_SIZE;
    const lock: usize = load<u32>(top, ENTRY_LOCK);
    const owned = load<u8>(top, ENTRY_STATE) == ENTRY_IS_HELD && load<u32>(lock, LOCK_OWNER) == u32(context);
    // What was taken after an exit was taken by the next task with this pid.
    const exited = exits && exit >= timeOfEntry(top);
    removeEntry(context, top);
    if (!owned) continue;
    store<u32>(STATE, load<u32>(STATE, HEAD_ORPHANS) + 1, HEAD_ORPHANS);
    store<u16>(lock, load<u16>(lock, LOCK_STATE) | LOCK_IS_ORPHANED, LOCK_STATE);
    if (exited) noteLeft(lock, context, exit, load<u64>(context, CONTEXT_EXIT_POSITION), KIND_TASK_EXIT);
  }
}

/** The task exits. Nobody does so twice: what one with the same pid still held at an earlier exit, it left behind. */
export function leaveBehind(task: usize): void {
  const depth = load<u32>(task, CONTEXT_DEPTH);
  if (!depth || !load<u8>(task, CONTEXT_IS_EXITING)) return;
  if (load<u64>(task, CONTEXT_EXIT_TIME) >= timeOfEntry(entryAt(task, depth - 1))) abandon(task);
}

/** An orphaned lock was taken or released after all, or is forgotten. */
export function dropOrphan(): void {
  store<u32>(STATE, load<u32>(STATE, HEAD_ORPHANS) - 1, HEAD_ORPHANS);
}

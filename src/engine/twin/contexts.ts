// Contexts: tasks by pid, and the three interrupt levels of each CPU, each with its stack of locks held and waited for.
//
// Invariant: while a lock's owner is a context, that context's stack has a held entry for the lock.

import * as L from '../../../assembly/layout.ts';
import { bareMark, NEVER, type Moment } from './marks.ts';
import type { Context, Cpu, Entry, Lock, World } from './world.ts';

/** The context that the current event of `cpu` belongs to: its task, or an interrupt level. */
export function contextOf(world: World, cpu: Cpu, level: number): Context {
  if (level === L.LEVEL_PROCESS) return (cpu.task ??= taskOf(world, cpu.pid, cpu.number));
  const context = (cpu.contexts[level - 1] ??= newContext(world, level, cpu.number));
  context.pid = cpu.pid;
  return context;
}

function newContext(world: World, level: number, cpu: number): Context {
  return {
    id: world.nextId(),
    level,
    pid: 0,
    cpu,
    isExiting: false,
    exit: NEVER,
    out: NEVER,
    inTime: 0n,
    stack: [],
  };
}

/** pid 0 is one task per CPU. */
function keyOf(pid: number, cpu: number): string {
  return pid === 0 ? `idle on ${cpu}` : String(pid);
}

export function findTask(world: World, pid: number, cpu: number): Context | null {
  return world.tasks.get(keyOf(pid, cpu));
}

function taskOf(world: World, pid: number, cpu: number): Context {
  let task = findTask(world, pid, cpu);
  if (!task) {
    makeRoom(world);
    task = newContext(world, L.LEVEL_PROCESS, cpu);
    task.pid = pid;
    world.tasks.add(keyOf(pid, cpu), task);
  }
  task.cpu = cpu;
  return task;
}

function makeRoom(world: World): void {
  const forgotten = world.tasks.makeRoom(isForgettable, null);
  for (const task of forgotten) {
    abandon(world, task);
    world.count(L.COUNTER_FORGOTTEN_TASKS);
  }
  if (forgotten.length > 0) for (const cpu of world.cpus.values()) cpu.task = null;
}

/**
 * May it be forgotten? Tasks that hold nothing; that exited and were switched out for good; and that were switched out with
 * nothing but holds that ended unseen, for others have taken the locks since.
 */
function isForgettable(task: Context): boolean {
  const { stack, isExiting, exit, out, inTime } = task;
  const top = stack.at(-1);
  if (!top) return true;
  if (out.time < inTime) return false;
  if (isExiting && out.time >= exit.time && exit.time >= timeOfEntry(top)) return true;
  const holdsNothingNow = stack.every(
    (entry) => isHeld(entry) && (entry.flags & L.FLAG_READ) === 0 && entry.lock.owner !== task,
  );
  return out.time >= timeOfEntry(top) && holdsNothingNow;
}

/** When the lock was taken, or its take attempted. */
function timeOfEntry(entry: Entry): bigint {
  return isHeld(entry) ? entry.acquire.time : entry.attempt.time;
}

/** A new entry for `lock` on top of the context's stack. The deepest stack drops its oldest entry for it. */
export function pushEntry(world: World, context: Context, lock: Lock): Entry {
  if (context.stack.length === L.STACK_DEEP) {
    world.count(L.COUNTER_DROPPED_HOLDS);
    removeEntry(context, context.stack[0]!);
  }
  const entry: Entry = {
    lock,
    state: 0,
    cpu: 0,
    flags: 0,
    type: 0,
    releases: 0,
    attempt: NEVER,
    contend: NEVER,
    contendValue: 0n,
    acquire: NEVER,
    holder: null,
    series: null,
  };
  context.stack.push(entry);
  lock.references++;
  return entry;
}

export const isHeld = (entry: Entry): boolean => entry.state === L.ENTRY_IS_HELD;

/** The topmost entry by which the context holds the lock. */
export function findHold(context: Context, lock: Lock): Entry | null {
  return context.stack.findLast((entry) => entry.lock === lock && isHeld(entry)) ?? null;
}

/** The topmost entry by which the context still waits for the lock. */
export function findWait(context: Context, lock: Lock): Entry | null {
  return context.stack.findLast((entry) => entry.lock === lock && !isHeld(entry)) ?? null;
}

/** The topmost entry for the lock, held or not. */
export function findTop(context: Context, lock: Lock): Entry | null {
  return context.stack.findLast((entry) => entry.lock === lock) ?? null;
}

/** Takes an entry out; ends the context's ownership where this entry was it. */
export function removeEntry(context: Context, entry: Entry): void {
  const { lock } = entry;
  lock.references--;
  if (!isHeld(entry)) lock.waiters--;
  else if (lock.owner === context) lock.owner = null;
  context.stack.splice(context.stack.indexOf(entry), 1);
}

/** Forgets what the context waited for: an event after a loss shows that it no longer does. */
export function dropWaits(context: Context): void {
  for (const entry of context.stack.toReversed()) if (!isHeld(entry)) removeEntry(context, entry);
}

/** Forgets what the context held or waited for, without a verdict: its events were lost. */
export function dropEntries(context: Context): void {
  for (const entry of context.stack.toReversed()) removeEntry(context, entry);
}

/**
 * The task is switched out, or the interrupt level left: what belongs to the context should be released by now. Of each lock that it
 * owns, the first such moment since its take is kept.
 */
export function leave(context: Context, moment: Moment): void {
  context.out = moment;
  for (const entry of context.stack) {
    const { lock } = entry;
    if (!isHeld(entry) || lock.owner !== context || lock.isLeft) continue;
    noteLeft(lock, context, moment, context.level === L.LEVEL_PROCESS ? L.KIND_SWITCH : L.KIND_LEAVE);
  }
}

function noteLeft(lock: Lock, { pid, cpu }: Context, moment: Moment, kind: number): void {
  lock.isLeft = true;
  lock.left = bareMark(moment, pid, cpu, kind);
}

/** The context is gone for good: what it owns is orphaned, with the place where it left; waits just end. */
export function abandon(world: World, context: Context): void {
  const { isExiting, exit } = context;
  for (const entry of context.stack.toReversed()) {
    const { lock } = entry;
    const owned = isHeld(entry) && lock.owner === context;
    // What was taken after an exit was taken by the next task with this pid.
    const exited = isExiting && exit.time >= timeOfEntry(entry);
    removeEntry(context, entry);
    if (!owned) continue;
    world.orphans++;
    lock.isOrphaned = true;
    if (exited) noteLeft(lock, context, exit, L.KIND_TASK_EXIT);
  }
}

/** The task exits. Nobody does so twice: what one with the same pid still held at an earlier exit, it left behind. */
export function leaveBehind(world: World, task: Context): void {
  const top = task.stack.at(-1);
  if (top && task.isExiting && task.exit.time >= timeOfEntry(top)) abandon(world, task);
}

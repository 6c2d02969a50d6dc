// Which task runs where, and which tasks are gone: sched:sched_switch and sched:sched_process_exit.

import * as L from '../../../assembly/layout.ts';
import type { CanonicalEvent } from '../../model/event.ts';
import { findTask, leave, leaveBehind } from './contexts.ts';
import { noteBreak } from './cpu-life.ts';
import type { Cpu, World } from './world.ts';

const pidIn = (value: bigint): number => Number(BigInt.asIntN(32, value));

/** value: previous pid | next pid << 32 */
export function switched(world: World, cpu: Cpu, event: CanonicalEvent): void {
  const previous = pidIn(event.value);
  const next = pidIn(event.value >> 32n);
  // A switch's next task is the next switch's previous one.
  if (cpu.switchNext !== null && cpu.switchNext !== previous) noteBreak(cpu, event.time);
  cpu.switchNext = next;
  cpu.lastSwitch = world.mark(event);

  const out = findTask(world, previous, cpu.number);
  if (out) leave(out, world.moment(event));
  const into = findTask(world, next, cpu.number);
  if (into) {
    into.inTime = event.time;
    into.cpu = cpu.number;
    // Preempted on its way out, or another task with the same pid: with empty hands it makes no difference.
    if (into.stack.length === 0) into.isExiting = false;
  }
  cpu.pid = next;
  cpu.task = into;
  if (next !== 0) return;
  cpu.lastTick = 0n;
  // The idle task runs with preemption off, which keeps nobody waiting.
  world.statistics.dropSections(cpu.number, [L.SERIES_IS_PREEMPT_OFF]);
}

/** value: the pid that exits. It fires early in do_exit: the task still takes and releases locks after it. */
export function exited(world: World, cpu: Cpu, event: CanonicalEvent): void {
  const task = findTask(world, pidIn(event.value), cpu.number);
  if (!task) return;
  leaveBehind(world, task);
  task.isExiting = true;
  task.exit = world.moment(event);
}

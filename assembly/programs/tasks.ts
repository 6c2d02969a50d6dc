// Which task runs where, and which tasks are gone: sched:sched_switch and sched:sched_process_exit.

import {
  CONTEXT_CPU,
  CONTEXT_DEPTH,
  CONTEXT_EXIT_POSITION,
  CONTEXT_EXIT_TIME,
  CONTEXT_IN_TIME,
  CONTEXT_IS_EXITING,
  CPU_LAST_TICK,
  CPU_NUMBER,
  CPU_PID,
  CPU_SWITCH,
  CPU_SWITCH_KNOWN,
  CPU_SWITCH_NEXT,
  CPU_TASK,
  EVENT_TIME,
  EVENT_VALUE,
  HEAD_POSITION,
  SERIES_IS_PREEMPT_OFF,
  STATE,
} from '../layout';
import { setMark } from '../memory/mark';
import { findTask, leave, leaveBehind } from '../state/contexts';
import { noteBreak } from './cpu-life';
import { dropSection } from '../state/sections';

/** value: previous pid | next pid << 32 */
export function switched(cpu: usize, event: usize): void {
  const time = load<u64>(event, EVENT_TIME);
  const value = load<u64>(event, EVENT_VALUE);
  const previous = i32(value);
  const next = i32(value >> 32);
  // A switch's next task is the next switch's previous one.
  if (load<u8>(cpu, CPU_SWITCH_KNOWN) && load<i32>(cpu, CPU_SWITCH_NEXT) != previous) noteBreak(cpu, time);
  store<i32>(cpu, next, CPU_SWITCH_NEXT);
  store<u8>(cpu, 1, CPU_SWITCH_KNOWN);
  setMark(cpu + CPU_SWITCH, event);

  const number = load<u16>(cpu, CPU_NUMBER);
  const out = findTask(previous, number);
  if (out) leave(out, time);
  const into = findTask(next, number);
  if (into) {
    store<u64>(into, time, CONTEXT_IN_TIME);
    store<u16>(into, number, CONTEXT_CPU);
    // Preempted on its way out, or another task with the same pid: with empty hands it makes no difference.
    if (!load<u32>(into, CONTEXT_DEPTH)) store<u8>(into, 0, CONTEXT_IS_EXITING);
  }
  store<i32>(cpu, next, CPU_PID);
  store<u32>(cpu, u32(into), CPU_TASK);
  if (next) return;
  store<u64>(cpu, 0, CPU_LAST_TICK);
  // The idle task runs with preemption off, which keeps nobody waiting.
  dropSection(number, SERIES_IS_PREEMPT_OFF);
}

/** value: the pid that exits. It fires early in do_exit: the task still takes and releases locks after it. */
export function exited(cpu: usize, event: usize): void {
  const task = findTask(i32(load<u64>(event, EVENT_VALUE)), load<u16>(cpu, CPU_NUMBER));
  if (!task) return;
  leaveBehind(task);
  store<u8>(task, 1, CONTEXT_IS_EXITING);
  store<u64>(task, load<u64>(event, EVENT_TIME), CONTEXT_EXIT_TIME);
  store<u64>(task, load<u64>(STATE, HEAD_POSITION), CONTEXT_EXIT_POSITION);
}

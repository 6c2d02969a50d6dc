import { E, STATE } from '../events.ts';
import type { Cpu, Frame, Task } from './contexts.ts';
import type { Machine } from './machine.ts';

const TRIES = 2;
const IPI_NS = 900;
/** Share of wakeups that preempt the running task. */
const WAKEUP_PREEMPTION = 0.3;

/** Which task runs where: run queues, sleepers, wakeups, migration. */
export class Scheduler {
  readonly #machine: Machine;
  /** Share of wakeups that move the task to another CPU. */
  readonly #migration: number;

  constructor(machine: Machine, migration: number) {
    this.#machine = machine;
    this.#migration = migration;
  }

  /** Makes a task runnable; `by` is the CPU that does so and then shows the wakeup event. */
  wake(task: Task, by: Cpu): void {
    if (task.running) {
      task.wakePending = true;
      return;
    }
    by.woken.push(task);
    this.enqueue(task, this.#target(task, by), by);
  }

  /** Where a woken task goes: mostly to its own CPU, sometimes to an idle one, never to one that is stuck. */
  #target(task: Task, by: Cpu): Cpu {
    const { cpus, random } = this.#machine;
    let target = cpus[task.cpu]!;
    if (task.pinned || !(target.stuck || random.chance(this.#migration))) return target;
    for (let i = 0; i < TRIES; i++) {
      const other = random.pick(cpus);
      if (!other.stuck && other.task === other.idle && other.queue.length === 0) target = other;
    }
    return target.stuck ? by : target;
  }

  /** Puts a runnable task into a CPU's queue. */
  enqueue(task: Task, cpu: Cpu, by: Cpu | null): void {
    const machine = this.#machine;
    task.cpu = cpu.id;
    cpu.queue.push(task);
    const idle = cpu.task === cpu.idle;
    if (!idle && !machine.random.chance(WAKEUP_PREEMPTION)) return;
    cpu.needResched = true;
    if (cpu === by) return;
    if (idle) cpu.ipiAt = Math.min(cpu.ipiAt, machine.now + IPI_NS);
    machine.reschedule(cpu);
  }

  /** The task sleeps until `at`; the CPU's timer wakes it. */
  sleep(task: Task, cpu: Cpu, at: number): void {
    task.wakeAt = Math.round(at);
    let place = cpu.sleepers.length;
    while (place > 0 && cpu.sleepers[place - 1]!.wakeAt > at) place--;
    cpu.sleepers.splice(place, 0, task);
  }

  /** A sleeper wakes at once. */
  hurry(task: Task): void {
    const cpu = this.#machine.cpus[task.cpu]!;
    const at = cpu.sleepers.indexOf(task);
    if (at < 0) return;
    cpu.sleepers.splice(at, 1);
    this.sleep(task, cpu, this.#machine.now);
    this.#machine.reschedule(cpu);
  }

  /** Takes every task that does not run away from a CPU that will not run them. */
  evacuate(cpu: Cpu): void {
    const { cpus, random } = this.#machine;
    cpu.stuck = true;
    const refuges = cpus.filter((other) => !other.stuck);
    if (refuges.length === 0) return;
    for (const task of cpu.queue.splice(0)) this.enqueue(task, random.pick(refuges), null);
    for (const task of cpu.sleepers.splice(0)) {
      const refuge = random.pick(refuges);
      task.cpu = refuge.id;
      this.sleep(task, refuge, task.wakeAt);
      this.#machine.reschedule(refuge);
    }
  }

  /** Wakes one sleeper whose time has come; false: there is none. */
  wakeSleeper(cpu: Cpu): boolean {
    const first = cpu.sleepers[0];
    if (!first || first.wakeAt > this.#machine.now) return false;
    cpu.sleepers.shift();
    this.wake(first, cpu);
    this.showWakeup(cpu);
    return true;
  }

  /** Shows the wakeup of one task that this CPU has woken; false: there was none. */
  showWakeup(cpu: Cpu): boolean {
    const task = cpu.woken.shift();
    if (task) this.#machine.emit(cpu, E.schedWakeup, task.pid, task.cpu, 0, 0, task.comm);
    return task !== undefined;
  }

  /** Chooses the next task and shows the switch, or skips some steps when the task stays the same. */
  switchEvent(cpu: Cpu, frame: Frame, state: number, skip: number): void {
    const previous = cpu.task;
    cpu.needResched = false;
    if (previous.wakePending && state !== STATE.preempted) {
      cpu.incoming = previous;
      previous.wakePending = false;
    } else {
      if (state === STATE.preempted) cpu.queue.push(previous);
      cpu.incoming = this.#next(cpu);
    }
    const { incoming } = cpu;
    if (incoming === previous) {
      frame.pc += skip;
      return;
    }
    const { pid, comm } = previous;
    this.#machine.emit(cpu, E.schedSwitch, pid, state, incoming.pid, 0, comm, incoming.comm);
    if (state === STATE.dead) this.#machine.retire(cpu, previous);
  }

  /** The next task for a CPU: from its own queue, from another CPU's, or the idle task. */
  #next(cpu: Cpu): Task {
    const own = cpu.queue.shift();
    if (own) return own;
    const { cpus, random } = this.#machine;
    for (let i = 0; i < TRIES; i++) {
      const other = random.pick(cpus);
      const at = other.queue.findIndex(({ pinned }) => !pinned);
      if (other === cpu || at < 0) continue;
      const [task] = other.queue.splice(at, 1);
      task!.cpu = cpu.id;
      return task!;
    }
    return cpu.idle;
  }

  /** The chosen task runs from now on. */
  switchTo(cpu: Cpu): void {
    const { task: previous, incoming } = cpu;
    previous.preempt = cpu.preempt;
    previous.running = false;
    cpu.task = incoming;
    cpu.preempt = incoming.preempt;
    incoming.running = true;
    incoming.cpu = cpu.id;
    const frame = cpu.top();
    frame.at = this.#machine.now + frame.program.gap[frame.pc]!;
    if (!previous.wakePending) return;
    previous.wakePending = false;
    this.enqueue(previous, cpu, cpu);
  }
}

import type { Random } from '../base/random.ts';
import { Activities, type ActivityOptions } from './activities.ts';
import { E, STATE } from './events.ts';
import type { Cpu, Task } from './machine/contexts.ts';
import type { Behaviour, Machine } from './machine/machine.ts';
import { caller, type Phrases } from './machine/phrases.ts';
import { OP, type Program } from './machine/program.ts';

export interface WorkloadOptions extends ActivityOptions {
  readonly comms: readonly string[];
  readonly tasksPerCpu: number;
  readonly startNs: number;
  /** Events per second and CPU that the workload slows down to; null: as fast as the machine goes. */
  readonly rate: number | null;
  /** Distance of timer ticks on a busy and on an idle CPU, ns; Infinity: none. */
  readonly tickNs: number;
  readonly idleTickNs: number;
  /** Mean distance of device interrupts on a CPU, ns; Infinity: none. */
  readonly deviceNs: number;
  /** Share of transactions after which a task exits. */
  readonly exits: number;
}

/** Names of tasks, one of them hard to read back from text. */
export const COMMS: readonly string[] = [
  'bash',
  'kworker/u8:1',
  'postgres',
  'rsync',
  'jbd2/dm-0-8',
  'dd',
  'tar',
  'fio',
  'sshd',
  'my comm-1:x',
];
const FIRST_PID = 101;
const LOCAL_TIMER_VECTOR = 236;
const RESCHEDULE_VECTOR = 253;
const SOFTIRQ = { timer: 1, block: 4, sched: 7, rcu: 9 } as const;
const FIRST_DEVICE_IRQ = 25;
const SOFTIRQ_LOCK = caller('_raw_spin_lock_irq', 0x17);
const SOFTIRQ_UNLOCK = caller('_raw_spin_unlock_irq', 0x23);

/** A healthy load: tasks in system calls, interrupts, softirqs. It never breaks a locking rule. */
export class Workload implements Behaviour {
  readonly phrases: Phrases;
  /** Locks that the load keeps away from, because a fault uses them. */
  readonly banned = new Set<number>();
  /** Every name that a task has had, by pid. */
  readonly comms = new Map<number, string>();
  readonly #machine: Machine;
  readonly #options: WorkloadOptions;
  readonly #random: Random;
  readonly #activities: Activities;
  #nextPid = FIRST_PID;

  constructor(machine: Machine, phrases: Phrases, options: WorkloadOptions) {
    this.#machine = machine;
    this.phrases = phrases;
    this.#options = options;
    this.#random = machine.random;
    this.#activities = new Activities(machine, phrases, options, this.banned);
  }

  populate(): void {
    for (const cpu of this.#machine.cpus) {
      for (let i = 0; i < this.#options.tasksPerCpu; i++)
        this.spawn(cpu, this.#random.pick(this.#options.comms));
      const { startNs, idleTickNs, deviceNs, rate } = this.#options;
      cpu.nextTick =
        idleTickNs === Infinity ? Infinity : startNs + Math.round(this.#random.float() * idleTickNs);
      cpu.nextDevice = startNs + Math.round(this.#random.exponential(deviceNs));
      cpu.ipiAt = Infinity;
      cpu.idle.frame.at = startNs + Math.round(this.#random.float() * (rate === null ? 1e5 : 2e8));
    }
  }

  /** A new task on `cpu`, with a pid of its own or the given one. */
  spawn(cpu: Cpu, comm: string, pid?: number): Task {
    const own = pid ?? this.#freePid();
    this.comms.set(own, comm);
    return this.#machine.spawn(own, comm, cpu);
  }

  #freePid(): number {
    while (this.comms.has(this.#nextPid)) this.#nextPid++;
    return this.#nextPid;
  }

  // ---- What tasks do ----

  transaction(p: Program, cpu: Cpu, task: Task): void {
    const { now } = this.#machine;
    if (cpu.nextTick > now + this.#options.tickNs) cpu.nextTick = now + this.#options.tickNs;
    const rest = this.#restUntil(cpu, now);
    if (rest > 0) {
      p.add(OP.sleepUntil, this.phrases.gap(), now + rest);
      this.phrases.schedule(p, STATE.sleeping);
      return;
    }
    if (!task.pinned && this.#random.chance(this.#options.exits)) {
      p.add(OP.taskExit, this.phrases.gap());
      this.phrases.schedule(p, STATE.dead);
      return;
    }
    // In user mode.
    p.add(OP.pause, 300 + this.#random.int(4000));
    this.phrases.syscallEntry(p);
    const count = 1 + this.#random.int(3);
    for (let i = 0; i < count; i++) this.#activities.next(p, cpu);
    this.phrases.syscallExit(p);
  }

  /** How long the task should sleep now, ns; 0: not at all. */
  #restUntil(cpu: Cpu, now: number): number {
    const { rate, startNs, tasksPerCpu } = this.#options;
    if (rate === null) return this.#random.chance(0.05) ? 20_000 + this.#random.exponential(300_000) : 0;
    const ahead = startNs + (cpu.events / rate) * 1e9 - now;
    return ahead > 50_000 ? ahead * tasksPerCpu * (0.5 + this.#random.float()) : 0;
  }

  // ---- The rest of the machine ----

  idle(p: Program, cpu: Cpu): void {
    if (cpu.queue.length > 0) this.phrases.idleSchedule(p);
    else this.phrases.idleHalt(p);
  }

  timer(p: Program, cpu: Cpu): void {
    const { phrases } = this;
    const { now } = this.#machine;
    const ticks = cpu.nextTick <= now;
    phrases.irqEntry(p);
    p.add(OP.plain, phrases.gap(), E.localTimerEntry, LOCAL_TIMER_VECTOR);
    p.add(OP.timerExpire, phrases.gap());
    phrases.timerBase(p, cpu.id);
    if (ticks) this.#tick(p, cpu, now);
    p.add(OP.wakeSleepers, phrases.gap());
    p.add(OP.timerExpireEnd, phrases.gap());
    p.add(OP.plain, phrases.gap(), E.localTimerExit, LOCAL_TIMER_VECTOR);
    phrases.irqExit(p);
  }

  #tick(p: Program, cpu: Cpu, now: number): void {
    const { tickNs, idleTickNs } = this.#options;
    const idle = cpu.task === cpu.idle;
    cpu.nextTick += Math.max(1, Math.ceil((now - cpu.nextTick) / tickNs)) * (idle ? idleTickNs : tickNs);
    this.phrases.runQueue(p);
    for (const vector of [SOFTIRQ.timer, SOFTIRQ.sched, SOFTIRQ.rcu]) {
      if (this.#random.chance(0.25)) p.add(OP.raise, this.phrases.gap(), vector);
    }
    if (!idle && cpu.queue.length > 0 && this.#random.chance(0.4)) cpu.needResched = true;
  }

  device(p: Program, cpu: Cpu): void {
    const { phrases } = this;
    cpu.nextDevice = this.#machine.now + 5000 + Math.round(this.#random.exponential(this.#options.deviceNs));
    phrases.irqEntry(p);
    this.deviceBody(p, cpu);
    phrases.irqExit(p);
  }

  /** A block device's interrupt handler, which leaves the rest to the block softirq. */
  deviceBody(p: Program, cpu: Cpu): void {
    const { phrases } = this;
    const irq = FIRST_DEVICE_IRQ + (cpu.id % 64);
    p.add(OP.handlerEntry, phrases.gap(), irq, cpu.id % 64);
    phrases.spinLock(p, this.#queueLock(cpu), false);
    phrases.spinUnlock(p, this.#queueLock(cpu), false);
    p.add(OP.raise, phrases.gap(), SOFTIRQ.block);
    p.add(OP.handlerExit, phrases.gap(), irq);
  }

  /** The lock of the device queue of a CPU: of the class that is number 3 of 8. */
  #queueLock(cpu: Cpu): number {
    return 8 * (cpu.id % Math.max(this.#machine.locks.spin.count >> 3, 1)) + 3;
  }

  reschedule(p: Program, cpu: Cpu): void {
    cpu.needResched ||= cpu.queue.length > 0;
    this.phrases.irqEntry(p);
    p.add(OP.plain, this.phrases.gap(), E.rescheduleEntry, RESCHEDULE_VECTOR);
    p.add(OP.plain, this.phrases.gap(), E.rescheduleExit, RESCHEDULE_VECTOR);
    this.phrases.irqExit(p);
  }

  softirqs(p: Program, cpu: Cpu): void {
    const { phrases } = this;
    const { pending } = cpu;
    cpu.pending = 0;
    phrases.softirqsEntry(p);
    for (let vector = 0; vector < 10; vector++) {
      if ((pending & (1 << vector)) === 0) continue;
      p.add(OP.plain, phrases.gap(), E.softirqEntry, vector);
      this.#softirq(p, cpu, vector);
      p.add(OP.plain, phrases.gap(), E.softirqExit, vector);
    }
    phrases.softirqsExit(p);
  }

  #softirq(p: Program, cpu: Cpu, vector: number): void {
    const { phrases } = this;
    if (vector === SOFTIRQ.block) {
      const script = cpu.softScript;
      cpu.softScript = null;
      if (script) script(p, cpu);
      else {
        for (let i = 1 + this.#random.int(3); i > 0; i--) {
          const lock = this.#activities.pick(this.#machine.locks.buffer);
          phrases.finishBio(p, lock);
          p.add(OP.pause, this.#activities.hold());
          phrases.finishBioEnd(p, lock);
        }
      }
    } else if (vector === SOFTIRQ.sched) {
      phrases.irqSave(p, SOFTIRQ_LOCK);
      phrases.runQueue(p);
      phrases.irqRestore(p, SOFTIRQ_UNLOCK);
    } else {
      phrases.annotate(p, 0, this.#activities.hold());
    }
  }

  preempted(p: Program): void {
    this.phrases.schedule(p, STATE.preempted);
  }

  firstSteps(p: Program): void {
    this.phrases.firstSteps(p);
  }

  exited(cpu: Cpu, _task: Task): void {
    this.spawn(cpu, this.#random.pick(this.#options.comms));
  }
}

import { Zipf, type Random } from '../base/random.ts';
import { E, STATE } from './events.ts';
import type { Cpu, Task } from './machine/contexts.ts';
import type { LockRange, Locks } from './machine/locks.ts';
import type { Behaviour, Machine } from './machine/machine.ts';
import { caller, CHAIN_SITES, type Phrases } from './machine/phrases.ts';
import { OP, type Program } from './machine/program.ts';

/** What tasks do, with weights. */
export const ACTIVITIES = [
  'annotation',
  'spin',
  'spin-nested',
  'try',
  'mutex',
  'rwsem',
  'buffer',
  'chain',
  'plain-words',
] as const;
export type Activity = (typeof ACTIVITIES)[number];
export type Mix = Readonly<Partial<Record<Activity, number>>>;

const DEFAULT_MIX: Readonly<Record<Activity, number>> = {
  annotation: 6,
  spin: 10,
  'spin-nested': 3,
  try: 2,
  mutex: 2,
  rwsem: 3,
  buffer: 4,
  chain: 3,
  'plain-words': 2,
};

export interface WorkloadOptions {
  readonly mix: Mix;
  /** Exponent of the Zipf distribution of locks. */
  readonly zipf: number;
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
  /** By lockdep class: its locks are held so many times as long. */
  readonly slow: Readonly<Record<string, number>>;
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
  readonly #hasSlow: boolean;
  readonly #random: Random;
  readonly #locks: Locks;
  readonly #zipf: Readonly<Record<string, Zipf>>;
  readonly #activities: readonly Activity[];
  #nextPid = FIRST_PID;

  constructor(machine: Machine, phrases: Phrases, options: WorkloadOptions) {
    this.#machine = machine;
    this.phrases = phrases;
    this.#options = options;
    this.#hasSlow = Object.keys(options.slow).length > 0;
    this.#random = machine.random;
    const { locks } = machine;
    this.#locks = locks;
    const ranges = [locks.spin, locks.mutex, locks.rwsem, locks.chain];
    this.#zipf = Object.fromEntries([
      ...ranges.map(({ sort, count }) => [sort, new Zipf(count, options.zipf)]),
      ['buffer', new Zipf(Math.max(plainFrom(locks.buffer), 1), options.zipf)],
    ]);
    // A table of 64 to 128 places, drawn from with one random number.
    const weights = ACTIVITIES.map((name) => [name, options.mix[name] ?? DEFAULT_MIX[name]] as const);
    const scale = 64 / weights.reduce((sum, [, weight]) => sum + weight, 0);
    this.#activities = weights.flatMap(([name, weight]) => {
      const length = weight > 0 ? Math.max(Math.round(weight * scale), 1) : 0;
      return Array.from({ length }, () => name);
    });
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
    for (let i = 0; i < count; i++) this.#activity(p, cpu, this.#random.pick(this.#activities));
    this.phrases.syscallExit(p);
  }

  /** How long the task should sleep now, ns; 0: not at all. */
  #restUntil(cpu: Cpu, now: number): number {
    const { rate, startNs, tasksPerCpu } = this.#options;
    if (rate === null) return this.#random.chance(0.05) ? 20_000 + this.#random.exponential(300_000) : 0;
    const ahead = startNs + (cpu.events / rate) * 1e9 - now;
    return ahead > 50_000 ? ahead * tasksPerCpu * (0.5 + this.#random.float()) : 0;
  }

  #activity(p: Program, cpu: Cpu, activity: Activity): void {
    const { phrases } = this;
    switch (activity) {
      case 'annotation':
        phrases.annotate(p, this.#random.int(4), this.#hold());
        return;
      case 'spin':
        this.#spin(p, this.#pick(this.#locks.spin), 0);
        return;
      case 'spin-nested':
        this.#spin(p, this.#pick(this.#locks.spin), 1 + this.#random.int(2));
        return;
      case 'try': {
        const lock = this.#plainSpin();
        phrases.trySpin(p, lock, this.#hold(lock));
        return;
      }
      case 'mutex': {
        const lock = this.#pick(this.#locks.mutex);
        phrases.mutexLock(p, lock);
        this.#inside(p, lock);
        phrases.mutexUnlock(p, lock);
        return;
      }
      case 'rwsem': {
        const lock = this.#pick(this.#locks.rwsem);
        const reading = this.#random.chance(0.7);
        phrases.rwsemLock(p, lock, reading);
        this.#inside(p, lock);
        phrases.rwsemUnlock(p, lock, reading);
        return;
      }
      case 'buffer':
        this.#buffer(p);
        return;
      case 'chain': {
        const lock = this.#pick(this.#locks.chain);
        const site = this.#random.pick(CHAIN_SITES);
        phrases.bitLock(p, lock, site);
        p.add(OP.pause, this.#hold());
        phrases.bitUnlock(p, lock, site);
        return;
      }
      case 'plain-words':
        this.#plainWords(p, cpu);
        return;
    }
  }

  /** A spinlock, with others taken inside it in ascending order. */
  #spin(p: Program, lock: number, nested: number): void {
    const irqs = this.#locks.irqSafe(lock);
    this.phrases.spinLock(p, lock, irqs);
    p.add(OP.pause, this.#hold(lock));
    if (nested > 0) {
      const inner = this.#above(lock, irqs);
      if (inner >= 0) this.#spin(p, inner, nested - 1);
    }
    this.phrases.spinUnlock(p, lock, irqs);
  }

  /** A spinlock after `lock` in the order of locks; one that is safe in interrupts where `irqs` asks for it. */
  #above(lock: number, irqs: boolean): number {
    const { spin } = this.#locks;
    const fits = (inner: number): boolean => !this.banned.has(inner) && (!irqs || this.#locks.irqSafe(inner));
    const end = spin.first + spin.count;
    for (let inner = lock + 1 + this.#random.int(8); inner < end; inner++) if (fits(inner)) return inner;
    return -1;
  }

  #inside(p: Program, lock: number): void {
    p.add(OP.pause, this.#hold(lock));
    if (this.#random.chance(0.5)) this.#spin(p, this.#pick(this.#locks.spin), 0);
  }

  /** The lock of a buffer, sometimes with a plain update of its word by the one who holds it. */
  #buffer(p: Program): void {
    const lock = this.#pick(this.#locks.buffer);
    this.phrases.finishBio(p, lock);
    if (this.#random.chance(0.3)) this.phrases.updateWord(p, lock, this.#random.chance(0.5));
    else p.add(OP.pause, this.#hold());
    this.phrases.finishBioEnd(p, lock);
  }

  /** Plain updates of words whose lock nobody ever takes. Each CPU has its own words. */
  #plainWords(p: Program, cpu: Cpu): void {
    const { buffer } = this.#locks;
    const from = plainFrom(buffer);
    const own = Math.floor((buffer.count - from) / this.#machine.cpus.length);
    if (own === 0) return;
    for (let i = 1 + this.#random.int(3); i > 0; i--) {
      const lock = buffer.first + from + cpu.id * own + this.#random.int(own);
      this.phrases.updateWord(p, lock, this.#random.chance(0.5));
    }
  }

  #pick(range: LockRange): number {
    for (;;) {
      const lock = range.first + this.#zipf[range.sort]!.sample(this.#random);
      if (!this.banned.has(lock)) return lock;
    }
  }

  /** A spinlock that no interrupt takes. */
  #plainSpin(): number {
    for (;;) {
      const lock = this.#pick(this.#locks.spin);
      if (!this.#locks.irqSafe(lock)) return lock;
    }
  }

  /** How long something is held, ns; `lock` where it may be one of a slow class. */
  #hold(lock?: number): number {
    const factor =
      lock === undefined || !this.#hasSlow ? 1 : (this.#options.slow[this.#locks.name(lock)] ?? 1);
    return (150 + this.#random.exponential(400)) * factor;
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
    return 8 * (cpu.id % Math.max(this.#locks.spin.count >> 3, 1)) + 3;
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
          const lock = this.#pick(this.#locks.buffer);
          phrases.finishBio(p, lock);
          p.add(OP.pause, this.#hold());
          phrases.finishBioEnd(p, lock);
        }
      }
    } else if (vector === SOFTIRQ.sched) {
      phrases.irqSave(p, SOFTIRQ_LOCK);
      phrases.runQueue(p);
      phrases.irqRestore(p, SOFTIRQ_UNLOCK);
    } else {
      phrases.annotate(p, 0, this.#hold());
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

/** Buffers from this index on are never locked, only updated. */
function plainFrom({ count }: LockRange): number {
  return Math.max(Math.floor(count * 0.75), 1);
}

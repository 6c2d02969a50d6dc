import { Program } from './program.ts';

/** One context with a place in a program: a task, or one interrupt on a CPU. */
export class Frame {
  /** Number of the frame, never 0: the owner's mark in locks. */
  readonly id: number;
  /** The task that this frame belongs to, null for interrupts. */
  readonly task: Task | null;
  readonly program = new Program();
  pc = 0;
  /** When the next step runs, Infinity while something else must happen first. */
  at = Infinity;
  /** The CPU that the frame spins on. */
  cpu: Cpu | null = null;
  /** The word read or left last. */
  word = 0;
  /** What was stored last. */
  value = 0;
  /** Saved interrupt states, the last one in bit 0. */
  saved = 0;
  /** The lock that somebody handed over to this waiter, -1 for none. */
  granted = -1;
  /** Waits as a reader. */
  reading = false;

  constructor(id: number, task: Task | null) {
    this.id = id;
    this.task = task;
  }
}

/** Writes the steps that a context shall take. */
export type Script = (program: Program, cpu: Cpu) => void;

export class Task {
  readonly pid: number;
  readonly comm: string;
  readonly frame: Frame;
  /** Where the task goes through the scheduler when an interrupt preempts it. */
  readonly resched: Frame;
  preempting = false;
  /** Preempt depth while the task does not run. */
  preempt = 0;
  running = false;
  /** Woken while still on its way out. */
  wakePending = false;
  cpu: number;
  wakeAt = 0;
  /** Its next transactions, given by a fault. */
  readonly scripts: Script[] = [];
  /** Stays on its CPU. */
  pinned = false;

  constructor(pid: number, comm: string, cpu: number, frameId: number) {
    this.pid = pid;
    this.comm = comm;
    this.cpu = cpu;
    this.frame = new Frame(frameId, this);
    this.resched = new Frame(frameId + 1, this);
  }
}

/** An interrupt that somebody ordered. */
export interface Injection {
  readonly at: number;
  readonly script: Script;
}

export class Cpu {
  readonly id: number;
  readonly idle: Task;
  task: Task;
  /** The task that comes next, between the switch event and the switch. */
  incoming: Task;
  /** When this CPU does its next step; the machine's heap is sorted by it. */
  next = Infinity;
  heapIndex = 0;

  irqsOff = false;
  hardirq = false;
  softirq = false;
  nmi = false;
  preempt = 1;
  needResched = false;
  /** No interrupt reaches it. */
  quiet = false;
  /** It will never do anything again. */
  stuck = false;

  /** Interrupts that are running, one inside the other. */
  readonly interrupts: Frame[] = [];
  depth = 0;

  /** Runnable tasks. */
  readonly queue: Task[] = [];
  /** Sleeping tasks, the next one to wake first. */
  readonly sleepers: Task[] = [];
  /** Tasks that this CPU has woken and whose wakeup events are to come. */
  readonly woken: Task[] = [];

  nextTick = Infinity;
  nextDevice = Infinity;
  ipiAt = Infinity;
  readonly injected: Injection[] = [];
  /** Ordered interrupts that come even with interrupts off. */
  readonly nmis: Injection[] = [];
  /** Raised softirqs, by bit. */
  pending = 0;
  /** What the next block softirq does instead of its usual work. */
  softScript: Script | null = null;
  /** Events recorded so far. */
  events = 0;

  constructor(id: number, idle: Task) {
    this.id = id;
    this.idle = idle;
    this.task = idle;
    this.incoming = idle;
  }

  /** Where the CPU is: an interrupt, or the task. */
  top(): Frame {
    if (this.depth > 0) return this.interrupts[this.depth - 1]!;
    return this.task.preempting ? this.task.resched : this.task.frame;
  }

  /** When the next ordinary interrupt is due. */
  interruptAt(): number {
    let at = this.nextTick < this.nextDevice ? this.nextTick : this.nextDevice;
    if (this.ipiAt < at) at = this.ipiAt;
    if (this.sleepers.length > 0 && this.sleepers[0]!.wakeAt < at) at = this.sleepers[0]!.wakeAt;
    if (this.injected.length > 0 && this.injected[0]!.at < at) at = this.injected[0]!.at;
    return at;
  }

  /** May an ordinary interrupt be delivered? */
  interruptible(): boolean {
    return !this.irqsOff && !this.hardirq && !this.quiet && !this.nmi;
  }
}

import { Random } from '../../base/random.ts';
import {
  EVENT_SPECS,
  TRACE_FLAG_HARDIRQ,
  TRACE_FLAG_IRQS_OFF,
  TRACE_FLAG_NEED_RESCHED,
  TRACE_FLAG_NMI,
  TRACE_FLAG_PREEMPT_RESCHED,
  TRACE_FLAG_SOFTIRQ,
  TraceEvent,
  type Sink,
} from '../events.ts';
import { Cpu, Frame, Task, type Injection, type Script } from './contexts.ts';
import { CpuHeap } from './cpu-heap.ts';
import { execute } from './execute.ts';
import { Locks } from './locks.ts';
import type { Program } from './program.ts';
import { Scheduler } from './scheduler.ts';

/** What the contexts of a machine do. */
export interface Behaviour {
  /** Creates the first tasks and interrupts, and says when each CPU's idle task begins. */
  populate(): void;
  /** The next thing that a task does. */
  transaction(program: Program, cpu: Cpu, task: Task): void;
  /** One round of the idle loop. */
  idle(program: Program, cpu: Cpu): void;
  timer(program: Program, cpu: Cpu): void;
  device(program: Program, cpu: Cpu): void;
  reschedule(program: Program, cpu: Cpu): void;
  softirqs(program: Program, cpu: Cpu): void;
  /** How a preempted task goes through the scheduler. */
  preempted(program: Program, cpu: Cpu): void;
  /** The first steps of a task that is new. */
  firstSteps(program: Program, cpu: Cpu): void;
  /** Task `task` is gone. */
  exited(cpu: Cpu, task: Task): void;
}

export interface MachineOptions {
  readonly cpus: number;
  readonly locks: number;
  /** Address of the first lock. */
  readonly slab: number;
  /** Time of the first event at the earliest, ns. */
  readonly startNs: number;
  /** Recorded trace systems ("irq") and events ("irq:softirq_raise"). */
  readonly systems: readonly string[];
  /** Share of wakeups that move the task to another CPU. */
  readonly migration: number;
  /** Name of the block device's interrupts, before the number of its queue. */
  readonly device: string;
}

/**
 * A machine of CPUs, tasks and locks, simulated one step of one CPU at a time in order of time. Locks exclude
 * each other in real time; what a tracepoint reports may come a little before or after, as in a kernel.
 */
export class Machine {
  readonly random: Random;
  readonly locks: Locks;
  readonly scheduler: Scheduler;
  readonly cpus: readonly Cpu[];
  readonly event = new TraceEvent();
  /** Console messages, by number. */
  readonly messages: string[] = [];
  /** When the parties of each fault met; number 0 is the beginning of the clock. */
  readonly meetings: number[] = [0];
  readonly #options: MachineOptions;
  readonly #heap: CpuHeap;
  readonly #recorded: Uint8Array;
  readonly #frames = new Map<number, Frame>();
  readonly #callbacks: ((time: number, cpu: Cpu) => void)[] = [];
  readonly #arrivals = new Map<number, { parties: number; frames: Frame[] }>();
  #behaviour: Behaviour | undefined;
  #sink: Sink;
  #frameIds = 1;
  now: number;
  /** Events recorded so far. */
  recorded = 0;

  constructor(options: MachineOptions, random: Random, sink: Sink) {
    this.#options = options;
    this.#sink = sink;
    this.random = random;
    this.now = options.startNs;
    this.scheduler = new Scheduler(this, options.migration);
    this.locks = new Locks(options.locks, options.cpus, options.slab);
    this.#recorded = Uint8Array.from(EVENT_SPECS, ({ system, name }) =>
      options.systems.includes(system) || options.systems.includes(`${system}:${name}`) ? 1 : 0,
    );
    this.cpus = Array.from(
      { length: options.cpus },
      (_, id) => new Cpu(id, this.#newTask(0, `swapper/${id}`, id)),
    );
    this.#heap = new CpuHeap(this.cpus);
  }

  get device(): string {
    return this.#options.device;
  }

  get behaviour(): Behaviour {
    return this.#behaviour!;
  }

  /** Gives the machine something to do; call it once, before the first step. */
  start(behaviour: Behaviour): void {
    this.#behaviour = behaviour;
    behaviour.populate();
    for (const cpu of this.cpus) {
      cpu.idle.running = true;
      cpu.idle.preempt = 1;
      this.refill(cpu, cpu.idle.frame);
      this.reschedule(cpu);
    }
  }

  /** When the next step happens, Infinity when nothing can happen any more. */
  get nextAt(): number {
    return this.#heap.first.next;
  }

  /** Does the next step of the machine. */
  step(): void {
    const cpu = this.#heap.first;
    this.now = cpu.next;
    if (cpu.nmis.length > 0 && cpu.nmis[0]!.at <= this.now) this.#interrupt(cpu, cpu.nmis.shift()!.script);
    else if (cpu.interruptible() && cpu.interruptAt() <= this.now) this.#interrupt(cpu, this.#cause(cpu));
    const frame = cpu.top();
    execute(this, cpu, frame);
    this.reschedule(cpu);
  }

  /** Puts a CPU in its place again after something changed for it. */
  reschedule(cpu: Cpu): void {
    let next = cpu.top().at;
    if (cpu.interruptible()) {
      const at = cpu.interruptAt();
      if (at < next) next = at;
    }
    if (cpu.nmis.length > 0 && cpu.nmis[0]!.at < next) next = cpu.nmis[0]!.at;
    cpu.next = next < this.now ? this.now : next;
    this.#heap.moved(cpu);
  }

  /** Writes the next steps of a context that has come to the end of its program. */
  refill(cpu: Cpu, frame: Frame): void {
    const { program, task } = frame;
    program.clear();
    frame.pc = 0;
    if (!task || frame === task.resched) throw new Error('an interrupt ran off its program');
    const script = task.scripts.shift();
    if (script) script(program, cpu);
    else if (task === cpu.idle) this.behaviour.idle(program, cpu);
    else this.behaviour.transaction(program, cpu, task);
    frame.at = Math.max(frame.at, this.now) + program.gap[0]!;
  }

  // ---- Interrupts ----

  #interrupt(cpu: Cpu, script: Script): void {
    const frame = (cpu.interrupts[cpu.depth] ??= this.#newFrame(null));
    cpu.depth++;
    frame.program.clear();
    frame.pc = 0;
    frame.saved = 0;
    frame.at = this.now;
    script(frame.program, cpu);
  }

  #cause(cpu: Cpu): Script {
    const { now, behaviour } = this;
    if (cpu.injected.length > 0 && cpu.injected[0]!.at <= now) return cpu.injected.shift()!.script;
    if (cpu.ipiAt <= now) {
      cpu.ipiAt = Infinity;
      return (program) => behaviour.reschedule(program, cpu);
    }
    if (cpu.nextDevice <= now) return (program) => behaviour.device(program, cpu);
    return (program) => behaviour.timer(program, cpu);
  }

  /** Orders an interrupt on a CPU at a time. */
  inject(cpu: Cpu, at: number, script: Script): void {
    insert(cpu.injected, { at: Math.round(at), script });
    this.reschedule(cpu);
  }

  /** Orders an NMI, which is delivered even with interrupts off. */
  injectNmi(cpu: Cpu, at: number, script: Script): void {
    insert(cpu.nmis, { at: Math.round(at), script });
    this.reschedule(cpu);
  }

  /** Leaves the innermost interrupt. */
  leaveInterrupt(cpu: Cpu): void {
    cpu.depth--;
    const { task } = cpu;
    const preempts =
      cpu.needResched && cpu.depth === 0 && cpu.preempt === 0 && !task.preempting && cpu.queue.length > 0;
    if (preempts) {
      task.preempting = true;
      const { resched } = task;
      resched.program.clear();
      resched.pc = 0;
      this.behaviour.preempted(resched.program, cpu);
      resched.at = this.now + 40;
      return;
    }
    const frame = cpu.top();
    if (frame.at < this.now + 20) frame.at = this.now + 20;
    // The idle loop waits in halt: an interrupt ends it.
    if (task === cpu.idle && cpu.depth === 0 && frame.at === Infinity) {
      frame.at = this.now + 60;
    }
  }

  // ---- Tasks ----

  #newFrame(task: Task | null): Frame {
    const frame = new Frame(this.#frameIds++, task);
    this.#frames.set(frame.id, frame);
    return frame;
  }

  #newTask(pid: number, comm: string, cpu: number): Task {
    const task = new Task(pid, comm, cpu, this.#frameIds);
    this.#frameIds += 2;
    this.#frames.set(task.frame.id, task.frame);
    return task;
  }

  /** A new task that is ready to run on a CPU. */
  spawn(pid: number, comm: string, cpu: Cpu): Task {
    const task = this.#newTask(pid, comm, cpu.id);
    task.preempt = 2;
    this.behaviour.firstSteps(task.frame.program, cpu);
    task.frame.at = this.now;
    this.scheduler.enqueue(task, cpu, null);
    return task;
  }

  retire(cpu: Cpu, task: Task): void {
    this.#frames.delete(task.frame.id);
    this.behaviour.exited(cpu, task);
  }

  /** Will some context that is under way do something with this lock? */
  mentions(lock: number): boolean {
    if (!this.locks.isFree(lock)) return true;
    for (const { program, pc } of this.#frames.values()) {
      if (program.a.subarray(pc, program.length).includes(lock)) return true;
    }
    return false;
  }

  // ---- Faults ----

  /** Registers a callback for marked steps and `call` steps, and returns its number. */
  callback(run: (time: number, cpu: Cpu) => void): number {
    return this.#callbacks.push(run);
  }

  called(number: number, cpu: Cpu): void {
    this.#callbacks[number - 1]!(this.now, cpu);
  }

  /** A meeting of `parties` contexts; returns its number for `barrier` and `until`. */
  meeting(parties: number): number {
    const number = this.meetings.push(Infinity) - 1;
    this.#arrivals.set(number, { parties, frames: [] });
    return number;
  }

  /** A context has come to a meeting; the last one sets it going. */
  arrive(number: number, frame: Frame, cpu: Cpu): void {
    const meeting = this.#arrivals.get(number)!;
    frame.cpu = cpu;
    frame.at = Infinity;
    meeting.frames.push(frame);
    if (meeting.frames.length < meeting.parties) return;
    this.meetings[number] = this.now + 2000;
    for (const party of meeting.frames) {
      party.at = this.meetings[number]!;
      this.reschedule(party.cpu!);
    }
  }

  /** A message for `console` steps; returns its number. */
  message(text: string): number {
    return this.messages.push(text) - 1;
  }

  // ---- Events ----

  /** Records an event of `cpu` now, if its system is recorded. */
  emit(cpu: Cpu, type: number, a = 0, b = 0, c = 0, d = 0, text = '', text2 = ''): void {
    if (this.#recorded[type] === 0) return;
    const { event } = this;
    event.time = this.now;
    event.cpu = cpu.id;
    event.pid = cpu.task.pid;
    event.comm = cpu.task.comm;
    event.flags =
      (cpu.irqsOff ? TRACE_FLAG_IRQS_OFF : 0) |
      (cpu.needResched ? TRACE_FLAG_NEED_RESCHED | TRACE_FLAG_PREEMPT_RESCHED : 0) |
      (cpu.hardirq || cpu.nmi ? TRACE_FLAG_HARDIRQ : 0) |
      (cpu.softirq ? TRACE_FLAG_SOFTIRQ : 0) |
      (cpu.nmi ? TRACE_FLAG_NMI : 0);
    event.preempt = cpu.preempt < 15 ? cpu.preempt : 15;
    event.type = type;
    event.a = a;
    event.b = b;
    event.c = c;
    event.d = d;
    event.text = text;
    event.text2 = text2;
    this.recorded++;
    cpu.events++;
    this.#sink.event(event);
  }
}

function insert(list: Injection[], injection: Injection): void {
  let at = list.length;
  while (at > 0 && list[at - 1]!.at > injection.at) at--;
  list.splice(at, 0, injection);
}

import { SpinbackError } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import type { Cpu, Script, Task } from '../machine/contexts.ts';
import type { LockRange } from '../machine/locks.ts';
import type { Machine } from '../machine/machine.ts';
import type { Phrases } from '../machine/phrases.ts';
import { OP, type Program } from '../machine/program.ts';
import { hexWord } from '../word64.ts';
import type { Workload } from '../workload.ts';

/** Who took part in a fault, and as what. */
export interface Actor {
  readonly role: string;
  /** Where it was when it did what was noted last: another fault that strands a CPU moves its tasks. */
  cpu: number;
  readonly pid: number;
  readonly comm: string;
}

/** What was put into a capture: the answer that an analysis must find. Times are decimal strings of ns. */
export interface Truth {
  readonly fault: string;
  /** Kind and cause of the finding that it deserves (src/model/report.ts); null: none. */
  readonly kind: string | null;
  readonly cause: string | null;
  lock: { namespace: string; address: string; bit: number | null; name: string | null } | null;
  readonly actors: Actor[];
  readonly times: Record<string, string>;
  /** Word values, hexadecimal, and counts. */
  readonly values: Record<string, string | number>;
}

interface Action {
  readonly at: number;
  readonly run: () => void;
}

/** One idle task per CPU has this pid. */
const IDLE = 0;
/** The skew for which the timelines of faults are made, ns. */
const USUAL_SKEW = 400;

/** What faults need to act on a running machine. */
export class Stage {
  readonly machine: Machine;
  readonly workload: Workload;
  readonly phrases: Phrases;
  readonly random: Random;
  /** Time of the trace's beginning and end, ns; the end may be unknown (Infinity). */
  readonly startNs: number;
  readonly endNs: number;
  /** Timelines of faults are stretched by this, so that they stay in order whatever the skew of events. */
  readonly scale: number;
  readonly #actions: Action[] = [];
  /** Locks that were given to faults: no two have the same. */
  readonly #used = new Set<number>();

  constructor(machine: Machine, workload: Workload, startNs: number, endNs: number, skewNs: number) {
    this.scale = Math.max(1, skewNs / USUAL_SKEW);
    this.machine = machine;
    this.workload = workload;
    this.phrases = workload.phrases;
    this.random = machine.random.fork();
    this.startNs = startNs;
    this.endNs = endNs;
  }

  /** Runs something at a time, between two steps of the machine. */
  at(time: number, run: () => void): void {
    let place = this.#actions.length;
    while (place > 0 && this.#actions[place - 1]!.at > time) place--;
    this.#actions.splice(place, 0, { at: time, run });
  }

  /** When the next such thing is due. */
  get nextAt(): number {
    return this.#actions[0]?.at ?? Infinity;
  }

  runNext(): void {
    const action = this.#actions.shift()!;
    this.machine.now = Math.max(this.machine.now, action.at);
    action.run();
  }

  /**
   * A CPU by number, or (-1) one that is not stuck; none of `besides`. Throws USAGE where there is none.
   */
  cpu(number: number, besides: readonly Cpu[] = []): Cpu {
    const { cpus } = this.machine;
    const fit = cpus.filter((cpu) => (number < 0 ? !cpu.stuck : cpu.id === number) && !besides.includes(cpu));
    if (fit.length > 0) return this.random.pick(fit);
    const which = number < 0 ? 'one more CPU' : `CPU ${number}`;
    throw new SpinbackError('USAGE', `a fault wants ${which}, and of ${cpus.length} CPUs none is left`);
  }

  /** Two different CPUs, each by number or -1. */
  twoCpus(first: number, second: number): [Cpu, Cpu] {
    if (first < 0) {
      const cpu = this.cpu(second);
      return [this.cpu(first, [cpu]), cpu];
    }
    const cpu = this.cpu(first);
    return [cpu, this.cpu(second, [cpu])];
  }

  /** A lock that nobody holds or is about to take; the load keeps away from it. */
  lock(range: LockRange): number {
    for (let rank = 2; rank < range.count; rank++) {
      const lock = range.first + rank;
      if (this.#used.has(lock) || this.machine.mentions(lock)) continue;
      this.#used.add(lock);
      this.workload.banned.add(lock);
      return lock;
    }
    throw new RangeError(`no free lock among ${range.count}`);
  }

  /** Lets some task of this CPU do something as soon as it can, and returns the task. */
  assign(cpu: Cpu, script: Script): Task {
    const free = (task: Task): boolean => task !== cpu.idle && !task.pinned;
    const found = cpu.sleepers.find(free) ?? cpu.queue.find(free) ?? [cpu.task].find(free);
    const task = found ?? this.workload.spawn(cpu, 'kworker/u8:3');
    this.give(task, script);
    return task;
  }

  /** Lets this task do something as soon as it can; it stays on its CPU from now on. */
  give(task: Task, script: Script): void {
    task.pinned = true;
    task.scripts.push(script);
    this.machine.scheduler.hurry(task);
  }

  /** Lets the next block softirq of this CPU do something, and raises it through the device's interrupt. */
  inSoftirq(cpu: Cpu, script: Script): void {
    cpu.softScript = script;
    this.machine.inject(cpu, this.machine.now, (p) => {
      this.phrases.irqEntry(p);
      this.workload.deviceBody(p, cpu);
      this.phrases.irqExit(p);
    });
  }

  /** This CPU will not do anything else for a while. */
  strand(cpu: Cpu): void {
    this.machine.scheduler.evacuate(cpu);
  }
}

/** A fault: it acts on the machine once its time has come, and knows what it did. */
export abstract class Fault {
  readonly truth: Truth;
  readonly stage: Stage;

  constructor(stage: Stage, fault: string, kind: string | null, cause: string | null) {
    this.stage = stage;
    this.truth = { fault, kind, cause, lock: null, actors: [], times: {}, values: {} };
  }

  /** Its time has come. */
  abstract begin(): void;

  /** Notes the time of the step added last under `name`; `then` runs right after it. */
  note(p: Program, name: string, then?: (time: number, cpu: Cpu) => void): void {
    this.noteAt(p, p.length - 1, name, then);
  }

  noteAt(p: Program, step: number, name: string, then?: (time: number, cpu: Cpu) => void): void {
    p.mark[step] = this.stage.machine.callback((time, cpu) => {
      this.truth.times[name] ??= String(time);
      const actor = this.truth.actors.find(({ pid }) => pid === cpu.task.pid && pid !== IDLE);
      if (actor) actor.cpu = cpu.id;
      then?.(time, cpu);
    });
  }

  actor(role: string, cpu: Cpu, task: Task): void {
    this.truth.actors.push({ role, cpu: cpu.id, pid: task.pid, comm: task.comm });
  }

  /** The step of a program that waits until `ns` after the parties of `meeting` met. */
  until(p: Program, meeting: number, ns: number): void {
    p.add(OP.until, 0, meeting, Math.round(ns * this.stage.scale));
  }

  /** Waits for the other parties, undisturbed. */
  meet(p: Program, meeting: number): void {
    p.add(OP.quiet, 0, 1);
    p.add(OP.barrier, 0, meeting);
  }

  /** The end of what meet() began. */
  part(p: Program): void {
    p.add(OP.quiet, 50, 0);
  }

  /** Assigns a role to a task of `cpu`. */
  play(role: string, cpu: Cpu, script: Script): void {
    this.actor(role, cpu, this.stage.assign(cpu, script));
  }

  bitLock(lock: number): void {
    const { locks } = this.stage.machine;
    this.truth.lock = {
      namespace: 'word',
      address: hexWord(locks.address(lock)),
      bit: locks.bit(lock),
      name: null,
    };
  }

  lockdepLock(lock: number): void {
    const { locks } = this.stage.machine;
    const address = hexWord(locks.map(lock));
    this.truth.lock = { namespace: 'lockdep', address, bit: null, name: locks.name(lock) };
  }
}

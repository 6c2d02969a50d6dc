import { E, STATE } from '../events.ts';
import { codeAddress, STEXT } from '../symbols.ts';
import { hasBit } from '../word64.ts';
import type { Cpu, Frame } from './contexts.ts';
import { ANNOTATIONS, type Locks } from './locks.ts';
import type { Machine } from './machine.ts';
import { OP, OWN_RUN_QUEUE } from './program.ts';

/** parent=0x0, as an offset from _stext that was cut to 32 bits. */
const NO_PARENT = -STEXT | 0;
const TIMER_FUNCTION = codeAddress('tick_nohz_handler', 0);
const TIMER_AT = 0x8d8;
const REPEAT_NS = 350;

/** Runs the steps of a context up to the next one that lies in the future. */
export function execute(machine: Machine, cpu: Cpu, frame: Frame): void {
  const { program } = frame;
  for (;;) {
    const at = frame.pc++;
    const goesOn = run(machine, cpu, frame, program.op[at]!, program.a[at]!, program.b[at]!);
    const mark = program.mark[at]!;
    if (mark !== 0) machine.called(mark, cpu);
    if (!goesOn) return;
    if (frame.pc >= program.length) {
      if (frame.task !== null && frame === frame.task.resched) endOfPreemption(machine, frame);
      else machine.refill(cpu, frame);
      return;
    }
    const gap = program.gap[frame.pc]!;
    frame.at = machine.now + gap;
    if (gap > 0) return;
  }
}

function endOfPreemption(machine: Machine, { task }: Frame): void {
  task!.preempting = false;
  if (task!.frame.at < machine.now + 20) task!.frame.at = machine.now + 20;
}

/** Does one step. False: the context waits, or is no longer where it was. */
function run(machine: Machine, cpu: Cpu, frame: Frame, op: number, operand: number, b: number): boolean {
  const { locks } = machine;
  const a = operand === OWN_RUN_QUEUE && op >= OP.attempt && op <= OP.unlock ? locks.runQueue(cpu.id) : operand;
  switch (op) {
    case OP.pause:
      return true;
    case OP.irqSave:
      frame.saved = (frame.saved << 1) | (cpu.irqsOff ? 1 : 0);
      if (!cpu.irqsOff) irqsOff(machine, cpu, a);
      return true;
    case OP.irqRestore:
      if ((frame.saved & 1) === 0) irqsOn(machine, cpu, a);
      frame.saved >>= 1;
      return true;
    case OP.irqOff:
      irqsOff(machine, cpu, a);
      return true;
    case OP.irqOn:
      irqsOn(machine, cpu, a);
      return true;
    case OP.preemptOff:
      if (cpu.preempt++ === 0 && !cpu.hardirq && !cpu.softirq) machine.emit(cpu, E.preemptDisable, a, NO_PARENT);
      return true;
    case OP.preemptOn:
      if (cpu.preempt === 1 && !cpu.hardirq && !cpu.softirq) machine.emit(cpu, E.preemptEnable, a, a);
      cpu.preempt--;
      return true;
    case OP.preemptBy:
      cpu.preempt += a;
      return true;

    case OP.attempt:
    case OP.lockContended:
    case OP.lockAcquired:
    case OP.lockRelease:
      machine.emit(cpu, LOCK_EVENTS[op]!, locks.map(a), b, 0, 0, locks.name(a));
      return true;
    case OP.contentionBegin:
      machine.emit(cpu, E.contentionBegin, locks.address(a), b);
      return true;
    case OP.contentionEnd:
      machine.emit(cpu, E.contentionEnd, locks.address(a), 0);
      return true;
    case OP.spinTry:
      if (locks.owner(a) === 0) {
        locks.setOwner(a, frame.id);
        frame.pc += b;
      }
      return true;
    case OP.spinWait:
      return spinWait(machine, cpu, frame, a);
    case OP.unlock:
      unlock(machine, cpu, a);
      return true;

    case OP.sleepTry:
      if (locks.owner(a) === 0) takeSleeping(locks, frame, a, false, b);
      return true;
    case OP.readTry:
      if (readable(locks, a)) takeSleeping(locks, frame, a, true, b);
      return true;
    case OP.block:
      block(locks, frame, a, false, b);
      return true;
    case OP.readBlock:
      block(locks, frame, a, true, b);
      return true;
    case OP.readUnlock:
      locks.setOwner(a, locks.owner(a) + 1);
      if (locks.owner(a) === 0) handOver(machine, cpu, a);
      return true;
    case OP.wakeup:
      return !showWakeup(machine, cpu) || repeat(machine, frame);

    case OP.bitAttempt:
      machine.emit(cpu, E.bitAcquire, locks.address(a), locks.bit(a), b);
      return true;
    case OP.bitTry:
      return bitTry(machine, frame, a, b);
    case OP.bitContended:
      machine.emit(cpu, E.bitContended, locks.address(a), locks.bit(a), b, locks.word(a));
      return true;
    case OP.bitWait:
      return bitWait(machine, cpu, frame, a);
    case OP.bitAcquired:
      machine.emit(cpu, E.bitAcquired, locks.address(a), locks.bit(a), b, frame.word);
      return true;
    case OP.bitUnlock:
      bitUnlock(machine, frame, a);
      return true;
    case OP.bitRelease:
      machine.emit(cpu, E.bitRelease, locks.address(a), locks.bit(a), b, frame.word);
      return true;
    case OP.bitForce:
      frame.word = locks.setBit(a, b === 1);
      return true;

    case OP.annotate:
      machine.emit(cpu, E.lockAcquire, ANNOTATIONS[a]![1], b, 0, 0, ANNOTATIONS[a]![0]);
      return true;
    case OP.annotateEnd:
      machine.emit(cpu, E.lockRelease, ANNOTATIONS[a]![1], 0, 0, 0, ANNOTATIONS[a]![0]);
      return true;

    case OP.load:
      frame.word = locks.word(a);
      return true;
    case OP.loaded:
      machine.emit(cpu, E.wordLoad, locks.address(a), frame.word);
      return true;
    case OP.store:
      frame.value = b >= 0 ? (frame.word | b) >>> 0 : (frame.word & ~-b) >>> 0;
      locks.setWord(a, frame.value);
      return true;
    case OP.stored:
      machine.emit(cpu, E.wordStore, locks.address(a), frame.word, frame.value);
      return true;

    case OP.switchEvent:
      switchEvent(machine, cpu, frame, a, b);
      return true;
    case OP.switchTo:
      switchTo(machine, cpu);
      return false;
    case OP.sleepUntil:
      machine.sleep(cpu.task, cpu, Math.max(a, machine.now + 1000));
      return true;
    case OP.taskExit:
      machine.emit(cpu, E.schedProcessExit, cpu.task.pid, 0, 0, 0, cpu.task.comm);
      return true;
    case OP.halt:
      if (cpu.queue.length > 0) return true;
      frame.at = Infinity;
      return false;

    case OP.hardirq:
      cpu.hardirq = a === 1;
      return true;
    case OP.softirq:
      cpu.softirq = a === 1;
      return true;
    case OP.nmi:
      cpu.nmi = a === 1;
      return true;
    case OP.irqReturn:
      irqsOn(machine, cpu, a);
      machine.leaveInterrupt(cpu);
      return false;
    case OP.nmiReturn:
      machine.leaveInterrupt(cpu);
      return false;
    case OP.doSoftirqs:
      if (cpu.pending !== 0 && !cpu.softirq) machine.behaviour.softirqs(frame.program, cpu);
      else frame.program.add(OP.irqReturn, 60, a);
      return true;
    case OP.wakeSleepers:
      return wakeSleeper(machine, cpu, frame);
    case OP.plain:
      machine.emit(cpu, a, b);
      return true;
    case OP.handlerEntry:
      machine.emit(cpu, E.irqHandlerEntry, a, 0, 0, 0, `virtio0-req.${b}`);
      return true;
    case OP.handlerExit:
      machine.emit(cpu, E.irqHandlerExit, a, 1);
      return true;
    case OP.raise:
      cpu.pending |= 1 << a;
      machine.emit(cpu, E.softirqRaise, a);
      return true;
    case OP.timerExpire:
      machine.emit(cpu, E.hrtimerExpireEntry, timerOf(machine, cpu), machine.now, TIMER_FUNCTION);
      return true;
    case OP.timerExpireEnd:
      machine.emit(cpu, E.hrtimerExpireExit, timerOf(machine, cpu));
      return true;

    case OP.console:
      machine.emit(cpu, E.console, 0, 0, 0, 0, machine.messages[a]);
      return true;
    case OP.barrier:
      machine.arrive(a, frame, cpu);
      return false;
    case OP.until:
      if (machine.now >= machine.meetings[a]! + b) return true;
      frame.pc--;
      frame.at = machine.meetings[a]! + b;
      return false;
    case OP.quiet:
      cpu.quiet = a === 1;
      return true;
    case OP.stuck:
      frame.pc--;
      frame.at = Infinity;
      return false;
    case OP.call:
      machine.called(a, cpu);
      return true;
    case OP.bitClear:
      locks.setWord(a, locks.word(a) & ~b);
      return true;
    case OP.jump:
      frame.pc += b;
      return true;
    default:
      throw new Error(`unknown step ${op}`);
  }
}

const LOCK_EVENTS: Readonly<Record<number, number>> = {
  [OP.attempt]: E.lockAcquire,
  [OP.lockContended]: E.lockContended,
  [OP.lockAcquired]: E.lockAcquired,
  [OP.lockRelease]: E.lockRelease,
};

function irqsOff(machine: Machine, cpu: Cpu, caller: number): void {
  cpu.irqsOff = true;
  machine.emit(cpu, E.irqDisable, caller, NO_PARENT);
}

function irqsOn(machine: Machine, cpu: Cpu, caller: number): void {
  machine.emit(cpu, E.irqEnable, caller, NO_PARENT);
  cpu.irqsOff = false;
}

function timerOf(machine: Machine, cpu: Cpu): number {
  return machine.locks.address(machine.locks.timerBase(cpu.id)) + TIMER_AT;
}

// ---- Spinning ----

function spinWait({ locks }: Machine, cpu: Cpu, frame: Frame, lock: number): boolean {
  if (frame.granted === lock) {
    frame.granted = -1;
    return true;
  }
  if (locks.owner(lock) === 0) {
    locks.setOwner(lock, frame.id);
    return true;
  }
  locks.queue(lock, frame);
  return wait(cpu, frame);
}

/** The frame stays at this step until somebody hands it what it waits for. */
function wait(cpu: Cpu, frame: Frame): boolean {
  frame.pc--;
  frame.at = Infinity;
  frame.cpu = cpu;
  return false;
}

/** The frame does this step once more, a little later. */
function repeat(machine: Machine, frame: Frame): boolean {
  frame.pc--;
  frame.at = machine.now + REPEAT_NS;
  return false;
}

function unlock(machine: Machine, cpu: Cpu, lock: number): void {
  const { locks } = machine;
  const sleeping = lock >= locks.mutex.first && lock < locks.buffer.first;
  locks.setOwner(lock, 0);
  if (sleeping) handOver(machine, cpu, lock);
  else grantSpinner(machine, lock);
}

function grantSpinner(machine: Machine, lock: number): Frame | undefined {
  const next = machine.locks.dequeue(lock);
  if (!next) return undefined;
  machine.locks.setOwner(lock, next.id);
  next.granted = lock;
  next.at = machine.now + 40 + machine.random.int(120);
  machine.reschedule(next.cpu!);
  return next;
}

// ---- Sleeping locks ----

function readable(locks: Locks, lock: number): boolean {
  return locks.owner(lock) <= 0 && !locks.waiters.has(lock);
}

function takeSleeping(locks: Locks, frame: Frame, lock: number, reading: boolean, skip: number): void {
  locks.setOwner(lock, reading ? locks.owner(lock) - 1 : frame.id);
  frame.pc += skip;
}

function block(locks: Locks, frame: Frame, lock: number, reading: boolean, skip: number): void {
  const free = reading ? readable(locks, lock) : locks.owner(lock) === 0;
  if (free) {
    takeSleeping(locks, frame, lock, reading, skip);
    return;
  }
  frame.reading = reading;
  locks.queue(lock, frame);
}

/** Gives a free sleeping lock to the next waiter, or to all readers at the front. */
function handOver(machine: Machine, cpu: Cpu, lock: number): void {
  const { locks } = machine;
  while (locks.waiters.has(lock)) {
    const reading = locks.waiters.get(lock)![0]!.reading;
    if (locks.owner(lock) !== 0 && !reading) return;
    const next = locks.dequeue(lock)!;
    locks.setOwner(lock, reading ? locks.owner(lock) - 1 : next.id);
    machine.wake(next.task!, cpu);
    if (!reading) return;
  }
}

// ---- Bit locks: whoever finds the bit clear has the lock ----

function bitTry({ locks }: Machine, frame: Frame, lock: number, skip: number): boolean {
  if (hasBit(locks.word(lock), locks.bit(lock))) return true;
  takeBit(locks, frame, lock);
  frame.pc += skip;
  return true;
}

function bitWait({ locks }: Machine, cpu: Cpu, frame: Frame, lock: number): boolean {
  if (frame.granted === lock) {
    frame.granted = -1;
    return true;
  }
  if (!hasBit(locks.word(lock), locks.bit(lock))) {
    takeBit(locks, frame, lock);
    return true;
  }
  locks.queue(lock, frame);
  return wait(cpu, frame);
}

function takeBit(locks: Locks, frame: Frame, lock: number): void {
  locks.setOwner(lock, frame.id);
  frame.word = locks.setBit(lock, true);
}

function bitUnlock(machine: Machine, frame: Frame, lock: number): void {
  const { locks } = machine;
  locks.setOwner(lock, 0);
  frame.word = locks.setBit(lock, false);
  const next = grantSpinner(machine, lock);
  if (next) next.word = locks.setBit(lock, true);
}

// ---- Scheduling ----

function switchEvent(machine: Machine, cpu: Cpu, frame: Frame, state: number, skip: number): void {
  const previous = cpu.task;
  cpu.needResched = false;
  let { incoming } = cpu;
  if (previous.wakePending && state !== STATE.preempted) {
    incoming = previous;
    previous.wakePending = false;
  } else {
    if (state === STATE.preempted) cpu.queue.push(previous);
    incoming = machine.pickNext(cpu);
  }
  cpu.incoming = incoming;
  if (incoming === previous) {
    frame.pc += skip;
    return;
  }
  machine.emit(cpu, E.schedSwitch, previous.pid, state, incoming.pid, 0, previous.comm, incoming.comm);
  if (state === STATE.dead) machine.retire(cpu, previous);
}

function switchTo(machine: Machine, cpu: Cpu): void {
  const { task: previous, incoming } = cpu;
  previous.preempt = cpu.preempt;
  previous.running = false;
  cpu.task = incoming;
  cpu.preempt = incoming.preempt;
  incoming.running = true;
  incoming.cpu = cpu.id;
  const frame = cpu.top();
  frame.at = machine.now + frame.program.gap[frame.pc]!;
  if (previous.wakePending) {
    previous.wakePending = false;
    machine.enqueue(previous, cpu, cpu);
  }
}

function wakeSleeper(machine: Machine, cpu: Cpu, frame: Frame): boolean {
  const first = cpu.sleepers[0];
  if (!first || first.wakeAt > machine.now) return true;
  cpu.sleepers.shift();
  machine.wake(first, cpu);
  showWakeup(machine, cpu);
  return repeat(machine, frame);
}

/** Shows the wakeup of one task that this CPU has woken; false: there was none. */
function showWakeup(machine: Machine, cpu: Cpu): boolean {
  const task = cpu.woken.shift();
  if (task) machine.emit(cpu, E.schedWakeup, task.pid, task.cpu, 0, 0, task.comm);
  return task !== undefined;
}

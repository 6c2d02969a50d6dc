import { E } from '../events.ts';
import { codeAddress, STEXT } from '../symbols.ts';
import type { Cpu, Frame } from './contexts.ts';
import { bitTry, bitUnlock, bitWait, block, readUnlock, sleepTry, spinWait, unlock } from './lock-steps.ts';
import { ANNOTATIONS } from './locks.ts';
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
  const { locks, scheduler } = machine;
  const a =
    operand === OWN_RUN_QUEUE && op >= OP.attempt && op <= OP.unlock ? locks.runQueue(cpu.id) : operand;
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
      if (cpu.preempt++ === 0 && !cpu.hardirq && !cpu.softirq)
        machine.emit(cpu, E.preemptDisable, a, NO_PARENT);
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
      sleepTry(locks, frame, a, false, b);
      return true;
    case OP.readTry:
      sleepTry(locks, frame, a, true, b);
      return true;
    case OP.block:
      block(locks, frame, a, false, b);
      return true;
    case OP.readBlock:
      block(locks, frame, a, true, b);
      return true;
    case OP.readUnlock:
      readUnlock(machine, cpu, a);
      return true;
    case OP.wakeup:
      return !scheduler.showWakeup(cpu) || repeat(machine, frame);

    case OP.bitAttempt:
      machine.emit(cpu, E.bitAcquire, locks.address(a), locks.bit(a), b);
      return true;
    case OP.bitTry:
      bitTry(locks, frame, a, b);
      return true;
    case OP.bitContended:
      machine.emit(cpu, E.bitContended, locks.address(a), locks.bit(a), b, frame.word);
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
      scheduler.switchEvent(cpu, frame, a, b);
      return true;
    case OP.switchTo:
      scheduler.switchTo(cpu);
      return false;
    case OP.sleepUntil:
      scheduler.sleep(cpu.task, cpu, Math.max(a, machine.now + 1000));
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
      return !scheduler.wakeSleeper(cpu) || repeat(machine, frame);
    case OP.plain:
      machine.emit(cpu, a, b);
      return true;
    case OP.handlerEntry:
      machine.emit(cpu, E.irqHandlerEntry, a, 0, 0, 0, `${machine.device}${b}`);
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

/** The frame does this step once more, a little later. */
function repeat(machine: Machine, frame: Frame): boolean {
  frame.pc--;
  frame.at = machine.now + REPEAT_NS;
  return false;
}

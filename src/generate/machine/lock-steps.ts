import { hasBit } from '../word64.ts';
import type { Cpu, Frame } from './contexts.ts';
import type { Locks } from './locks.ts';
import type { Machine } from './machine.ts';

// What steps do to locks. A function that returns a boolean says whether the context goes on (true) or waits.

// ---- Spinning ----

export function spinWait({ locks }: Machine, cpu: Cpu, frame: Frame, lock: number): boolean {
  if (wasGranted(frame, lock)) return true;
  if (locks.owner(lock) === 0) {
    locks.setOwner(lock, frame.id);
    return true;
  }
  locks.queue(lock, frame);
  return stay(cpu, frame);
}

function wasGranted(frame: Frame, lock: number): boolean {
  if (frame.granted !== lock) return false;
  frame.granted = -1;
  return true;
}

/** The frame stays at this step until somebody hands it what it waits for. */
function stay(cpu: Cpu, frame: Frame): boolean {
  frame.pc--;
  frame.at = Infinity;
  frame.cpu = cpu;
  return false;
}

/** Lets a lock go that is no bit lock. */
export function unlock(machine: Machine, cpu: Cpu, lock: number): void {
  const { locks } = machine;
  const sleeping = lock >= locks.mutex.first && lock < locks.buffer.first;
  locks.setOwner(lock, 0);
  if (sleeping) handOver(machine, cpu, lock);
  else grantSpinner(machine, lock);
}

/** Hands a lock to the CPU that has spun on it for longest. */
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

function available(locks: Locks, lock: number, reading: boolean): boolean {
  const owner = locks.owner(lock);
  return owner === 0 || (reading && owner < 0 && !locks.waiters.has(lock));
}

/** Takes the lock and skips some steps, if it is to be had. */
export function sleepTry(locks: Locks, frame: Frame, lock: number, reading: boolean, skip: number): boolean {
  if (!available(locks, lock, reading)) return false;
  locks.setOwner(lock, reading ? locks.owner(lock) - 1 : frame.id);
  frame.pc += skip;
  return true;
}

/** The same, or queues up; the steps that follow switch away then. */
export function block(locks: Locks, frame: Frame, lock: number, reading: boolean, skip: number): void {
  if (sleepTry(locks, frame, lock, reading, skip)) return;
  frame.reading = reading;
  locks.queue(lock, frame);
}

export function readUnlock(machine: Machine, cpu: Cpu, lock: number): void {
  const { locks } = machine;
  locks.setOwner(lock, locks.owner(lock) + 1);
  if (locks.owner(lock) === 0) handOver(machine, cpu, lock);
}

/** Gives a free sleeping lock to the next waiter, or to all readers at the front. */
function handOver(machine: Machine, cpu: Cpu, lock: number): void {
  const { locks } = machine;
  while (locks.waiters.has(lock)) {
    const { reading } = locks.waiters.get(lock)![0]!;
    if (locks.owner(lock) !== 0 && !reading) return;
    const next = locks.dequeue(lock)!;
    locks.setOwner(lock, reading ? locks.owner(lock) - 1 : next.id);
    machine.scheduler.wake(next.task!, cpu);
    if (!reading) return;
  }
}

// ---- Bit locks: whoever finds the bit clear has the lock ----

/** Takes the lock and skips some steps, or keeps the word as it was found. */
export function bitTry(locks: Locks, frame: Frame, lock: number, skip: number): boolean {
  frame.word = locks.word(lock);
  if (hasBit(frame.word, locks.bit(lock))) return false;
  locks.setOwner(lock, frame.id);
  frame.word = locks.setBit(lock, true);
  frame.pc += skip;
  return true;
}

export function bitWait({ locks }: Machine, cpu: Cpu, frame: Frame, lock: number): boolean {
  if (wasGranted(frame, lock) || bitTry(locks, frame, lock, 0)) return true;
  locks.queue(lock, frame);
  return stay(cpu, frame);
}

export function bitUnlock(machine: Machine, frame: Frame, lock: number): void {
  const { locks } = machine;
  locks.setOwner(lock, 0);
  frame.word = locks.setBit(lock, false);
  const next = grantSpinner(machine, lock);
  if (next) next.word = locks.setBit(lock, true);
}

import type { Random } from '../../base/random.ts';
import { STATE } from '../events.ts';
import { codeAddress, STEXT } from '../symbols.ts';
import { BH, type Locks } from './locks.ts';
import { OP, OWN_RUN_QUEUE, type Program } from './program.ts';

/** A caller as preemptirq events hold it: an offset from _stext. */
export function caller(name: string, offset: number): number {
  return codeAddress(name, offset) - STEXT;
}

const AT = {
  irqEntry: caller('irqentry_enter', 0x36),
  irqExit: caller('irqentry_exit', 0x46),
  syscall: caller('do_syscall_64', 0x1f),
  syscallOn: caller('do_syscall_64', 0x24),
  userMode: caller('syscall_exit_to_user_mode', 0x15),
  userModeOn: caller('syscall_exit_to_user_mode', 0xc6),
  softirqs: caller('handle_softirqs', 0xa6),
  softirqsEnd: caller('handle_softirqs', 0x27f),
  spinLock: caller('_raw_spin_lock', 0x13),
  spinLockIrq: caller('_raw_spin_lock_irqsave', 0x1b),
  spinUnlockIrq: caller('_raw_spin_unlock_irqrestore', 0x2d),
  preemptSub: caller('preempt_count_sub', 0x8e),
  schedule: caller('__schedule', 0x1a9),
  scheduled: caller('finish_task_switch', 0x166),
  scheduleOff: caller('schedule', 0x3e),
  idle: caller('do_idle', 0x4c),
  idleCall: caller('default_idle_call', 0x6c),
} as const;

export const CONTENTION = { spin: 1, read: 2, write: 4, mutex: 32 } as const;

/** Where a bit lock is taken and let go. */
export interface BitSite {
  readonly lock: number;
  readonly unlock: number;
}
export const FINISH_BIO: BitSite = {
  lock: codeAddress('ext4_finish_bio', 0x273),
  unlock: codeAddress('ext4_finish_bio', 0x21c),
};
export const CHAIN_SITES: readonly BitSite[] = [
  { lock: codeAddress('d_alloc_parallel', 0x174), unlock: codeAddress('d_alloc_parallel', 0x2f0) },
  { lock: codeAddress('__d_rehash', 0x23), unlock: codeAddress('__d_rehash', 0x4e) },
  { lock: codeAddress('__d_lookup_unhash', 0x4b), unlock: codeAddress('__d_lookup_unhash', 0x8c) },
  { lock: codeAddress('___d_drop', 0x39), unlock: codeAddress('___d_drop', 0x5e) },
];
const FINISH_BIO_OFF = caller('ext4_finish_bio', 0x17);
export const FINISH_BIO_ON = caller('ext4_finish_bio', 0x23a);

/**
 * The recurring sequences of kernel code, as steps. The orders of events are those of Linux 6.12 with lockdep
 * (kernel/locking/*.c, kernel/sched/core.c), as real captures show them.
 */
export class Phrases {
  readonly #random: Random;
  readonly #locks: Locks;
  /** How far an event may lie from what it reports, ns; 0: never. */
  readonly #skew: number;
  /** Every mutex_lock shows contention_begin and _end, contended or not (CONFIG_DEBUG_LOCK_ALLOC). */
  readonly debugMutex: boolean;

  constructor(random: Random, locks: Locks, skewNs: number, debugMutex: boolean) {
    this.#random = random;
    this.#locks = locks;
    this.#skew = skewNs;
    this.debugMutex = debugMutex;
  }

  /** A usual distance between two events, ns. */
  gap(): number {
    return 70 + (this.#random.u32() & 0xff);
  }

  /** A distance between what happens and its event, ns. */
  skew(): number {
    return this.#skew > 0 ? 1 + this.#random.int(this.#skew) : 0;
  }

  irqSave(p: Program, at: number): void {
    p.add(OP.irqSave, this.gap(), at);
  }

  irqRestore(p: Program, at: number): void {
    p.add(OP.irqRestore, this.gap(), at);
  }

  /** From user mode into the kernel, and back. */
  syscallEntry(p: Program): void {
    p.add(OP.irqSave, this.gap(), AT.syscall);
    p.add(OP.irqRestore, this.gap(), AT.syscallOn);
  }

  syscallExit(p: Program): void {
    p.add(OP.irqSave, this.gap(), AT.userMode);
    p.add(OP.irqRestore, this.gap(), AT.userModeOn);
  }

  annotate(p: Program, annotation: number, holdNs: number): void {
    p.add(OP.annotate, this.gap(), annotation, annotation === 1 ? 0 : 2);
    p.add(OP.annotateEnd, holdNs, annotation);
  }

  // ---- Spinlocks ----

  /** spin_lock, or spin_lock_irqsave; `lock` may be OWN_RUN_QUEUE. */
  spinLock(p: Program, lock: number, irqs: boolean): void {
    if (irqs) p.add(OP.irqSave, this.gap(), AT.spinLockIrq);
    p.add(OP.preemptOff, this.gap(), AT.spinLock);
    this.takeSpin(p, lock);
  }

  /** The taking itself, without interrupts and preemption. */
  takeSpin(p: Program, lock: number): void {
    p.add(OP.attempt, this.gap(), lock);
    const attempt = p.add(OP.spinTry, this.gap(), lock);
    p.add(OP.lockContended, this.gap(), lock);
    // The second in the queue spins without an event (the pending bit of queued spinlocks).
    const silent = this.#random.chance(0.3);
    if (!silent) p.add(OP.contentionBegin, this.gap(), lock, CONTENTION.spin);
    p.add(OP.spinWait, 20, lock);
    if (!silent) p.add(OP.contentionEnd, 30, lock);
    p.skipToEnd(attempt);
    p.add(OP.lockAcquired, this.skew() && 10 + this.#random.int(30), lock);
  }

  /** spin_trylock and, where that succeeds, spin_unlock; a failed attempt shows nothing. */
  trySpin(p: Program, lock: number, holdNs: number): void {
    p.add(OP.preemptOff, this.gap(), AT.spinLock);
    p.add(OP.spinTry, this.gap(), lock, 1);
    const failed = p.add(OP.jump, 0);
    p.add(OP.attempt, this.skew() && 20, lock, 1);
    p.add(OP.lockRelease, holdNs, lock);
    p.add(OP.unlock, this.skew(), lock);
    p.skipToEnd(failed);
    p.add(OP.preemptOn, this.gap(), AT.preemptSub);
  }

  spinUnlock(p: Program, lock: number, irqs: boolean): void {
    p.add(OP.lockRelease, this.gap(), lock);
    p.add(OP.unlock, this.skew(), lock);
    if (irqs) p.add(OP.irqRestore, this.gap(), AT.spinUnlockIrq);
    p.add(OP.preemptOn, this.gap(), AT.preemptSub);
  }

  // ---- Sleeping locks ----

  mutexLock(p: Program, lock: number): void {
    p.add(OP.attempt, this.gap(), lock);
    if (this.debugMutex) p.add(OP.contentionBegin, this.gap(), lock, CONTENTION.spin | CONTENTION.mutex);
    const attempt = p.add(OP.sleepTry, this.gap(), lock);
    p.add(OP.lockContended, this.gap(), lock);
    p.add(OP.contentionBegin, this.gap(), lock, CONTENTION.mutex);
    const block = p.add(OP.block, this.gap(), lock);
    this.schedule(p, STATE.blocked);
    p.skipToEnd(attempt);
    p.skipToEnd(block);
    p.add(OP.lockAcquired, this.skew() && 30, lock);
    if (this.debugMutex) p.add(OP.contentionEnd, this.gap(), lock);
  }

  mutexUnlock(p: Program, lock: number): void {
    p.add(OP.lockRelease, this.gap(), lock);
    p.add(OP.unlock, this.skew(), lock);
    p.add(OP.wakeup, 80);
  }

  rwsemLock(p: Program, lock: number, reading: boolean): void {
    p.add(OP.attempt, this.gap(), lock, reading ? 2 : 0);
    const attempt = p.add(reading ? OP.readTry : OP.sleepTry, this.gap(), lock);
    p.add(OP.lockContended, this.gap(), lock);
    p.add(OP.contentionBegin, this.gap(), lock, reading ? CONTENTION.read : CONTENTION.write);
    const block = p.add(reading ? OP.readBlock : OP.block, this.gap(), lock);
    this.schedule(p, STATE.blocked);
    p.skipToEnd(block);
    p.add(OP.contentionEnd, this.gap(), lock);
    p.skipToEnd(attempt);
    p.add(OP.lockAcquired, this.skew() && 30, lock);
  }

  rwsemUnlock(p: Program, lock: number, reading: boolean): void {
    p.add(OP.lockRelease, this.gap(), lock);
    p.add(reading ? OP.readUnlock : OP.unlock, this.skew(), lock);
    p.add(OP.wakeup, 80);
  }

  // ---- Bit locks ----

  /** bit_spin_lock as the patched kernel shows it. */
  bitLock(p: Program, lock: number, site: BitSite): void {
    p.add(OP.bitAttempt, this.gap(), lock, site.lock);
    p.add(OP.preemptOff, this.gap(), AT.preemptSub);
    const attempt = p.add(OP.bitTry, this.gap(), lock);
    p.add(OP.bitContended, this.gap(), lock, site.lock);
    p.add(OP.bitWait, 20, lock);
    p.skipToEnd(attempt);
    p.add(OP.bitAcquired, this.skew() && 20 + this.#random.int(60), lock, site.lock);
  }

  bitUnlock(p: Program, lock: number, site: BitSite): void {
    p.add(OP.bitUnlock, this.gap(), lock);
    p.add(OP.bitRelease, this.skew(), lock, site.unlock);
    p.add(OP.preemptOn, this.gap(), AT.preemptSub);
  }

  /** The beginning of the locked loop in ext4_finish_bio, interrupts off. */
  finishBio(p: Program, lock: number): void {
    p.add(OP.irqSave, this.gap(), FINISH_BIO_OFF);
    this.bitLock(p, lock, FINISH_BIO);
  }

  finishBioEnd(p: Program, lock: number): void {
    this.bitUnlock(p, lock, FINISH_BIO);
    p.add(OP.irqRestore, this.gap(), FINISH_BIO_ON);
  }

  /** A plain load and store of a buffer's word that sets or clears BH_Async_Write. */
  updateWord(p: Program, lock: number, set: boolean): void {
    p.add(OP.load, this.gap(), lock);
    p.add(OP.loaded, this.skew(), lock);
    p.add(OP.store, this.gap(), lock, set ? BH.asyncWrite : -BH.asyncWrite);
    p.add(OP.stored, this.skew(), lock);
  }

  // ---- Scheduler ----

  /** schedule(): another task runs, and this one goes on here when it is its turn again. */
  schedule(p: Program, state: number): void {
    p.add(OP.preemptOff, this.gap(), AT.scheduleOff);
    p.add(OP.irqSave, this.gap(), AT.schedule);
    p.add(OP.preemptBy, 0, 1);
    this.takeSpin(p, OWN_RUN_QUEUE);
    const event = p.add(OP.switchEvent, this.gap() * 3, state);
    p.add(OP.lockRelease, this.gap(), OWN_RUN_QUEUE);
    p.add(OP.switchTo, this.gap());
    p.add(OP.attempt, this.gap(), OWN_RUN_QUEUE);
    p.skipToEnd(event);
    this.scheduled(p);
  }

  /** The end of schedule(), in the task that runs now. */
  scheduled(p: Program): void {
    p.add(OP.lockRelease, this.gap(), OWN_RUN_QUEUE);
    p.add(OP.unlock, this.skew(), OWN_RUN_QUEUE);
    p.add(OP.preemptBy, 0, -1);
    p.add(OP.irqRestore, this.gap(), AT.scheduled);
    p.add(OP.preemptOn, this.gap(), AT.preemptSub);
  }

  firstSteps(p: Program): void {
    p.add(OP.attempt, this.gap(), OWN_RUN_QUEUE);
    this.scheduled(p);
  }

  idleHalt(p: Program): void {
    p.add(OP.irqSave, this.gap(), AT.idle);
    p.add(OP.irqRestore, this.gap(), AT.idleCall);
    p.add(OP.halt, 10);
    p.add(OP.pause, 0);
  }

  idleSchedule(p: Program): void {
    p.add(OP.irqSave, this.gap(), AT.schedule);
    p.add(OP.preemptBy, 0, 1);
    this.takeSpin(p, OWN_RUN_QUEUE);
    const event = p.add(OP.switchEvent, this.gap() * 3, STATE.running);
    p.add(OP.lockRelease, this.gap(), OWN_RUN_QUEUE);
    p.add(OP.switchTo, this.gap());
    p.add(OP.attempt, this.gap(), OWN_RUN_QUEUE);
    p.skipToEnd(event);
    p.add(OP.lockRelease, this.gap(), OWN_RUN_QUEUE);
    p.add(OP.unlock, this.skew(), OWN_RUN_QUEUE);
    p.add(OP.preemptBy, 0, -1);
    p.add(OP.irqRestore, this.gap(), AT.scheduled);
  }

  // ---- Interrupts ----

  /** Into the hard interrupt. */
  irqEntry(p: Program): void {
    p.add(OP.irqSave, 0, AT.irqEntry);
    p.add(OP.hardirq, this.gap(), 1);
  }

  /** Out of it, through the softirqs that were raised. */
  irqExit(p: Program): void {
    p.add(OP.hardirq, this.gap(), 0);
    p.add(OP.doSoftirqs, 0, AT.irqExit);
  }

  softirqsEntry(p: Program): void {
    p.add(OP.softirq, this.gap(), 1);
    p.add(OP.irqOn, this.gap(), AT.softirqs);
  }

  softirqsExit(p: Program): void {
    p.add(OP.irqOff, this.gap(), AT.softirqsEnd);
    p.add(OP.softirq, 0, 0);
    p.add(OP.doSoftirqs, this.gap(), AT.irqExit);
  }

  /** The lock of this CPU's timers, taken by its timer interrupt only. */
  timerBase(p: Program, cpu: number): void {
    const lock = this.#locks.timerBase(cpu);
    p.add(OP.preemptBy, 0, 1);
    this.takeSpin(p, lock);
    p.add(OP.lockRelease, this.gap(), lock);
    p.add(OP.unlock, this.skew(), lock);
    p.add(OP.preemptBy, 0, -1);
  }

  /** The run queue's lock, taken in an interrupt. */
  runQueue(p: Program): void {
    p.add(OP.preemptBy, 0, 1);
    this.takeSpin(p, OWN_RUN_QUEUE);
    p.add(OP.lockRelease, this.gap(), OWN_RUN_QUEUE);
    p.add(OP.unlock, this.skew(), OWN_RUN_QUEUE);
    p.add(OP.preemptBy, 0, -1);
  }
}

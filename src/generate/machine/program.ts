/**
 * What a context of the machine does next: a short list of small steps, written by the workload and by faults,
 * read by machine/execute.ts. Every step emits at most one event. The operands are in the comments.
 */
export const OP = {
  pause: 0,
  /** Saves the interrupt state and switches interrupts off. a: caller. */
  irqSave: 1,
  /** Back to the state saved last. a: caller. */
  irqRestore: 2,
  irqOff: 3,
  irqOn: 4,
  /** a: caller */
  preemptOff: 5,
  preemptOn: 6,
  /** Changes the preempt depth by a, without an event. */
  preemptBy: 7,

  // From `attempt` to `unlock`, lock a may be OWN_RUN_QUEUE.
  /** lock_acquire. a: lock, b: flags (1 try, 2 read). */
  attempt: 8,
  /** Takes lock a if it is free and goes on b steps further. */
  spinTry: 9,
  lockContended: 10,
  /** contention_begin. a: lock, b: flags. */
  contentionBegin: 11,
  contentionEnd: 12,
  /** Spins until lock a is ours. */
  spinWait: 13,
  lockAcquired: 14,
  lockRelease: 15,
  /** Lets lock a go; no event. */
  unlock: 16,

  /** Takes the sleeping lock a and goes on b steps further, if that can be had at once. */
  sleepTry: 17,
  /** The same for a reader. */
  readTry: 18,
  /** Queues up for lock a, or takes it and goes on b steps further; the steps that follow switch away. */
  block: 19,
  readBlock: 20,
  readUnlock: 21,
  /** sched_wakeup for the task that the last unlock woke, if any. */
  wakeup: 22,

  /** bit_spin_acquire. a: lock, b: ip. */
  bitAttempt: 23,
  bitTry: 24,
  bitContended: 25,
  bitWait: 26,
  bitAcquired: 27,
  bitUnlock: 28,
  bitRelease: 29,
  /** Sets (b = 1) or clears (b = 0) the bit of lock a; nobody records it. */
  bitForce: 30,

  /** lock_acquire and lock_release of an annotation that is no lock. a: annotation, b: flags. */
  annotate: 31,
  annotateEnd: 32,

  /** Reads the word of bit lock a. */
  load: 33,
  loaded: 34,
  /** Writes what was read, with the bits of b set, or with those of -b cleared. */
  store: 35,
  stored: 36,

  /** Chooses the next task. a: state of the previous one, b: steps to skip when nothing changes. */
  switchEvent: 37,
  switchTo: 38,
  /** The running task wants to be woken at time a. */
  sleepUntil: 39,
  taskExit: 40,
  halt: 41,

  /** a: 1 enters, 0 leaves. */
  hardirq: 42,
  softirq: 43,
  nmi: 44,
  irqReturn: 45,
  nmiReturn: 46,
  doSoftirqs: 47,
  /** Wakes one sleeper whose time has come, and repeats. */
  wakeSleepers: 48,
  /** An event of type a with operand b and no effect. */
  plain: 49,
  /** a: irq, b: ret or name */
  handlerEntry: 50,
  handlerExit: 51,
  raise: 52,
  timerExpire: 53,
  timerExpireEnd: 54,

  /** A console message. a: number of the message. */
  console: 55,
  /** Waits for the other parties of fault a. b: own role. */
  barrier: 56,
  /** Waits until b ns after the moment that fault a's parties met. */
  until: 57,
  /** a: 1 no interrupt reaches this CPU, 0 normal. */
  quiet: 58,
  /** Never goes on. */
  stuck: 59,
  /** Goes on b steps further. */
  jump: 60,
  /** Clears the bits of b in the word of bit lock a, atomically; nobody records it. */
  bitClear: 61,
} as const;

/** Operand of a lock step that means this CPU's own run queue lock. */
export const OWN_RUN_QUEUE = -1;

/** The meeting at time 0: `until` steps that refer to it wait for an absolute time. */
export const ABSOLUTE = 0;

/** A growing list of steps. Cleared and written again for every transaction: no allocation per event. */
export class Program {
  op = new Uint8Array(64);
  /** Nanoseconds between the step before and this one. */
  gap = new Float64Array(64);
  a = new Float64Array(64);
  b = new Float64Array(64);
  /** Number of a callback that learns when the step ran, 0 for none. */
  mark = new Uint16Array(64);
  length = 0;

  clear(): void {
    this.length = 0;
  }

  /** Appends a step and returns its place. */
  add(op: number, gap: number, a = 0, b = 0): number {
    const at = this.length++;
    if (at === this.op.length) this.#grow();
    this.op[at] = op;
    this.gap[at] = Math.round(gap);
    this.a[at] = a;
    this.b[at] = b;
    this.mark[at] = 0;
    return at;
  }

  /** Marks the last step: callback `number` is told when it has run. */
  marked(number: number): this {
    this.mark[this.length - 1] = number;
    return this;
  }

  /** Makes the step at `from` go on behind the step added last. */
  skipToEnd(from: number): void {
    this.b[from] = this.length - from - 1;
  }

  #grow(): void {
    const size = this.op.length * 2;
    const wider = <T extends Uint8Array | Uint16Array | Float64Array>(old: T, fresh: T): T => {
      fresh.set(old);
      return fresh;
    };
    this.op = wider(this.op, new Uint8Array(size));
    this.gap = wider(this.gap, new Float64Array(size));
    this.a = wider(this.a, new Float64Array(size));
    this.b = wider(this.b, new Float64Array(size));
    this.mark = wider(this.mark, new Uint16Array(size));
  }
}

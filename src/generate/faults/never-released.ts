import { STATE } from '../events.ts';
import type { Cpu } from '../machine/contexts.ts';
import { BH } from '../machine/locks.ts';
import { FINISH_BIO, FINISH_BIO_ON } from '../machine/phrases.ts';
import { OP, type Program } from '../machine/program.ts';
import { print } from './lockup-report.ts';
import type { Settings, Values } from './settings.ts';
import { Fault, type Stage } from './stage.ts';
import { VICTIM_SETTINGS, VictimFault } from './victim.ts';

const HOLDER: Settings = {
  holder: { type: 'number', default: -1, help: 'CPU that takes the lock (-1: any)' },
};

export const MISSING_UNLOCK_SETTINGS: Settings = {
  ...HOLDER,
  how: {
    type: ['return', 'exit', 'context'],
    default: 'return',
    help: 'the holder returns early, returns and exits, or is a softirq that ends',
  },
  ...VICTIM_SETTINGS,
};

/** A function that takes a bit lock and forgets to let it go. */
export class MissingUnlock extends VictimFault {
  constructor(stage: Stage, values: Values) {
    super(stage, values, 'missing-unlock', 'missing-unlock');
  }

  begin(): void {
    const { stage, values } = this;
    const { machine, phrases } = stage;
    const lock = stage.lock(machine.locks.buffer);
    this.bitLock(lock);
    const cpu = stage.cpu(values.number('holder'));
    const taken = (p: Program): void => {
      this.note(p, 'acquire', (time) => this.awaitVictims(lock, time, [cpu]));
      p.add(OP.pause, 600);
    };
    const how = values.word('how');
    if (how === 'context') {
      stage.inSoftirq(cpu, (p) => {
        this.actor('holder', cpu, cpu.task);
        phrases.finishBio(p, lock);
        taken(p);
        phrases.irqRestore(p, FINISH_BIO_ON);
        // The softirq core notices and repairs the preempt count (handle_softirqs, Linux 6.12).
        p.add(OP.preemptBy, 0, -1);
        const counts = 'with preempt_count 00000100, exited with 00000101?';
        print(stage, p, [`huh, entered softirq 4 BLOCK blk_done_softirq ${counts}`]);
      });
      return;
    }
    this.play('holder', cpu, (p, at) => {
      phrases.syscallEntry(p);
      phrases.bitLock(p, lock, FINISH_BIO);
      taken(p);
      this.#noticed(p, at);
      if (how === 'exit') p.add(OP.taskExit, 400);
      if (how === 'exit') this.note(p, 'exit');
      phrases.schedule(p, how === 'exit' ? STATE.dead : STATE.preempted);
    });
  }

  /** The scheduler notices the preempt count that the lock left behind, and repairs it. */
  #noticed(p: Program, { task }: Cpu): void {
    p.add(OP.preemptBy, 300, 1);
    print(this.stage, p, [`BUG: scheduling while atomic: ${task.comm}/${task.pid}/0x00000002`]);
    p.add(OP.preemptBy, 10, -2);
  }
}

export const UNKNOWN_SETTER_SETTINGS: Settings = VICTIM_SETTINGS;

/** The bit is set and nobody who is recorded set it. */
export class UnknownSetter extends VictimFault {
  constructor(stage: Stage, values: Values) {
    super(stage, values, 'unknown-setter', 'unknown-setter');
  }

  begin(): void {
    const { stage } = this;
    const { machine } = stage;
    const lock = stage.lock(machine.locks.buffer);
    this.bitLock(lock);
    // A healthy take and release first, so that the lock is known to be free.
    this.play('lastOwner', stage.cpu(-1), (p) => {
      stage.phrases.finishBio(p, lock);
      this.note(p, 'lastAcquire');
      stage.phrases.finishBioEnd(p, lock);
      this.noteAt(p, p.length - 3, 'lastRelease');
      p.add(OP.bitForce, 30_000, lock, 1);
      this.note(p, 'set', (time) => this.awaitVictims(lock, time, []));
    });
  }
}

export const HELD_AT_END_SETTINGS: Settings = {
  ...HOLDER,
  waiter: { type: 'number', default: -1, help: 'CPU that waits (-1: any)' },
  before: {
    type: 'duration',
    default: 3e9,
    help: 'how long before the end of the trace the holder takes the lock',
  },
  delay: { type: 'duration', default: 2e6, help: 'from the take to the waiter' },
};

export const SLOW_HOLDER_SETTINGS: Settings = {
  ...HOLDER,
  waiter: { type: 'number', default: -1, help: 'CPU that waits (-1: any)' },
  for: { type: 'duration', default: 3e9, help: 'how long the holder holds the lock' },
  delay: { type: 'duration', default: 2e6, help: 'from the take to the waiter' },
};

/** A holder that holds a bit lock for long while a CPU waits for it with interrupts off. */
export class LongHold extends Fault {
  readonly #values: Values;
  readonly #forNs: number;

  /** `forNs`: how long, Infinity for ever. */
  constructor(stage: Stage, values: Values, fault: string, cause: string, forNs: number) {
    super(stage, fault, forNs < Infinity ? 'irq-off-spin' : 'never-released', cause);
    this.#values = values;
    this.#forNs = forNs;
  }

  begin(): void {
    const { stage } = this;
    const { machine, phrases } = stage;
    const lock = stage.lock(machine.locks.buffer);
    machine.locks.setWord(lock, BH.uptodate | BH.mapped | BH.asyncWrite);
    this.bitLock(lock);
    const values = this.#values;
    const [holder, waiter] = stage.twoCpus(values.number('holder'), values.number('waiter'));
    this.play('holder', holder, (p) => {
      phrases.syscallEntry(p);
      phrases.bitLock(p, lock, FINISH_BIO);
      this.note(p, 'acquire', (time) => {
        stage.strand(holder);
        stage.at(time + this.#values.number('delay'), () => this.#wait(lock, waiter));
      });
      if (this.#forNs === Infinity) p.add(OP.stuck, 1000);
      p.add(OP.pause, this.#forNs === Infinity ? 0 : this.#forNs);
      phrases.bitUnlock(p, lock, FINISH_BIO);
      this.noteAt(p, p.length - 2, 'release', () => (holder.stuck = false));
    });
  }

  #wait(lock: number, waiter: Cpu): void {
    const { stage } = this;
    this.play('waiter', waiter, (p) => {
      stage.phrases.finishBio(p, lock);
      this.noteAt(p, 0, 'irqsOff');
      this.noteAt(p, 1, 'attempt');
      this.noteAt(p, p.length - 3, 'contended', (time) => stage.at(time, () => stage.strand(waiter)));
      this.note(p, 'acquired', () => (waiter.stuck = false));
      stage.phrases.finishBioEnd(p, lock);
      this.note(p, 'irqsOn', () => stage.workload.banned.delete(lock));
    });
  }
}

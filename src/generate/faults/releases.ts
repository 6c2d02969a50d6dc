import { FINISH_BIO } from '../machine/phrases.ts';
import { OP } from '../machine/program.ts';
import type { Settings, Values } from './settings.ts';
import { Fault, type Stage } from './stage.ts';

export const DOUBLE_RELEASE_SETTINGS: Settings = {
  cpu: { type: 'number', default: -1, help: 'CPU that it happens on (-1: any)' },
  sort: { type: ['bit', 'spin'], default: 'bit', help: 'a bit lock, or a spinlock of lockdep' },
};

/** A lock that is let go twice. */
export class DoubleRelease extends Fault {
  readonly #values: Values;

  constructor(stage: Stage, values: Values) {
    super(stage, 'double-release', 'double-release', null);
    this.#values = values;
  }

  begin(): void {
    const { stage } = this;
    const { machine, phrases } = stage;
    const bits = this.#values.word('sort') === 'bit';
    const lock = stage.lock(bits ? machine.locks.buffer : machine.locks.spin);
    if (bits) this.bitLock(lock);
    else this.lockdepLock(lock);
    this.play('culprit', stage.cpu(this.#values.number('cpu')), (p) => {
      phrases.syscallEntry(p);
      if (bits) phrases.bitLock(p, lock, FINISH_BIO);
      else phrases.spinLock(p, lock, false);
      this.note(p, 'acquire');
      const end = p.length;
      if (bits) phrases.bitUnlock(p, lock, FINISH_BIO);
      else phrases.spinUnlock(p, lock, false);
      this.noteAt(p, bits ? end + 1 : end, 'release');
      // Once more; the preempt count has already come down.
      if (bits) p.add(OP.bitUnlock, 900, lock);
      p.add(bits ? OP.bitRelease : OP.lockRelease, 900, lock, bits ? FINISH_BIO.unlock : 0);
      this.note(p, 'secondRelease', () => stage.workload.banned.delete(lock));
      phrases.syscallExit(p);
    });
  }
}

export const FOREIGN_RELEASE_SETTINGS: Settings = {
  owner: { type: 'number', default: -1, help: 'CPU that takes the lock (-1: any)' },
  other: { type: 'number', default: -1, help: 'CPU that lets it go (-1: any)' },
  sort: { type: ['bit', 'mutex'], default: 'bit', help: 'a bit lock, or a mutex' },
};

/** A lock that another task lets go than the one that took it. */
export class ForeignRelease extends Fault {
  readonly #values: Values;

  constructor(stage: Stage, values: Values) {
    super(stage, 'foreign-release', 'foreign-release', null);
    this.#values = values;
  }

  begin(): void {
    const { stage } = this;
    const { machine, phrases } = stage;
    const bits = this.#values.word('sort') === 'bit';
    const lock = stage.lock(bits ? machine.locks.buffer : machine.locks.mutex);
    if (bits) this.bitLock(lock);
    else this.lockdepLock(lock);
    const meeting = machine.meeting(2);
    const values = this.#values;
    const [owner, other] = stage.twoCpus(values.number('owner'), values.number('other'));
    this.play('owner', owner, (p) => {
      this.meet(p, meeting);
      if (bits) phrases.bitLock(p, lock, FINISH_BIO);
      else phrases.mutexLock(p, lock);
      this.noteAt(p, bits || !phrases.debugMutex ? p.length - 1 : p.length - 2, 'acquire');
      // The bit lock leaves a preempt count behind, which the other task's unlock takes off its own.
      if (bits) p.add(OP.preemptBy, 700, -1);
      this.until(p, meeting, 20_000);
      this.part(p);
    });
    this.play('other', other, (p) => {
      this.meet(p, meeting);
      this.until(p, meeting, 10_000);
      if (bits) p.add(OP.preemptBy, 0, 1);
      const start = p.length;
      if (bits) phrases.bitUnlock(p, lock, FINISH_BIO);
      else phrases.mutexUnlock(p, lock);
      this.noteAt(p, bits ? start + 1 : start, 'release', () => stage.workload.banned.delete(lock));
      this.part(p);
    });
  }
}

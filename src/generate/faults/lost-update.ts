import { BH } from '../machine/locks.ts';
import { OP, type Program } from '../machine/program.ts';
import { hexWord } from '../word64.ts';
import type { Settings, Values } from './settings.ts';
import { Fault, type Stage } from './stage.ts';
import { VICTIM_SETTINGS, VictimFault } from './victim.ts';

// Two tasks meet at a buffer: one unlocks its bit lock (or takes it) between another one's plain load and plain
// store of the word. Times in ns after they met.
//
//   holder    take ........ unlock, release event
//   culprit         load ................. store     -> the bit is back
const TAKEN = 1000;
const LOADED = 2500;
const UNLOCKED = 4000;
const STORED = 5500;

export const LOST_UNLOCK_SETTINGS: Settings = {
  holder: { type: 'number', default: -1, help: 'CPU that unlocks (-1: any)' },
  culprit: { type: 'number', default: -1, help: 'CPU that loads and stores (-1: any)' },
  ...VICTIM_SETTINGS,
};

/** An unlock that a plain store undoes; later CPUs spin for ever. */
export class LostUnlock extends VictimFault {
  constructor(stage: Stage, values: Values) {
    super(stage, values, 'lost-unlock', 'lost-unlock');
  }

  begin(): void {
    const { stage, values } = this;
    const { machine } = stage;
    const lock = stage.lock(machine.locks.buffer);
    this.bitLock(lock);
    const meeting = machine.meeting(2);
    const [holder, culprit] = stage.twoCpus(values.number('holder'), values.number('culprit'));

    machine.locks.setWord(lock, BH.uptodate | BH.mapped | BH.asyncWrite);
    this.play('holder', holder, (p) => unlockSteps(this, p, meeting, lock, BH.asyncWrite));
    this.play('culprit', culprit, (p) =>
      staleUpdateSteps(this, p, meeting, lock, (time) => this.awaitVictims(lock, time, [culprit])),
    );
  }
}

/** The holder's part: takes the lock, clears some bits of the word, and unlocks while the other one updates. */
export function unlockSteps(fault: Fault, p: Program, meeting: number, lock: number, clear: number): void {
  const { phrases } = fault.stage;
  fault.meet(p, meeting);
  fault.until(p, meeting, TAKEN);
  phrases.finishBio(p, lock);
  fault.note(p, 'lastAcquire');
  fault.until(p, meeting, UNLOCKED);
  p.add(OP.bitClear, 10, lock, clear);
  phrases.finishBioEnd(p, lock);
  // ... bit_spin_release, preempt on, interrupts on.
  fault.noteAt(p, p.length - 3, 'lastRelease');
  fault.part(p);
}

/** The culprit's part: a plain load before the unlock, a plain store after it. */
export function staleUpdateSteps(
  fault: Fault,
  p: Program,
  meeting: number,
  lock: number,
  then: (time: number) => void,
): void {
  const { phrases } = fault.stage;
  fault.meet(p, meeting);
  fault.until(p, meeting, LOADED);
  p.add(OP.load, 0, lock);
  p.add(OP.loaded, phrases.skew(), lock);
  fault.note(p, 'load');
  fault.until(p, meeting, STORED);
  p.add(OP.store, 0, lock, BH.mapped);
  p.add(OP.stored, phrases.skew(), lock);
  fault.note(p, 'store', (time, cpu) => {
    fault.truth.values['value'] = hexWord(cpu.top().value);
    then(time);
  });
  fault.part(p);
}

export const BIT_ERASED_SETTINGS: Settings = {
  holder: LOST_UNLOCK_SETTINGS['holder']!,
  culprit: LOST_UNLOCK_SETTINGS['culprit']!,
};

/** The reverse: a plain store erases the bit of a lock that is held. Nobody suffers here. */
export class BitErased extends Fault {
  readonly #values: Values;

  constructor(stage: Stage, values: Values) {
    super(stage, 'bit-erased', 'lost-update', 'bit-erased');
    this.#values = values;
  }

  begin(): void {
    const { stage } = this;
    const { machine, phrases } = stage;
    const lock = stage.lock(machine.locks.buffer);
    this.bitLock(lock);
    const meeting = machine.meeting(2);
    const values = this.#values;
    const [holder, culprit] = stage.twoCpus(values.number('holder'), values.number('culprit'));
    this.play('culprit', culprit, (p) => {
      this.meet(p, meeting);
      p.add(OP.load, 0, lock);
      p.add(OP.loaded, phrases.skew(), lock);
      this.note(p, 'load');
      this.until(p, meeting, UNLOCKED);
      p.add(OP.store, 0, lock, BH.mapped);
      p.add(OP.stored, phrases.skew(), lock);
      this.note(p, 'store');
      this.part(p);
    });
    this.play('holder', holder, (p) => {
      this.meet(p, meeting);
      this.until(p, meeting, TAKEN);
      phrases.finishBio(p, lock);
      this.note(p, 'acquire');
      this.until(p, meeting, STORED);
      phrases.finishBioEnd(p, lock);
      this.noteAt(p, p.length - 3, 'release', () => stage.workload.banned.delete(lock));
      this.part(p);
    });
  }
}

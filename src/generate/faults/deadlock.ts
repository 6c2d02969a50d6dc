import type { Cpu } from '../machine/contexts.ts';
import { FINISH_BIO } from '../machine/phrases.ts';
import type { Program } from '../machine/program.ts';
import { DETECTOR_SETTING, reportLockup, type LockupReport } from './lockup-report.ts';
import type { Settings, Values } from './settings.ts';
import { hexWord } from '../word64.ts';
import { Fault, type Stage } from './stage.ts';

const SORT: Settings = {
  sort: { type: ['spin', 'bit'], default: 'spin', help: 'spinlocks of lockdep, or bit locks' },
  detector: DETECTOR_SETTING,
  threshold: { type: 'duration', default: 10e9, help: 'watchdog_thresh' },
};

export const ABBA_SETTINGS: Settings = {
  first: { type: 'number', default: -1, help: 'CPU that takes A, then B (-1: any)' },
  second: { type: 'number', default: -1, help: 'CPU that takes B, then A (-1: any)' },
  ...SORT,
};

export const SELF_DEADLOCK_SETTINGS: Settings = {
  cpu: { type: 'number', default: -1, help: 'CPU that it happens on (-1: any)' },
  ...SORT,
};

/** Where the first lock is held when the second one is asked for, ns after the parties met. */
const BOTH_HELD = 4000;

abstract class Deadlock extends Fault {
  protected readonly values: Values;

  constructor(stage: Stage, values: Values, fault: string) {
    super(stage, fault, 'never-released', 'deadlock');
    this.values = values;
  }

  protected pickLock(): number {
    const { locks } = this.stage.machine;
    return this.stage.lock(this.bits ? locks.buffer : locks.spin);
  }

  protected describe(lock: number): void {
    if (this.bits) this.bitLock(lock);
    else this.lockdepLock(lock);
  }

  /** Takes a lock, interrupts off unless `irqsOn`. The step added last is the acquired event. */
  protected take(p: Program, lock: number, irqsOn = false): void {
    const { phrases } = this.stage;
    if (!this.bits) phrases.spinLock(p, lock, !irqsOn);
    else if (irqsOn) phrases.bitLock(p, lock, FINISH_BIO);
    else phrases.finishBio(p, lock);
  }

  /** This CPU spins on `lock` since now, without interrupts since `sinceNs`. */
  protected spins(cpu: Cpu, sinceNs: number, name: string): void {
    const { stage, truth, values } = this;
    stage.at(stage.machine.now, () => stage.strand(cpu));
    const report: LockupReport = {
      detector: values.word('detector') as LockupReport['detector'],
      thresholdNs: values.number('threshold'),
      backtraces: [],
    };
    reportLockup(stage, cpu, sinceNs, report, [], (time) => {
      truth.times[name] = String(time);
    });
  }

  /** Which step of take() is the attempt. */
  protected get attemptAt(): number {
    return this.bits ? 1 : 2;
  }

  protected get bits(): boolean {
    return this.values.word('sort') === 'bit';
  }
}

/** Two CPUs that take two locks in opposite orders and meet in the middle. */
export class AbbaDeadlock extends Deadlock {
  constructor(stage: Stage, values: Values) {
    super(stage, values, 'abba');
  }

  begin(): void {
    const { stage, values } = this;
    const a = this.pickLock();
    const b = this.pickLock();
    this.describe(a);
    const { locks } = stage.machine;
    this.truth.values['otherLock'] = hexWord(this.bits ? locks.address(b) : locks.map(b));
    const [first, second] = stage.twoCpus(values.number('first'), values.number('second'));
    const meeting = stage.machine.meeting(2);
    this.#party('first', first, meeting, a, b);
    this.#party('second', second, meeting, b, a);
  }

  #party(role: string, cpu: Cpu, meeting: number, own: number, other: number): void {
    this.play(role, cpu, (p) => {
      this.meet(p, meeting);
      const start = p.length;
      this.take(p, own);
      this.noteAt(p, start, `${role}IrqsOff`);
      this.note(p, `${role}Acquired`);
      this.until(p, meeting, BOTH_HELD);
      const second = p.length;
      this.take(p, other);
      this.part(p);
      // Interrupts are off already: the second irqSave shows nothing, its attempt does.
      this.noteAt(p, second + this.attemptAt, `${role}Waits`, (_, at) =>
        this.spins(at, Number(this.truth.times[`${role}IrqsOff`]), `${role}Report`),
      );
    });
  }
}

/** An interrupt that wants a lock that the context it interrupted holds. */
export class SelfDeadlock extends Deadlock {
  constructor(stage: Stage, values: Values) {
    super(stage, values, 'self-deadlock');
  }

  begin(): void {
    const { stage, values } = this;
    const { machine, phrases } = stage;
    const lock = this.pickLock();
    this.describe(lock);
    const cpu = stage.cpu(values.number('cpu'));
    this.play('holder', cpu, (p) => {
      phrases.syscallEntry(p);
      this.take(p, lock, true);
      this.note(p, 'acquire', (time) => machine.inject(cpu, time + 400, (irq) => this.#interrupt(irq, lock)));
      p.add(0, 50_000);
    });
  }

  #interrupt(p: Program, lock: number): void {
    const { phrases } = this.stage;
    phrases.irqEntry(p);
    this.noteAt(p, 0, 'irqsOff');
    const start = p.length;
    this.take(p, lock);
    this.noteAt(p, start + this.attemptAt, 'waits', (_, at) =>
      this.spins(at, Number(this.truth.times['irqsOff']), 'report'),
    );
  }
}

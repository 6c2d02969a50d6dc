import type { Cpu } from '../machine/contexts.ts';
import { backtrace, DETECTOR_SETTING, reportLockup, type LockupReport } from './lockup-report.ts';
import type { Settings, Values } from './settings.ts';
import { Fault } from './stage.ts';

/** Settings of every fault that leaves a CPU spinning. */
export const VICTIM_SETTINGS: Settings = {
  victim: { type: 'number', default: -1, help: 'CPU that will spin (-1: any)' },
  delay: { type: 'duration', default: 4e6, help: 'from the fault to the first CPU that spins' },
  victims: { type: 'number', default: 1, help: 'how many CPUs will spin' },
  detector: DETECTOR_SETTING,
  threshold: { type: 'duration', default: 10e9, help: 'watchdog_thresh' },
  backtraces: { type: 'number', default: 1, help: 'NMI backtraces printed after the report' },
};

/** A fault whose victims spin on a bit lock, interrupts off, for ever. */
export abstract class VictimFault extends Fault {
  protected readonly values: Values;

  constructor(stage: Fault['stage'], values: Values, fault: string, cause: string) {
    super(stage, fault, 'never-released', cause);
    this.values = values;
  }

  /** From `at` on, victims come to the lock. */
  protected awaitVictims(lock: number, at: number, besides: readonly Cpu[]): void {
    const { stage, values } = this;
    const taken = [...besides];
    for (let i = 0; i < values.number('victims'); i++) {
      stage.at(at + values.number('delay') * (i + 1), () => {
        const cpu = stage.cpu(
          i === 0 ? values.number('victim') : -1,
          i === 0 && values.number('victim') >= 0 ? [] : taken,
        );
        taken.push(cpu);
        this.#spin(lock, cpu, i === 0 ? '' : String(i + 1));
      });
    }
  }

  #spin(lock: number, cpu: Cpu, suffix: string): void {
    const { stage } = this;
    this.play(`victim${suffix}`, cpu, (p) => {
      stage.phrases.finishBio(p, lock);
      this.noteAt(p, 0, `irqsOff${suffix}`);
      this.noteAt(p, 1, `attempt${suffix}`);
      // The step before the wait and the acquired event is bit_spin_contended.
      this.noteAt(p, p.length - 3, `contended${suffix}`, (time) => this.#stuck(lock, cpu, suffix, time));
    });
  }

  #stuck(lock: number, cpu: Cpu, suffix: string, now: number): void {
    const { stage, truth } = this;
    const { locks } = stage.machine;
    const word = locks.word(lock);
    truth.values[`wordSeen${suffix}`] = `0x${word.toString(16)}`;
    stage.at(now, () => stage.strand(cpu));
    const { pid, comm } = cpu.task;
    const lines = backtrace(cpu.id, pid, comm, locks.address(lock), word);
    reportLockup(stage, cpu, Number(truth.times[`irqsOff${suffix}`]), this.#report(), lines, (time) => {
      truth.times[`report${suffix}`] = String(time);
    });
  }

  #report(): LockupReport {
    const { values } = this;
    return {
      detector: values.word('detector') as LockupReport['detector'],
      thresholdNs: values.number('threshold'),
      backtraces: Array.from({ length: values.number('backtraces') }, (_, i) => 1e6 + i * 10.7e9),
    };
  }
}

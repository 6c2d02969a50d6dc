import { caller } from '../machine/phrases.ts';
import { OP } from '../machine/program.ts';
import type { Settings, Values } from './settings.ts';
import { Fault, type Stage } from './stage.ts';

export const IRQ_OFF_SETTINGS: Settings = {
  cpu: { type: 'number', default: -1, help: 'CPU (-1: any)' },
  for: { type: 'duration', default: 2.5e9, help: 'how long' },
};

const DRIVER_OFF = caller('vp_notify', 0x8);
const DRIVER_ON = caller('vp_notify', 0x12);

/** Interrupts off for long, no lock involved. */
export class IrqOff extends Fault {
  readonly #values: Values;

  constructor(stage: Stage, values: Values) {
    super(stage, 'irq-off', 'irq-off', null);
    this.#values = values;
  }

  begin(): void {
    const { stage } = this;
    const cpu = stage.cpu(this.#values.number('cpu'));
    this.play('culprit', cpu, (p) => {
      stage.phrases.syscallEntry(p);
      stage.phrases.irqSave(p, DRIVER_OFF);
      this.note(p, 'irqsOff', (time) => stage.at(time, () => stage.strand(cpu)));
      p.add(OP.irqRestore, this.#values.number('for'), DRIVER_ON);
      this.note(p, 'irqsOn', () => (cpu.stuck = false));
      stage.phrases.syscallExit(p);
    });
  }
}

export const SILENT_CPU_SETTINGS: Settings = {
  cpu: { type: 'number', default: -1, help: 'CPU (-1: any)' },
  for: { type: 'duration', default: 0, help: 'how long; 0: to the end' },
};

/** A busy CPU that shows nothing any more, as if its firmware or host had taken it away. */
export class SilentCpu extends Fault {
  readonly #values: Values;

  constructor(stage: Stage, values: Values) {
    super(stage, 'silent-cpu', 'silent-cpu', null);
    this.#values = values;
  }

  begin(): void {
    const { stage } = this;
    const cpu = stage.cpu(this.#values.number('cpu'));
    const forNs = this.#values.number('for');
    this.play('victim', cpu, (p) => {
      stage.phrases.syscallEntry(p);
      p.add(OP.quiet, 100, 1);
      this.note(p, 'silentFrom', (time) => stage.at(time, () => stage.strand(cpu)));
      if (forNs === 0) p.add(OP.stuck, 100);
      p.add(OP.quiet, forNs, 0);
      this.note(p, 'silentTo', () => (cpu.stuck = false));
      stage.phrases.syscallExit(p);
    });
  }
}

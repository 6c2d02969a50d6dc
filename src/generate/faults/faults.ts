import { SpinbackError } from '../../base/errors.ts';
import { IRQ_OFF_SETTINGS, IrqOff, SILENT_CPU_SETTINGS, SilentCpu } from './cpu-faults.ts';
import { ABBA_SETTINGS, AbbaDeadlock, SELF_DEADLOCK_SETTINGS, SelfDeadlock } from './deadlock.ts';
import { BIT_ERASED_SETTINGS, BitErased, LOST_UNLOCK_SETTINGS, LostUnlock } from './lost-update.ts';
import {
  HELD_AT_END_SETTINGS,
  LongHold,
  MISSING_UNLOCK_SETTINGS,
  MissingUnlock,
  SLOW_HOLDER_SETTINGS,
  UNKNOWN_SETTER_SETTINGS,
  UnknownSetter,
} from './never-released.ts';
import {
  DOUBLE_RELEASE_SETTINGS,
  DoubleRelease,
  FOREIGN_RELEASE_SETTINGS,
  ForeignRelease,
} from './releases.ts';
import { readSettings, type Setting, type Settings, type Values } from './settings.ts';
import type { Fault, Stage } from './stage.ts';

/** A sort of fault that can be ordered. */
export interface FaultSort {
  readonly name: string;
  readonly help: string;
  readonly settings: Settings;
  /** Needs seconds of trace after it, for watchdogs and victims. */
  readonly needsTime: boolean;
  create(stage: Stage, values: Values): Fault;
}

const AT: Setting = {
  type: 'duration',
  default: 0,
  help: 'when, from the beginning of the trace; a fifth of the way where it is not given',
};

function sort(
  name: string,
  help: string,
  settings: Settings,
  create: (stage: Stage, values: Values) => Fault,
  needsTime = true,
): FaultSort {
  return { name, help, settings: { at: AT, ...settings }, create, needsTime };
}

export const FAULTS: readonly FaultSort[] = [
  sort(
    'lost-unlock',
    'an unlock that a plain store undoes; a CPU spins for ever',
    LOST_UNLOCK_SETTINGS,
    (stage, values) => new LostUnlock(stage, values),
  ),
  sort(
    'missing-unlock',
    'a holder that never unlocks',
    MISSING_UNLOCK_SETTINGS,
    (stage, values) => new MissingUnlock(stage, values),
  ),
  sort(
    'unknown-setter',
    'a lock bit that nobody recorded has set',
    UNKNOWN_SETTER_SETTINGS,
    (stage, values) => new UnknownSetter(stage, values),
  ),
  sort(
    'held-at-end',
    'a lock held, with a waiter, when the trace ends',
    HELD_AT_END_SETTINGS,
    (stage, values) => new LongHold(stage, values, 'held-at-end', 'held-at-end', Infinity),
  ),
  sort(
    'slow-holder',
    'a holder that lets a waiter wait for long',
    SLOW_HOLDER_SETTINGS,
    (stage, values) => new LongHold(stage, values, 'slow-holder', 'slow-holder', values.number('for')),
  ),
  sort(
    'abba',
    'two CPUs, two locks, opposite orders',
    ABBA_SETTINGS,
    (stage, values) => new AbbaDeadlock(stage, values),
  ),
  sort(
    'self-deadlock',
    'an interrupt wants a lock that the interrupted context holds',
    SELF_DEADLOCK_SETTINGS,
    (stage, values) => new SelfDeadlock(stage, values),
  ),
  sort(
    'irq-off',
    'interrupts off for long, no lock',
    IRQ_OFF_SETTINGS,
    (stage, values) => new IrqOff(stage, values),
  ),
  sort(
    'silent-cpu',
    'a busy CPU that shows nothing any more',
    SILENT_CPU_SETTINGS,
    (stage, values) => new SilentCpu(stage, values),
  ),
  sort(
    'bit-erased',
    'a plain store erases the bit of a held lock; nobody suffers',
    BIT_ERASED_SETTINGS,
    (stage, values) => new BitErased(stage, values),
    false,
  ),
  sort(
    'double-release',
    'a lock released twice',
    DOUBLE_RELEASE_SETTINGS,
    (stage, values) => new DoubleRelease(stage, values),
    false,
  ),
  sort(
    'foreign-release',
    'a lock released by another task',
    FOREIGN_RELEASE_SETTINGS,
    (stage, values) => new ForeignRelease(stage, values),
    false,
  ),
];

/** A fault that somebody ordered. */
export interface FaultOrder {
  readonly sort: FaultSort;
  readonly values: Values;
}

/** Reads "lost-unlock" or "lost-unlock:victim=3,delay=5ms". Throws USAGE. */
export function readFault(text: string): FaultOrder {
  const [name = '', settings = ''] = text.split(':', 2);
  const found = FAULTS.find((candidate) => candidate.name === name);
  if (!found) {
    throw new SpinbackError(
      'USAGE',
      `no fault "${name}"; there are ${FAULTS.map((fault) => fault.name).join(', ')}`,
    );
  }
  return { sort: found, values: readSettings(name, found.settings, settings) };
}

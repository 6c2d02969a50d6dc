import { DamageLog, type DamageKind } from '../damage.ts';

/** What can be wrong with a .spin file itself; the damage of its original is kept in it. */
const KINDS = {
  'no-labels': {
    severity: 'info',
    text: 'The file is of version 1, which does not keep who called: statistics cannot name callers. Convert the original again.',
  },
  truncated: {
    severity: 'error',
    text: 'The file ends too early, or cannot be read any further: the events behind its last whole block are missing, and so is what was wrong with the original.',
  },
  'cut-end': {
    severity: 'error',
    text: 'The file is cut behind its last block: all events are there, the mark of its end is not.',
  },
  'another-behind': {
    severity: 'error',
    text: 'Another container begins behind this one, which is not read: analyze the two as files of their own.',
  },
  'bytes-behind': {
    severity: 'error',
    text: 'More bytes follow behind the end of the container, which are not read.',
  },
  'damaged-block': {
    severity: 'error',
    text: 'Blocks are not what was written: their events are left out, and count as lost.',
  },
  'damaged-rest': {
    severity: 'error',
    text: 'The raw records of blocks are not what was written: their fields are missing.',
  },
  'names-damaged': {
    severity: 'error',
    text: 'Formats, symbols or names of tasks are not what was written: names are missing.',
  },
} as const satisfies Record<string, DamageKind>;

export type SpinDamageLog = DamageLog<keyof typeof KINDS>;

export function spinDamageLog(): SpinDamageLog {
  return new DamageLog(KINDS);
}

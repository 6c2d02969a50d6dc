import { DamageLog, MAPPING_UNUSED, type DamageKind } from '../damage.ts';

/** Everything that can be wrong with a trace.dat that is still read. */
const KINDS = {
  truncated: {
    severity: 'error',
    text: 'The file was cut: its end is missing. What is there is read.',
  },
  'another-behind': {
    severity: 'error',
    text: 'Another trace.dat begins behind this one, which is not read: analyze the two as files of their own.',
  },
  'damaged-chunk': {
    severity: 'error',
    text: "A compressed piece of a CPU's data cannot be unpacked. It is treated as lost events.",
  },
  'impossible-lane': {
    severity: 'error',
    text: 'The file gives a place for the data of a CPU that cannot be. That CPU is not read.',
  },
  'formats-damaged': {
    severity: 'error',
    text: 'The event formats cannot be read to their end: events of the missing types count as signs of life only.',
  },
  'names-damaged': {
    severity: 'error',
    text: 'The names of symbols or tasks cannot be read: addresses and pids are shown instead.',
  },
  'options-damaged': {
    severity: 'error',
    text: 'The options of the file cannot be read to their end: buffers or statistics may be missing.',
  },
  'mapping-misfit': {
    severity: 'error',
    text: 'A tracepoint differs from what the mapping expects; its events count as signs of life only.',
  },
  'mapping-unused': MAPPING_UNUSED,
  'instances-not-read': {
    severity: 'info',
    text: 'The file holds other ftrace instances, which are not read; name one with --instance to read it.',
  },
  'guest-time': {
    severity: 'info',
    text: "The file holds corrections that map a guest's times to its host; they are not applied, times are the guest's own.",
  },
} as const satisfies Record<string, DamageKind>;

export type DatDamage = keyof typeof KINDS;
export type DatDamageLog = DamageLog<DatDamage>;

export function datDamageLog(): DatDamageLog {
  return new DamageLog(KINDS);
}

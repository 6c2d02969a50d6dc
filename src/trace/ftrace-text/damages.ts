import { MAPPING_UNUSED, type DamageKind, type DamageLog } from '../damage.ts';

/** Every damage that a text capture can have: what it means, and what to do. */
export const TEXT_DAMAGES = {
  overwritten: {
    severity: 'data loss',
    text:
      'The header says that the ring buffers overwrote this many older events. Text does not tell on which CPU, ' +
      'so every history before the first event is unknown: record with larger buffers, or stop sooner.',
  },
  'missing-entries': {
    severity: 'error',
    text: 'it was cut or filtered, and what is missing can change every verdict.',
  },
  'lost-events': {
    severity: 'data loss',
    text:
      'Events were dropped in the middle (a mark without a number counts as one). ' +
      'What depends on them cannot be judged: record with larger buffers or fewer events.',
  },
  'unparsed-lines': {
    severity: 'error',
    text: 'Lines that are neither events nor part of a message were left out: was the file edited or mixed?',
  },
  'other-lines': {
    severity: 'info',
    text: 'Lines that fit no pattern of the mapping were left out.',
  },
  'log-lines': {
    severity: 'info',
    text: 'Lines of the kernel log among and behind those of the dump are no events; spinback dmesg reads them.',
  },
  joined: {
    severity: 'info',
    text: 'The text begins again with earlier times, as files of single CPUs do that were joined: its parts were merged by time.',
  },
  'log-not-read': {
    severity: 'info',
    text: 'This is a dump in a kernel log: what the kernel said around it is not read here; spinback dmesg tells.',
  },
  'long-lines': {
    severity: 'error',
    text: 'Lines of more than 64 KiB were left out: no tracer prints such lines.',
  },
  'unparsed-fields': {
    severity: 'error',
    text:
      'Events whose address, bit or value could not be read count as signs of life only: ' +
      'the capture was printed with another format, or the line is damaged.',
  },
  'mixed-times': {
    severity: 'error',
    text: 'Lines that show time in another form than the first event were taken as they are: do not join captures.',
  },
  'too-many-types': {
    severity: 'info',
    text: 'More than 2048 different event names: events of the others are read, but not told apart by name.',
  },
  'too-many-callers': {
    severity: 'info',
    text: 'More than 65535 different callers, or stacks of them: statistics count events of the others as not recorded.',
  },
  truncated: {
    severity: 'error',
    text: 'The text was cut in the middle of its last line: its end is missing. What is there is read.',
  },
  'cut-last-line': {
    severity: 'info',
    text:
      'The last line has no line end, so the text may have been cut in it: its fields were not used, and what may have ' +
      'followed is missing.',
  },
  'hashed-pointers': {
    severity: 'info',
    text:
      'Addresses printed with %p are hashed: they still tell locks apart, but cannot be compared with addresses that ' +
      'other events print in full. Set no_hash_pointers (or the trace option nohash-ptr), or keep the binary trace.',
  },
  'losses-not-shown': {
    severity: 'info',
    text:
      'perf script prints what was lost only with --show-lost-events: without it, nobody can tell from this text whether ' +
      'events are missing. perf.data itself tells.',
  },
  'time-unit-assumed': {
    severity: 'info',
    text:
      'Times are bare integers and were taken as nanoseconds (clock boot or tai). Under the clock x86-tsc or counter ' +
      'they are not, and durations are wrong: the text does not tell, trace.dat does.',
  },
  'mapping-unused': MAPPING_UNUSED,
} as const satisfies Record<string, DamageKind>;

export type TextDamageLog = DamageLog<keyof typeof TEXT_DAMAGES>;

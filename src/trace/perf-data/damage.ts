import { type DamageKind, DamageLog, MAPPING_UNUSED } from '../damage.ts';

/** Everything that can be wrong with a perf.data that is still read. */
const KINDS = {
  lost: {
    severity: 'data loss',
    text:
      'The kernel dropped events because perf was too slow to fetch them (PERF_RECORD_LOST). It tells where, so what depends on them ' +
      'is known: record with larger buffers (perf record -m 16M) or fewer events.',
  },
  'lost-samples': {
    severity: 'data loss',
    text:
      'Samples dropped in all, as the kernel counted them at the end (PERF_RECORD_LOST_SAMPLES). It does not tell when, so ' +
      'no verdict is safe: record with larger buffers (perf record -m 16M) or fewer events.',
  },
  throttled: {
    severity: 'data loss',
    text:
      'The kernel stopped an event for a while because it came too often (PERF_RECORD_THROTTLE): raise ' +
      'kernel.perf_event_max_sample_rate.',
  },
  sampled: {
    severity: 'data loss',
    text: 'Events were sampled, so most of them are missing: record with perf record -c 1, which takes every event.',
  },
  truncated: {
    severity: 'error',
    text: 'The file was cut: its end is missing. What is there is read.',
  },
  unfinished: {
    severity: 'error',
    text:
      'perf did not finish writing this file: it lacks what perf writes at the end. Stop perf record with SIGINT ' +
      'and let it end.',
  },
  'damaged-records': {
    severity: 'error',
    text: 'Bytes that are no records were skipped. What they held is lost.',
  },
  'damaged-compression': {
    severity: 'error',
    text: 'A compressed record cannot be unpacked, and without it none behind it. What lies before is read.',
  },
  'features-damaged': {
    severity: 'error',
    text: 'A part of the header cannot be read: names, the kernel version or the number of CPUs may be missing.',
  },
  'formats-missing': {
    severity: 'error',
    text:
      'The file does not describe its tracepoints, so all events count as signs of life only. perf record writes the ' +
      'descriptions at the end of a file, and at the beginning of a pipe.',
  },
  'formats-damaged': {
    severity: 'error',
    text: 'The event formats cannot be read to their end: events of the missing types count as signs of life only.',
  },
  'names-damaged': {
    severity: 'error',
    text: 'The names of symbols or tasks cannot be read: addresses and pids are shown instead.',
  },
  'mapping-misfit': {
    severity: 'error',
    text: 'A tracepoint differs from what the mapping expects; its events count as signs of life only.',
  },
  'mapping-unused': MAPPING_UNUSED,
  'no-raw-records': {
    severity: 'error',
    text:
      'A tracepoint was recorded without its fields, so its events count as signs of life only: record as root, with ' +
      'perf record -R.',
  },
  'unreadable-event': {
    severity: 'error',
    text: 'The samples of an event carry no time and cannot be put in order; they are left out.',
  },
  'unknown-ids': {
    severity: 'error',
    text: 'Samples belong to an event that the header does not list; they are left out.',
  },
  disordered: {
    severity: 'data loss',
    text:
      'The samples are out of order in more ways than memory is kept for; times run backwards there, and durations are ' +
      'not to be trusted.',
  },
  'no-symbols': {
    severity: 'info',
    text: 'perf.data holds no kernel symbols: addresses are shown as numbers.',
  },
} as const satisfies Record<string, DamageKind>;

export type PerfDamage = keyof typeof KINDS;
export type PerfDamageLog = DamageLog<PerfDamage>;

export function perfDamageLog(): PerfDamageLog {
  return new DamageLog(KINDS);
}

import * as layout from '../../assembly/layout.ts';

/** Kinds of ring records (assembly/layout.ts says what the marks of each are). */
export const RING = {
  wait: layout.RECORD_IS_WAIT,
  irqOff: layout.RECORD_IS_IRQ_OFF,
  flagsOff: layout.RECORD_IS_FLAGS_OFF,
  gap: layout.RECORD_IS_GAP,
  lostUpdate: layout.RECORD_IS_LOST_UPDATE,
  doubleRelease: layout.RECORD_IS_DOUBLE_RELEASE,
  foreignRelease: layout.RECORD_IS_FOREIGN_RELEASE,
  lost: layout.RECORD_IS_LOST,
  message: layout.RECORD_IS_MESSAGE,
  pause: layout.RECORD_IS_PAUSE,
} as const;

/** The engine's counters: indices into EngineState.counters. */
export const COUNTERS = {
  attempts: layout.COUNTER_ATTEMPTS,
  contentions: layout.COUNTER_CONTENTIONS,
  acquisitions: layout.COUNTER_ACQUISITIONS,
  releases: layout.COUNTER_RELEASES,
  peakLocks: layout.COUNTER_PEAK_LOCKS,
  forgottenLocks: layout.COUNTER_FORGOTTEN_LOCKS,
  forgottenWords: layout.COUNTER_FORGOTTEN_WORDS,
  forgottenTasks: layout.COUNTER_FORGOTTEN_TASKS,
  untrackedLockEvents: layout.COUNTER_UNTRACKED_LOCK_EVENTS,
  untrackedWordEvents: layout.COUNTER_UNTRACKED_WORD_EVENTS,
  untrackedTaskEvents: layout.COUNTER_UNTRACKED_TASK_EVENTS,
  untrackedCpuEvents: layout.COUNTER_UNTRACKED_CPU_EVENTS,
  droppedHolds: layout.COUNTER_DROPPED_HOLDS,
  droppedFindings: layout.COUNTER_DROPPED_FINDINGS,
  droppedSuspects: layout.COUNTER_DROPPED_SUSPECTS,
  unknownTypes: layout.COUNTER_UNKNOWN_TYPES,
  unpairedReleases: layout.COUNTER_UNPAIRED_RELEASES,
  takenTwice: layout.COUNTER_TAKEN_TWICE,
  contradictions: layout.COUNTER_CONTRADICTIONS,
  untrackedSeries: layout.COUNTER_UNTRACKED_SERIES,
  untrackedSpans: layout.COUNTER_UNTRACKED_SPANS,
} as const;

/** States of a context's stack entry. */
export const ENTRY = {
  attempt: layout.ENTRY_IS_ATTEMPT,
  waiting: layout.ENTRY_IS_WAITING,
  held: layout.ENTRY_IS_HELD,
} as const;

/** What a suspected plain store did to a lock bit. */
export const SUSPECT = { sets: layout.SUSPECT_SETS, erases: layout.SUSPECT_ERASES } as const;

/** Numbers of the address namespaces, as events and locks carry them. */
export const NAMESPACE = {
  lockdep: layout.NAMESPACE_LOCKDEP,
  word: layout.NAMESPACE_WORD,
  lock: layout.NAMESPACE_LOCK,
} as const;

/** `bit` of a lock that is not a bit lock. */
export const WHOLE_LOCK = layout.WHOLE_LOCK;

/** What statistics are kept by, besides lock class and mode. */
export const SPLIT = {
  lock: layout.SPLIT_BY_LOCK,
  site: layout.SPLIT_BY_SITE,
  task: layout.SPLIT_BY_TASK,
  cpu: layout.SPLIT_BY_CPU,
  context: layout.SPLIT_BY_CONTEXT,
  stack: layout.SPLIT_BY_STACK,
} as const;

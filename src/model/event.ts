import * as layout from '../../assembly/layout.ts';

/** The canonical kinds, in the order of their numbers (assembly/layout.ts, KIND_*). */
export const KINDS = [
  'other',
  'attempt',
  'contend',
  'acquire',
  'wait end',
  'release',
  'release hint',
  'word load',
  'word store',
  'word rmw',
  'observe',
  'irqs off',
  'irqs on',
  'preempt off',
  'preempt on',
  'enter',
  'leave',
  'switch',
  'task exit',
  'message',
  'lost',
  'pass',
] as const;
export type KindName = (typeof KINDS)[number];

export const FLAGS = {
  'irqs-off': layout.FLAG_IRQS_OFF,
  hardirq: layout.FLAG_HARDIRQ,
  softirq: layout.FLAG_SOFTIRQ,
  nmi: layout.FLAG_NMI,
  try: layout.FLAG_TRY,
  read: layout.FLAG_READ,
  write: layout.FLAG_WRITE,
  spin: layout.FLAG_SPIN,
  mutex: layout.FLAG_MUTEX,
  percpu: layout.FLAG_PERCPU,
  rt: layout.FLAG_RT,
  'preempt-off': layout.FLAG_PREEMPT_OFF,
  'irqs-unknown': layout.FLAG_IRQS_UNKNOWN,
  failed: layout.FLAG_FAILED,
} as const;
export type FlagName = keyof typeof FLAGS;

/** Address namespaces, in the order of their numbers (assembly/layout.ts, NAMESPACE_*). */
export const NAMESPACES = ['lockdep', 'word', 'lock'] as const;
export type NamespaceName = (typeof NAMESPACES)[number];

/** One event as every part of spinback understands it. Times in ns on the trace's clock. */
export interface CanonicalEvent {
  readonly time: bigint;
  readonly address: bigint;
  /** Word value after the event or seen by it; for a switch previous pid | next pid << 32; for `lost` the count. */
  readonly value: bigint;
  /** Number of the kind: an index into KINDS. */
  readonly kind: number;
  /** Bit number of a bit lock, 0xff for a whole lock. */
  readonly bit: number;
  readonly cpu: number;
  readonly pid: number;
  readonly flags: number;
  /** The capture's own event type. */
  readonly type: number;
}

/** A permanent place of an event: the lane, and the byte offset of its record in the lane's data. */
export interface EventPlace {
  readonly lane: number;
  readonly offset: number;
}

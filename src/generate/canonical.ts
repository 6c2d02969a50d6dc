import { Random } from '../base/random.ts';
import { FLAGS, KINDS, type CanonicalEvent, type FlagName, type KindName } from '../model/event.ts';
import { namespaceFlags } from '../model/event-record.ts';
import {
  E,
  EVENT_SPECS,
  TRACE_FLAG_HARDIRQ,
  TRACE_FLAG_IRQS_OFF,
  TRACE_FLAG_NMI,
  TRACE_FLAG_SOFTIRQ,
  type TraceEvent,
} from './events.ts';
import { toUnsigned } from './word64.ts';

const WHOLE_LOCK = 0xff;
const CONTENTION: readonly FlagName[] = ['spin', 'read', 'write', 'rt', 'percpu', 'mutex'];

/** What an event becomes, besides what every event has. */
interface Meaning {
  readonly kind: KindName;
  readonly namespace?: 'lockdep' | 'word' | 'lock';
  readonly flags?: readonly FlagName[];
}

const LOCKDEP = (kind: KindName): Meaning => ({ kind, namespace: 'lockdep' });
const WORD = (kind: KindName): Meaning => ({ kind, namespace: 'word' });
const ENTER: Meaning = { kind: 'enter', flags: ['hardirq'] };
const LEAVE: Meaning = { kind: 'leave', flags: ['hardirq'] };

/** The built-in mapping (src/mapping/rows.ts), by generated event. Events that are not here are signs of life. */
const MEANINGS: Readonly<Record<number, Meaning>> = {
  [E.lockAcquire]: LOCKDEP('attempt'),
  [E.lockContended]: LOCKDEP('contend'),
  [E.lockAcquired]: LOCKDEP('acquire'),
  [E.lockRelease]: LOCKDEP('release'),
  [E.contentionBegin]: { kind: 'contend', namespace: 'lock' },
  [E.contentionEnd]: { kind: 'wait end', namespace: 'lock' },
  [E.bitAcquire]: WORD('attempt'),
  [E.bitContended]: WORD('contend'),
  [E.bitAcquired]: WORD('acquire'),
  [E.bitRelease]: WORD('release'),
  [E.wordLoad]: WORD('word load'),
  [E.wordStore]: WORD('word store'),
  [E.irqDisable]: { kind: 'irqs off' },
  [E.irqEnable]: { kind: 'irqs on' },
  [E.preemptDisable]: { kind: 'preempt off' },
  [E.preemptEnable]: { kind: 'preempt on' },
  [E.irqHandlerEntry]: ENTER,
  [E.irqHandlerExit]: LEAVE,
  [E.softirqEntry]: { kind: 'enter', flags: ['softirq'] },
  [E.softirqExit]: { kind: 'leave', flags: ['softirq'] },
  [E.localTimerEntry]: ENTER,
  [E.localTimerExit]: LEAVE,
  [E.rescheduleEntry]: ENTER,
  [E.rescheduleExit]: LEAVE,
  [E.callFunctionEntry]: ENTER,
  [E.callFunctionExit]: LEAVE,
  [E.schedSwitch]: { kind: 'switch' },
  [E.schedProcessExit]: { kind: 'task exit' },
  [E.console]: { kind: 'message' },
};

/** The canonical event that a reader makes of a generated one. */
export function toCanonical(event: TraceEvent): CanonicalEvent {
  const meaning = MEANINGS[event.type] ?? { kind: 'other' };
  const { namespace } = meaning;
  let flags = recordFlags(event) | (namespace ? namespaceFlags(namespace) : 0);
  for (const flag of meaning.flags ?? []) flags |= FLAGS[flag];
  if (event.type === E.lockAcquire) flags |= (event.b & 1 ? FLAGS.try : 0) | (event.b & 2 ? FLAGS.read : 0);
  if (event.type === E.contentionBegin) {
    CONTENTION.forEach((flag, bit) => (flags |= (event.b >> bit) & 1 ? FLAGS[flag] : 0));
  }
  if (event.type === E.contentionEnd && event.b !== 0) flags |= FLAGS.failed;
  return {
    time: BigInt(event.time),
    address: namespace ? toUnsigned(event.a) : 0n,
    value: valueOf(event),
    kind: KINDS.indexOf(meaning.kind),
    bit: event.type >= E.bitAcquire && event.type <= E.bitRelease ? event.b : WHOLE_LOCK,
    cpu: event.cpu,
    pid: event.pid,
    flags,
    type: EVENT_SPECS[event.type]!.id,
  };
}

function recordFlags({ flags, preempt }: TraceEvent): number {
  return (
    (flags & TRACE_FLAG_IRQS_OFF ? FLAGS['irqs-off'] : 0) |
    (flags & TRACE_FLAG_HARDIRQ ? FLAGS.hardirq : 0) |
    (flags & TRACE_FLAG_SOFTIRQ ? FLAGS.softirq : 0) |
    (flags & TRACE_FLAG_NMI ? FLAGS.nmi : 0) |
    ((preempt & 15) > 0 ? FLAGS['preempt-off'] : 0)
  );
}

function valueOf({ type, a, b, c, d }: TraceEvent): bigint {
  switch (type) {
    case E.bitContended:
    case E.bitAcquired:
    case E.bitRelease:
      return toUnsigned(d);
    case E.wordLoad:
      return toUnsigned(b);
    case E.wordStore:
      return toUnsigned(c);
    case E.schedSwitch:
      return BigInt(a) | (BigInt(c) << 32n);
    case E.schedProcessExit:
      return BigInt(a);
    default:
      return 0n;
  }
}

/** How wild a stream of random canonical events is. */
export interface NoiseOptions {
  readonly seed: number;
  readonly events: number;
  readonly cpus: number;
  /** Different addresses, pids and word values: few, so that events meet. */
  readonly addresses: number;
  readonly pids: number;
  /** Longest step from one event to the next, ns. */
  readonly stepNs: number;
}

export const NOISE_DEFAULTS: NoiseOptions = {
  seed: 1,
  events: 1000,
  cpus: 4,
  addresses: 6,
  pids: 8,
  stepNs: 2000,
};

const LONG_STEP = 3e9;
const SEEN_BITS = [0, 4, WHOLE_LOCK] as const;
const NAMESPACES = ['lockdep', 'word', 'lock'] as const;
const RANDOM_FLAGS = Object.values(FLAGS).filter((flag) => flag < 1 << 14);
const KIND_LOST = KINDS.indexOf('lost');
const KINDS_BUT_LOST = KINDS.map((_, kind) => kind).filter((kind) => kind !== KIND_LOST);

/**
 * Random canonical events in order of time, without any sense: releases that nobody took, switches from nowhere,
 * losses in the middle, sometimes seconds of silence, now and then equal times. For differential tests of engines.
 */
export function* noise(options: NoiseOptions): Generator<CanonicalEvent> {
  const random = new Random(options.seed);
  let time = 1_000_000_000n;
  for (let i = 0; i < options.events; i++) {
    const silence = random.chance(0.005);
    time += BigInt(silence ? random.int(LONG_STEP) : random.int(options.stepNs));
    const kind = random.chance(0.01) ? KIND_LOST : random.pick(KINDS_BUT_LOST);
    const namespace = random.pick(NAMESPACES);
    let flags = namespaceFlags(namespace);
    for (const flag of RANDOM_FLAGS) if (random.chance(0.15)) flags |= flag;
    const word = BigInt(random.pick([0, 0x10, 0x21, 0x31, 0x131, random.u32()]));
    const pid = random.int(options.pids);
    yield {
      time,
      address: 0xffff_8881_0000_0000n + BigInt(random.int(options.addresses) * 0x80),
      value: valueOfNoise(KINDS[kind]!, word, pid, random, options),
      kind,
      bit: random.pick(SEEN_BITS),
      cpu: random.int(options.cpus),
      pid,
      flags,
      type: 300 + kind,
    };
  }
}

function valueOfNoise(
  kind: KindName,
  word: bigint,
  pid: number,
  random: Random,
  { pids }: NoiseOptions,
): bigint {
  if (kind === 'switch') return BigInt(pid) | (BigInt(random.int(pids)) << 32n);
  if (kind === 'task exit') return BigInt(random.int(pids));
  if (kind === 'lost') return BigInt(random.chance(0.3) ? 0 : random.int(1000));
  return word;
}

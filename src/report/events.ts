import { hex } from '../base/units.ts';
import {
  FLAGS,
  KINDS,
  NAMESPACES,
  type CanonicalEvent,
  type FlagName,
  type NamespaceName,
} from '../model/event.ts';
import { namespaceOf } from '../model/event-record.ts';
import type { LockName } from '../model/report.ts';
import { jsonLine } from './json.ts';
import { printable } from './printable.ts';
import { clip, task } from './text.ts';
import type { Times } from './times.ts';

/** One decoded event with what its capture knows about it. */
export interface ShownEvent {
  readonly event: CanonicalEvent;
  /** Its permanent place: the lane, and the byte offset of its record in the lane. */
  readonly lane: number;
  readonly offset: number;
  readonly comm: string | null;
  /** The tracepoint; the system is empty where the capture does not say. */
  readonly system: string;
  readonly name: string;
  /** Does this type carry a value at all? Otherwise a value of 0 is none. */
  readonly hasValue: boolean;
  /** The record's own fields, when asked for. */
  readonly fields?: readonly { readonly name: string; readonly value: bigint | string }[] | undefined;
  readonly text?: string | undefined;
}

/** Bit number of a lock that is not a bit lock. */
const WHOLE_LOCK = 0xff;

const FLAG_LIST = Object.entries(FLAGS) as readonly (readonly [FlagName, number])[];
/** Flags that the three columns of `context` already show. */
const IN_CONTEXT: ReadonlySet<FlagName> = new Set([
  'irqs-off',
  'irqs-unknown',
  'hardirq',
  'softirq',
  'nmi',
  'preempt-off',
]);

/** Names of the kinds as the command line spells them: "word-store". */
export const KIND_WORDS: readonly string[] = KINDS.map((kind) => kind.replaceAll(' ', '-'));

/** The namespace of the event's address as reports name it; null when the event has no address. */
function addressSpace(event: CanonicalEvent): LockName['namespace'] | null {
  if (event.address === 0n) return null;
  const name: NamespaceName | undefined = NAMESPACES[namespaceOf(event.flags)];
  return name === undefined ? null : name === 'word' && event.bit !== WHOLE_LOCK ? 'bit' : name;
}

/** A mark of lost events is of a CPU, not of a task. */
function isLoss(event: CanonicalEvent): boolean {
  return KINDS[event.kind] === 'lost' || event.pid < 0;
}

function flagNames(flags: number): FlagName[] {
  return FLAG_LIST.filter(([, bit]) => (flags & bit) !== 0).map(([name]) => name);
}

/**
 * Three columns in the spirit of ftrace's latency format: d irqs off, ? not known; z NMI, Z NMI inside a hardirq,
 * h hardirq, H hardirq inside a softirq, s softirq; p preemption off. (The other columns of ftrace, need-resched
 * and the depths, are not part of a canonical event.)
 */
function context(flags: number): string {
  const has = (flag: FlagName): boolean => (flags & FLAGS[flag]) !== 0;
  const irqs = has('irqs-unknown') ? '?' : has('irqs-off') ? 'd' : '.';
  const nested = has('nmi')
    ? has('hardirq')
      ? 'Z'
      : 'z'
    : has('hardirq')
      ? has('softirq')
        ? 'H'
        : 'h'
      : has('softirq')
        ? 's'
        : '.';
  return irqs + nested + (has('preempt-off') ? 'p' : '.');
}

function valueText({ event, hasValue }: ShownEvent): string | null {
  switch (KINDS[event.kind]) {
    case 'switch':
      return `${event.value & 0xffffffffn}->${event.value >> 32n}`;
    case 'task exit':
    case 'lost':
      return event.value.toString();
    default:
      return hasValue || event.value !== 0n ? hex(event.value) : null;
  }
}

/**
 * An event as one line: time, CPU, task, context, kind, lock, the tracepoint's name, value and flags, and its
 * fields when they were fetched. Names of usual length leave it within 100 characters.
 */
export function eventLine(shown: ShownEvent, times: Times): string {
  const { event } = shown;
  const time = times.at(event.time.toString());
  const namespace = addressSpace(event);
  const bit = event.bit === WHOLE_LOCK ? '' : `:${event.bit}`;
  const lock = namespace === null ? '-' : `${namespace}:${hex(event.address)}${bit}`;
  const words = flagNames(event.flags).filter((name) => !IN_CONTEXT.has(name));
  const flags = words.length === 0 ? '' : ` (${words.join(' ')})`;
  const text = shown.text === undefined || shown.text === '' ? '' : `: ${printable(shown.text)}`;
  const value = valueText(shown) === null ? '' : ` ${valueText(shown)}`;
  const who = isLoss(event) ? '-' : printable(task(shown.comm, event.pid));
  return (
    `${time.padStart(13)} [${String(event.cpu).padStart(3, '0')}] ${who.padEnd(16)} ${context(event.flags)} ` +
    `${(KIND_WORDS[event.kind] ?? `kind-${event.kind}`).padEnd(10)} ${lock.padEnd(24)} ` +
    `${printable(clip(shown.name, 60))}${value}${flags}${text}`
  );
}

/** An event as one line of JSON; 64-bit numbers are strings (ns decimal, the others 0x). docs/report.md lists the keys. */
export function eventJson(shown: ShownEvent): string {
  const { event, fields } = shown;
  return jsonLine({
    ns: event.time.toString(),
    cpu: event.cpu,
    pid: isLoss(event) ? -1 : event.pid,
    comm: isLoss(event) ? null : shown.comm,
    flags: flagNames(event.flags),
    kind: KINDS[event.kind] ?? `kind-${event.kind}`,
    namespace: addressSpace(event),
    address: event.address === 0n ? null : hex(event.address),
    bit: event.address === 0n || event.bit === WHOLE_LOCK ? null : event.bit,
    value: shown.hasValue || event.value !== 0n ? hex(event.value) : null,
    event: shown.system === '' ? shown.name : `${shown.system}:${shown.name}`,
    lane: shown.lane,
    offset: shown.offset,
    ...(fields === undefined
      ? {}
      : { fields: Object.fromEntries(fields.map(({ name, value }) => [name, String(value)])) }),
  });
}

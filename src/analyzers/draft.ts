import { hex } from '../base/units.ts';
import { WHOLE_LOCK } from '../model/engine-numbers.ts';
import { FLAGS, KINDS, NAMESPACES } from '../model/event.ts';
import type { Case } from '../model/case.ts';
import {
  CONFIDENCES,
  type Actor,
  type Confidence,
  type ContextName,
  type Culprit,
  type Evidence,
  type Finding,
  type KernelReport,
  type LockName,
  type Subject,
} from '../model/report.ts';
import type { Mark } from '../model/state.ts';
import { byTime } from './times.ts';

/** A finding before it gets its id and its relations. */
export type Draft = Omit<Finding, 'id' | 'related'>;

const NOTHING = {
  subject: null,
  lock: null,
  openEnded: false,
  holder: null,
  lastAcquire: null,
  lastRelease: null,
  culprit: null,
  waiters: [],
  irqsOff: null,
  watchdog: null,
  alternatives: [],
  kernelReports: [],
  evidence: [],
  taintedBy: [],
} as const;

const STUCK: ReadonlySet<string> = new Set(['never-released', 'irq-off-spin', 'irq-off', 'silent-cpu']);

/** Is it about a CPU or task that does not get on, a victim? */
export function isStuckCpu({ kind }: Pick<Draft, 'kind'>): boolean {
  return STUCK.has(kind);
}

/** The weaker of two confidences. */
export function weaker(a: Confidence, b: Confidence): Confidence {
  return CONFIDENCES.indexOf(a) < CONFIDENCES.indexOf(b) ? a : b;
}

type Needed =
  'signature' | 'kind' | 'cause' | 'confidence' | 'severity' | 'headline' | 'startNs' | 'durationNs';

/** A draft with everything unsaid empty, in the key order of the contract. */
export function draft(parts: Pick<Draft, Needed> & Partial<Draft>): Draft {
  const { signature, kind, cause, confidence, severity, headline, startNs, durationNs } = parts;
  const whole = { ...NOTHING, ...parts };
  return {
    signature,
    kind,
    cause,
    confidence,
    severity,
    headline,
    subject: whole.subject,
    lock: whole.lock,
    startNs,
    durationNs,
    openEnded: whole.openEnded,
    holder: whole.holder,
    lastAcquire: whole.lastAcquire,
    lastRelease: whole.lastRelease,
    culprit: whole.culprit,
    waiters: whole.waiters,
    irqsOff: whole.irqsOff,
    watchdog: whole.watchdog,
    alternatives: whole.alternatives,
    kernelReports: whole.kernelReports,
    evidence: whole.evidence,
    taintedBy: whole.taintedBy,
  };
}

const LEVELS: readonly ContextName[] = ['process', 'softirq', 'hardirq', 'nmi'];

export function contextName(level: number): ContextName {
  return LEVELS[level] ?? 'process';
}

/** The context that an event's flags tell. */
export function contextOf({ flags }: Mark): ContextName {
  if (flags & FLAGS.nmi) return 'nmi';
  if (flags & FLAGS.hardirq) return 'hardirq';
  return flags & FLAGS.softirq ? 'softirq' : 'process';
}

/** Who a mark is about. */
export function actor(about: Case, mark: Mark): Actor {
  return { cpu: mark.cpu, pid: mark.pid, comm: commOf(about, mark), atNs: String(mark.time) };
}

/** Whose plain store it was, of a value loaded before. */
export function culprit(about: Case, load: Mark, store: Mark): Culprit {
  return {
    cpu: store.cpu,
    pid: store.pid,
    comm: commOf(about, store),
    loadNs: String(load.time),
    storeNs: String(store.time),
    value: hex(store.value),
  };
}

export function subject(about: Case, cpu: number, pid: number, level: number): Subject {
  return { cpu, pid, comm: about.narrator.comm(pid), context: contextName(level) };
}

export function commOf(about: Case, mark: Mark): string | null {
  return about.narrator.tell(mark).comm ?? about.narrator.comm(mark.pid);
}

/** "fake_endio-108", the way ftrace prints a task. */
export function task(about: Case, mark: Pick<Mark, 'pid'>): string {
  return `${about.narrator.comm(mark.pid) ?? '<...>'}-${mark.pid}`;
}

const SWITCH = KINDS.indexOf('switch');

/** The task that runs behind this event: of a switch the next one. */
export function pidAfter({ kind, value, pid }: Mark): number {
  return kind === SWITCH ? Number(BigInt.asIntN(32, value >> 32n)) : pid;
}

/** How the last event that counts as a CPU's own is called: without flags nothing tells an NMI's events from others. */
export function ownEvent(mark: Mark): string {
  return (mark.flags & FLAGS['irqs-unknown']) === 0
    ? 'event of this CPU that is not from an NMI'
    : 'event of this CPU but for messages (this text does not tell which events are from an NMI)';
}

/** The marks as evidence in order of time, each once, with what it means here. */
export function evidence(
  about: Case,
  items: readonly (readonly [mark: Mark | null | undefined, meaning: string])[],
): Evidence[] {
  return items
    .filter((item): item is readonly [Mark, string] => item[0] != null)
    .filter(([mark], n, known) => known.findIndex(([other]) => isSameEvent(other, mark)) === n)
    .toSorted(([a], [b]) => byTime(a, b))
    .map(([mark, meaning]) => {
      const told = about.narrator.tell(mark);
      return {
        ns: String(mark.time),
        cpu: mark.cpu,
        pid: mark.pid,
        comm: told.comm ?? about.narrator.comm(mark.pid),
        event: told.event || (KINDS[mark.kind] ?? 'other'),
        detail: [told.text, meaning].filter(Boolean).join(' -- '),
      };
    });
}

function isSameEvent(a: Mark, b: Mark): boolean {
  return a.time === b.time && a.cpu === b.cpu && a.lane === b.lane && a.offset === b.offset;
}

/** A lock by its identity; the name comes from a record that names it. */
export function lockName(
  about: Case,
  lock: { readonly namespace: number; readonly address: bigint; readonly bit: number },
  named: Mark | null | undefined,
): LockName {
  const isBit = lock.bit !== WHOLE_LOCK;
  const name = named ? about.narrator.tell(named).lockName : null;
  return {
    namespace: isBit ? 'bit' : (NAMESPACES[lock.namespace] ?? 'lock'),
    address: `0x${lock.address.toString(16)}`,
    bit: isBit ? lock.bit : null,
    name,
    class: name,
    knownBy: 'operations',
  };
}

/** What tells this bug from others in every capture: kind, cause, the lock's class, or where it is taken. */
export function signatureOf(
  about: Case,
  kind: string,
  cause: string,
  lock: LockName | null,
  place: Mark | null | undefined,
): string {
  const site = place ? about.narrator.tell(place).callSite : null;
  const parts = [kind, cause];
  if (lock) parts.push(lock.bit === null ? lock.namespace : `bit ${lock.bit}`);
  if (lock?.class) parts.push(lock.class);
  else if (site) parts.push(site);
  return parts.join('/');
}

// A report about a span that ended can be printed a little after its end.
export const PRINTED_LATE = 10n ** 9n;

/** Kernel messages about this CPU or task from `since` on, until about `until`; the first ones of a flood. */
export function kernelReports(
  about: Case,
  cpu: number,
  pid: number,
  since: bigint,
  until?: bigint,
): KernelReport[] {
  const mentions = new RegExp(`\\b[Cc][Pp][Uu][ #]?${cpu}\\b|${naming(pid)}`);
  return reportsThat(about, mentions, since, until);
}

/** Kernel messages about this task from `since` on. Pid 0 is nobody in particular. */
export function reportsOfTask(about: Case, pid: number, since: bigint): KernelReport[] {
  return pid > 0 ? reportsThat(about, new RegExp(naming(pid)), since) : [];
}

function naming(pid: number): string {
  return `[-/:]${pid}\\b|\\bpid[: ]+${pid}\\b`;
}

function reportsThat(about: Case, mentions: RegExp, since: bigint, until?: bigint): KernelReport[] {
  return about.found.messages
    .filter(({ mark, text }) => mark.time >= since && mentions.test(text))
    .filter(({ mark }) => until === undefined || mark.time <= until + PRINTED_LATE)
    .slice(0, 8)
    .map(({ mark, text }) => ({ ns: String(mark.time), text }));
}

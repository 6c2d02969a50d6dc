import { elapsed } from '../base/units.ts';
import { ENTRY, NAMESPACE } from '../model/engine-numbers.ts';
import { FLAGS } from '../model/event.ts';
import type { Case, LostSpan } from '../model/case.ts';
import type { IrqsOff, Waiter } from '../model/report.ts';
import { countOf, shows } from '../model/shows.ts';
import type { ContextState, CpuState, HoldState, LockState, Mark } from '../model/state.ts';
import { commOf, kernelReports } from './draft.ts';
import { pauseDoubt, type PauseDoubt } from './pauses.ts';
import { knownUntil, losses, recordingWentOn } from './taint.ts';
import { at, byTime } from './times.ts';

/** A wait that the capture's end found unfinished. */
export interface OpenWait {
  readonly context: ContextState;
  readonly hold: HoldState;
  readonly lock: LockState;
  /** The same wait as contention_begin reports it, by the address of the lock itself. */
  readonly also: Mark | null;
  readonly since: Mark;
  /** Until when it goes on: the end of the capture, or of its CPU's record where the last events are lost. */
  readonly until: bigint;
  readonly durationNs: number;
  /** It burns its CPU: a bit lock, a spin, or interrupts off. */
  readonly spins: boolean;
  readonly irqsOff: IrqsOff | null;
  /** Why it may have ended without a trace, as sentences. */
  readonly mayHaveEnded: readonly string[];
}

export function isHeld(hold: HoldState): boolean {
  return hold.state === ENTRY.held;
}

/**
 * Waits that were still open when the capture ended, longest first. An attempt counts as a wait only where a take would have
 * been recorded (rule 3): bit locks, and maps that this capture shows being taken. Only a context's topmost entry can be
 * what it waits for: whatever it did afterwards, it was not waiting below.
 */
export function openWaits(about: Case): readonly OpenWait[] {
  let waits = found.get(about);
  if (!waits) found.set(about, (waits = findOpenWaits(about)));
  return waits;
}

/** Most analyzers ask, some once per CPU or lock. */
const found = new WeakMap<Case, readonly OpenWait[]>();

function findOpenWaits(about: Case): OpenWait[] {
  const waits: OpenWait[] = [];
  for (const context of about.state.contexts) {
    const top = context.stack.at(-1);
    if (!top || !isWait(about, top)) continue;
    const hold = isContentionPoint(about, top) ? waitBelow(about, context) : top;
    const lock = about.state.locks.get(hold.lock)!;
    const since = hold.attempt!;
    if (movedOn(about, context, hold, top)) continue;
    // A function can sleep before it takes its lock, and be preempted; whoever spins on a bit lock cannot.
    if (isKnownByPasses(about, lock) && (context.out?.time ?? 0n) > since.time) continue;
    const flags = hold.flags | top.flags;
    // A mutex's waiter (SPIN|MUTEX) spins only while the owner runs, and sleeps then.
    const spins =
      lock.namespace === NAMESPACE.word ||
      ((flags & (FLAGS.spin | FLAGS['irqs-off'])) !== 0 && (flags & FLAGS.mutex) === 0);
    // Whoever spins stays on its CPU.
    const until = spins ? knownUntil(about, hold.cpu) : about.state.lastTime;
    const wait = {
      context,
      hold,
      lock,
      also: hold === top ? null : top.contend,
      since,
      until,
      durationNs: elapsed(since.time, until),
      spins,
      irqsOff: irqsOffDuring(about, context, hold, since),
    };
    waits.push({ ...wait, mayHaveEnded: endsUnseen(about, wait) });
  }
  return waits.toSorted((a, b) => b.durationNs - a.durationNs);
}

/**
 * Whoever spins stays on its CPU, so the wait may have ended only where that CPU's last events are lost, or where its record
 * may have ended early: a record can end in an attempt, which are many, but hardly in a lock found taken. A sleeper can be
 * woken, and its wait end, on any CPU.
 */
function endsUnseen(about: Case, wait: Omit<OpenWait, 'mayHaveEnded'>): string[] {
  const { cpu, contend } = wait.hold;
  if (!wait.spins) {
    const isLossy = about.lostTails.size > 0 || losses(about, wait.since.time, wait.until).length > 0;
    return isLossy ? ['the wait may have ended among the lost events of some CPU'] : [];
  }
  if (about.lostTails.has(cpu)) return [`the last events of CPU ${cpu} are lost: the wait may have ended`];
  if (contend || wait.also) return [];
  // Whoever finds a lock taken says so at once, where that is recorded: it was free, or what followed is missing.
  if (shows(about.state, 'contend', wait.lock.namespace)) {
    return [
      `CPU ${cpu} is not seen to find the lock taken, though contention is recorded: what followed ${at(about, wait.since.time)} may be missing, and the wait over`,
    ];
  }
  if (isRecorded(about, wait)) return [];
  return [
    `nothing shows that the recording of CPU ${cpu} went on after ${at(about, wait.since.time)}: it may have ended early`,
  ];
}

/** Is the CPU known to have been recorded while the wait went on? */
export function isRecorded(about: Case, { hold, context, since }: Omit<OpenWait, 'mayHaveEnded'>): boolean {
  const isNamed = kernelReports(about, hold.cpu, context.pid, since.time).length > 0;
  return recordingWentOn(about, hold.cpu, since.time, isNamed);
}

/** Whether the wait is only as long as `leastNs` because the whole machine was silent meanwhile. */
export function doubtOf(about: Case, wait: OpenWait, leastNs: number): PauseDoubt | null {
  if (kernelReports(about, wait.hold.cpu, wait.context.pid, wait.since.time).length > 0) return null;
  const holder = wait.lock.owner === null ? null : wait.lock.acquire;
  const involved = holder ? [wait.hold.cpu, holder.cpu] : [wait.hold.cpu];
  return pauseDoubt(about, involved, [wait.since.time, wait.until], leastNs);
}

/** An entry that waits for a lock whose take would be recorded; an annotation (rcu_read_lock, fs_reclaim) never is one. */
function isWait(about: Case, hold: HoldState): boolean {
  const lock = about.state.locks.get(hold.lock);
  if (!lock || !hold.attempt || isHeld(hold) || !endsAreRecorded(about, lock)) return false;
  return hold.state === ENTRY.waiting || lock.namespace === NAMESPACE.word || lock.isTakenVisibly;
}

// So many waits without a single end mean that ends were not recorded; fewer may all be stuck.
const WAITS_WITHOUT_ENDS = 20n;

/** Without the events that end waits, every attempt would look like one that never ended. */
function endsAreRecorded({ state }: Case, { namespace }: LockState): boolean {
  const [begin, end] =
    namespace === NAMESPACE.lock ? (['contend', 'wait end'] as const) : (['attempt', 'acquire'] as const);
  const ends = countOf(state, end, namespace) + countOf(state, 'pass', namespace);
  return ends > 0n || countOf(state, begin, namespace) < WAITS_WITHOUT_ENDS;
}

/** Is all that the capture tells of this lock who went through functions that take and release it (passes.ts)? */
export function isKnownByPasses({ state }: Case, { namespace, isTakenVisibly }: LockState): boolean {
  return !isTakenVisibly && shows(state, 'pass', namespace);
}

/** Whether the capture can tell who holds locks of this sort: takes and releases are both in it. */
export function holdsAreRecorded({ state }: Case, { namespace }: Pick<LockState, 'namespace'>): boolean {
  return (
    (shows(state, 'acquire', namespace) && shows(state, 'release', namespace)) ||
    shows(state, 'pass', namespace)
  );
}

function isContentionPoint(about: Case, hold: HoldState): boolean {
  return about.state.locks.get(hold.lock)?.namespace === NAMESPACE.lock;
}

/**
 * A wait that lockdep reported (lock_acquire, lock_contended) shows up once more as contention_begin on top of it. The lower
 * entry is the one whose holder can be known.
 */
function waitBelow(about: Case, context: ContextState): HoldState {
  const top = context.stack.at(-1)!;
  const below = context.stack.at(-2);
  return below && isWait(about, below) && !isContentionPoint(about, below) ? below : top;
}

/**
 * The CPU went on although the wait's end is missing: an interrupt context whose CPU is back at a lower level is over, and
 * whoever spins with interrupts off lets no other task run there and no interrupts come on; nor does such a CPU have events to
 * lose.
 */
function movedOn(about: Case, context: ContextState, hold: HoldState, top: HoldState): boolean {
  if (context.level === 0 && spinsInPlace(about, hold) && leftPlace(about, context, hold)) return true;
  const cpu = cpuOf(about, hold.cpu);
  if (!cpu?.last) return false;
  const times = [hold.attempt, hold.contend, top.contend].map((mark) => mark?.time ?? 0n);
  if (times.some((time) => time >= cpu.last!.time)) return false;
  if (context.level > 0) return cpu.level < context.level;
  const spinsWithIrqsOff = (hold.flags & FLAGS['irqs-off']) !== 0;
  return spinsWithIrqsOff && (cpu.pid !== context.pid || (cpu.flagsOn?.time ?? 0n) > hold.attempt!.time);
}

/** Who holds the lock shared (for reading) by the recorded events, oldest first, each with its take. */
export function readersOf(about: Case, lock: LockState): Mark[] {
  return about.state.contexts
    .flatMap(({ stack }) => stack.filter((hold) => hold.lock === lock.id && isHeld(hold)))
    .filter(({ flags }) => (flags & FLAGS.read) !== 0)
    .flatMap(({ acquire }) => acquire ?? [])
    .toSorted(byTime);
}

/** It can neither be switched out nor sleep while it waits: a bit lock with preemption off, or any lock with interrupts off. */
function spinsInPlace(about: Case, { lock, flags }: HoldState): boolean {
  const isBit = about.state.locks.get(lock)?.namespace === NAMESPACE.word;
  return (flags & (isBit ? FLAGS['irqs-off'] | FLAGS['preempt-off'] : FLAGS['irqs-off'])) !== 0;
}

/** It was switched out or in since, or its CPU lost events that it can only have had afterwards. */
function leftPlace(about: Case, { out, inTime }: ContextState, { attempt, cpu }: HoldState): boolean {
  const since = attempt!.time;
  const isLater = (span: LostSpan): boolean => span.cpu === cpu && span.from !== null && span.from >= since;
  return (out?.time ?? 0n) > since || inTime > since || about.found.lost.some(isLater);
}

export function cpuOf(about: Case, cpu: number): CpuState | undefined {
  return about.state.cpus.find((state) => state.cpu === cpu);
}

function irqsOffDuring(about: Case, context: ContextState, hold: HoldState, since: Mark): IrqsOff | null {
  const cpu = cpuOf(about, hold.cpu);
  if (cpu?.irqsOff && cpu.irqsOff.time <= since.time && isStillOn(cpu, context)) {
    const at = String(cpu.irqsOff.time);
    return { source: 'preemptirq', notBeforeNs: at, notAfterNs: at };
  }
  if ((hold.flags & FLAGS['irqs-off']) === 0) return null;
  const on = cpu?.flagsOn && cpu.flagsOn.time <= since.time ? String(cpu.flagsOn.time) : null;
  return { source: 'flags', notBeforeNs: on, notAfterNs: String(since.time) };
}

/** The CPU still runs what waits: nothing else ran there since. */
function isStillOn(cpu: CpuState, context: ContextState): boolean {
  return cpu.pid === context.pid && cpu.level === context.level;
}

/** Interrupts are known to have gone off, and the time since when: exact, or at the latest. */
export function offSince(irqsOff: IrqsOff | null): bigint | null {
  return irqsOff?.notAfterNs ? BigInt(irqsOff.notAfterNs) : null;
}

export function waiterOf(about: Case, wait: OpenWait): Waiter {
  // A function's entry does not tell whether it turns interrupts off inside.
  const isTold = (wait.hold.flags & FLAGS['irqs-unknown']) === 0 && !isKnownByPasses(about, wait.lock);
  return {
    cpu: wait.hold.cpu,
    pid: wait.context.pid,
    comm: commOf(about, wait.since),
    sinceNs: String(wait.since.time),
    durationNs: wait.durationNs,
    irqsOff: wait.irqsOff ? true : isTold ? false : null,
  };
}

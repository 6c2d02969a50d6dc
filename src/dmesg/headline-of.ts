import type { InterruptState, LogKind, SpinLoop } from '../model/kernel-log.ts';
import type { Facts } from './facts.ts';
import { plain } from './frames.ts';

/** What a kind is called in a sentence. */
const TITLES: Readonly<Record<LogKind, string>> = {
  'hard-lockup': 'hard lockup',
  'soft-lockup': 'soft lockup',
  'rcu-stall': 'RCU stall',
  'csd-lock': 'a call to another CPU that is not answered',
  'spinlock-lockup': 'spinlock lockup',
  'spinlock-bad-magic': 'spinlock with a bad magic number',
  'spinlock-recursion': 'spinlock taken twice by its owner',
  'spinlock-already-unlocked': 'spinlock released that was not taken',
  'spinlock-wrong-owner': 'spinlock released by another task',
  'spinlock-wrong-cpu': 'spinlock released on another CPU',
  'workqueue-lockup': 'workqueue lockup',
  'workqueue-leak': 'work item that left a lock or preemption behind',
  'hung-task': 'hung task',
  'lockdep-circular': 'lock order that can deadlock',
  'lockdep-recursive': 'lock class taken recursively',
  'lockdep-inconsistent': 'lock used in interrupts and with interrupts on',
  'lockdep-inversion': 'lock order that an interrupt can turn into a deadlock',
  'lockdep-unsafe-order': 'interrupt-safe lock depends on an unsafe one',
  'lockdep-unlock-balance': 'lock released that was not held',
  'lockdep-contention-balance': 'contention on a lock that was not wanted',
  'lockdep-held-freed': 'memory freed with a held lock in it',
  'lockdep-held-exit': 'task exited with locks held',
  'lockdep-held-user': 'return to user space with locks held',
  'lockdep-held': 'locks still held where none should be',
  'lockdep-wait-context': 'lock of the wrong kind for its context',
  'lockdep-nest': 'nested lock without its outer one',
  'lockdep-key': 'lock that was never initialised',
  'lockdep-rcu': 'RCU used without protection',
  'lockdep-internal': 'lockdep noticed an impossible lock state',
  'scheduling-while-atomic': 'schedule in an atomic section',
  'sleeping-in-atomic': 'sleeping function in an atomic section',
  'held-locks': 'held locks',
  'nmi-backtrace': 'backtraces of CPUs',
};

export function titleOf(kind: LogKind): string {
  return TITLES[kind];
}

const SPINS: Readonly<Record<SpinLoop['kind'], string>> = {
  'bit-spinlock': 'spinning on a bit lock',
  'ticket-spinlock': 'spinning on a ticket spinlock',
  'queued-spinlock': 'spinning on a queued spinlock',
  'test-and-set-spinlock': 'spinning on a spinlock',
  rwlock: 'spinning on a read-write lock',
  'mutex-or-rwsem-spin': 'spinning on the owner of a mutex or semaphore',
  'seqcount-retry': 'retrying a sequence count',
  'csd-wait': 'waiting for a call on another CPU',
  'stop-machine': 'waiting for all CPUs in stop_machine',
  'wait-on-bit': 'waiting for a bit',
  delay: 'in a delay loop',
  idle: 'idle',
  'unknown-loop': 'spinning on a word in memory',
};

export function spinText({ kind, word }: SpinLoop): string {
  if (word === null) return SPINS[kind];
  if (word.bit !== null && kind === 'bit-spinlock') return `spinning on bit ${word.bit} of ${word.address}`;
  return `${SPINS[kind]} at ${word.address}${word.bit === null ? '' : `, bit ${word.bit}`}`;
}

/** The whole incident in one sentence. */
export function headlineOf(
  { group, function: name, caller, spin, holder }: Facts,
  interrupts: InterruptState | null,
): string {
  const { kind, cpu, pid, comm, others } = group;
  const task = pid === null && comm === null ? '' : `${comm ?? 'task'}-${pid ?? '?'}`;
  const where =
    name === null ? '' : ` in ${name}${caller === null || caller === name ? '' : ` (for ${caller})`}`;
  const title = TITLES[kind];
  if (kind === 'nmi-backtrace')
    return `backtraces of ${others.length + 1} CPU${others.length === 0 ? '' : 's'} without a report`;
  if (kind === 'hung-task') {
    const owner = holder === null ? '' : `; the lock's owner is likely ${holder.comm}-${holder.pid}`;
    return `${title}: ${task} sleeps${where}${owner}`;
  }
  const on = cpu === null ? '' : ` on CPU ${cpu}`;
  const irqs =
    interrupts === null || !['hard-lockup', 'soft-lockup', 'rcu-stall'].includes(kind)
      ? ''
      : ` with interrupts ${interrupts.state}`;
  const doing = spin === null ? '' : `, ${spinText(spin)}`;
  const who = task === '' ? '' : `: ${task}`;
  return `${title}${on}${who}${where}${irqs}${doing}`;
}

/** Kind and functions, no address, no pid. */
export function signatureOf(
  kind: LogKind,
  name: string | null,
  caller: string | null,
  spin: SpinLoop | null,
): string {
  const parts: string[] = [kind];
  if (spin !== null) parts.push(spin.kind);
  const place = [name, caller]
    .filter((of, at, all) => of !== null && all.indexOf(of) === at)
    .map((of) => plain(of!));
  return [...parts, place.join(' < ') || 'unknown'].join(', ');
}

import type { LogKind, LogLock } from '../model/kernel-log.ts';
import { cpuList, newEntry, type EntryDraft } from './drafts.ts';
import type { Recognised } from './headlines.ts';

const SECOND = 1_000_000_000;

/** A draft from a headline's own groups. */
export function entryOf(
  { headline, groups, text }: Recognised,
  offset: number,
  ns: bigint | null,
): EntryDraft {
  const entry = newEntry(headline, text, offset, ns);
  const listed = groups['list'] ?? groups['cpus'];
  const cpus = listed === undefined ? [] : stalledCpus(listed);
  entry.cpu = groups['cpu'] === undefined ? (cpus[0] ?? null) : Math.max(0, Number(groups['cpu']));
  entry.cpus = cpus.slice(1);
  entry.pool = groups['pool'] ?? null;
  // The workers of an unbound pool may be on any of its CPUs.
  if (entry.pool !== null && cpus.length > 1) entry.cpu = null;
  entry.detectedBy = groups['by'] === undefined ? null : Number(groups['by']);
  const pid = groups['pid'] ?? groups['pid2'];
  entry.pid = pid === undefined ? (listed === undefined ? null : stalledTask(listed)) : Number(pid);
  entry.comm = groups['comm']?.trim() ?? null;
  entry.named = groups['fn'] ?? null;
  if (groups['secs'] !== undefined) entry.durationNs = Number(groups['secs']) * SECOND;
  else if (groups['ns'] !== undefined) entry.durationNs = Number(groups['ns']);
  if (groups['jiffies'] !== undefined) entry.notes.push(`${groups['jiffies']} jiffies`);
  return entry;
}

/** "1-... 3-..D P1234 5" -> [1, 3, 5] */
function stalledCpus(list: string): number[] {
  if (/^[\d,-]+$/.test(list.trim())) return cpuList(list);
  return Array.from(list.matchAll(/(?<![P\w])(\d{1,5})(?:-[.!OoNnDL]*)?(?=[\s}]|$)/g), ([, cpu]) =>
    Number(cpu),
  );
}

function stalledTask(list: string): number | null {
  const task = /\bP(\d+)/.exec(list);
  return task ? Number(task[1]) : null;
}

// "#0: ffffffffa00020b8 (abba_lock_b){+.+.}-{2:2}, at: take_b_then_a+0xc/0x44 [abba]" since v4.18; address in front of "at" before
const LOCK =
  /^(?:#\d{1,3}: ?)?\(?(?:\[?<?((?:0x)?[0-9a-f]{8,16})>?\]?|\(____ptrval____\)|\(ptrval\)|\d)?\)? ?\((.{1,200}?)\)\{[^}]{1,12}\}(?:-\{\d+:\d+\})?(?:,? at: ?(?:\[?<?((?:0x)?[0-9a-f]+)>?\]? )?([\w.$]+)?)?/;

/** A lock as lockdep prints it; null when the line is none. */
export function lockLine(text: string): LogLock | null {
  const match = LOCK.exec(text);
  if (!match) return null;
  const address = match[1] === undefined ? null : `0x${match[1].replace(/^0x/, '')}`;
  // syzbot puts a line for each inlined function in front of the real one's; a mail may break it behind the name.
  const inlined = text.endsWith('[inline]') || (match[4] && match[0].length === text.length);
  return { address, name: match[2]!, at: inlined ? null : (match[4] ?? null) };
}

/** Adds a lock to a list; one that only lacked its place gets it. */
export function addLock(locks: LogLock[], lock: LogLock, most: number): void {
  const last = locks.at(-1);
  if (last?.at === null && last.address === lock.address && last.name === lock.name) locks.pop();
  if (locks.length < most) locks.push(lock);
}

// "(&p->pi_lock", "#0:", "(rtnl_mutex){+.+.}, at:": printed in pieces, each of which became a line
const OPEN_LOCK =
  /^(?=[#(0-9a-f])(?:#\d{1,3}: ?)?(?:[0-9a-f]{8,16} ?(?=\())?(?:\([^{}]{0,200}(?:\{[^}]{1,12}\}(?:-\{\d+:\d+\})?(?:,|,? at:) ?(?:\[<[0-9a-f]+>\])?)?)?$/;

/** Is this the beginning of a lock that goes on in a later line? */
export function isOpenLock(text: string): boolean {
  return text.length < 300 && OPEN_LOCK.test(text);
}

export const HELD = /^(?:\d+|no) locks? held by (.{1,64})\/(\d+)(?=[:.]|$)/;
// kernel/locking/lockdep.c: "X/123 is trying to acquire lock:", "X/123 [HC0[0]:SC1[1]:HE1:SE0] is trying to acquire:", "... takes:"
const ACTOR =
  /^(.{1,64})\/(\d+) (?:\[HC\S{1,40} ?(?:SC\S{1,40})?\] )?(?:is (?:trying to (?:acquire|release|contend|lock)|freeing memory|leaving the kernel|exiting with|just|contending)|just changed|takes:)/;
// kernel/sched/core.c: "in_atomic(): 1, irqs_disabled(): 0, non_block: 0, pid: 123, name: comm"
const ATOMIC =
  /^in_atomic\(\): ?(\d+), irqs_disabled\(\): ?(\d+)(?:,.{0,60}? pid: (\d+)(?:, name: (.{1,64}))?)?$/;
// kernel/locking/spinlock_debug.c: " lock: 0xffff880827212c40, .magic: dead4ead, .owner: swapper/3/0, .owner_cpu: 3"
const SPINLOCK = /^lock: (\S+?),? \.magic: ([0-9a-f]+), \.owner: (.{1,64}?)\/(-?\d+), \.owner_cpu: (-?\d+)/;
// kernel/locking/lockdep.c (print_irqtrace_events): "hardirqs last disabled at (78408): [<ffffffff8150b561>] fn+0xe/0xa4"
const IRQ_OFF =
  /^hardirqs last\s+disabled at \((\d+)\): (?:\[?<?(?:0x)?[0-9a-f]+>?\]? )?([\w.$]+(?:\+0x[0-9a-f]+\/0x[0-9a-f]+)?)/;
// kernel/rcu/tree_stall.h: "rcu: \t1-....: (20999 ticks this GP) idle=...", "2-...0:" (an irq_work pending); "\t0: (1 GPs behind)" of v3.x
const STALLED_CPU =
  /^(?:rcu: )?\s*(\d{1,5})(?:-[.!?OoNnDL\d]{1,6})?: ?\((?:\d+ (?:ticks|GPs)|ticks this GP|detected)/;
const STALLED_BY = /\(detected by (\d+), t=(\d+) jiffies/;
const STALLED_FOR = /^(?:rcu: )?\s*\(t=(\d+) jiffies/;
const STALLED_TASK = /Tasks blocked on level-\d+ rcu_node \(CPUs [\d-]+\):(?: P(\d+))?/;
const STARVED = /(?:^|\s)(\w{1,40}) kthread starved for (\d+) jiffies!/;
// arch/powerpc/kernel/watchdog.c: "CPU 12 TB:9035..., last heartbeat TB:9023... (11528ms ago)", "last SMP heartbeat TB:"
const HEARTBEAT = /CPU (\d+) TB:\d+, last (?:SMP )?heartbeat TB:\d+ \((\d+)ms ago\)/;
// kernel/hung_task.c since v6.16: "INFO: task cat:115 is blocked on a mutex likely owned by task cat:114."; v6.17 "(T117)", "<reader>"
const OWNED =
  /INFO: task (.{1,64}?):(\d+)(?:\(T\d+\))? (?:is |<\w+> )?blocked on an? ([\w -]{1,40}?)(?: \w+)? ?likely owned by task (.{1,64}?):(\d+)/;
const PREEMPT_OFF = /^(?:\[<[0-9a-f]+>\] )?([\w.$]+)\+0x[0-9a-f]+\/0x[0-9a-f]+/;

/** What follows a certain line. */
export type Expecting = 'wanted-lock' | 'released-at' | 'preempt-off' | 'stuck-pool' | null;

/** Takes a line that says more about the report; false where it is none. */
export function addEntryLine(
  entry: EntryDraft,
  text: string,
  expecting: Expecting,
): { used: boolean; next: Expecting } {
  const used = (next: Expecting = null) => ({ used: true, next });
  const { kind } = entry.headline;

  if (expecting === 'preempt-off') {
    const where = PREEMPT_OFF.exec(text);
    if (where) entry.preemptOff ??= where[1]!;
    return where ? used() : { used: false, next: null };
  }
  if (text.startsWith('Preemption disabled at')) {
    const behind = PREEMPT_OFF.exec(text.slice(23).trim());
    if (behind) entry.preemptOff ??= behind[1]!;
    return used(behind ? null : 'preempt-off');
  }
  const irq = IRQ_OFF.exec(text);
  if (irq) {
    entry.irqTrace ??= { off: irq[2]!, text };
    return used();
  }
  if (/^(?:irq event stamp|(?:hard|soft)irqs last\s+(?:en|dis)abled)/.test(text)) return used();
  const lockdep = kind.startsWith('lockdep');
  if (lockdep) {
    const actor = ACTOR.exec(text);
    if (actor) {
      entry.comm ??= actor[1]!;
      entry.pid ??= Number(actor[2]);
      const lock = /lock \((.+)\) at:/.exec(text);
      if (lock) entry.locks.push({ address: null, name: lock[1]!, at: null });
      return used(lock ? 'released-at' : 'wanted-lock');
    }
    const lock = lockLine(text);
    if (lock && !text.startsWith('#')) {
      addLock(entry.locks, lock, 8);
      // Suspicious RCU use is about no lock: these are the ones that are held.
      if (kind !== 'lockdep-rcu') entry.named ??= lock.at;
      return used();
    }
    if (expecting === 'released-at') {
      const at = PREEMPT_OFF.exec(text);
      if (at) entry.named ??= at[1]!;
      return at ? used() : { used: false, next: null };
    }
  }
  if (kind === 'sleeping-in-atomic') {
    const atomic = ATOMIC.exec(text);
    if (atomic) {
      if (atomic[3] !== undefined) entry.pid ??= Number(atomic[3]);
      entry.comm ??= atomic[4]?.trim() ?? null;
      entry.notes.push(`in_atomic ${atomic[1]}, irqs_disabled ${atomic[2]}`);
      return used();
    }
  }
  if (kind.startsWith('spinlock')) {
    const lock = SPINLOCK.exec(text);
    if (lock) {
      const [, where, magic, comm, pid, cpu] = lock;
      entry.locks.push({
        address: /^(?:0x)?[0-9a-f]{8,16}$/.test(where!) ? `0x${where!.replace(/^0x/, '')}` : null,
        name: where!,
        at: null,
      });
      entry.notes.push(`magic ${magic}, owner ${comm}/${pid}, owner_cpu ${cpu}`);
      if (comm !== '<none>' && Number(pid) >= 0) {
        entry.holder = {
          comm: comm!,
          pid: Number(pid),
          why: `the lock's own owner field (owner_cpu ${cpu})`,
        };
      }
      return used();
    }
  }
  if (kind === 'rcu-stall') return addStallLine(entry, text);
  if (kind === 'workqueue-lockup') return addWorkLine(entry, text, expecting);
  const beat = HEARTBEAT.exec(text);
  if (beat && kind === 'hard-lockup') {
    if (entry.cpu === null || Number(beat[1]) === entry.cpu || entry.detectedBy === Number(beat[1])) {
      entry.durationNs ??= Number(beat[2]) * 1_000_000;
    }
    return used();
  }
  return { used: false, next: null };
}

// kernel/workqueue.c (show_pwq): "  pwq 2: cpus=1 node=0 flags=0x0 nice=0 active=1/256", "    in-flight: 41:fn, 77(RESCUER):fn"
const STUCK_POOL = /^cpus=([\d,-]+) .{1,200}?(?= stuck for|$)/;
const POOL = /^pwq \d+: (.{1,200}?) active=/;
const IN_FLIGHT = /^in-flight: (\d+)(?:\(RESCUER\))?:([\w.$]+)/;

/** What the stuck pool is at work on: the work items that are in flight there. */
function addWorkLine(
  entry: EntryDraft,
  text: string,
  expecting: Expecting,
): { used: boolean; next: Expecting } {
  const stuck = entry.pool === null ? STUCK_POOL.exec(text) : null;
  if (stuck) {
    entry.pool = stuck[0];
    const cpus = cpuList(stuck[1]!);
    if (cpus.length === 1) entry.cpu = cpus[0]!;
    return { used: true, next: null };
  }
  const pool = POOL.exec(text);
  if (pool) {
    return { used: true, next: pool[1] === entry.pool ? 'stuck-pool' : null };
  }
  const work = IN_FLIGHT.exec(text);
  if (work) {
    if (expecting === 'stuck-pool') {
      entry.pid ??= Number(work[1]);
      entry.named ??= work[2]!;
    }
    if (entry.notes.length < 16) entry.notes.push(`in flight: ${work[2]!} (pid ${work[1]!})`);
    return { used: true, next: expecting };
  }
  const listed =
    /^(?:workqueue \S+: flags|pending:|delayed:|inactive:|pool \d+:|Showing (?:busy|backtraces))/.test(text);
  return { used: listed, next: listed ? expecting : null };
}

function addStallLine(entry: EntryDraft, text: string): { used: boolean; next: Expecting } {
  const cpu = STALLED_CPU.exec(text);
  if (cpu) {
    if (entry.cpu === null) entry.cpu = Number(cpu[1]);
    else if (entry.cpu !== Number(cpu[1])) entry.cpus.push(Number(cpu[1]));
  }
  const by = STALLED_BY.exec(text);
  if (by) {
    entry.detectedBy ??= Number(by[1]);
    entry.notes.push(`${by[2]} jiffies`);
  }
  const lasted = STALLED_FOR.exec(text);
  if (lasted) entry.notes.push(`${lasted[1]} jiffies`);
  const task = STALLED_TASK.exec(text);
  if (task?.[1] !== undefined && entry.cpu === null) entry.pid ??= Number(task[1]);
  const starved = STARVED.exec(text);
  if (starved) entry.notes.push(`${starved[1]}'s kthread starved for ${starved[2]} jiffies`);
  return { used: Boolean(cpu ?? by ?? lasted ?? task ?? starved), next: null };
}

/** "A is blocked on a mutex likely owned by B". */
export interface Owner {
  /** The pid of A. */
  readonly waiter: number;
  /** What it is blocked on. */
  readonly what: string;
  /** B. */
  readonly comm: string;
  readonly pid: number;
}

export function ownerLine(text: string): Owner | null {
  const match = OWNED.exec(text);
  if (!match) return null;
  return {
    waiter: Number(match[2]),
    what: match[3]!,
    comm: match[4]!.replace(/^=\s*/, ''),
    pid: Number(match[5]),
  };
}

/** Kinds whose frames up to the stack backtrace tell of lock chains, not of what a CPU does. */
export function hasLockChains(kind: LogKind): boolean {
  return kind.startsWith('lockdep');
}

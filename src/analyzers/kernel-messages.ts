/**
 * Wordings by which a kernel log line speaks of lockups (all since 2.6; include kernel/watchdog.c, kernel/rcu/tree_stall.h,
 * kernel/locking/spinlock_debug.c, kernel/hung_task.c, kernel/sched/core.c, lib/nmi_backtrace.c). One line of a kind each.
 */
const WORDINGS: readonly RegExp[] = [
  /hard lockup/i, //                        watchdog: Watchdog detected hard LOCKUP on cpu 3
  /soft lockup/i, //                        watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [comm:pid]
  /detected LOCKUP on CPU/, //              NMI Watchdog detected LOCKUP on CPU0, eip ...
  /rcu.*(detected stalls|self-detected stall)/, // rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:
  /BUG: (spinlock|rwlock|workqueue lockup|scheduling while atomic)/, // BUG: spinlock lockup suspected on CPU#2, comm/pid
  /blocked for more than \d+ seconds/, //   INFO: task X:P blocked for more than 120 seconds.
  /possible (circular|recursive) locking|inconsistent lock state|bad unlock balance/,
  /NMI backtrace for cpu/, //               NMI backtrace for cpu 3
  /Kernel panic/,
];

/** Does this line belong into a report about lockups? */
export function speaksOfLockups(text: string): boolean {
  return WORDINGS.some((wording) => wording.test(text));
}

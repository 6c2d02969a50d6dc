import type { Incident, InterruptState } from '../model/kernel-log.ts';
import type { Facts } from './facts.ts';
import { isLockWait } from './hypotheses/hypotheses.ts';

/** What the log cannot tell, and what to record so that it can be told. */
export function advice(
  facts: Facts,
  interrupts: InterruptState | null,
): Pick<Incident, 'unknown' | 'record'> {
  const { group, spin, holder, others, bitLock, function: name } = facts;
  const { kind } = group;
  const unknown: string[] = [];
  const record: string[] = [];
  if (['hard-lockup', 'soft-lockup', 'rcu-stall', 'spinlock-lockup', 'csd-lock'].includes(kind)) {
    if (name === null) unknown.push('where the CPU was: the log has no registers and no usable stack of it');
    if (kind === 'hard-lockup' && interrupts === null)
      unknown.push('whether interrupts were off: no flags register in the log');
    if (others.length === 0) unknown.push('what the other CPUs did: the log has no backtraces of them');
    if (kind === 'hard-lockup') {
      unknown.push(
        'since when: the perf detector speaks 0.6 T to 2 T after interrupts went off, the buddy detector 0.8 T to 2.4 T (T = watchdog_thresh)',
      );
    }
  }
  if (isLockWait(facts)) {
    if (spin?.word == null)
      unknown.push("the lock's address: not to be had from the code and registers in the log");
    if (holder === null) unknown.push('who holds the lock, or had it last: a log has no history');
    if (spin?.kind === 'bit-spinlock') {
      record.push(
        `kprobes on the functions that take ${bitLock ? `${bitLock.word}'s ${bitLock.name} (${bitLock.usersText})` : `this bit lock (${name ?? 'the spinning function'})`}, with the word's value: no stock tracepoint covers bit locks (capture/bit-locks-kprobes.sh)`,
      );
    } else {
      record.push(
        'lock:contention_begin and lock:contention_end (since 5.19); lock:lock_acquire, lock_acquired and lock_release where the kernel has lockdep (capture/stock-trace-cmd.sh, capture/lockdep.sh)',
      );
    }
    record.push(
      'irq:*, sched:sched_switch and printk:console besides, on the mono clock, in rings large enough for 60 s: what put the lock wrong happens 10 to 25 s before the report, on another CPU (capture/flight-recorder.sh, where it comes seldom)',
    );
    record.push('then: spinback analyze --log THIS-LOG TRACE');
  } else if (['hard-lockup', 'soft-lockup', 'rcu-stall'].includes(kind)) {
    record.push(
      'preemptirq:irq_disable and irq_enable (or the irqsoff tracer), sched:sched_switch, irq:*, timer:hrtimer_expire_entry, printk:console: what ran with interrupts off, and since when (capture/stock-trace-cmd.sh, capture/lockdep.sh)',
    );
  } else if (kind === 'hung-task' && holder === null) {
    record.push(
      'sysrq-w (all blocked tasks); lock:contention_begin and lock:contention_end with stack traces; sched:sched_switch and sched_waking',
    );
  }
  if (others.length === 0 && ['hard-lockup', 'soft-lockup'].includes(kind)) {
    record.push(
      `sysctl kernel.${kind === 'hard-lockup' ? 'hardlockup' : 'softlockup'}_all_cpu_backtrace=1: backtraces of all CPUs in the next report`,
    );
  }
  return { unknown, record };
}

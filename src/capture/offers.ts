/** What tracepoints are good for: what cannot be seen without them, and who has them. */
export interface Offer {
  readonly events: readonly string[];
  readonly without: string;
  /** The kernel that has them: a version, configuration or machine. */
  readonly from: string;
  /** The options of the kernel's configuration that decide, where any do. */
  readonly options: readonly string[];
}

// Sources: include/trace/events/{lock,preemptirq,irq,sched,timer,printk}.h, arch/x86/include/asm/trace/irq_vectors.h,
// kernel/trace/Kconfig and lib/Kconfig.debug of Linux 5.4 to 6.12.
export const OFFERS: readonly Offer[] = [
  {
    events: ['lock:contention_begin', 'lock:contention_end'],
    without: 'who waited for a contended lock, and for how long',
    from: 'Linux 5.19',
    options: [],
  },
  {
    events: ['lock:contended_release'],
    without: 'who held a contended lock when it was let go',
    from: 'kernels of 2026',
    options: [],
  },
  {
    events: ['lock:lock_acquire', 'lock:lock_release'],
    without: 'who holds which spinlock, mutex or rwsem',
    from: 'CONFIG_LOCKDEP (by CONFIG_PROVE_LOCKING or CONFIG_LOCK_STAT)',
    options: ['CONFIG_LOCKDEP'],
  },
  {
    events: ['lock:lock_acquired', 'lock:lock_contended'],
    without: 'when a lock was got: holds begin at the attempt, and waits cannot be told',
    from: 'CONFIG_LOCK_STAT',
    options: ['CONFIG_LOCK_STAT'],
  },
  {
    events: [
      'bitlock:bit_spin_acquire',
      'bitlock:bit_spin_contended',
      'bitlock:bit_spin_acquired',
      'bitlock:bit_spin_release',
    ],
    without: 'bit locks (see bit-locks-kprobes)',
    from: 'a kernel that was patched for it: no stock tracepoint covers bit_spin_lock()',
    options: [],
  },
  {
    events: ['preemptirq:irq_disable', 'preemptirq:irq_enable'],
    without: 'since when interrupts are off: only the flags of other events bound that',
    from: 'CONFIG_PREEMPTIRQ_TRACEPOINTS (by CONFIG_IRQSOFF_TRACER or CONFIG_PROVE_LOCKING)',
    options: ['CONFIG_PREEMPTIRQ_TRACEPOINTS', 'CONFIG_TRACE_IRQFLAGS'],
  },
  {
    events: ['preemptirq:preempt_disable', 'preemptirq:preempt_enable'],
    without: 'since when preemption is off',
    from: 'CONFIG_PREEMPTIRQ_TRACEPOINTS (by CONFIG_PREEMPT_TRACER or CONFIG_DEBUG_PREEMPT)',
    options: ['CONFIG_PREEMPTIRQ_TRACEPOINTS', 'CONFIG_TRACE_PREEMPT_TOGGLE'],
  },
  {
    events: ['irq:irq_handler_entry', 'irq:irq_handler_exit', 'irq:softirq_entry', 'irq:softirq_exit'],
    without: 'interrupt handlers and softirqs as the place where something happened',
    from: 'every kernel with tracepoints',
    options: ['CONFIG_EVENT_TRACING'],
  },
  {
    events: ['irq_vectors:local_timer_entry', 'irq_vectors:local_timer_exit'],
    without:
      'timer ticks, the rhythm by which a silent CPU is told from a quiet one (hrtimer_expire_entry will do)',
    from: 'x86 with a local APIC',
    options: [],
  },
  {
    events: ['timer:hrtimer_expire_entry'],
    without:
      'timer ticks, the rhythm by which a silent CPU is told from a quiet one (local_timer_entry will do)',
    from: 'every kernel with tracepoints',
    options: ['CONFIG_EVENT_TRACING'],
  },
  {
    events: ['sched:sched_switch', 'sched:sched_process_exit'],
    without: 'who ran where, and whether a holder slept or exited',
    from: 'every kernel with tracepoints',
    options: ['CONFIG_EVENT_TRACING'],
  },
  {
    events: ['printk:console'],
    without: "the kernel's own report of the lockup, in the capture's time",
    from: 'CONFIG_PRINTK',
    options: ['CONFIG_PRINTK'],
  },
];

/** The offer that an event belongs to. */
export function offerOf(event: string): Offer | undefined {
  return OFFERS.find(({ events }) => events.includes(event));
}

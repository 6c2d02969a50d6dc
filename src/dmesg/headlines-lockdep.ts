import { TASK, type Headline } from './headline.ts';

/** What lockdep and the checks of atomic sections say. */
export const LOCKDEP_HEADLINES: readonly Headline[] = [
  // ---- lockdep
  {
    kind: 'lockdep-circular',
    needle: 'circular locking dep',
    pattern: /possible circular locking dependency detected/,
    source: 'kernel/lockdep.c since v2.6.18, kernel/locking/lockdep.c since v3.13; "[ INFO: ... ]" to v4.10',
    sample: 'WARNING: possible circular locking dependency detected',
  },
  {
    kind: 'lockdep-recursive',
    needle: 'recursive locking det',
    pattern: /possible recursive locking detected/,
    source: 'kernel/locking/lockdep.c since v2.6.18',
    sample: '[ INFO: possible recursive locking detected ]',
  },
  {
    kind: 'lockdep-inconsistent',
    needle: 'inconsistent lock state',
    pattern: /(?:WARNING|INFO): inconsistent lock state/,
    source: 'kernel/locking/lockdep.c since v2.6.18',
    sample: 'WARNING: inconsistent lock state',
  },
  {
    kind: 'lockdep-inversion',
    needle: 'irq lock inversion',
    pattern: /possible irq lock inversion dependency detected/,
    source: 'kernel/locking/lockdep.c since v2.6.18',
    sample: 'WARNING: possible irq lock inversion dependency detected',
  },
  {
    kind: 'lockdep-unsafe-order',
    needle: '-unsafe lock order',
    pattern: /\b\w{1,20}-safe -> \w{1,20}-unsafe lock order detected/,
    source: 'kernel/locking/lockdep.c since v2.6.18',
    sample: '[ INFO: HARDIRQ-safe -> HARDIRQ-unsafe lock order detected ]',
  },
  {
    kind: 'lockdep-unlock-balance',
    needle: 'bad unlock balance',
    pattern: /bad unlock balance detected/,
    source: 'kernel/locking/lockdep.c since v2.6.18',
    sample: 'WARNING: bad unlock balance detected!',
  },
  {
    kind: 'lockdep-contention-balance',
    needle: 'bad contention det',
    pattern: /bad contention detected/,
    source: 'kernel/locking/lockdep.c since v2.6.23 (LOCK_STAT)',
    sample: 'WARNING: bad contention detected!',
  },
  {
    kind: 'lockdep-held-freed',
    needle: 'held lock freed',
    pattern: /(?:WARNING|BUG): held lock freed!/,
    source: 'kernel/locking/lockdep.c since v2.6.18',
    sample: '[ BUG: held lock freed! ]',
  },
  {
    kind: 'lockdep-held-user',
    needle: 'lock held when returning',
    pattern: /lock held when returning to user space/,
    source: 'kernel/locking/lockdep.c since v2.6.24',
    sample: 'WARNING: lock held when returning to user space!',
  },
  {
    kind: 'lockdep-held-exit',
    needle: 'lock held at task exit',
    pattern: /lock held at task exit time/,
    source: 'kernel/lockdep.c v2.6.18 to v3.9',
    sample: '[ BUG: lock held at task exit time! ]',
  },
  {
    kind: 'lockdep-held',
    needle: 'still has locks held',
    pattern: new RegExp(`(?:WARNING|BUG): (?:${TASK}/(?<pid>\\d+) )?still has locks held!?`),
    source: 'kernel/locking/lockdep.c since v3.9',
    sample: 'WARNING: kworker/0:1/123 still has locks held!',
  },
  {
    kind: 'lockdep-wait-context',
    needle: 'Invalid wait context',
    pattern: /BUG: Invalid wait context/,
    source: 'kernel/locking/lockdep.c since v5.7 (PROVE_RAW_LOCK_NESTING)',
    sample: '[ BUG: Invalid wait context ]',
  },
  {
    kind: 'lockdep-nest',
    needle: 'Nested lock was not',
    pattern: /Nested lock was not taken/,
    source: 'kernel/locking/lockdep.c since v3.7',
    sample: 'WARNING: Nested lock was not taken',
  },
  {
    kind: 'lockdep-key',
    needle: 'non-static key',
    pattern: /INFO: trying to register non-static key/,
    source: 'kernel/locking/lockdep.c since v2.6.18',
    sample: 'INFO: trying to register non-static key.',
  },
  {
    kind: 'lockdep-rcu',
    needle: 'suspicious RCU usage',
    pattern: /(?:WARNING|INFO): suspicious RCU usage|^suspicious RCU usage\.$/,
    source: 'kernel/locking/lockdep.c since v3.0',
    sample: 'WARNING: suspicious RCU usage',
  },
  {
    kind: 'lockdep-rcu',
    needle: 'INFO: suspicious rcu_dereference',
    pattern: /INFO: suspicious rcu_dereference_check\(\) usage/,
    source: 'kernel/lockdep.c v2.6.34 to v2.6.39',
    sample: '[ INFO: suspicious rcu_dereference_check() usage. ]',
  },
  ...(
    [
      [
        'suspicious rcu_',
        /^\S+:\d+ suspicious rcu_\w+\(\) usage!/,
        'net/core/dev.c:302 suspicious rcu_dereference_check() usage!',
      ],
      [
        'Illegal context switch in RCU',
        /^\S+:\d+ Illegal context switch in RCU/,
        'kernel/sched/core.c:7264 Illegal context switch in RCU read-side critical section!',
      ],
      [
        'RCU-list traversed',
        /^\S+:\d+ RCU-list traversed in non-reader section/,
        'net/mac80211/cfg.c:940 RCU-list traversed in non-reader section!!',
      ],
    ] as const
  ).map(([needle, pattern, sample]): Headline => ({
    kind: 'lockdep-rcu',
    needle,
    pattern,
    sample,
    source: 'kernel/locking/lockdep.c since v3.0 (lockdep_rcu_suspicious): "file:line what"',
    detail: true,
  })),
  {
    kind: 'lockdep-internal',
    needle: 'kernel/locking/lockdep.c:',
    pattern:
      /WARNING:(?: CPU: (?<cpu>\d+) PID: (?<pid>\d+))? at (?:\S*\/)?kernel\/(?:locking\/)?lockdep\.c:\d+(?:,? (?:at )?(?<fn>[\w.]+))?/,
    source: 'kernel/locking/lockdep.c (DEBUG_LOCKS_WARN_ON) since v3.13; "CPU: .. PID: .." v3.11 to v6.15',
    sample: 'WARNING: CPU: 1 PID: 4142 at kernel/locking/lockdep.c:704 register_lock_class+0x1a1/0x3c0',
  },
  // ---- broken atomic sections
  {
    kind: 'scheduling-while-atomic',
    needle: 'scheduling while atomic',
    pattern: new RegExp(
      `(?:BUG: )?scheduling while atomic: ${TASK}/(?:0x[0-9a-f]+/(?<pid>\\d+)|(?<pid2>\\d+)/0x[0-9a-f]+)`,
    ),
    source:
      'kernel/sched/core.c since v2.6.24 (comm/pid/count); kernel/sched.c before (comm/count/pid; without "BUG: " to v2.6.16)',
    sample: 'BUG: scheduling while atomic: fake_submit/110/0x00000002',
  },
  {
    kind: 'sleeping-in-atomic',
    needle: 'sleeping function called',
    pattern: new RegExp(
      `(?:BUG|Debug): sleeping function called from invalid context (?:${TASK}\\((?<pid>\\d+)\\) )?at \\S+:\\d+`,
    ),
    source: 'kernel/sched/core.c since v2.6 ("Debug: " to v2.6.14; "comm(pid)" in -rt kernels)',
    sample: 'BUG: sleeping function called from invalid context at mm/slab.h:421',
  },
];

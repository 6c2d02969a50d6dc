import { TASK, type Headline } from './headline.ts';
import { LOCKDEP_HEADLINES } from './headlines-lockdep.ts';

/** Every wording, the specific before the general: the first that matches counts. */
export const HEADLINES: readonly Headline[] = [
  // ---- hard lockup
  {
    kind: 'hard-lockup',
    needle: 'hard LOCKUP on cpu',
    pattern: /Kernel panic - not syncing: Watchdog detected hard LOCKUP on cpu (?<cpu>\d+)/,
    source: 'kernel/watchdog.c v2.6.37 to v4.18 with hardlockup_panic; soc drivers since',
    sample: 'Kernel panic - not syncing: Watchdog detected hard LOCKUP on cpu 0',
    echo: true,
  },
  {
    kind: 'hard-lockup',
    needle: 'detected hard LOCKUP',
    pattern: /Watchdog detected hard LOCKUP on cpu (?<cpu>\d+)/,
    source: 'kernel/watchdog.c since v2.6.37 (watchdog_hld.c v4.10 to v6.4; "CPU%u: " in front since 2025)',
    sample: 'watchdog: CPU3: Watchdog detected hard LOCKUP on cpu 3',
  },
  {
    kind: 'hard-lockup',
    needle: 'not syncing: Hard LOCKUP',
    pattern: /Kernel panic - not syncing: Hard LOCKUP/,
    source: 'kernel/watchdog.c since v4.3 (nmi_panic)',
    sample: 'Kernel panic - not syncing: Hard LOCKUP',
    echo: true,
  },
  {
    kind: 'hard-lockup',
    needle: 'self-detected hard LOCKUP',
    pattern: /CPU (?<cpu>\d+) self-detected hard LOCKUP(?: @ (?:\[?[0-9a-f]{8,16}\]? ?)?(?<fn>[\w.$]+))?/,
    source: 'arch/powerpc/kernel/watchdog.c since v4.18',
    sample: 'watchdog: CPU 12 self-detected hard LOCKUP @ queued_spin_lock_slowpath+0x1c/0x2f0',
  },
  {
    kind: 'hard-lockup',
    needle: 'detected hard LOCKUP on other',
    pattern: /CPU (?<by>\d+) detected hard LOCKUP on other CPUs (?<cpus>[\d,-]+)/,
    source: 'arch/powerpc/kernel/watchdog.c since v4.18',
    sample: 'watchdog: CPU 4 detected hard LOCKUP on other CPUs 0',
  },
  {
    kind: 'hard-lockup',
    needle: 'detected Hard LOCKUP other',
    pattern: /Watchdog CPU:(?<by>\d+) detected Hard LOCKUP other CPUS:(?<cpus>[\d,-]+)/,
    source: 'arch/powerpc/kernel/watchdog.c v4.13 to v4.17',
    sample: 'Watchdog CPU:4 detected Hard LOCKUP other CPUS:2-3',
  },
  {
    kind: 'hard-lockup',
    needle: 'Hard LOCKUP',
    pattern: /(?:watchdog: CPU |Watchdog CPU:)(?<cpu>\d+) Hard LOCKUP/,
    source: 'arch/powerpc/kernel/watchdog.c since v4.13: the other CPU itself',
    sample: 'watchdog: CPU 59 Hard LOCKUP',
  },
  {
    kind: 'hard-lockup',
    needle: 'atchdog detected ',
    pattern: /NMI [Ww]atchdog detected (?:LOCKUP|lockup) on CPU ?#?(?<cpu>\d+)/,
    source:
      'arch/i386/kernel/nmi.c, arch/x86_64/kernel/nmi.c 2.4 to v2.6.36; "lockup on CPU#" in -rt kernels',
    sample: 'NMI Watchdog detected LOCKUP on CPU0, eip c02b0d6d, registers:',
  },
  // ---- soft lockup
  {
    kind: 'soft-lockup',
    needle: 'soft lockup',
    pattern:
      /BUG: soft lockup - CPU#(?<cpu>\d+) stuck for (?<secs>\d+) ?s(?:econds?)?!? ?(?:\[(?<comm>[^\]]{0,64}?)(?::(?<pid>\d+))?(?:\]|$))?/,
    source: 'kernel/watchdog.c since v2.6.36, kernel/softlockup.c since v2.6.23',
    sample: 'watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [kworker/1:1:47]',
  },
  {
    kind: 'soft-lockup',
    needle: 'soft lockup detected',
    pattern: /BUG: soft lockup detected on CPU#(?<cpu>\d+)!?(?:\[(?<comm>.{0,64}):(?<pid>\d+)\])?/,
    source: 'kernel/softlockup.c v2.6.12 to v2.6.22',
    sample: 'BUG: soft lockup detected on CPU#1!',
  },
  {
    kind: 'soft-lockup',
    needle: 'softlockup: hung tasks',
    pattern: /Kernel panic - not syncing: softlockup: hung tasks/,
    source: 'kernel/watchdog.c since v2.6.36 with softlockup_panic',
    sample: 'Kernel panic - not syncing: softlockup: hung tasks',
    echo: true,
  },
  // ---- RCU stalls
  {
    kind: 'rcu-stall',
    needle: 'detected stall',
    pattern:
      /INFO: (?<flavor>\w+) (?:self-)?detected (?:expedited )?stalls? on CPU(?:s\/tasks)?:?(?: \{(?<list>[^}]*)\}?| (?<cpu>\d+))?(?:.*?detected by (?<by>\d+))?(?:.*?t=(?<jiffies>\d+)(?:\/\d+)? jiffies)?/,
    source:
      'kernel/rcutree.c since v2.6.29, kernel/rcu/tree_stall.h since v5.1 ("rcu: " in front since v4.19)',
    sample:
      'INFO: rcu_sched detected stalls on CPUs/tasks: { 1 3} (detected by 0, t=21002 jiffies, g=8, c=7, q=10)',
  },
  {
    kind: 'rcu-stall',
    needle: 'detected expedited stall',
    pattern:
      /INFO: (?<flavor>\w+) detected expedited stalls on CPUs\/tasks:(?: \{(?<list>[^}]*)\}?)?(?:.*?(?<jiffies>\d+) jiffies)?/,
    source: 'kernel/rcu/tree_exp.h since v4.4',
    sample:
      'rcu: INFO: rcu_preempt detected expedited stalls on CPUs/tasks: { 2-.... } 21 jiffies s: 1 root: 0x4/.',
  },
  {
    kind: 'rcu-stall',
    needle: 'stalls on tasks',
    pattern: /INFO: (?<flavor>rcu_tasks\w*) detected stalls on tasks/,
    source: 'kernel/rcu/tasks.h since v3.18',
    sample: 'INFO: rcu_tasks detected stalls on tasks:',
  },
  {
    kind: 'rcu-stall',
    needle: 'RCU detected CPU',
    pattern:
      /RCU detected CPU (?:(?<cpu>\d+) stall|stalls?:(?<list>[\d ]*))(?:.*?detected by (?<by>\d+))?(?:.*?t=(?<jiffies>\d+))?/,
    source: 'kernel/rcutree.c v2.6.29 to v2.6.34',
    sample: 'INFO: RCU detected CPU 0 stall (t=10000 jiffies)',
  },
  {
    kind: 'rcu-stall',
    needle: 'not syncing: RCU Stall',
    pattern: /Kernel panic - not syncing: RCU Stall/,
    source: 'kernel/rcu/tree_stall.h since v4.7 (panic_on_rcu_stall)',
    sample: 'Kernel panic - not syncing: RCU Stall',
    echo: true,
  },
  // ---- calls to other CPUs
  {
    kind: 'csd-lock',
    needle: 'non-responsive CSD',
    pattern:
      /Detected non-responsive CSD lock \(#\d+\) on CPU#(?<by>\d+), waiting (?<ns>-?\d+) ns for CPU#(?<cpu>-?\d+) ?(?<fn>[\w.$]+)?/,
    source: 'kernel/smp.c since v5.9 (CSD_LOCK_WAIT_DEBUG)',
    sample:
      'smp: csd: Detected non-responsive CSD lock (#1) on CPU#2, waiting 5000000036 ns for CPU#03 do_nothing+0x0/0x10(0x0).',
  },
  // ---- spinlock debugging
  ...(
    [
      ['spinlock-lockup', String.raw`lockup(?: suspected)?`, 'lockup suspected'],
      ['spinlock-bad-magic', 'bad magic', 'bad magic'],
      ['spinlock-recursion', String.raw`(?:cpu )?recursion`, 'recursion'],
      ['spinlock-already-unlocked', 'already unlocked', 'already unlocked'],
      ['spinlock-wrong-owner', 'wrong owner', 'wrong owner'],
      ['spinlock-wrong-cpu', 'wrong CPU', 'wrong CPU'],
    ] as const
  ).flatMap(([kind, what, example]): Headline[] =>
    (['BUG: spinlock', 'BUG: rwlock', 'BUG: write-lock', 'BUG: read-lock'] as const).map((needle) => ({
      kind,
      needle,
      pattern: new RegExp(`${needle} ${what} on CPU#(?<cpu>\\d+)(?:,? ${TASK}/(?<pid>\\d+)(?=,|\\s|$))?`),
      source: 'lib/spinlock_debug.c v2.6.14 to v3.14, kernel/locking/spinlock_debug.c since',
      sample: `${needle} ${example} on CPU#0, swapper/0/1`,
    })),
  ),
  // ---- work and tasks
  {
    kind: 'workqueue-lockup',
    needle: 'workqueue lockup',
    pattern:
      /BUG: workqueue lockup - pool(?: (?<pool>(?:cpus=(?<cpus>[\d,-]+))?.{0,200}?) ?stuck for (?<secs>\d+)s|$)/,
    source: 'kernel/workqueue.c since v4.5',
    sample: 'BUG: workqueue lockup - pool cpus=1 node=0 flags=0x0 nice=0 stuck for 61s!',
  },
  {
    kind: 'workqueue-leak',
    needle: 'BUG: workqueue leaked',
    pattern: new RegExp(
      `BUG: workqueue leaked (?:lock or atomic|atomic, lock or RCU): ${TASK}(?:/0x[0-9a-f]+/(?<pid>\\d+)|\\[(?<pid2>\\d+)\\])`,
    ),
    source: 'kernel/workqueue.c since v2.6.x; "atomic, lock or RCU: %s[%d]" since v6.9',
    sample: 'BUG: workqueue leaked lock or atomic: kworker/0:1/0x00000000/29',
  },
  {
    kind: 'hung-task',
    needle: 'blocked for more',
    pattern: new RegExp(`INFO: task ${TASK}:(?<pid>\\d+) blocked for more than (?<secs>\\d+) ?s`),
    source: 'kernel/hung_task.c since v2.6.30 (softlockup.c since v2.6.25)',
    sample: 'INFO: task kworker/u8:3:1234 blocked for more than 120 seconds.',
  },
  {
    kind: 'hung-task',
    needle: 'blocked in I/O wait',
    pattern: new RegExp(`INFO: task ${TASK}:(?<pid>\\d+) blocked in I/O wait for more than (?<secs>\\d+) ?s`),
    source: 'kernel/hung_task.c since v6.18',
    sample: 'INFO: task jbd2/sda1-8:301 blocked in I/O wait for more than 120 seconds.',
  },
  {
    kind: 'hung-task',
    needle: "can't die for more",
    pattern: new RegExp(`INFO: task ${TASK}:(?<pid>\\d+) can't die for more than (?<secs>\\d+) ?s`),
    source: 'kernel/hung_task.c of linux-next 2018 to 2021',
    sample: "INFO: task syz-executor.0:8163 can't die for more than 143 seconds.",
  },
  {
    kind: 'hung-task',
    needle: 'likely owned by',
    pattern: new RegExp(
      `INFO: task ${TASK}:(?<pid>\\d+)(?:\\(T\\d+\\))? (?:is |<\\w+> )?blocked on an? .{1,60}likely owned by`,
    ),
    source: 'kernel/hung_task.c since v6.16: follows the report that a task is blocked, which may be cut off',
    sample: 'INFO: task cat:115 is blocked on a mutex likely owned by task cat:114.',
  },
  {
    kind: 'hung-task',
    needle: 'hung_task: blocked tasks',
    pattern: /Kernel panic - not syncing: hung_task: blocked tasks/,
    source: 'kernel/hung_task.c since v2.6.30 (hung_task_panic)',
    sample: 'Kernel panic - not syncing: hung_task: blocked tasks',
    echo: true,
  },
  ...LOCKDEP_HEADLINES,
];

/** Other lines that bring a report about: what the reader needs to be woken for. */
export const OTHER_NEEDLES: readonly string[] = [
  'NMI backtrace for cpu',
  'Task dump for CPU',
  'Sending NMI',
  'locks held by',
  'lock held by',
  'became unstuck',
  'Linux version ',
  'kthread starved for',
  'struct buffer_head',
  'struct journal_head',
  'struct inode ',
  'struct page ',
  '[Hardware Error]',
  'Machine check events',
  'kernel BUG at',
  'general protection',
  'BUG: unable to handle',
  'Unable to handle kernel',
  // Beginnings of headlines that mail programs break.
  'INFO: task ',
  'possible circular',
  'possible recursive',
  'possible irq lock',
  'LOCKUP on cpu',
  'LOCKUP on CPU',
  'LOCKUP on other',
];

/** What the byte search of a log looks for. */
export const NEEDLES: readonly string[] = [...HEADLINES.map(({ needle }) => needle), ...OTHER_NEEDLES];

export interface Recognised {
  readonly headline: Headline;
  /** Where in the text it begins and ends. */
  readonly from: number;
  readonly to: number;
  readonly groups: Readonly<Record<string, string | undefined>>;
  readonly text: string;
}

/** Mails and bug trackers quote headlines as titles: that is no report. */
const TITLE =
  /^(?:# |\**)?(?:\[bug \d+\]|(?:subject|title|summary|alt|re|fwd?|aw|bug \d+|reported-by|fixes|link|closes)\b[^:]{0,20}:)/i;

/** In quotes it is somebody's talk about a report. */
function isQuoted(text: string, at: number): boolean {
  const before = text.slice(0, at);
  const isOpen = (mark: string): boolean => before.split(mark).length % 2 === 0;
  if (/["'`]$|[\u201c\u00ab\u300c][^\u201d\u00bb\u300d]*$/.test(before) || isOpen('`')) return true;
  // JSON quotes whole lines.
  return isOpen('"') && !text.startsWith('{');
}

/** How much may stand before a headline in its line: prefixes, and words of whoever quotes it. */
const FARTHEST = 1000;

/** Which headline a message is, if it is one. */
export function recognise(text: string): Recognised | null {
  if (TITLE.test(text)) return null;
  for (const headline of HEADLINES) {
    if (!text.includes(headline.needle)) continue;
    const match = headline.pattern.exec(text);
    if (!match || match.index > FARTHEST || isQuoted(text, match.index)) continue;
    return {
      headline,
      from: match.index,
      to: match.index + match[0].length,
      groups: match.groups ?? {},
      text,
    };
  }
  return null;
}

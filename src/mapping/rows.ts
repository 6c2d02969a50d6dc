import { NAMESPACES, type FlagName, type KindName, type NamespaceName } from '../model/event.ts';

/**
 * One row of the mapping: which tracepoint becomes which canonical kind, and which of its fields carry what.
 * The built-in table below and users' mapping files (docs/mapping.md) are written in this shape; nothing else in
 * spinback knows a tracepoint's name.
 */
export interface MappingRow {
  /** "system:name"; a * stands for any characters. Text captures do not print the system, so they match by name. */
  readonly event: string;
  readonly kind: KindName;
  /** What the address is the address of; see namespaceOf for what it is by default. */
  readonly namespace?: NamespaceName;
  /** Name of the field that holds the address. */
  readonly address?: string;
  /** Name of the field that holds the bit number, or the number itself. Absent: a whole lock. */
  readonly bit?: string | number;
  /**
   * Name of the field that holds the word's value (for a switch: the previous pid; for irqs on: how many nanoseconds
   * they were off).
   */
  readonly value?: string;
  /** Name of the field that becomes the upper half of the value (a switch's next pid). */
  readonly high?: string;
  /** A field whose value selects flags: bit number -> flag; `nonzero` applies to any value but 0. */
  readonly flagsFrom?: {
    readonly field: string;
    readonly bits?: Readonly<Record<number, FlagName>>;
    readonly nonzero?: FlagName;
  };
  /** Flags that every event of this type carries. */
  readonly flags?: readonly FlagName[];
  /** Name of the field with the lock's name (lockdep class). */
  readonly name?: string;
  /** Name of the field with the address, or offset, of the code that did it: what statistics call the call site. */
  readonly site?: string;
  /**
   * "system:name" of the event at a function's entry, for its return, which carries no address: it takes address and
   * bit of the innermost entry that the same context has not returned from. A * stands for what that of `event` does.
   */
  readonly entry?: string;
  /**
   * For text captures: how the print format shows the fields that are not printed as `field=value`. A regular
   * expression (no anchors needed at the end) over the text behind `event: `, with named groups that are field
   * names. A group that starts with 0x, has 16 digits or a letter is hexadecimal. Those of mapping files come
   * compiled, for linear time.
   */
  readonly text?: string | TextPattern;
}

/** A compiled expression that matches from a text's first character on. */
export interface TextPattern {
  /** The expression itself. */
  readonly source: string;
  /** The numbers of the groups that may catch each field. */
  readonly groups: ReadonlyMap<string, readonly number[]>;
  /** What the groups caught, by number; null where the text does not fit. */
  exec(text: string): ArrayLike<string | undefined> | null;
}

/** The namespace of a row's address: a bit lies in a word, and other addresses are those of locks. */
export function namespaceOf({ namespace, kind, bit, address, entry }: MappingRow): NamespaceName {
  if (namespace !== undefined) return namespace;
  if (bit !== undefined || entry !== undefined || WORD_KINDS.has(kind)) return 'word';
  return address === undefined ? NAMESPACES[0] : 'lock';
}

const WORD_KINDS: ReadonlySet<KindName> = new Set(['word load', 'word store', 'word rmw', 'observe']);

/**
 * The tracepoints that spinback understands without a mapping file.
 * Sources: include/trace/events/{lock,preemptirq,irq,sched,printk}.h of Linux 5.4 to 6.12;
 * arch/x86/include/asm/trace/irq_vectors.h; the patched `bitlock` and the test module's `bhrace` systems.
 */
export const BUILTIN_ROWS: readonly MappingRow[] = [
  {
    event: 'lock:lock_acquire',
    kind: 'attempt',
    namespace: 'lockdep',
    address: 'lockdep_addr',
    flagsFrom: { field: 'flags', bits: { 0: 'try', 1: 'read' } },
    name: 'name',
    // 0xffffffff81fdef20 read rcu_read_lock
    text: '(?<lockdep_addr>\\S+) (?<try>try )?(?<read>read )?(?<name>.*)',
  },
  {
    event: 'lock:lock_acquired',
    kind: 'acquire',
    namespace: 'lockdep',
    address: 'lockdep_addr',
    name: 'name',
    // 0xffff888277be06d8 hrtimer_bases.lock
    text: '(?<lockdep_addr>\\S+) (?<name>.*)',
  },
  {
    event: 'lock:lock_contended',
    kind: 'contend',
    namespace: 'lockdep',
    address: 'lockdep_addr',
    name: 'name',
    text: '(?<lockdep_addr>\\S+) (?<name>.*)',
  },
  {
    event: 'lock:lock_release',
    kind: 'release',
    namespace: 'lockdep',
    address: 'lockdep_addr',
    name: 'name',
    text: '(?<lockdep_addr>\\S+) (?<name>.*)',
  },
  {
    event: 'lock:contention_begin',
    kind: 'contend',
    namespace: 'lock',
    address: 'lock_addr',
    flagsFrom: {
      field: 'flags',
      bits: { 0: 'spin', 1: 'read', 2: 'write', 3: 'rt', 4: 'percpu', 5: 'mutex' },
    },
    // 0xffffffff82006c40 (flags=SPIN|MUTEX)
    text: '(?<lock_addr>\\S+) \\(flags=(?<flags>[^)]*)\\)',
  },
  {
    event: 'lock:contention_end',
    kind: 'wait end',
    namespace: 'lock',
    address: 'lock_addr',
    flagsFrom: { field: 'ret', nonzero: 'failed' },
    // 0xffffffff82006c40 (ret=0)
    text: '(?<lock_addr>\\S+) \\(ret=(?<ret>-?\\d+)\\)',
  },
  {
    event: 'lock:contended_release',
    kind: 'release hint',
    namespace: 'lock',
    address: 'lock_addr',
    text: '(?<lock_addr>\\S+)',
  },

  {
    event: 'bitlock:bit_spin_acquire',
    kind: 'attempt',
    namespace: 'word',
    address: 'addr',
    bit: 'bitnr',
    site: 'ip',
  },
  {
    event: 'bitlock:bit_spin_contended',
    kind: 'contend',
    namespace: 'word',
    address: 'addr',
    bit: 'bitnr',
    value: 'word_seen',
    site: 'ip',
  },
  {
    event: 'bitlock:bit_spin_acquired',
    kind: 'acquire',
    namespace: 'word',
    address: 'addr',
    bit: 'bitnr',
    value: 'word_after',
    site: 'ip',
  },
  {
    event: 'bitlock:bit_spin_release',
    kind: 'release',
    namespace: 'word',
    address: 'addr',
    bit: 'bitnr',
    value: 'word_after',
    site: 'ip',
  },
  { event: 'bhrace:word_load', kind: 'word load', namespace: 'word', address: 'addr', value: 'value' },
  { event: 'bhrace:word_store', kind: 'word store', namespace: 'word', address: 'addr', value: 'value' },

  { event: 'preemptirq:irq_disable', kind: 'irqs off', site: 'caller_offs' },
  { event: 'preemptirq:irq_enable', kind: 'irqs on', site: 'caller_offs' },
  { event: 'preemptirq:preempt_disable', kind: 'preempt off', site: 'caller_offs' },
  { event: 'preemptirq:preempt_enable', kind: 'preempt on', site: 'caller_offs' },

  { event: 'irq:irq_handler_entry', kind: 'enter', flags: ['hardirq'] },
  { event: 'irq:irq_handler_exit', kind: 'leave', flags: ['hardirq'] },
  { event: 'irq:softirq_entry', kind: 'enter', flags: ['softirq'] },
  { event: 'irq:softirq_exit', kind: 'leave', flags: ['softirq'] },
  { event: 'irq_vectors:local_timer_entry', kind: 'enter', flags: ['hardirq'] },
  { event: 'irq_vectors:local_timer_exit', kind: 'leave', flags: ['hardirq'] },
  { event: 'irq_vectors:reschedule_entry', kind: 'enter', flags: ['hardirq'] },
  { event: 'irq_vectors:reschedule_exit', kind: 'leave', flags: ['hardirq'] },
  { event: 'irq_vectors:call_function_entry', kind: 'enter', flags: ['hardirq'] },
  { event: 'irq_vectors:call_function_exit', kind: 'leave', flags: ['hardirq'] },
  { event: 'irq_vectors:call_function_single_entry', kind: 'enter', flags: ['hardirq'] },
  { event: 'irq_vectors:call_function_single_exit', kind: 'leave', flags: ['hardirq'] },
  { event: 'irq_vectors:irq_work_entry', kind: 'enter', flags: ['hardirq'] },
  { event: 'irq_vectors:irq_work_exit', kind: 'leave', flags: ['hardirq'] },

  {
    event: 'sched:sched_switch',
    kind: 'switch',
    value: 'prev_pid',
    high: 'next_pid',
    // prev_comm=a prev_pid=1 prev_prio=120 prev_state=R ==> next_comm=b next_pid=2 next_prio=120
    // swapper/3:0 [120] R ==> trace-cmd:111 [120]   (trace-cmd's own plugin)
    text:
      '(?:.*:(?<prev_pid>\\d+) \\[-?\\d+\\] \\S+ ==> (?<next_comm>.*):(?<next_pid>\\d+) \\[-?\\d+\\]' +
      '|prev_comm=.* prev_pid=(?<prev_pid_>\\d+) prev_prio=-?\\d+ prev_state=\\S+ (?:==> )?' +
      'next_comm=(?<next_comm_>.*) next_pid=(?<next_pid_>\\d+))',
  },
  { event: 'sched:sched_process_exit', kind: 'task exit', value: 'pid' },
  { event: 'printk:console', kind: 'message' },
];

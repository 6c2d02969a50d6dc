/** Where a field's value comes from: a slot of TraceEvent, or a constant. */
export type Slot = 'a' | 'b' | 'c' | 'd' | 'text' | 'text2' | number;

/** One field as its tracepoint declares it: the C declaration without the semicolon, and its value. */
export type FieldSpec = readonly [declaration: string, slot: Slot];

/** A tracepoint that the generator can emit. */
export interface EventSpec {
  readonly system: string;
  readonly name: string;
  /** Number in the generated captures. */
  readonly id: number;
  readonly fields: readonly FieldSpec[];
  readonly print: string;
}

/**
 * One generated event. Reused for every event of a stream: copy what you keep.
 * The meaning of `a` to `d` and of the texts is in EVENT_SPECS. Addresses and words are signed 64-bit numbers
 * (word64.ts), times nanoseconds on the trace's clock.
 */
export class TraceEvent {
  time = 0;
  cpu = 0;
  pid = 0;
  comm = '';
  /** common_flags as in include/linux/trace_events.h of Linux 6.12 (TRACE_FLAG_*). */
  flags = 0;
  /** common_preempt_count: low nibble preempt depth. */
  preempt = 0;
  /** Index into EVENT_SPECS: one of E. */
  type = 0;
  a = 0;
  b = 0;
  c = 0;
  d = 0;
  text = '';
  text2 = '';

  /** The tracepoint's name. */
  get name(): string {
    return EVENT_SPECS[this.type]!.name;
  }

  copy(): TraceEvent {
    return Object.assign(new TraceEvent(), this);
  }
}

/** Takes events in order of time. The event object is used again for the next one. */
export interface Sink {
  event(event: TraceEvent): void;
  /** The recorder lost `count` events on this CPU, before the CPU's next event; `told`: it says how many. */
  lost(cpu: number, count: number, told: boolean): void;
  /**
   * The recorder loses the CPU's next whole sub-buffers, the first of which begins with its next event. Only for files that
   * have sub-buffers. `onLost` hears what each one held: how many events, and the time of the last one.
   */
  losePages?(
    cpu: number,
    pages: number,
    told: boolean,
    onLost: (events: number, lastNs: number) => void,
  ): void;
}

export const TRACE_FLAG_IRQS_OFF = 0x01;
export const TRACE_FLAG_NEED_RESCHED = 0x04;
export const TRACE_FLAG_HARDIRQ = 0x08;
export const TRACE_FLAG_SOFTIRQ = 0x10;
export const TRACE_FLAG_PREEMPT_RESCHED = 0x20;
export const TRACE_FLAG_NMI = 0x40;

/** Names for indices into EVENT_SPECS. */
export const E = {
  lockAcquire: 0,
  lockContended: 1,
  lockAcquired: 2,
  lockRelease: 3,
  contentionBegin: 4,
  contentionEnd: 5,
  bitAcquire: 6,
  bitContended: 7,
  bitAcquired: 8,
  bitRelease: 9,
  wordLoad: 10,
  wordStore: 11,
  irqDisable: 12,
  irqEnable: 13,
  preemptDisable: 14,
  preemptEnable: 15,
  irqHandlerEntry: 16,
  irqHandlerExit: 17,
  softirqRaise: 18,
  softirqEntry: 19,
  softirqExit: 20,
  schedSwitch: 21,
  schedWakeup: 22,
  schedProcessExit: 23,
  localTimerEntry: 24,
  localTimerExit: 25,
  rescheduleEntry: 26,
  rescheduleExit: 27,
  callFunctionEntry: 28,
  callFunctionExit: 29,
  hrtimerExpireEntry: 30,
  hrtimerExpireExit: 31,
  console: 32,
} as const;

const NAME: FieldSpec = ['__data_loc char[] name', 'text'];
const MAP: FieldSpec = ['void * lockdep_addr', 'a'];
const NAMED_MAP = '"%p %s", REC->lockdep_addr, __get_str(name)';
const LOCK: FieldSpec = ['void * lock_addr', 'a'];
const BIT: readonly FieldSpec[] = [
  ['void * addr', 'a'],
  ['int bitnr', 'b'],
];
const IP: FieldSpec = ['unsigned long ip', 'c'];
const OFFSETS: readonly FieldSpec[] = [
  ['s32 caller_offs', 'a'],
  ['s32 parent_offs', 'b'],
];
const CALLER =
  '"caller=%pS parent=%pS", (void *)((unsigned long)(_stext) + REC->caller_offs), ' +
  '(void *)((unsigned long)(_stext) + REC->parent_offs)';
const VECTOR: readonly FieldSpec[] = [['int vector', 'a']];
const VEC: readonly FieldSpec[] = [['unsigned int vec', 'a']];

/** Softirq vectors by number (include/linux/interrupt.h, Linux 6.12). */
export const SOFTIRQS = [
  'HI',
  'TIMER',
  'NET_TX',
  'NET_RX',
  'BLOCK',
  'IRQ_POLL',
  'TASKLET',
  'SCHED',
  'HRTIMER',
  'RCU',
] as const;
const ACTION =
  '"vec=%u [action=%s]", REC->vec, __print_symbolic(REC->vec, ' +
  `${SOFTIRQS.map((name, number) => `{ ${number}, "${name}" }`).join(', ')})`;

const STATES =
  '(0x00000000 | 0x00000001 | 0x00000002 | 0x00000004 | 0x00000008 | 0x00000010 | 0x00000020 | 0x00000040)';
const STATE_MAX = `((${STATES} + 1) << 1)`;
const SWITCH =
  '"prev_comm=%s prev_pid=%d prev_prio=%d prev_state=%s%s ==> next_comm=%s next_pid=%d next_prio=%d", ' +
  `REC->prev_comm, REC->prev_pid, REC->prev_prio, (REC->prev_state & (${STATE_MAX} - 1)) ? ` +
  `__print_flags(REC->prev_state & (${STATE_MAX} - 1), "|", { 0x00000001, "S" }, { 0x00000002, "D" }, ` +
  '{ 0x00000004, "T" }, { 0x00000008, "t" }, { 0x00000010, "X" }, { 0x00000020, "Z" }, { 0x00000040, "P" }, ' +
  `{ 0x00000080, "I" }) : "R", REC->prev_state & ${STATE_MAX} ? "+" : "", ` +
  'REC->next_comm, REC->next_pid, REC->next_prio';

/** Task states as sched_switch reports them (include/linux/sched.h, Linux 6.12). */
export const STATE = { running: 0, sleeping: 1, blocked: 2, dead: 0x10, preempted: 0x100 } as const;

/** Bits of contention_begin's flags (include/trace/events/lock.h, Linux 6.12). */
export const CONTENTION_FLAGS = ['SPIN', 'READ', 'WRITE', 'RT', 'PERCPU', 'MUTEX'] as const;

const PRIO = 120;

/**
 * The tracepoints, in the order of E. Names, fields, ids and print formats are those of a Linux 6.12 x86-64
 * kernel's `format` files; `bitlock` and `bhrace` come from a patched kernel and a test module.
 */
export const EVENT_SPECS: readonly EventSpec[] = [
  spec('lock:lock_acquire', 301, [['unsigned int flags', 'b'], NAME, MAP], acquireFormat()),
  spec('lock:lock_contended', 299, [NAME, MAP], NAMED_MAP),
  spec('lock:lock_acquired', 298, [NAME, MAP], NAMED_MAP),
  spec('lock:lock_release', 300, [NAME, MAP], NAMED_MAP),
  spec('lock:contention_begin', 297, [LOCK, ['unsigned int flags', 'b']], contentionFormat()),
  spec('lock:contention_end', 296, [LOCK, ['int ret', 'b']], '"%p (ret=%d)", REC->lock_addr, REC->ret'),
  spec('bitlock:bit_spin_acquire', 305, [...BIT, IP], bitFormat()),
  spec('bitlock:bit_spin_contended', 302, bitFields('word_seen'), bitFormat('word_seen')),
  spec('bitlock:bit_spin_acquired', 304, bitFields('word_after'), bitFormat('word_after')),
  spec('bitlock:bit_spin_release', 303, bitFields('word_after'), bitFormat('word_after')),
  spec(
    'bhrace:word_load',
    1277,
    [BIT[0]!, ['unsigned long value', 'b']],
    '"addr=0x%lx value=0x%lx", (unsigned long)REC->addr, REC->value',
  ),
  spec(
    'bhrace:word_store',
    1276,
    [BIT[0]!, ['unsigned long old', 'b'], ['unsigned long value', 'c']],
    '"addr=0x%lx old=0x%lx value=0x%lx", (unsigned long)REC->addr, REC->old, REC->value',
  ),
  spec('preemptirq:irq_disable', 443, OFFSETS, CALLER),
  spec('preemptirq:irq_enable', 442, OFFSETS, CALLER),
  spec('preemptirq:preempt_disable', 441, OFFSETS, CALLER),
  spec('preemptirq:preempt_enable', 440, OFFSETS, CALLER),
  spec('irq:irq_handler_entry', 113, [['int irq', 'a'], NAME], '"irq=%d name=%s", REC->irq, __get_str(name)'),
  spec(
    'irq:irq_handler_exit',
    112,
    [
      ['int irq', 'a'],
      ['int ret', 'b'],
    ],
    '"irq=%d ret=%s", REC->irq, REC->ret ? "handled" : "unhandled"',
  ),
  spec('irq:softirq_raise', 109, VEC, ACTION),
  spec('irq:softirq_entry', 111, VEC, ACTION),
  spec('irq:softirq_exit', 110, VEC, ACTION),
  spec(
    'sched:sched_switch',
    261,
    [
      ['char prev_comm[16]', 'text'],
      ['pid_t prev_pid', 'a'],
      ['int prev_prio', PRIO],
      ['long prev_state', 'b'],
      ['char next_comm[16]', 'text2'],
      ['pid_t next_pid', 'c'],
      ['int next_prio', PRIO],
    ],
    SWITCH,
  ),
  spec(
    'sched:sched_wakeup',
    263,
    [
      ['char comm[16]', 'text'],
      ['pid_t pid', 'a'],
      ['int prio', PRIO],
      ['int target_cpu', 'b'],
    ],
    '"comm=%s pid=%d prio=%d target_cpu=%03d", REC->comm, REC->pid, REC->prio, REC->target_cpu',
  ),
  spec(
    'sched:sched_process_exit',
    258,
    [
      ['char comm[16]', 'text'],
      ['pid_t pid', 'a'],
      ['int prio', PRIO],
    ],
    '"comm=%s pid=%d prio=%d", REC->comm, REC->pid, REC->prio',
  ),
  spec('irq_vectors:local_timer_entry', 57, VECTOR, '"vector=%d", REC->vector'),
  spec('irq_vectors:local_timer_exit', 56, VECTOR, '"vector=%d", REC->vector'),
  spec('irq_vectors:reschedule_entry', 47, VECTOR, '"vector=%d", REC->vector'),
  spec('irq_vectors:reschedule_exit', 46, VECTOR, '"vector=%d", REC->vector'),
  spec('irq_vectors:call_function_single_entry', 43, VECTOR, '"vector=%d", REC->vector'),
  spec('irq_vectors:call_function_single_exit', 42, VECTOR, '"vector=%d", REC->vector'),
  spec(
    'timer:hrtimer_expire_entry',
    368,
    [
      ['void * hrtimer', 'a'],
      ['s64 now', 'b'],
      ['void * function', 'c'],
    ],
    '"hrtimer=%p function=%ps now=%llu", REC->hrtimer, REC->function, (unsigned long long) REC->now',
  ),
  spec('timer:hrtimer_expire_exit', 367, [['void * hrtimer', 'a']], '"hrtimer=%p", REC->hrtimer'),
  spec('printk:console', 308, [['__data_loc char[] msg', 'text']], '"%s", __get_str(msg)'),
];

/** The events of these systems, and these events by themselves ("lock:lock_acquire"). */
export function specsOf(systems: readonly string[]): readonly EventSpec[] {
  return EVENT_SPECS.filter(
    ({ system, name }) => systems.includes(system) || systems.includes(`${system}:${name}`),
  );
}

/** The trace systems that the generator can record, in the order of EVENT_SPECS. */
export const SYSTEMS: readonly string[] = [...new Set(EVENT_SPECS.map(({ system }) => system))];

function spec(event: string, id: number, fields: readonly FieldSpec[], print: string): EventSpec {
  const [system, name] = event.split(':') as [string, string];
  return { system, name, id, fields, print };
}

function acquireFormat(): string {
  return (
    '"%p %s%s%s", REC->lockdep_addr, (REC->flags & 1) ? "try " : "", (REC->flags & 2) ? "read " : "", ' +
    '__get_str(name)'
  );
}

function contentionFormat(): string {
  const bits = CONTENTION_FLAGS.map((name, bit) => `{ (1U << ${bit}), "${name}" }`).join(', ');
  return `"%p (flags=%s)", REC->lock_addr, __print_flags(REC->flags, "|", ${bits} )`;
}

function bitFields(word: string): FieldSpec[] {
  return [...BIT, [`unsigned long ${word}`, 'd'], IP];
}

function bitFormat(word?: string): string {
  const [shown, field] = word ? [` ${word}=0x%lx`, ` REC->${word},`] : ['', ''];
  return `"addr=0x%lx bitnr=%d${shown} ip=%pS", (unsigned long)REC->addr, REC->bitnr,${field} (void *)REC->ip`;
}

import { ordersCpus } from '../analyzers/clock-order.ts';
import { unjudgedSilence } from '../analyzers/silent-cpu.ts';
import type { KindName } from '../model/event.ts';
import type { Case } from '../model/case.ts';
import { NAMESPACE } from '../model/engine-numbers.ts';
import type { Question } from '../model/report.ts';
import { shows } from '../model/shows.ts';
import type { Capture } from '../trace/capture.ts';

type Answer = Pick<Question, 'answer' | 'why' | 'record'>;

/** What a capture shows, for judging which questions it can answer. */
interface Shown {
  /** Events of a kind, optionally of one namespace (lockdep, word, lock). */
  has(kind: KindName, namespace?: number): boolean;
  readonly hasTicks: boolean;
  readonly hasLosses: boolean;
  /** What was lost, and what to record or copy next time. */
  readonly losses: string;
  readonly remedy: string;
}

const { lockdep: LOCKDEP, word: WORD, lock: LOCK } = NAMESPACE;

const yes = (why: string): Answer => ({ answer: 'yes', why, record: null });

/** Which questions the capture can answer, which not, and what to record next time. */
export function questionsOf(capture: Capture, about: Case): Question[] {
  if (about.state.events === 0n) {
    const none = { answer: 'no', why: 'the capture holds no events', record: null } as const;
    return QUESTIONS.map(([question]) => ({ question, ...none }));
  }
  const shown = shownBy(capture, about);
  return QUESTIONS.map(([question, judge]) => {
    const answer = judge(shown, about);
    if (answer.answer === 'yes' && !about.timeIsNs && ABOUT_TIME.has(judge)) {
      return { question, answer: 'partly', ...NO_UNIT };
    }
    if (answer.answer !== 'yes' || !shown.hasLosses) return { question, ...answer };
    return {
      question,
      answer: 'partly',
      why: `${answer.why}; but ${shown.losses}`,
      record: shown.remedy,
    };
  });
}

const QUESTIONS: readonly (readonly [string, (shown: Shown, about: Case) => Answer])[] = [
  ['Which bit lock was never released?', bitLocks],
  ['Who undid an unlock with a plain store?', plainStores],
  ['Which spinlock, mutex or rwsem was never released, and who holds it?', lockdepLocks],
  ['Who waited for a contended lock, and for how long?', contention],
  ["In which order did different CPUs' events come?", order],
  ['For how long were interrupts off, and since when?', irqs],
  ['Did a CPU fall silent?', silence],
  ['Did a lock holder exit or sleep?', tasks],
  ['Would the watchdog fire, and did it?', watchdog],
];

/** Questions whose answer is a time. */
const ABOUT_TIME: ReadonlySet<unknown> = new Set([contention, irqs, silence, watchdog]);
const NO_UNIT = {
  why: 'the unit of the clock is not known, so no threshold applies',
  record: 'the mono clock (trace-cmd record -C mono)',
};

function bitLocks(shown: Shown): Answer {
  if (shown.has('acquire', WORD) && shown.has('release', WORD))
    return yes('takes and releases of bit locks are recorded');
  if (shown.has('pass', WORD)) {
    return {
      answer: 'partly',
      why: 'entries and returns of functions that take and release bit locks are recorded, what they do inside is not',
      record: 'the word at entry and return, on every function that takes the lock',
    };
  }
  return {
    answer: 'no',
    why: 'no bit-lock events: no stock tracepoint covers bit_spin_lock()',
    record:
      'kprobes on the functions that take and release the bit lock (spinback capture --print bit-locks-kprobes), or a kernel with bit-lock tracepoints',
  };
}

function plainStores(shown: Shown): Answer {
  if (shown.has('word store') && shown.has('word load'))
    return yes('plain loads and stores of lock words are recorded');
  return {
    answer: 'no',
    why: 'no events for plain loads and stores of words that carry a bit lock',
    record:
      'a probe on every function that updates the word without atomics, with the value before and after',
  };
}

function lockdepLocks(shown: Shown, { attemptsHold }: Case): Answer {
  if (attemptsHold) {
    return {
      answer: 'partly',
      why: 'nothing reports lock_acquired: a lock counts as held from lock_acquire on, and who waits for it cannot be told from who holds it',
      record: 'all lock:* events, on a kernel with CONFIG_LOCK_STAT',
    };
  }
  if (shown.has('acquire', LOCKDEP) && shown.has('release', LOCKDEP)) {
    return yes('lock_acquired and lock_release are recorded');
  }
  if (shown.has('contend', LOCKDEP)) {
    // The kernel that has one of the two has the other (include/trace/events/lock.h, Linux 6.12).
    return {
      answer: 'partly',
      why: 'lock_contended without lock_acquired: that somebody waited is known, not who got the lock and when',
      record: `lock:lock_acquired${shown.has('release', LOCKDEP) ? '' : ' and lock:lock_release'} too`,
    };
  }
  if (shown.has('attempt', LOCKDEP)) {
    return {
      answer: 'partly',
      why: 'lock_acquire without lock_acquired: neither holds nor waits are known, only that a lock was asked for',
      record: 'a kernel with CONFIG_LOCK_STAT, and all lock:* events',
    };
  }
  return {
    answer: 'no',
    why: 'no lockdep events',
    record:
      'lock:lock_acquire, lock_acquired, lock_contended, lock_release (kernel with CONFIG_LOCKDEP and CONFIG_LOCK_STAT; spinback capture --print lockdep)',
  };
}

function contention(shown: Shown): Answer {
  if (shown.has('contend', LOCKDEP) || shown.has('contend', WORD))
    return yes('contended waits and their ends are recorded');
  if (shown.has('contend', LOCK)) {
    return {
      answer: 'partly',
      why: 'contention_begin and contention_end tell who waited how long, not for whom; the first waiter of a queued spinlock emits nothing',
      record: 'lock:* events of a lockdep kernel, or lock:contended_release where the kernel has it',
    };
  }
  return {
    answer: 'no',
    why: 'no contention events',
    record: 'lock:contention_begin and lock:contention_end (Linux 5.19 and later)',
  };
}

function order(_: Shown, about: Case): Answer {
  if (ordersCpus(about)) return yes(`the clock ${about.clock} orders the events of all CPUs`);
  return {
    answer: 'partly',
    why:
      about.clock === 'unknown'
        ? 'the capture does not name its clock: events of different CPUs that are close together may be in the wrong order'
        : `the clock ${about.clock} orders only the events of one CPU: those of different CPUs that are close together may be in the wrong order`,
    record: 'the mono clock (trace-cmd record -C mono)',
  };
}

function irqs(shown: Shown, about: Case): Answer {
  if (shown.has('irqs off') && shown.has('irqs on')) return yes('irq_disable and irq_enable are recorded');
  const flagged = about.state.rows.some((row) => row.irqsOff > 0n && row.irqsOn > 0n);
  return {
    answer: flagged ? 'partly' : 'no',
    why: flagged
      ? 'only the irqs-off flag of other events bounds the spans'
      : 'no irq_disable or irq_enable events, and no event type occurs both with interrupts on and off',
    record:
      'preemptirq:irq_disable and irq_enable (CONFIG_TRACE_IRQFLAGS or CONFIG_IRQSOFF_TRACER with CONFIG_PREEMPTIRQ_TRACEPOINTS)',
  };
}

const TICKS = 'timer:hrtimer_expire_entry or irq_vectors:local_timer_entry';

function silence(shown: Shown, about: Case): Answer {
  const open = unjudgedSilence(about);
  if (open) return { answer: 'partly', why: open.why, record: shown.hasTicks ? null : TICKS };
  if (shown.hasTicks) return yes('hard interrupts give every busy CPU a rhythm');
  return {
    answer: 'partly',
    why: 'no timer ticks or other hard interrupts: the rhythm of a CPU is only that of its other events',
    record: TICKS,
  };
}

function tasks(shown: Shown): Answer {
  const switches = shown.has('switch');
  const exits = shown.has('task exit');
  if (switches && exits) return yes('switches and exits are recorded');
  return {
    answer: switches || exits ? 'partly' : 'no',
    why: switches ? 'no sched_process_exit events' : exits ? 'no sched_switch events' : 'no scheduler events',
    record: 'sched:sched_switch and sched:sched_process_exit',
  };
}

function watchdog(shown: Shown): Answer {
  const said = shown.has('message');
  if (said && shown.has('irqs off')) return yes('irqs-off spans and the kernel log are recorded');
  return {
    answer: 'partly',
    why: said
      ? 'the kernel log is recorded, irqs-off spans are not'
      : 'no message of the kernel is in the capture: it printed none, or they were not recorded',
    record: said ? 'preemptirq:irq_disable and irq_enable' : 'printk:console',
  };
}

/** "1, 2, 3"; of many CPUs the first ones. */
function listed(cpus: readonly number[]): string {
  const shown = cpus.slice(0, 16).join(', ');
  return cpus.length > 16 ? `${shown} and ${cpus.length - 16} more` : shown;
}

function shownBy(capture: Capture, { state, lostTails }: Case): Shown {
  const lossy = state.cpus.filter((cpu) => cpu.lostSpans > 0).map((cpu) => cpu.cpu);
  return {
    has: (kind, namespace) => shows(state, kind, namespace),
    hasTicks: state.cpus.some((cpu) => cpu.ticks > 0n) || shows(state, 'enter'),
    hasLosses: lossy.length + lostTails.size > 0,
    losses: [
      ...(lossy.length > 0 ? [`events were lost on CPU ${listed(lossy)}`] : []),
      ...(lostTails.size > 0 ? [`the last events of CPU ${listed([...lostTails])} are missing`] : []),
    ].join(', and '),
    remedy: remedyOf(capture),
  };
}

function remedyOf(capture: Capture): string {
  const names = new Set(capture.damage().map(({ name }) => name));
  if (names.has('truncated')) return 'nothing else: copy the file again, and whole';
  // perf's own words for losses
  return names.has('lost') || names.has('lost-samples')
    ? 'larger buffers (perf record -m 16M), or fewer events'
    : 'larger ring buffers (trace-cmd record -b 65536), or fewer events';
}

import { doing, type Facts } from '../facts.ts';
import { isScheduler, vouched } from '../frames.ts';
import type { Idea, Weighed } from './idea.ts';

/** Far beyond the 20 s after which a soft lockup is reported, and the 60 s of old kernels. */
const LATE_NS = 100e9;

/** A CPU that is busy, or waits for another one, without a lock that is known. */
export function busyIdeas(facts: Facts): Idea[] {
  const { spin, function: name, caller, others, interruptsOff, group, before, notes } = facts;
  const off = others.filter(({ interrupts, cpu }) => interrupts?.state === 'off' && cpu !== group.cpu);
  const hardware = before.filter(({ text }) => /Hardware Error|Machine check/i.test(text));
  const starved = notes.filter((note) => note.includes('starved'));
  const preempted = vouched(facts.stack).some(({ function: of }) => of.startsWith('preempt_schedule'));
  const late = group.entries[0]?.durationNs ?? 0;
  const console =
    facts.stack.some(
      ({ function: of, part }) =>
        part !== 'nmi' &&
        /^(?:console_unlock|serial\w*putchar|io_serial_in|vprintk_emit|console_flush_all|fbcon_\w+|serial8250_\w+)$/.test(
          of,
        ),
    ) || /^(?:io_serial_in|mem_serial_in|serial\w*)$/.test(name ?? '');
  return [
    {
      cause: 'holder-elsewhere',
      says:
        spin?.kind === 'csd-wait'
          ? 'another CPU does not answer the call that this one waits for'
          : 'it waits for something that another CPU should do',
      facts: [
        spin?.kind === 'csd-wait' || spin?.kind === 'stop-machine'
          ? [2, `${name ?? 'the function'} waits until other CPUs have run a function`]
          : null,
        ...(spin?.kind === 'csd-wait' || spin?.kind === 'stop-machine'
          ? off.slice(0, 3).map((dump): Weighed => [2, `CPU ${dump.cpu} ${doing(dump)}`])
          : []),
        spin?.kind === 'seqcount-retry'
          ? [3, 'it waits until a writer has ended: the writer was interrupted or is stuck']
          : null,
        spin?.kind === 'unknown-loop'
          ? [1.5, 'the code at the program counter is a loop that waits for a word in memory']
          : null,
      ],
      settledBy: 'backtraces of all CPUs; csdlock_debug=1 on the command line',
    },
    {
      cause: 'slow-work',
      says: 'it is busy for too long: a loop that does not end or never lets others run',
      facts: [
        name !== null && spin === null && !preempted
          ? [
              2,
              `it was in ${name}${caller === null || caller === name ? '' : `, for ${caller}`}, which is no wait that is known`,
            ]
          : null,
        spin?.kind === 'delay'
          ? [
              2.5,
              `it delays in ${name ?? 'a delay loop'}${caller === null ? '' : ` for ${caller}`}: a device that does not answer, or a very long wait with preemption off`,
            ]
          : null,
        console
          ? [2, 'it prints to a console: slow consoles hold a CPU for as long as there is something to print']
          : null,
        spin?.kind === 'idle' ? [-2, 'it idled'] : null,
      ],
      settledBy:
        'several backtraces a few seconds apart (or perf record -a): does the innermost function change?',
    },
    {
      cause: 'starved',
      says: 'it was not given time: a hypervisor, firmware (SMI) or real-time tasks took it',
      facts: [
        ...starved.slice(0, 2).map((note): Weighed => [2, note]),
        spin?.kind === 'idle' ? [3, 'the CPU idles in the backtrace: it was late rather than stuck'] : null,
        preempted ? [1.5, 'it was preempted, and has not been given a CPU again'] : null,
        group.kind === 'hard-lockup' && spin === null && interruptsOff === false
          ? [0.5, 'interrupts were on in the dump: the timer came late rather than never']
          : null,
        group.kind === 'soft-lockup' && late >= LATE_NS
          ? [
              1,
              `the first report says ${late / 1e9} s: unless watchdog_thresh was raised, its timer did not run meanwhile either`,
            ]
          : null,
      ],
      settledBy: 'steal time (/proc/stat), hwlat tracer, the rt tasks of that CPU in a sched trace',
    },
    {
      cause: 'hardware',
      says: 'the machine misbehaves',
      facts: [
        ...hardware.slice(0, 2).map(({ text }): Weighed => [4, text]),
        hardware.length === 0 ? [-1, 'no machine check or hardware error in this log'] : null,
      ],
      settledBy: 'the machine check log (mcelog, rasdaemon)',
    },
  ];
}

/** Sleeps for a lock: a page's lock (folio_lock) too, which whoever reads or writes the page holds. */
const LOCK_WAIT =
  /^(?:__)?(?:mutex_lock|rwsem_down|down_|rt_mutex|ww_mutex|percpu_down|down|folio_lock|lock_page|lock_buffer)\w*/;
/** Sleeps until I/O completes. */
const IO_WAIT =
  /^(?:wait_on_page_(?:writeback|read)\w*|folio_wait_(?:writeback|stable)\w*|filemap_(?:read_folio|fdatawait\w*)|__wait_on_buffer|blk_\w*wait\w*|submit_bio_wait|submit_and_wait|__filemap_fdatawait\w*|xlog_wait_on_iclog)\b/;

/** A task that sleeps and is not woken. */
export function asleepIdeas(facts: Facts): Idea[] {
  const { holder, stack, held, group } = facts;
  const names = vouched(stack).map((frame) => frame.function);
  const lock = names.find((of) => LOCK_WAIT.test(of));
  const io = lock === undefined ? names.find((of) => IO_WAIT.test(of)) : undefined;
  const accounted =
    lock === undefined && io === undefined && names.some((of) => of.startsWith('io_schedule'));
  const waits = names.find((of) => !isScheduler(of));
  const freeze = names.find((of) => /freeze|refrigerator/.test(of));
  const own = held.find(({ pid }) => pid === group.pid);
  return [
    {
      cause: 'holder-elsewhere',
      says: 'another task holds what it waits for',
      facts: [
        holder === null ? null : [4, `${holder.comm}/${holder.pid}: ${holder.why}`],
        lock === undefined ? null : [2, `it waits in ${lock}`],
        ...held
          .filter(({ pid }) => pid !== group.pid)
          .filter(({ locks }) => own?.locks.some((mine) => locks.some((of) => of.name === mine.name)))
          .slice(0, 3)
          .map(({ comm, pid }): Weighed => [1, `${comm}/${pid} is listed with a lock of the same name`]),
      ],
      settledBy: 'the stacks of all blocked tasks (sysrq-w) and, with lockdep, the locks they hold (sysrq-d)',
    },
    {
      cause: 'slow-work',
      says: 'what it waits for does not complete: I/O, a device, a remote machine',
      facts: [
        io === undefined ? null : [3, `it waits in ${io}: for I/O that has not completed`],
        accounted ? [2, `it waits in ${waits ?? 'io_schedule'}, which counts as waiting for I/O`] : null,
        freeze === undefined ? null : [1, `${freeze} is in its stack: a frozen file system or task`],
        lock === undefined && io === undefined && !accounted && waits !== undefined
          ? [1.5, `it sleeps in ${waits} and nothing wakes it`]
          : null,
      ],
      settledBy: 'the device under it: its own messages, iostat, the queue in debugfs',
    },
    {
      cause: 'deadlock',
      says: 'tasks wait for each other in a circle',
      facts: [
        lock !== undefined && own !== undefined && own.locks.length > 1
          ? [1, `it holds or waits for ${own.locks.map(({ name }) => name).join(', ')} while it waits`]
          : null,
        ...facts.before
          .filter(({ why }) => why.startsWith('lockdep'))
          .slice(0, 1)
          .map(({ text }): Weighed => [2, `earlier in this log: ${text}`]),
      ],
      settledBy: 'lockdep (CONFIG_PROVE_LOCKING)',
    },
  ];
}

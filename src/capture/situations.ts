/** One situation that people record in, and the script of capture/ for it. */
export interface Situation {
  readonly name: string;
  readonly script: string;
  /** For the list: what is recorded, and when to use it. */
  readonly what: string;
  /** Programs that it runs. */
  readonly programs: readonly string[];
  /** What the kernel must have, or nothing of the situation is left. */
  readonly needs: readonly Need[];
  /** How to read what it records. */
  readonly read: string;
}

export type Need =
  | { readonly event: string; readonly option: string }
  | { readonly file: string; readonly holds?: string; readonly option: string }
  | { readonly btf: true };

const TRACEPOINTS: Need = { event: 'sched:sched_switch', option: 'CONFIG_FTRACE and CONFIG_EVENT_TRACING' };
const PRINTK: Need = { event: 'printk:console', option: 'CONFIG_PRINTK' };

export const SITUATIONS: readonly Situation[] = [
  {
    name: 'stock-trace-cmd',
    script: 'stock-trace-cmd.sh',
    what: 'a production kernel as it is, with trace-cmd: who waited, which CPU fell silent',
    programs: ['trace-cmd'],
    needs: [TRACEPOINTS],
    read: 'spinback analyze trace.dat',
  },
  {
    name: 'stock-perf',
    script: 'stock-perf.sh',
    what: 'the same with perf, and the callers of contended locks',
    programs: ['perf'],
    needs: [TRACEPOINTS],
    read: 'spinback analyze perf.data',
  },
  {
    name: 'lockdep',
    script: 'lockdep.sh',
    what: 'a debug kernel, everything: who holds and takes every lock, every irqs-off span',
    programs: ['trace-cmd'],
    needs: [{ event: 'lock:lock_acquire', option: 'CONFIG_PROVE_LOCKING or CONFIG_LOCK_STAT' }],
    read: 'spinback analyze trace.dat',
  },
  {
    name: 'bit-locks-kprobes',
    script: 'bit-locks-kprobes.sh',
    what: 'bit locks, by kprobes on the functions that take them',
    programs: ['trace-cmd'],
    needs: [
      { file: 'kprobe_events', option: 'CONFIG_KPROBE_EVENTS' },
      { file: 'README', holds: 'imm-value', option: 'a kernel whose probes take immediate values' },
    ],
    read: 'spinback analyze --map function-kprobes trace.dat',
  },
  {
    name: 'bit-locks-bpftrace',
    script: 'bit-locks-bpftrace.sh',
    what: 'bit locks, by bpftrace',
    programs: ['bpftrace'],
    needs: [{ file: 'kprobe_events', option: 'CONFIG_KPROBE_EVENTS' }, { btf: true }],
    read: 'spinback analyze --map bpftrace bit-locks.txt',
  },
  {
    name: 'flight-recorder',
    script: 'flight-recorder.sh',
    what: 'a lockup that comes once a week: a ring that the lockup itself freezes',
    programs: [],
    needs: [TRACEPOINTS, PRINTK],
    read: 'spinback analyze trace.txt',
  },
];

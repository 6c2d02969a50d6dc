import type { Problem } from './report.ts';

/**
 * The contract of `spinback dmesg --json`, "spinback/dmesg@1". Times are decimal strings of nanoseconds on the log's
 * own clock (seconds since boot, in a kernel log), durations numbers in nanoseconds, addresses and words 0x strings.
 */
export const DMESG_SCHEMA = 'spinback/dmesg@1';

/** What a kernel report says, by kind; docs/dmesg.md has a sentence for each. */
export const LOG_KINDS = [
  'hard-lockup',
  'soft-lockup',
  'rcu-stall',
  'csd-lock',
  'spinlock-lockup',
  'spinlock-bad-magic',
  'spinlock-recursion',
  'spinlock-already-unlocked',
  'spinlock-wrong-owner',
  'spinlock-wrong-cpu',
  'workqueue-lockup',
  'workqueue-leak',
  'hung-task',
  'lockdep-circular',
  'lockdep-recursive',
  'lockdep-inconsistent',
  'lockdep-inversion',
  'lockdep-unsafe-order',
  'lockdep-unlock-balance',
  'lockdep-contention-balance',
  'lockdep-held-freed',
  'lockdep-held-exit',
  'lockdep-held-user',
  'lockdep-held',
  'lockdep-wait-context',
  'lockdep-nest',
  'lockdep-key',
  'lockdep-rcu',
  'lockdep-internal',
  'scheduling-while-atomic',
  'sleeping-in-atomic',
  'held-locks',
  'nmi-backtrace',
] as const;
export type LogKind = (typeof LOG_KINDS)[number];

/** The part of a stack that a frame belongs to, innermost first. */
export type StackPart = 'nmi' | 'hardirq' | 'softirq' | 'process';

/** A function in a backtrace. */
export interface LogFrame {
  readonly function: string;
  readonly offset: number | null;
  readonly module: string | null;
  readonly part: StackPart;
  /** False for `? fn`: an address found on the stack that the unwinder does not vouch for. */
  readonly reliable: boolean;
  /** The compiler made it part of the next frame's function (syzbot, decode_stacktrace). */
  readonly inlined: boolean;
  /** How the kernel came to print the stack: dump_stack, the watchdog's NMI, lockdep. What is of interest lies behind it. */
  readonly printing: boolean;
}

export type Architecture =
  'x86-64' | 'i386' | 'arm64' | 'arm' | 'powerpc' | 's390' | 'riscv' | 'mips' | 'loongarch';

/** Whether interrupts were off, and what says so. */
export interface InterruptState {
  readonly state: 'off' | 'on';
  /** "EFLAGS 0x00000002: bit 9 (IF) is clear". */
  readonly why: string;
}

/** What a CPU (or a task that does not run) was doing, from one dump in the log. */
export interface CpuDump {
  readonly atNs: string | null;
  /** Byte offset of its first line in the log. */
  readonly offset: number;
  readonly cpu: number | null;
  readonly pid: number | null;
  readonly comm: string | null;
  /** "3.12.47-clouder1", as its own header line says. */
  readonly kernel: string | null;
  readonly tainted: string | null;
  /** "writeback bdi_writeback_workfn (flush-252:148)". */
  readonly workqueue: string | null;
  /** R, D, S ... of a task dump; "idle" for a CPU whose backtrace was left out because it idled. */
  readonly taskState: string | null;
  readonly arch: Architecture | null;
  /** Where the program counter was: function and offset. */
  readonly function: string | null;
  readonly functionOffset: number | null;
  readonly interrupts: InterruptState | null;
  /** Register names in lower case -> 0x values, as far as printed. */
  readonly registers: Readonly<Record<string, string>>;
  readonly stack: readonly LogFrame[];
  /** Code bytes, and the index of the byte at the program counter. */
  readonly code: { readonly bytes: string; readonly at: number } | null;
}

/** A lock that a task holds or wants, as lockdep names it. */
export interface LogLock {
  readonly address: string | null;
  readonly name: string;
  /** Where it was taken. */
  readonly at: string | null;
}

export interface HeldLocks {
  readonly comm: string;
  readonly pid: number;
  readonly locks: readonly LogLock[];
}

/** One report of the kernel, as printed. */
export interface LogEntry {
  readonly kind: LogKind;
  readonly atNs: string | null;
  readonly offset: number;
  /** The headline, without the prefix of its line. */
  readonly text: string;
  readonly cpu: number | null;
  readonly pid: number | null;
  readonly comm: string | null;
  /** The CPU that noticed, where it is another one. */
  readonly detectedBy: number | null;
  /** For how long the kernel says that it lasted. */
  readonly durationNs: number | null;
}

/** A loop that the code at the program counter is in. */
export interface SpinLoop {
  readonly kind:
    | 'bit-spinlock'
    | 'ticket-spinlock'
    | 'queued-spinlock'
    | 'test-and-set-spinlock'
    | 'seqcount-retry'
    | 'csd-wait'
    | 'delay'
    | 'idle'
    | 'wait-on-bit'
    | 'mutex-or-rwsem-spin'
    | 'rwlock'
    | 'stop-machine'
    | 'unknown-loop';
  /** How it was recognised: from the instructions, or only by the function's name. */
  readonly from: 'code' | 'name';
  /** The word that is waited for. null: not known. */
  readonly word: { readonly address: string; readonly bit: number | null; readonly why: string } | null;
  /** The word's value as far as a register still holds it, and the bits of it that are known. */
  readonly seen: { readonly value: string; readonly mask: string; readonly why: string } | null;
  /** The loop's instructions, disassembled. */
  readonly instructions: readonly string[];
}

/** A well-known word, decoded. */
export interface DecodedWord {
  readonly what: string;
  readonly address: string | null;
  readonly value: string;
  readonly era: string;
  readonly bits: readonly { readonly bit: number; readonly name: string }[];
  readonly implies: readonly string[];
}

export type HypothesisCause =
  | 'missing-unlock'
  | 'lost-unlock'
  | 'holder-elsewhere'
  | 'deadlock'
  | 'slow-work'
  | 'corrupted-word'
  | 'starved'
  | 'hardware';

/** One explanation, with what speaks for it and against it. */
export interface Hypothesis {
  readonly cause: HypothesisCause;
  readonly confidence: 'possible' | 'likely';
  readonly says: string;
  readonly pro: readonly string[];
  readonly contra: readonly string[];
  /** What would settle it. */
  readonly settledBy: string;
}

/** All reports of one event, and what follows from them. */
export interface Incident {
  readonly id: string;
  /** Kind and functions, no address, no pid: the same bug tomorrow has the same signature. */
  readonly signature: string;
  readonly kind: LogKind;
  readonly headline: string;
  readonly cpu: number | null;
  readonly pid: number | null;
  readonly comm: string | null;
  /** The function at the program counter, or the innermost one of the stack that is not the report's own machinery. */
  readonly function: string | null;
  /** The first function outside of locking, waiting and delaying. */
  readonly caller: string | null;
  readonly firstNs: string | null;
  readonly lastNs: string | null;
  readonly entries: readonly LogEntry[];
  /** Later dumps of the same CPU and task in the same place: it was still stuck there. */
  readonly stillStuck: readonly {
    readonly atNs: string | null;
    readonly afterNs: number | null;
    readonly function: string | null;
  }[];
  readonly detectedBy: number | null;
  readonly workqueue: string | null;
  readonly interrupts: InterruptState | null;
  /** When interrupts went off, by name, and whose history that is. */
  readonly interruptsSince: {
    readonly text: string;
    readonly of: string;
    readonly isVictim: boolean | null;
  } | null;
  readonly stack: readonly LogFrame[];
  /** Functions that repeat in the stack, such as nested completions of stacked devices. */
  readonly nesting: readonly {
    readonly functions: readonly string[];
    readonly times: number;
    readonly says: string;
  }[];
  readonly spin: SpinLoop | null;
  readonly words: readonly DecodedWord[];
  readonly holder: { readonly comm: string; readonly pid: number; readonly why: string } | null;
  readonly locks: readonly LogLock[];
  readonly held: readonly HeldLocks[];
  readonly otherCpus: readonly {
    readonly cpu: number;
    readonly pid: number | null;
    readonly comm: string | null;
    readonly doing: string;
  }[];
  /** Earlier trouble in the same log that may belong to it. */
  readonly before: readonly { readonly atNs: string | null; readonly text: string; readonly why: string }[];
  readonly hypotheses: readonly Hypothesis[];
  /** What this log cannot tell. */
  readonly unknown: readonly string[];
  /** What to record so that it can be told. */
  readonly record: readonly string[];
}

export interface LogSummary {
  readonly path: string;
  readonly bytes: number;
  readonly kernel: string | null;
  /** How its lines begin: "[seconds]", "syslog", "quoted mail" ... */
  readonly layout: readonly string[];
  readonly firstNs: string | null;
  readonly lastNs: string | null;
  readonly problems: readonly Problem[];
}

export interface LogReport {
  readonly schema: typeof DMESG_SCHEMA;
  readonly spinback: string;
  readonly log: LogSummary;
  readonly incidents: readonly Incident[];
  /** Incidents beyond the limits that were counted but not kept, by kind. */
  readonly suppressed: Readonly<Record<string, number>>;
}

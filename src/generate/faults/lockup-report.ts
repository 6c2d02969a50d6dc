import type { Cpu } from '../machine/contexts.ts';
import { OP, type Program } from '../machine/program.ts';
import { hexDigits } from '../word64.ts';
import type { Setting } from './settings.ts';
import type { Stage } from './stage.ts';

/** The kernel's own report of a hard lockup. */
export interface LockupReport {
  /** Who notices: another CPU's timer, the stuck CPU's own performance counter, nobody. */
  readonly detector: 'buddy' | 'perf' | 'none';
  /** watchdog_thresh in ns. */
  readonly thresholdNs: number;
  /** Times at which the stuck CPU prints a backtrace, ns after the report. */
  readonly backtraces: readonly number[];
}

export const DETECTOR_SETTING: Setting = {
  type: ['buddy', 'perf', 'none'],
  default: 'buddy',
  help: 'which hard lockup detector notices',
};

// Windows in units of the threshold, counted from the moment interrupts went off (Linux 6.12,
// kernel/watchdog.c, watchdog_buddy.c and watchdog_perf.c).
const WINDOWS = { buddy: [0.8, 2.4], perf: [0.6, 2] } as const;
const LINE_NS = 40_000;

/**
 * Orders the report for a CPU that spins without interrupts since `sinceNs`. `reported` hears the time of its
 * first line; `lines` are what the stuck CPU prints in a backtrace.
 */
export function reportLockup(
  stage: Stage,
  cpu: Cpu,
  sinceNs: number,
  report: LockupReport,
  lines: readonly string[],
  reported: (time: number) => void,
): void {
  const { machine, random } = stage;
  if (report.detector === 'none') return;
  const [from, to] = WINDOWS[report.detector];
  const at = Math.round(sinceNs + report.thresholdNs * (from + random.float() * (to - from)));
  const header = `watchdog: Watchdog detected hard LOCKUP on cpu ${cpu.id}`;
  const firstLine = machine.callback(reported);
  if (report.detector === 'perf') {
    machine.injectNmi(cpu, at, (p) => printFromNmi(stage, p, [header, 'Modules linked in:'], firstLine));
  } else {
    // Whoever can still watch then.
    stage.at(at, () => reportFromBuddy(stage, nextCpu(stage, cpu), cpu, header, firstLine));
  }
  for (const delay of report.backtraces) {
    machine.injectNmi(cpu, at + delay, (p) => printFromNmi(stage, p, lines));
  }
}

function reportFromBuddy(stage: Stage, buddy: Cpu, cpu: Cpu, header: string, firstLine: number): void {
  stage.machine.inject(buddy, stage.machine.now, (p) => {
    stage.phrases.irqEntry(p);
    const nmi = `Sending NMI from CPU ${buddy.id} to CPUs ${cpu.id}:`;
    print(stage, p, [header, 'Modules linked in:', nmi], firstLine);
    stage.phrases.irqExit(p);
  });
}

/** The CPU whose timer watches over `cpu`. */
function nextCpu({ machine }: Stage, cpu: Cpu): Cpu {
  const { cpus } = machine;
  for (let i = 1; i < cpus.length; i++) {
    const other = cpus[(cpu.id + i) % cpus.length]!;
    if (!other.stuck) return other;
  }
  return cpu;
}

/** Prints lines on the console, one event each; `firstLine`: number of a callback for the first one. */
export function print({ machine, random }: Stage, p: Program, lines: readonly string[], firstLine = 0): void {
  lines.forEach((line, index) => {
    p.add(OP.console, LINE_NS + random.int(LINE_NS), machine.message(line));
    if (index === 0) p.marked(firstLine);
  });
}

function printFromNmi(stage: Stage, p: Program, lines: readonly string[], firstLine = 0): void {
  p.add(OP.nmi, 0, 1);
  print(stage, p, lines, firstLine);
  p.add(OP.nmi, 500, 0);
  p.add(OP.nmiReturn, 100);
}

/** The lines of a backtrace of a CPU that spins on a bit lock (nmi_cpu_backtrace, Linux 6.12). */
export function backtrace(cpu: number, pid: number, comm: string, word: number, value: number): string[] {
  const digits = (number: number): string => hexDigits(number).padStart(16, '0');
  return [
    `NMI backtrace for cpu ${cpu}`,
    `CPU: ${cpu} UID: 0 PID: ${pid} Comm: ${comm} Not tainted 6.12.0-spinback #1`,
    'RIP: 0010:ext4_finish_bio+0x273/0x2a0',
    'RSP: 0018:ffffc90000003e98 EFLAGS: 00000087',
    `RAX: 0000000000000000 RBX: 0000000000000004 RCX: ${digits(value)}`,
    `R10: 0000000000000010 R11: 0000000000000000 R12: ${digits(word)}`,
    'Call Trace:',
    ' ext4_end_bio+0xc8/0x120',
    ' bio_endio+0x1d/0x40',
  ];
}

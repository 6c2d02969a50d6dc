import { MOST_FRAMES, type DumpDraft } from './drafts.ts';
import { frameLine, isEntry, isMachinery, isScheduler, vouched } from './frames.ts';
import { registerLine } from './registers.ts';

/** What a header line of a dump says. */
export interface DumpHeader {
  readonly opened: DumpDraft['opened'];
  readonly cpu: number | null;
  readonly pid: number | null;
  readonly comm: string | null;
  readonly kernel: string | null;
  readonly tainted: string | null;
  readonly taskState: string | null;
}

const NOTHING: Omit<DumpHeader, 'opened'> = {
  cpu: null,
  pid: null,
  comm: null,
  kernel: null,
  tainted: null,
  taskState: null,
};

// Behind the task's name: taint ("G           OE    --------- -  -" at Red Hat), then the kernel's release.
const TAINT = String.raw`(?:\s+Kdump: loaded)?(?:\s+(?<taint>Not tainted|Tainted: [A-Z() -]{0,60}[A-Z])(?:\s+-[-Kt]*){0,6})?(?:\s+\(?(?<kernel>\d+\.\d+[\w.+~:-]*))?(?=[\s)]|$)`;

const HEADERS: readonly (readonly [opened: DumpDraft['opened'], pattern: RegExp])[] = [
  // lib/dump_stack.c since v3.9: "CPU: 3 UID: 0 PID: 107 Comm: fake_endio Tainted: G  O  6.12.117-bitlock #1"
  [
    'cpu-line',
    new RegExp(
      String.raw`^CPU: (?<cpu>\d+) (?:UID: \d+ )?PID: (?<pid>\d+) Comm: (?<comm>.{1,64}?)(?=\s+(?:Kdump:|Not tainted|Tainted:|\d+\.\d+\.\d)|$)${TAINT}`,
    ),
  ],
  // lib/nmi_backtrace.c since v4.8 ("skipped: idling at fn" since v4.9); arch/x86 before
  ['nmi', /^NMI backtrace for cpu (?<cpu>\d+)(?<idle> skipped: idling)?/],
  // kernel/sched/core.c (dump_cpu_task) since v3.7
  ['nmi', /^Task dump for CPU (?<cpu>\d+):/],
  // kernel/sched/core.c (sched_show_task) since v5.10: "task:kworker/0:0 state:D stack:0 pid:8 ..."
  ['task', /^task:(?<comm>.{1,64}?)\s+state:(?<state>\S)\s.*?\bpid:\s*(?<pid>\d+)/],
  // before: "syz-executor.5  D28352 10613      1 0x00000004", "bash  R  running task  0  1234  1233 0x00000008"
  [
    'task',
    /^(?<comm>\S.{0,40}?)\s+(?<state>[RSDTtXZPIWK])\s*(?:running task(?: on cpu\s+(?<cpu>\d+))?\s*|[0-9a-f]{8,16}\s+|\(null\)\s*)?\d+\s+(?<pid>\d+)\s+\d+\s+0x[0-9a-f]{8}/,
  ],
  // x86 up to v3.8: "Pid: 1234, comm: foo Tainted: G W 3.2.0 #1"
  [
    'cpu-line',
    new RegExp(
      String.raw`^Pid: (?<pid>\d+), comm: +(?<comm>.{1,64}?)(?=,?\s+(?:Kdump:|Not tainted|Tainted:|\(?\d+\.\d+\.\d)|$),?${TAINT}`,
    ),
  ],
  // "CPU 0", "CPU 0:", "CPU:    0" in front of Pid:; "CPU: 0    Not tainted  (2.6.38 #1)"
  [
    'cpu-line',
    new RegExp(String.raw`^CPU:?\s+(?<cpu>\d+):?(?:\s*$|(?=\s+(?:Not tainted|Tainted:)))${TAINT}`),
  ],
];

export function dumpHeader(text: string): DumpHeader | null {
  for (const [opened, pattern] of HEADERS) {
    const groups = pattern.exec(text)?.groups;
    if (!groups) continue;
    const number = (name: string): number | null =>
      groups[name] === undefined ? null : Number(groups[name]);
    return {
      ...NOTHING,
      opened,
      cpu: number('cpu'),
      pid: number('pid'),
      comm: groups['comm']?.trim() ?? null,
      kernel: groups['kernel'] ?? null,
      tainted: groups['taint']?.replaceAll(/\s+/g, ' ') ?? null,
      taskState: groups['idle'] === undefined ? (groups['state'] ?? null) : 'idle',
    };
  }
  return null;
}

/** Does this header begin a dump of its own, behind what `dump` holds already? */
export function opensDump({ opened, cpu, pid }: DumpHeader, dump: DumpDraft | null): boolean {
  if (dump === null || opened === 'nmi' || dump.taskState === 'idle') return true;
  const fresh = dump.frames.length === 0 && dump.pc === null;
  if (opened === 'task') return !(dump.opened === 'nmi' && fresh && dump.pid === null);
  if (dump.opened === 'task' || !fresh) return true;
  if (dump.cpu !== null && cpu !== null && dump.cpu !== cpu) return true;
  return dump.pid !== null && pid !== null && dump.pid !== pid;
}

/** Takes what the header says into the dump. */
export function addHeader(dump: DumpDraft, header: DumpHeader): void {
  dump.cpu ??= header.cpu;
  dump.pid ??= header.pid;
  dump.comm ??= header.comm;
  dump.kernel ??= header.kernel;
  dump.tainted ??= header.tainted;
  dump.taskState ??= header.taskState;
}

const WORKQUEUE = /^Workqueue: (\S.{0,200})$/;
// arch/x86 to v3.x "Process swapper (pid: 0, threadinfo ...)", arch/s390, arch/mips "Process foo (pid: 1, task: ...)"
const PROCESS = /^Process (.{1,64}?) \(pid: (\d+)/;
// arch/powerpc: "TASK = ef800740[3274] 'pbbuttonsd' THREAD: eef6c000 CPU: 1"
const POWERPC_TASK = /^TASK = [0-9a-f]+\[(\d+)\] '(.{1,64}?)' THREAD: [0-9a-f]+(?: CPU: (\d+))?/;
// Traces that somebody shortened for a mail or a commit message: names alone.
const BARE_FRAME = /^(?:\? )?[a-z_][\w.]{2,80}$/;
const CODE = /^Code: ?(.*)$/;
const HEX_BYTES = /^(?:[0-9a-f]{2}|<[0-9a-f]{2}>)(?: (?:[0-9a-f]{2}|<[0-9a-f]{2}>))*$/;
const DECORATION =
  /^(?:Call [Tt]race|Backtrace|Stack|Modules linked in|Hardware name|task: ?[0-9a-f(]|FS: |GS: |PKRU|ES: |CR[0234]: |ORIG_RAX|REGS: |Instruction dump|Krnl (?:GPRS|Code|PSW)|\[last unloaded|Last Breaking|LR \[|LR is at|lr : |ra : |Register r\d|Exception stack|R: ?\d|R:0 T:1|Flags: |Control: |Process )/;

/** Does the stack only show how the kernel came to print it, or to preempt a task? Then what it interrupted is the place of interest. */
function leadsAway({ frames }: DumpDraft): boolean {
  const names = vouched(frames).map((frame) => frame.function);
  return isMachinery(names[0]!) || names.every((name) => isScheduler(name) || isEntry(name));
}

/** The state in which a dump's lines are read. */
export interface DumpState {
  inNmi: boolean;
  /** The code line may go on in the next line, which a mail program broke. */
  codeOpen: boolean;
  /** Behind "Call Trace:". */
  inTrace: boolean;
}

/** Takes a line of a dump's body; false where it is none. */
export function addDumpLine(dump: DumpDraft, text: string, state: DumpState): boolean {
  const code = CODE.exec(text);
  if (code) {
    dump.code ??= code[1]!.slice(0, 1024);
    state.codeOpen = true;
    return true;
  }
  if (state.codeOpen && HEX_BYTES.test(text)) {
    if (dump.code !== null && dump.code.length < 192) dump.code += ` ${text}`;
    return true;
  }
  state.codeOpen = false;
  const registers = registerLine(text);
  if (registers) {
    const { arch, values, pc, user } = registers;
    // The registers of what was interrupted follow the stack of the interrupt; the first set is the innermost.
    if (dump.pc !== null && (pc !== null || user)) dump.registersClosed = true;
    if (dump.registersClosed) return true;
    if (user && dump.pc === null) dump.user = dump.frames.length === 0;
    // Below a stack stands what its outermost part interrupted: of interest only where the stack is the report's own.
    if (dump.frames.length > 0 && dump.pc === null && (user || (pc !== null && !leadsAway(dump)))) {
      dump.registersClosed = true;
      return true;
    }
    dump.arch = values['psr'] === undefined ? (dump.arch ?? arch) : 'arm';
    dump.pc ??= pc;
    for (const [name, value] of Object.entries(values)) dump.registers[name] ??= value;
    return true;
  }
  const line = frameLine(text, state.inNmi);
  if (line) {
    if (line.nmi !== null) state.inNmi = line.nmi;
    for (const frame of line.frames) if (dump.frames.length < MOST_FRAMES) dump.frames.push(frame);
    return true;
  }
  const work = WORKQUEUE.exec(text);
  if (work) {
    dump.workqueue ??= work[1]!.trim();
    return true;
  }
  const process = PROCESS.exec(text);
  if (process) {
    dump.comm ??= process[1]!;
    dump.pid ??= Number(process[2]);
    return true;
  }
  const task = POWERPC_TASK.exec(text);
  if (task) {
    dump.pid ??= Number(task[1]);
    dump.comm ??= task[2]!;
    if (task[3] !== undefined) dump.cpu ??= Number(task[3]);
    return true;
  }
  if (state.inTrace && BARE_FRAME.test(text)) {
    const name = text.replace('? ', '');
    const reliable = name === text;
    const frame = { function: name, offset: null, size: null, module: null, reliable, inNmi: state.inNmi };
    if (dump.frames.length < MOST_FRAMES) dump.frames.push(frame);
    return true;
  }
  state.inTrace = /^Call [Tt]race:?$/.test(text);
  return DECORATION.test(text);
}

import type { Architecture, InterruptState } from '../model/kernel-log.ts';

/** What a line of a register dump says. */
export interface RegisterLine {
  readonly arch: Architecture | null;
  readonly values: Readonly<Record<string, string>>;
  /** Function and offset of the program counter. */
  readonly pc: { readonly function: string; readonly offset: number | null } | null;
  /** The program counter is in user space. */
  readonly user: boolean;
}

const SYMBOL = String.raw`(?:\.(?!text))?(?<fn>[A-Za-z_.$][\w.$]*)(?:\+(?:0x)?(?<off>[0-9a-f]+)(?:\/(?:0x)?[0-9a-f]+)?|(?= \([\w./+-]{1,200}\.\w{1,4}:\d))`;
// Each ends where its digits end: otherwise there are countless ways to take a long run of digits apart.
const ADDRESS = String.raw`(?:\[?<?(?:0x)?[0-9a-f]{8,16}(?![0-9a-f])>?\]?\s*)`;

/** How each architecture prints the program counter with its function. */
const PROGRAM_COUNTERS: readonly (readonly [arch: Architecture | null, pattern: RegExp])[] = [
  // arch/x86/kernel/process_64.c: "RIP: 0010:[<ffffffff8125be13>]  [<ffffffff8125be13>] ext4_finish_bio+0x273/0x2a0" to v4.9,
  // "RIP: 0010:ext4_finish_bio+0x273/0x2a0" since; "{ext4_finish_bio+627}" to 2.6.17
  [
    'x86-64',
    new RegExp(
      String.raw`^RIP: (?<cs>[0-9a-f]{4}):\s?${ADDRESS}{0,3}(?:${SYMBOL}|\{(?<oldfn>[\w.:$]+) ?\+(?<oldoff>\d+)\})`,
    ),
  ],
  // arch/x86/kernel/process_32.c: "EIP is at native_safe_halt+0x2/0x10" to v4.9, "EIP: native_safe_halt+0x2/0x10" since
  ['i386', new RegExp(String.raw`^EIP(?: is at|:)\s+(?:(?<cs>[0-9a-f]{4}):)?${ADDRESS}{0,3}${SYMBOL}`)],
  // ksymoops, for 2.4: ">>EIP; c011c7ca <.text.lock.fork+1a/120>"
  ['i386', new RegExp(String.raw`^(?:>>)?EIP; [0-9a-f]+ <(?<fn>[\w.$]+)\+(?<off>[0-9a-f]+)`)],
  // arch/arm64 and arch/arm: "pc : queued_spin_lock_slowpath+0x1c/0x2f0", "PC is at ..." to v4.18
  [null, new RegExp(String.raw`^(?:pc : |PC is at )\s*${ADDRESS}?\s*${SYMBOL}`)],
  // arch/powerpc/kernel/process.c: "NIP [c000000000d02480] _raw_spin_lock+0x40/0xe0"
  ['powerpc', new RegExp(String.raw`^NIP \[[0-9a-fA-F]{8,16}\] ${SYMBOL}`)],
  // arch/s390/kernel/dumpstack.c: "Krnl PSW : 0704c00180000000 0000000000123456 (fn+0x12/0x34)"
  ['s390', new RegExp(String.raw`^(?:Krnl PSW : [0-9a-f]{16} [0-9a-f]{16}|[0-9a-f]{16}) \(${SYMBOL}`)],
  // arch/riscv/kernel/process.c since v5.12, arch/mips: "epc : fn+0x12/0x34", "epc   : 80123456 fn+0x12/0x34"
  [null, new RegExp(String.raw`^epc\s*: ${ADDRESS}?${SYMBOL}`)],
  // arch/sparc/kernel/process_64.c: "TPC: <_raw_spin_lock+0x10/0x20>"; arch/parisc/kernel/traps.c: " IAOQ[0]: fn+0x8/0x40";
  // arch/m68k/kernel/traps.c: "PC: [<0000329c>] fn+0x12/0x34"; arch/alpha, arch/ia64: "pc is at fn+0x12/0x34", "ip is at ..."
  [null, new RegExp(String.raw`^(?:TPC: <|IAOQ\[0\]: |PC: ${ADDRESS}|(?:pc|ip) is at )${SYMBOL}`)],
  // arch/loongarch/kernel/process.c: "   ERA: 9000000000223456 fn+0x12/0x34"
  ['loongarch', new RegExp(String.raw`^ERA: [0-9a-f]{16} ${SYMBOL}`)],
];

/** Registers by name, and how a line that has them is told. */
const REGISTERS: readonly (readonly [arch: Architecture | null, line: RegExp, each: RegExp])[] = [
  [
    'x86-64',
    /^(?:R[A-Z0-9]{2}|CS|FS|CR\d): /,
    /\b(RIP|R[ABCD]X|R[SD]I|R[BS]P|R\d\d|EFLAGS|CR\d): ?(?:[0-9a-f]{4}:)?(?:\[<)?([0-9a-f]{8,16})\b/g,
  ],
  [
    'i386',
    /^(?:E[A-Z]{2}|EFLAGS|DS|CR0): /,
    /\b(E[ABCD]X|E[SD]I|E[BSI]P|EFLAGS|CR\d): ?(?:[0-9a-f]{4}:)?(?:\[<)?([0-9a-f]{8})\b/g,
  ],
  [
    'arm64',
    /^(?:x\d{1,2}|sp|pstate) ?: |pstate: /,
    /\b(x\d{1,2}|sp|pc|lr|pstate) ?: (?:\[<)?((?<=pstate ?: )[0-9a-f]{8}|[0-9a-f]{16})\b/g,
  ],
  ['arm', /^(?:r\d{1,2}|sp) ?: |psr: /, /\b(r\d{1,2}|sp|ip|fp|pc|lr|psr) ?: (?:\[<)?([0-9a-f]{8})\b/g],
  [
    'powerpc',
    /^(?:NIP|REGS|MSR|CFAR|DAR|LR)\b/,
    /\b(NIP|LR|CTR|MSR|CR|XER|CFAR|SOFTE|IRQMASK): +([0-9a-fA-F]{1,16})\b/g,
  ],
  [
    'riscv',
    /^(?:epc|ra|sp|gp|tp|t\d|s\d{1,2}|a\d|status) ?: /,
    /\b(epc|ra|sp|gp|tp|t\d|s\d{1,2}|a\d|status|cause|badaddr) ?: ([0-9a-f]{16})\b/g,
  ],
  ['mips', /^(?:Status|epc|ra)\s*: [0-9a-f]{8}/, /\b(Status|epc|ra)\s*: ([0-9a-f]{8,16})\b/g],
  ['loongarch', /^(?:PRMD|CRMD|ERA): /, /\b(PRMD|CRMD|ERA): ([0-9a-f]{8,16})\b/g],
  ['s390', /^Krnl PSW : /, /(?:Krnl (PSW)) : ([0-9a-f]{16})\b/g],
];

/** Reads a line of a register dump; null when it is none. */
export function registerLine(text: string): RegisterLine | null {
  const values: Record<string, string> = {};
  let arch: Architecture | null = null;
  for (const [of, line, each] of REGISTERS) {
    if (!line.test(text)) continue;
    for (const [, name, value] of text.matchAll(each)) values[name!.toLowerCase()] ??= `0x${value!}`;
    if (Object.keys(values).length > 0) {
      arch = of;
      break;
    }
  }
  // "GPR04: 0000 0000 0000 0000" and s390's "Krnl GPRS: ..." count on.
  const gpr = /^GPR(\d\d):((?: [0-9a-f]{8,16})+)/.exec(text);
  if (gpr) {
    arch = 'powerpc';
    const first = Number(gpr[1]);
    for (const [at, value] of gpr[2]!.trim().split(' ').entries()) values[`r${first + at}`] = `0x${value}`;
  }
  for (const [of, pattern] of PROGRAM_COUNTERS) {
    const groups = pattern.exec(text)?.groups;
    if (!groups) continue;
    const name = groups['fn'] ?? groups['oldfn']!.replace(/^.*:/, '');
    const { off, oldoff } = groups;
    const offset =
      off !== undefined ? Number.parseInt(off, 16) : oldoff !== undefined ? Number(oldoff) : null;
    return { arch: arch ?? of, values, pc: { function: name, offset }, user: isUser(groups['cs']) };
  }
  const user = isUser(/^(?:RIP|EIP): ([0-9a-f]{4}):/.exec(text)?.[1]);
  return Object.keys(values).length === 0 && !user ? null : { arch, values, pc: null, user };
}

/** x86: the low two bits of the code segment are the privilege level. */
function isUser(cs: string | undefined): boolean {
  return cs !== undefined && (Number.parseInt(cs, 16) & 3) === 3;
}

interface Flag {
  readonly arch: Architecture;
  readonly register: string;
  readonly label: string;
  readonly bits: readonly number[];
  readonly names: string;
  /** Interrupts are on when the bits are set (x86 IF), or when they are clear (arm's mask bits). */
  readonly onWhenSet: boolean;
  readonly source: string;
}

/** Which bits of which register say whether interrupts are taken. */
const FLAGS: readonly Flag[] = [
  {
    arch: 'x86-64',
    register: 'eflags',
    label: 'EFLAGS',
    bits: [9],
    names: 'bit 9 (IF)',
    onWhenSet: true,
    source: 'X86_EFLAGS_IF, processor-flags.h',
  },
  {
    arch: 'i386',
    register: 'eflags',
    label: 'EFLAGS',
    bits: [9],
    names: 'bit 9 (IF)',
    onWhenSet: true,
    source: 'X86_EFLAGS_IF, processor-flags.h',
  },
  {
    arch: 'arm64',
    register: 'pstate',
    label: 'pstate',
    bits: [7],
    names: 'bit 7 (PSR_I)',
    onWhenSet: false,
    source: 'arch/arm64/include/uapi/asm/ptrace.h',
  },
  {
    arch: 'arm',
    register: 'psr',
    label: 'psr',
    bits: [7],
    names: 'bit 7 (PSR_I)',
    onWhenSet: false,
    source: 'arch/arm/include/uapi/asm/ptrace.h',
  },
  {
    arch: 's390',
    register: 'psw',
    label: 'PSW mask',
    bits: [57, 56],
    names: 'bits 6 and 7 (I/O, external)',
    onWhenSet: true,
    source: 'PSW_MASK_IO, PSW_MASK_EXT, arch/s390/include/uapi/asm/ptrace.h',
  },
  // A trap clears SIE and keeps its old value in SPIE.
  {
    arch: 'riscv',
    register: 'status',
    label: 'status',
    bits: [5],
    names: 'bit 5 (SPIE)',
    onWhenSet: true,
    source: 'SR_PIE, arch/riscv/include/asm/csr.h',
  },
  {
    arch: 'mips',
    register: 'status',
    label: 'Status',
    bits: [0],
    names: 'bit 0 (IE)',
    onWhenSet: true,
    source: 'ST0_IE, arch/mips/include/asm/mipsregs.h',
  },
  {
    arch: 'loongarch',
    register: 'prmd',
    label: 'PRMD',
    bits: [2],
    names: 'bit 2 (PIE)',
    onWhenSet: true,
    source: 'CSR_PRMD_PIE, arch/loongarch/include/asm/loongarch.h',
  },
];

/** Whether interrupts were off, by the flags register of the dump's architecture; null where it was not printed. */
export function interruptsOf(
  arch: Architecture | null,
  values: Readonly<Record<string, string>>,
): InterruptState | null {
  if (arch === 'powerpc') return powerpcInterrupts(values);
  const flag = FLAGS.find((row) => row.arch === arch && values[row.register] !== undefined);
  if (!flag) return null;
  const value = BigInt(values[flag.register]!);
  const set = flag.bits.some((bit) => (value >> BigInt(bit)) & 1n);
  return {
    state: set === flag.onWhenSet ? 'on' : 'off',
    why: `${flag.label} ${values[flag.register]!}: ${flag.names} ${flag.bits.length > 1 ? 'are' : 'is'} ${set ? 'set' : 'clear'}`,
  };
}

/** 64-bit powerpc masks interrupts in software: IRQMASK (SOFTE to v4.18, with the sense turned round in v4.17) outranks MSR[EE]. */
function powerpcInterrupts(values: Readonly<Record<string, string>>): InterruptState | null {
  const { irqmask, softe, msr } = values;
  if (irqmask !== undefined) {
    return { state: BigInt(irqmask) === 0n ? 'on' : 'off', why: `IRQMASK ${Number(BigInt(irqmask))}` };
  }
  if (msr === undefined) return null;
  const enabled = (BigInt(msr) & 0x8000n) !== 0n;
  if (enabled && softe !== undefined) return null;
  return { state: enabled ? 'on' : 'off', why: `MSR ${msr}: EE is ${enabled ? 'set' : 'clear'}` };
}

import type { CpuDump, SpinLoop } from '../../model/kernel-log.ts';
import type { Disassembler, Instruction, Operand } from './disassembler.ts';
import { decodeAround, parseCode, type CodeAround } from './loop.ts';
import { spinByName } from './names.ts';

type Memory = Extract<Operand, { kind: 'memory' }>;

/** What the CPU of a dump spins on: by its code where that shows a loop, otherwise by the function's name. null: it does not seem to. */
export function spinOf(dump: CpuDump, disassemble: Disassembler | null): SpinLoop | null {
  const named = spinByName(dump);
  if (dump.code === null || disassemble === null || dump.arch !== 'x86-64') return named;
  const code = parseCode(dump.code.bytes);
  const around = decodeAround(disassemble, code, dump.code.at);
  if (!around) return named;
  if (isHalted(around)) return { kind: 'idle', from: 'code', word: null, seen: null, instructions: [] };
  if (around.loop.length === 0) return named;
  const wait = waitedFor(around, named?.kind ?? null);
  if (wait === null) return named;
  const instructions = around.loop.map((instruction) => textOf(instruction, dump.code!.at));
  const address = wait.memory === null ? null : addressOf(wait.memory, wait.load, around, dump.registers);
  const bit = address === null ? wait.bit : bitAt(wait, address.offset);
  return {
    kind: wait.kind,
    from: 'code',
    word: address === null ? null : { address: hex(address.word), bit, why: address.why },
    seen: wait.load === null ? null : seenValue(wait.load, around, dump.registers),
    instructions,
  };
}

/** "> pause" at the program counter; branches by their distance from it. */
function textOf({ at, target, mnemonic, text }: Instruction, pc: number): string {
  const distance = target === null ? 0 : target - pc;
  const shown =
    target === null
      ? text
      : `${mnemonic} <rip${distance < 0 ? '-' : '+'}0x${Math.abs(distance).toString(16)}>`;
  return at === pc ? `> ${shown}` : shown;
}

interface Wait {
  readonly kind: SpinLoop['kind'];
  readonly memory: Memory | null;
  /** The instruction that reads the word. */
  readonly load: Instruction | null;
  /** Bit of the word, counted from the address that the instruction reads. */
  readonly bit: number | null;
}

/** hlt and mwait are left by the next interrupt: the program counter stands behind them. */
function isHalted({ instructions, current }: CodeAround): boolean {
  const before = instructions[instructions.indexOf(current) - 1];
  return (
    before !== undefined &&
    (before.mnemonic === 'hlt' || before.mnemonic === 'mwait' || before.mnemonic === 'monitor')
  );
}

/** Table of what a loop waits for; the first rule that fits counts. */
function waitedFor(around: CodeAround, named: SpinLoop['kind'] | null): Wait | null {
  const { loop, instructions } = around;
  const branch = loop.findLast(({ target }) => target !== null);
  const pauses = loop.some(({ mnemonic }) => mnemonic === 'pause');
  // A loop that waits says so with pause; without it, only the tightest ones are sure to be no ordinary work.
  if (!branch || (!pauses && loop.length > 4)) return null;
  if (loop.some(({ mnemonic }) => mnemonic.startsWith('rdtsc')))
    return { kind: 'delay', memory: null, load: null, bit: null };

  const tested = bitTest(loop);
  if (tested) {
    const { memory, load, bit } = tested;
    const sets = instructions.some(
      (of) => of.lock && (of.mnemonic === 'bts' || of.mnemonic === 'or') && sameMemory(memoryOf(of), memory),
    );
    if (named === 'csd-wait') return { kind: 'csd-wait', memory, load, bit };
    if (named === 'queued-spinlock') return { kind: 'queued-spinlock', ...queued(memory, load, loop) };
    if (sets || bit > 0) return { kind: 'bit-spinlock', memory, load, bit };
    // Bit 0 alone may be a sequence count, a call's flag or a bit lock.
    return { kind: named ?? 'unknown-loop', memory, load, bit };
  }
  const atomic = loop.find(({ mnemonic, lock }) => mnemonic === 'xchg' || (lock && mnemonic === 'cmpxchg'));
  const load = loop.find((of) => readsMemory(of));
  if (load) {
    const memory = memoryOf(load)!;
    if (named === 'queued-spinlock') return { kind: 'queued-spinlock', ...queued(memory, load, loop) };
    // The ticket is 8 or 16 bits wide; the head is compared with one's own.
    const compares = loop.some(
      ({ mnemonic, operands }) => mnemonic === 'cmp' && operands.every(({ kind }) => kind === 'register'),
    );
    if (named === 'ticket-spinlock' || (compares && memory.size <= 2))
      return { kind: 'ticket-spinlock', memory, load, bit: null };
    if (atomic && sameMemory(memoryOf(atomic), memory))
      return { kind: 'test-and-set-spinlock', memory, load, bit: null };
    return { kind: named ?? 'unknown-loop', memory, load, bit: null };
  }
  if (atomic && memoryOf(atomic))
    return { kind: 'test-and-set-spinlock', memory: memoryOf(atomic), load: atomic, bit: null };
  return named === null && pauses ? { kind: 'unknown-loop', memory: null, load: null, bit: null } : null;
}

/**
 * The head of the queue of a queued spinlock reads the lock (its locked byte, or locked and pending); everybody behind
 * reads its own node's `locked`, which says nothing about where the lock is (kernel/locking/qspinlock.c).
 */
function queued(memory: Memory, load: Instruction, loop: readonly Instruction[]): Omit<Wait, 'kind'> {
  const narrow =
    memory.size <= 2 ||
    loop.some(
      ({ mnemonic, operands }) =>
        mnemonic === 'test' && operands[0]?.kind === 'register' && operands[0].size <= 2,
    );
  return narrow ? { memory, load, bit: null } : { memory: null, load: null, bit: null };
}

/** A load whose value is tested for one bit, or a bt of memory. */
function bitTest(loop: readonly Instruction[]): { memory: Memory; load: Instruction; bit: number } | null {
  for (const [at, instruction] of loop.entries()) {
    const memory = memoryOf(instruction);
    if (memory === null || memory.perCpu) continue;
    const { mnemonic, operands } = instruction;
    if ((mnemonic === 'bt' || mnemonic === 'bts') && operands[1]?.kind === 'immediate') {
      return { memory, load: instruction, bit: Number(operands[1].value) };
    }
    // The bit number of "bt %r15,(%rbp)" is in a register: -1 until that is read.
    if (mnemonic === 'bt' && operands[1]?.kind === 'register')
      return { memory, load: instruction, bit: REGISTER_BIT };
    if (mnemonic === 'test' && operands[1]?.kind === 'immediate') {
      const bit = oneBit(operands[1].value, memory.size);
      if (bit !== null) return { memory, load: instruction, bit };
    }
    if (!mnemonic.startsWith('mov') || operands[0]?.kind !== 'register') continue;
    const register = operands[0].name;
    for (const next of loop.slice(at + 1)) {
      const [first, second] = next.operands;
      if (first?.kind !== 'register' || first.name !== register) continue;
      if ((next.mnemonic === 'and' || next.mnemonic === 'test') && second?.kind === 'immediate') {
        const bit = oneBit(second.value, first.size);
        return bit === null ? null : { memory, load: instruction, bit: bit + (first.high ? 8 : 0) };
      }
      if (next.mnemonic === 'bt' && second?.kind === 'immediate')
        return { memory, load: instruction, bit: Number(second.value) };
      break;
    }
  }
  return null;
}

const REGISTER_BIT = 1_000;

/** The number of the only bit that is set, counted within `size` bytes. */
function oneBit(value: bigint, size: number): number | null {
  const mask = BigInt.asUintN(Math.min(64, Math.max(1, size) * 8), value);
  if (mask === 0n || (mask & (mask - 1n)) !== 0n) return null;
  return mask.toString(2).length - 1;
}

function memoryOf({ operands }: Instruction): Memory | null {
  return operands.find((operand): operand is Memory => operand.kind === 'memory') ?? null;
}

function readsMemory(instruction: Instruction): boolean {
  const memory = memoryOf(instruction);
  if (memory === null || memory.perCpu) return false;
  if (instruction.mnemonic === 'cmp' || instruction.mnemonic === 'test') return true;
  return instruction.mnemonic.startsWith('mov') && instruction.operands[0]?.kind === 'register';
}

function sameMemory(a: Memory | null, b: Memory): boolean {
  return a !== null && a.base === b.base && a.index === b.index && a.displacement === b.displacement;
}

interface Address {
  /** The aligned word, and how many bytes behind its beginning the instruction reads. */
  readonly word: bigint;
  readonly offset: number;
  readonly why: string;
}

/** The address that the load reads, from the registers of the dump; null where a register has another meaning by now. */
function addressOf(
  memory: Memory,
  load: Instruction | null,
  { loop }: CodeAround,
  registers: Readonly<Record<string, string>>,
): Address | null {
  if (memory.perCpu || memory.base === 'rip') return null;
  let address = memory.displacement;
  const parts: string[] = [];
  for (const [name, scale] of [
    [memory.base, 1],
    [memory.index, memory.scale],
  ] as const) {
    if (name === null) continue;
    // Written in the loop: then its value at the program counter may be another one than at the load.
    if (loop.some((of) => writes(of, name))) return null;
    const value = registers[name];
    if (value === undefined) return null;
    address += BigInt(value) * BigInt(scale);
    parts.push(`${scale > 1 ? `${scale} * ` : ''}${name.toUpperCase()} = ${value}`);
  }
  if (parts.length === 0) return null;
  const bitRegister =
    load?.mnemonic === 'bt' && load.operands[1]?.kind === 'register' ? load.operands[1].name : null;
  if (bitRegister !== null) {
    const bits = registers[bitRegister];
    if (bits === undefined) return null;
    parts.push(`bit number in ${bitRegister.toUpperCase()} = ${Number(BigInt.asUintN(32, BigInt(bits)))}`);
    // bt with a register reaches beyond the operand: bit 70 is bit 6 of the next word.
    const number = BigInt.asIntN(64, BigInt(bits));
    address += (number >> 6n) * 8n;
    return { word: BigInt.asUintN(64, address), offset: Number(number & 63n) / 8, why: parts.join(', ') };
  }
  const full = BigInt.asUintN(64, address);
  const offset = Number(memory.displacement === 0n || memory.size >= 4 ? 0n : full & 7n);
  const displaced = BigInt.asIntN(64, memory.displacement);
  if (displaced !== 0n)
    parts.push(
      `displacement ${displaced < 0n ? '-' : ''}0x${(displaced < 0n ? -displaced : displaced).toString(16)}`,
    );
  return { word: full - BigInt(offset), offset, why: parts.join(', ') };
}

/** The bit of the aligned word. */
function bitAt({ bit }: Wait, offset: number): number | null {
  if (bit === null) return null;
  return bit === REGISTER_BIT ? Math.round(offset * 8) : bit + offset * 8;
}

function writes({ mnemonic, operands }: Instruction, register: string): boolean {
  const [first, second] = operands;
  if (mnemonic === 'xchg' && second?.kind === 'register' && second.name === register) return true;
  if (mnemonic === 'call') return CALL_CLOBBERS.has(register);
  if (['cmp', 'test', 'bt', 'jmp', 'push'].includes(mnemonic)) return false;
  return first?.kind === 'register' && first.name === register;
}

/** Registers that a function may change (System V ABI, 3.2.1). */
const CALL_CLOBBERS: ReadonlySet<string> = new Set([
  'rax',
  'rcx',
  'rdx',
  'rsi',
  'rdi',
  'r8',
  'r9',
  'r10',
  'r11',
]);

/** The loaded value, if its register still has it at the program counter; which bits of it a mask has left. */
function seenValue(
  load: Instruction,
  { loop, current }: CodeAround,
  registers: Readonly<Record<string, string>>,
): SpinLoop['seen'] {
  const target = load.operands[0];
  if (target?.kind !== 'register' || !load.mnemonic.startsWith('mov')) return null;
  const value = registers[target.name];
  if (value === undefined) return null;
  // From the load once around the loop to the program counter.
  const from = loop.indexOf(load);
  const to = loop.findIndex(({ at }) => at === current.at);
  const passed = to > from ? loop.slice(from + 1, to) : [...loop.slice(from + 1), ...loop.slice(0, to)];
  let mask = (1n << BigInt(8 * Math.min(8, Math.max(1, target.size)))) - 1n;
  for (const instruction of passed) {
    if (!writes(instruction, target.name)) continue;
    const [first, second] = instruction.operands;
    if (instruction.mnemonic !== 'and' || first?.kind !== 'register' || second?.kind !== 'immediate')
      return null;
    const width = 8n * BigInt(first.size);
    const low = ((1n << width) - 1n) << (first.high ? 8n : 0n);
    const kept = BigInt.asUintN(first.size * 8, second.value) << (first.high ? 8n : 0n);
    // A 32-bit operation clears the upper half.
    mask &= first.size === 4 ? kept : (mask & ~low) | kept;
  }
  const seen = BigInt(value) & mask;
  return {
    value: hex(seen),
    mask: hex(mask),
    why: `${target.name.toUpperCase()} as loaded${passed.some((of) => of.mnemonic === 'and') ? ', behind the mask of the test' : ''}`,
  };
}

function hex(value: bigint): string {
  return `0x${BigInt.asUintN(64, value).toString(16)}`;
}

/** An operand, as far as spin loops need it. */
export type Operand =
  | {
      readonly kind: 'register';
      /** The whole register's name, as a register dump has it: rcx for cl. */
      readonly name: string;
      readonly size: number;
      /** ah, bh, ch, dh: the second byte. */
      readonly high: boolean;
    }
  | {
      readonly kind: 'memory';
      readonly base: string | null;
      readonly index: string | null;
      readonly scale: number;
      readonly displacement: bigint;
      readonly size: number;
      /** Through FS or GS: an offset in per-CPU data, not an address. */
      readonly perCpu: boolean;
    }
  | { readonly kind: 'immediate'; readonly value: bigint };

export interface Instruction {
  /** Place in the code bytes, and the one behind it. */
  readonly at: number;
  readonly end: number;
  readonly mnemonic: string;
  readonly lock: boolean;
  readonly operands: readonly Operand[];
  /** Where a branch goes, as a place in the code bytes. */
  readonly target: number | null;
  readonly text: string;
}

/** Decodes the instruction at a place of x86-64 code; null where there is no valid one. */
export type Disassembler = (code: Uint8Array, at: number) => Instruction | null;

const BASE = 0x100000n;

/** Loads iced-x86 (1.21.0), which few runs need. */
export async function loadDisassembler(): Promise<Disassembler> {
  const iced = await import('iced-x86');
  const { Decoder, DecoderOptions, FlowControl, MemorySizeExt, Mnemonic, OpKind, Register, RegisterExt } =
    iced;

  return (code, at) => {
    const decoder = new Decoder(64, code.subarray(at), DecoderOptions.None);
    try {
      decoder.ip = BASE + BigInt(at);
      if (!decoder.canDecode) return null;
      const raw = decoder.decode();
      try {
        if (raw.mnemonic === Mnemonic.INVALID || raw.length === 0) return null;
        const operands: Operand[] = [];
        let target: number | null = null;
        for (let op = 0; op < raw.opCount; op++) {
          const kind = raw.opKind(op);
          if (kind === OpKind.Register) {
            const register = raw.opRegister(op);
            const high = register >= Register.AH && register <= Register.BH;
            operands.push({
              kind: 'register',
              name: fullName(register),
              size: RegisterExt.size(register),
              high,
            });
          } else if (kind === OpKind.Memory) {
            operands.push({
              kind: 'memory',
              base: raw.memoryBase === Register.None ? null : fullName(raw.memoryBase),
              index: raw.memoryIndex === Register.None ? null : fullName(raw.memoryIndex),
              scale: raw.memoryIndexScale,
              displacement: raw.memoryDisplacement,
              size: MemorySizeExt.size(raw.memorySize),
              perCpu: raw.segmentPrefix === Register.FS || raw.segmentPrefix === Register.GS,
            });
          } else if (IMMEDIATES.has(OpKind[kind]))
            operands.push({ kind: 'immediate', value: raw.immediate(op) });
        }
        const branches =
          raw.flowControl === FlowControl.ConditionalBranch ||
          raw.flowControl === FlowControl.UnconditionalBranch;
        if (branches) target = Number(raw.nearBranchTarget - BASE);
        return {
          at,
          end: at + raw.length,
          mnemonic: Mnemonic[raw.mnemonic].toLowerCase(),
          lock: raw.hasLockPrefix,
          operands,
          target,
          text: raw.toString(),
        };
      } finally {
        raw.free();
      }
    } finally {
      decoder.free();
    }
  };

  /** "rcx" for cl, ch, cx, ecx: the name in a register dump. */
  function fullName(register: number): string {
    return Register[RegisterExt.fullRegister(register)].toLowerCase();
  }
}

const IMMEDIATES: ReadonlySet<string> = new Set([
  'Immediate8',
  'Immediate16',
  'Immediate32',
  'Immediate64',
  'Immediate8to16',
  'Immediate8to32',
  'Immediate8to64',
  'Immediate32to64',
]);

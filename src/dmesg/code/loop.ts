import type { Disassembler, Instruction } from './disassembler.ts';

/** The instructions around the program counter, and the loop that it is in. */
export interface CodeAround {
  /** In order, as far as they could be decoded; the one at the program counter is among them. */
  readonly instructions: readonly Instruction[];
  readonly current: Instruction;
  /** The innermost loop that holds the program counter; empty where none is visible. */
  readonly loop: readonly Instruction[];
}

export function parseCode(bytes: string): Uint8Array {
  return Uint8Array.from(bytes.split(' '), (byte) => Number.parseInt(byte, 16));
}

/**
 * Decodes the code bytes of a dump. Instructions from the program counter on are certain; those before it are what the
 * most starting points agree on, since x86 code falls into step after a few instructions.
 */
export function decodeAround(decode: Disassembler, code: Uint8Array, at: number): CodeAround | null {
  const decoded = new Map<number, Instruction | null>();
  const disassemble: Disassembler = (bytes, place) => {
    let instruction = decoded.get(place);
    if (instruction === undefined) decoded.set(place, (instruction = decode(bytes, place)));
    return instruction;
  };
  const behind = chain(disassemble, code, at, code.length);
  const current = behind[0];
  if (!current) return null;
  const instructions = [...before(disassemble, code, at), ...behind];
  return { instructions, current, loop: innermostLoop(instructions, at) };
}

function chain(disassemble: Disassembler, code: Uint8Array, from: number, end: number): Instruction[] {
  const instructions: Instruction[] = [];
  for (let at = from; at < end;) {
    const instruction = disassemble(code, at);
    if (!instruction) break;
    instructions.push(instruction);
    at = instruction.end;
  }
  return instructions;
}

function before(disassemble: Disassembler, code: Uint8Array, at: number): Instruction[] {
  const votes = new Map<number, { instruction: Instruction; count: number }>();
  for (let start = 0; start < at; start++) {
    const instructions = chain(disassemble, code, start, at);
    if (instructions.at(-1)?.end !== at) continue;
    for (const instruction of instructions) {
      const vote = votes.get(instruction.at);
      if (vote) vote.count++;
      else votes.set(instruction.at, { instruction, count: 1 });
    }
  }
  // Backwards from the program counter: each time the instruction that most starting points had there.
  const agreed: Instruction[] = [];
  for (let end = at; ;) {
    const best = [...votes.values()]
      .filter(({ instruction }) => instruction.end === end)
      .toSorted((a, b) => b.count - a.count)[0];
    if (!best) break;
    agreed.unshift(best.instruction);
    end = best.instruction.at;
  }
  return agreed;
}

/** A branch back to or before the program counter, from it or behind it, closes a loop; the shortest one counts. */
function innermostLoop(instructions: readonly Instruction[], at: number): readonly Instruction[] {
  let found: readonly Instruction[] = [];
  for (const branch of instructions) {
    const { target } = branch;
    if (target === null || branch.at < at || target > at) continue;
    const first = instructions.findIndex((instruction) => instruction.at === target);
    if (first < 0) continue;
    const loop = instructions.slice(first, instructions.indexOf(branch) + 1);
    if (found.length === 0 || loop.length < found.length) found = loop;
  }
  if (found.length > 0) return found;
  return outOfLineLoop(instructions, at);
}

/** "pause; jmp back" placed in front of or behind the test that it belongs to: the branch back lies before the program counter. */
function outOfLineLoop(instructions: readonly Instruction[], at: number): readonly Instruction[] {
  const current = instructions.find((instruction) => instruction.at === at);
  for (const jump of instructions) {
    if (jump.target === null || jump.target <= jump.at || jump.at > at || jump.target < at) continue;
    // Jumped forward over the program counter: what comes back to it from there?
    const back = instructions.find(
      ({ at: from, target }) => from >= jump.target! && target !== null && target <= at && target > jump.at,
    );
    if (!back || current === undefined) continue;
    const first = instructions.findIndex((instruction) => instruction.at === back.target);
    if (first >= 0) return instructions.slice(first, instructions.indexOf(back) + 1);
  }
  return [];
}

import { beforeAll, describe, expect, it } from 'vitest';
import { loadDisassembler, type Disassembler } from '../../src/dmesg/code/disassembler.ts';
import { spinOf } from '../../src/dmesg/code/spin.ts';
import type { CpuDump, SpinLoop } from '../../src/model/kernel-log.ts';

let disassemble: Disassembler;
beforeAll(async () => {
  disassemble = await loadDisassembler();
});

const WORD = '0xffff888100001000';

function dump(code: string, fn: string, registers: Record<string, string>): CpuDump {
  const tokens = code.split(' ');
  const at = tokens.findIndex((token) => token.startsWith('<'));
  return {
    atNs: null,
    offset: 0,
    cpu: 1,
    pid: 2,
    comm: 'x',
    kernel: '6.1.0',
    tainted: null,
    workqueue: null,
    taskState: null,
    arch: 'x86-64',
    function: fn,
    functionOffset: 1,
    interrupts: null,
    registers,
    stack: [],
    code: { bytes: code.replaceAll(/[<>]/g, ''), at },
  };
}

function spin(code: string, fn: string, registers: Record<string, string>): SpinLoop | null {
  return spinOf(dump(code, fn, registers), disassemble);
}

describe('spin loops by their code', () => {
  it('bit spinlock: load, mask, branch; the bit from the mask', () => {
    // pause; mov (%r12),%rcx; and $0x10,%cl; jne; incl 0x1c(%rdx); lock bts $4,(%r12)   (3.12, bit_spin_lock)
    const code = 'ff 48 1c <f3> 90 49 8b 0c 24 80 e1 10 75 f5 ff 42 1c f0 41 0f ba 2c 24 04';
    const loop = spin(code, 'ext4_finish_bio', { r12: WORD, rcx: '0x0000000000000110' });
    expect(loop).toMatchObject({
      kind: 'bit-spinlock',
      word: { address: WORD, bit: 4 },
      seen: { value: '0x110', mask: '0xffffffffffffff10' },
    });
  });

  it('bit spinlock: bt with the bit in a register', () => {
    // pause; bt %r15,0(%rbp); jb
    const code = 'f3 90 <4c> 0f a3 7d 00 72 f7 bf 01 00 00 00';
    expect(spin(code, 'bit_spin_lock', { rbp: WORD, r15: '0x4' })?.word).toMatchObject({
      address: WORD,
      bit: 4,
    });
    expect(spin(code, 'bit_spin_lock', { rbp: WORD, r15: '0x44' })?.word).toMatchObject({
      address: '0xffff888100001008',
      bit: 4,
    });
  });

  it('bit spinlock: a byte of the word tested in memory', () => {
    // pause; testb $0x10,0x1(%rbx); jne: bit 12 of the word
    expect(spin('<f3> 90 f6 43 01 10 75 f8', 'foo', { rbx: WORD })).toMatchObject({
      kind: 'bit-spinlock',
      word: { address: WORD, bit: 12 },
    });
  });

  it("ticket spinlock of 3.16: the 8-bit head compared with one's own ticket", () => {
    // lock xadd %ax,(%rdi) ... pause; movzbl (%rdi),%eax; cmp %dl,%al; jne
    const code =
      'b8 00 01 00 00 f0 66 0f c1 07 0f b6 d4 38 c2 75 04 5d c3 f3 90 <0f> b6 07 38 d0 75 f7 5d c3';
    expect(spin(code, '_raw_spin_lock', { rdi: WORD })).toMatchObject({
      kind: 'ticket-spinlock',
      word: { address: WORD, bit: null },
    });
  });

  it('queued spinlock: the head of the queue reads the lock, the others their own node', () => {
    // pause; mov (%rdi),%eax; test %al,%al; jne
    expect(
      spin('<f3> 90 8b 07 84 c0 75 f8', 'native_queued_spin_lock_slowpath', { rdi: WORD }),
    ).toMatchObject({
      kind: 'queued-spinlock',
      word: { address: WORD },
    });
    // pause; mov 0x8(%rdx),%eax; test %eax,%eax; je
    expect(
      spin('<f3> 90 8b 42 08 85 c0 74 f7', 'native_queued_spin_lock_slowpath', { rdx: WORD }),
    ).toMatchObject({
      kind: 'queued-spinlock',
      word: null,
    });
  });

  it('test-and-set spinlock: read until free, then cmpxchg', () => {
    // pause; mov (%rdi),%eax; test %eax,%eax; jne; mov $1,%edx; lock cmpxchg %edx,(%rdi); jne   (virt_spin_lock)
    const code = '<f3> 90 8b 07 85 c0 75 f8 ba 01 00 00 00 f0 0f b1 17 75 ed';
    const loop = spin(code, 'some_lock', { rdi: WORD });
    expect(loop?.word?.address).toBe(WORD);
  });

  it('bit 0 is a lock, a sequence count or a call, by the function', () => {
    // pause; mov (%rbx),%eax; test $0x1,%al; jne
    const code = '<f3> 90 8b 03 a8 01 75 f8';
    expect(spin(code, 'read_seqbegin', { rbx: WORD })?.kind).toBe('seqcount-retry');
    expect(spin(code, 'smp_call_function_many_cond', { rbx: WORD })?.kind).toBe('csd-wait');
    expect(spin(code, 'who_knows', { rbx: WORD })?.kind).toBe('unknown-loop');
  });

  it('no address from a register that the loop itself changes', () => {
    // pause; mov (%rax),%rax; test $0x10,%al; jne
    expect(spin('<f3> 90 48 8b 00 a8 10 75 f7', 'walks', { rax: WORD })?.word).toBeNull();
  });

  it('hlt is idling, a loop of ordinary work is no spin', () => {
    expect(spin('fb f4 <c3> 66 0f 1f 00', 'pv_native_safe_halt', {})?.kind).toBe('idle');
    // mov (%rsi),%al; mov %al,(%rdi); inc %rsi; inc %rdi; dec %rcx; jne
    expect(
      spin('<8a> 06 88 07 48 ff c6 48 ff c7 48 ff c9 75 f1', 'copies', { rsi: WORD, rdi: WORD }),
    ).toBeNull();
  });

  it('bytes that are no code, or none, leave the name', () => {
    expect(spin('<06> 06 06', 'mutex_spin_on_owner', {})).toMatchObject({
      kind: 'mutex-or-rwsem-spin',
      from: 'name',
    });
    expect(
      spinOf({ ...dump('<90>', 'queued_spin_lock_slowpath', {}), arch: 'arm64', code: null }, disassemble),
    ).toMatchObject({
      kind: 'queued-spinlock',
      from: 'name',
      word: null,
    });
  });
});

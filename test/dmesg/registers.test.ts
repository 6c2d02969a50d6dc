import { describe, expect, it } from 'vitest';
import { interruptsOf, registerLine } from '../../src/dmesg/registers.ts';
import type { Architecture } from '../../src/model/kernel-log.ts';

describe('registerLine', () => {
  it.each<readonly [line: string, arch: Architecture | null, pc: string | null]>([
    [
      'RIP: 0010:[<ffffffff8125be13>] [<ffffffff8125be13>] ext4_finish_bio+0x273/0x2a0',
      'x86-64',
      'ext4_finish_bio',
    ],
    ['RIP: 0010:native_queued_spin_lock_slowpath+0x61/0x1c0', 'x86-64', 'native_queued_spin_lock_slowpath'],
    ['RIP: 0010:[<ffffffff8043c393>] <ffffffff8043c393>{_spin_lock+97}', 'x86-64', '_spin_lock'],
    ['RIP: 0010:[<ffffffffa0123456>] <ffffffffa0123456>{:mod:fn+12}', 'x86-64', 'fn'],
    ['EIP is at __do_page_fault+0x1db/0x410', 'i386', '__do_page_fault'],
    ['EIP: native_safe_halt+0x2/0x10', 'i386', 'native_safe_halt'],
    ['pc : queued_spin_lock_slowpath+0x1c/0x2f0', null, 'queued_spin_lock_slowpath'],
    ['PC is at _raw_spin_lock+0x40/0xe0', null, '_raw_spin_lock'],
    ['NIP [c000000000d02480] ._raw_spin_lock+0x40/0xe0', 'powerpc', '_raw_spin_lock'],
    [
      'Krnl PSW : 0704f00180000000 000003ff8086d03a (will_oops_init+0x3a/0x1000 [will_oops])',
      's390',
      'will_oops_init',
    ],
    ['epc : queued_spin_lock_slowpath+0x3a/0x80', null, 'queued_spin_lock_slowpath'],
    ['RSP: 0018:ffff8881068ebe98 EFLAGS: 00000087', 'x86-64', null],
  ])('%s', (line, arch, pc) => {
    const read = registerLine(line);
    expect(read?.arch).toBe(arch);
    expect(read?.pc?.function ?? null).toBe(pc);
  });

  it('knows user space by the code segment', () => {
    expect(registerLine('RIP: 0033:0x7f0ff34209f0')).toMatchObject({ user: true, pc: null });
  });

  it('reads values by name', () => {
    expect(registerLine('R10: ffffea00473214c0 R11: ffffffff8113bfd7 R12: ffff880826272138')?.values).toEqual(
      {
        r10: '0xffffea00473214c0',
        r11: '0xffffffff8113bfd7',
        r12: '0xffff880826272138',
      },
    );
    expect(registerLine('GPR04: 0000000000000000 0000000000000001')?.values).toEqual({
      r4: '0x0000000000000000',
      r5: '0x0000000000000001',
    });
  });
});

describe('interruptsOf', () => {
  it.each<readonly [line: string, arch: Architecture, state: 'on' | 'off']>([
    ['RSP: 0018:ffff8881068ebe98 EFLAGS: 00000087', 'x86-64', 'off'],
    ['RSP: 0018:ffff8881002b3ee8 EFLAGS: 00000246', 'x86-64', 'on'],
    ['pstate: 600000c5 (nZCv daIF -PAN -UAO)', 'arm64', 'off'],
    ['pstate: 00400005 (nzcv daif +PAN -UAO)', 'arm64', 'on'],
    ['MSR:  9000000000001033 <SF,HV,ME,IR,DR,RI,LE>  CR: 28008484', 'powerpc', 'off'],
    ['MSR:  9000000002089033 <SF,HV,VEC,EE,ME,IR,DR,RI,LE>  CR: 28008484', 'powerpc', 'on'],
    ['Krnl PSW : 0404c00180000000 000003ff8086d03a (fn+0x3a/0x100)', 's390', 'off'],
    ['Krnl PSW : 0704c00180000000 000003ff8086d03a (fn+0x3a/0x100)', 's390', 'on'],
    ['status: 0000000200000100 badaddr: 0000000000000000 cause: 8000000000000001', 'riscv', 'off'],
    ['status: 0000000200000120 badaddr: 0000000000000000 cause: 8000000000000001', 'riscv', 'on'],
  ])('%s', (line, arch, state) => {
    expect(interruptsOf(arch, registerLine(line)!.values)?.state).toBe(state);
  });

  it('powerpc masks in software: IRQMASK outranks MSR[EE]', () => {
    const values = { msr: '0x9000000002089033', irqmask: '0x1' };
    expect(interruptsOf('powerpc', values)).toEqual({ state: 'off', why: 'IRQMASK 1' });
    // SOFTE changed its sense in v4.17: without knowing the kernel it tells nothing.
    expect(interruptsOf('powerpc', { msr: '0x9000000002089033', softe: '0x0' })).toBeNull();
  });
});

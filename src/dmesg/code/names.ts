import type { CpuDump, SpinLoop } from '../../model/kernel-log.ts';
import { isInstrumentation } from '../frames.ts';

/** Functions that wait, on any architecture: what kind of wait, by name alone. */
const WAITERS: readonly (readonly [kind: SpinLoop['kind'], functions: RegExp])[] = [
  // kernel/locking/qspinlock.c since v4.2 (x86), v4.19 (arm64), v5.9 (powerpc); paravirtual ones spin in the same function
  [
    'queued-spinlock',
    /^(?:(?:native_|__pv_|pv_)?queued_spin_lock_slowpath|queued_spin_lock\w*|pv_wait_\w+|kvm_wait)$/,
  ],
  // arch/x86/include/asm/spinlock.h v2.6.25 to v4.1; _spin_lock of 2.6 kernels has the loop inline
  [
    'ticket-spinlock',
    /^(?:__ticket_spin_lock|ticket_spin_lock|arch_spin_lock|_spin_lock(?:_irqsave|_irq|_bh)?|__raw_spin_lock)$/,
  ],
  [
    'test-and-set-spinlock',
    /^(?:virt_spin_lock|\.text\.lock\.\w+|__spin_yield|arch_spin_lock_wait\w*|arch_spin_lockval_wait\w*|__spin_lock_debug|do_raw_spin_lock|_raw_spin_lock\w*)$/,
  ],
  [
    'rwlock',
    /^(?:queued_(?:read|write)_lock_slowpath|__(?:read|write)_lock_failed|_?_?(?:raw_)?(?:read|write)_lock\w*|do_raw_(?:read|write)_lock|arch_(?:read|write)_lock\w*)$/,
  ],
  ['bit-spinlock', /^(?:bit_spin_lock|hlist_bl_lock|slab_lock|jbd_lock_bh_\w+|zs_\w*pin_tag)$/],
  // kernel/smp.c
  [
    'csd-wait',
    /^(?:csd_lock_wait\w*|__csd_lock_wait|smp_call_function\w*|generic_exec_single|__smp_call_single\w*|on_each_cpu\w*|(?:native_)?flush_tlb_(?:others|multi)\w*|smp_call_function_many_cond)$/,
  ],
  [
    'mutex-or-rwsem-spin',
    /^(?:mutex_spin_on_owner|osq_lock|rwsem_spin_on_owner|rwsem_optimistic_spin|mutex_optimistic_spin|rt_mutex_spin_on_owner|rtmutex_spin_on_owner)$/,
  ],
  [
    'stop-machine',
    /^(?:multi_cpu_stop|stop_machine_cpu_stop|stop_machine_yield|rendezvous_handler|mtrr_rendezvous\w*)$/,
  ],
  ['wait-on-bit', /^(?:__?wait_on_bit\w*|out_of_line_wait_on_bit\w*|bit_wait\w*)$/],
  [
    'delay',
    /^(?:_*delay\w*|_*udelay|__const_udelay|delay_(?:tsc|mwaitx|halt\w*|loop)|__timer_delay|arch_timer_delay)$/,
  ],
  ['seqcount-retry', /^(?:read_seqbegin\w*|__read_seqcount_begin|read_seqcount_begin)$/],
  [
    'idle',
    /^(?:(?:pv_)?native_safe_halt|default_idle\w*|mwait_idle\w*|intel_idle\w*|acpi_idle_\w+|acpi_safe_halt|acpi_processor_\w*idle\w*|poll_idle|cpuidle_\w+|arch_cpu_idle|cpu_do_idle|cpu_idle\w*|do_idle|snooze_loop|nap_loop|stop_loop|psci_\w*suspend\w*|wait_for_interrupt|tick_check_\w+_idle|amd_e400_idle|native_halt|xen_hypercall_sched_op|plpar_hcall_norets\w*)$/,
  ],
];

/** The kind of wait that a function's name stands for; null for any other function. */
export function waitKind(name: string): SpinLoop['kind'] | null {
  return WAITERS.find(([, functions]) => functions.test(name))?.[0] ?? null;
}

/**
 * The kind of wait that a dump's CPU is in by its function's name. Where that function says nothing (compiler
 * instrumentation, cpu_relax), by the two functions around it.
 */
export function spinByName(dump: CpuDump): SpinLoop | null {
  const { function: name, stack } = dump;
  if (dump.taskState === 'idle') return byName('idle');
  if (name === null) return null;
  const kind = waitKind(name);
  if (kind !== null) return byName(kind);
  if (!isInstrumentation(name) && !/relax|pause|yield/.test(name)) return null;
  const names = stack.filter(({ reliable }) => reliable).map((frame) => frame.function);
  const around = names.slice(names.indexOf(name) + 1).slice(0, 2);
  const found = around.map(waitKind).find((of) => of !== null);
  return found == null ? null : byName(found);
}

function byName(kind: SpinLoop['kind']): SpinLoop {
  return { kind, from: 'name', word: null, seen: null, instructions: [] };
}

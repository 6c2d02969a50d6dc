import type { LogFrame, StackPart } from '../model/kernel-log.ts';

/** A frame as printed, before it is known to which part of the stack it belongs. */
export interface RawFrame {
  readonly function: string;
  readonly offset: number | null;
  /** Length of the function. */
  readonly size: number | null;
  readonly module: string | null;
  readonly reliable: boolean;
  /** It stands between <NMI> and </NMI> or <<EOE>>. */
  readonly inNmi: boolean;
  /** decode_stacktrace's "[inline]": it is part of the next frame's function. */
  readonly inlined?: boolean;
  /** Behind <EOI>: what an interrupt interrupted, also where the unwinder does not vouch for it (x86 up to v4.9). */
  readonly interrupted?: boolean;
}

// What stands in front of a frame: context markers, addresses, numbering, "?".
//   " <NMI>  [<ffffffff81651631>] ", " [<c0018a50>] (", "[c000003fe35b7050] [c000000000d02480] ", "([<000000000012345>] ", " ? "
const LEAD =
  /^(?:(?:<\/?[A-Z#][A-Z0-9_#]{1,15}>|<<EO[EI]>>|\(?\[<?(?:0x)?[0-9a-f]{8,16}>?\]|\[<0>\]|#?\d{1,2}[: ]|-+\)?)\s*)*/;
const NAME = String.raw`[A-Za-z_.$][\w.$]{0,200}`;
const SYMBOL = new RegExp(
  String.raw`^(\?\s*)?\(?(?:\.(?!text))?(${NAME})\+(?:0x)?([0-9a-f]+)(?:\/(?:0x)?([0-9a-f]+))?\)?(?:\s*\[([\w-]+)(?: [0-9a-f]+)?\])?`,
);
// x86-64 up to 2.6.17: "<ffffffff8010b6f4>{cpu_idle+151}"
const OLD_SYMBOL = new RegExp(String.raw`<[0-9a-f]{16}>\{(?::([\w-]+):)?(${NAME})\+(\d+)\}`, 'g');
// 32-bit arm: "[<c0018a50>] (unwind_backtrace) from [<c0014e60>] (show_stack+0x10/0x14)", "unwind_backtrace from show_stack+0x10/0x14"
const FROM = new RegExp(
  String.raw`^(\?\s*)?\(?(${NAME})(?:\+0x([0-9a-f]+)(?:\/0x[0-9a-f]+)?)?(?: [\w./-]+:\d+)?\)?(?:\s*\[[\w-]+\])?\)? from (?:\[<|\(?${NAME}\+0x)`,
);
// decode_stacktrace and syzkaller: "csd_lock_wait kernel/smp.c:108 [inline]"
const INLINE = new RegExp(String.raw`^(?:\[<[0-9a-f]+>\] )?(${NAME}) [\w./+-]+\.[chSs]:\d+ \[inline\]`);
// scripts/decode_stacktrace.sh: "? __might_fault (mm/memory.c:5460 (discriminator 13)) ext4"
const WITH_LINE = new RegExp(String.raw`^(\?\s*)?(${NAME}) \((?:[\w./+-]{1,200}\.\w{1,4}:\d+|\?\?:)`);
// arch/powerpc/kernel/process.c: "--- interrupt: 901 at arch_local_irq_restore+0x74/0x90"
const INTERRUPT =
  /^[-*]+ ?(?:interrupt|Exception): ([0-9a-f]{3,4})(?: \([\w ]+\))? at \.?([A-Za-z_.$][\w.$]*)(?:\+0x([0-9a-f]+))?/;
const MARKER = /<(\/?)(NMI|IRQ|SOFTIRQ|TASK|EOI|EOE|ENTRY_TRAMPOLINE|SYSENTER|#[A-Z]{2}|UNK|DEBUG)>|<<EOE>>/g;

/** What a line of a call trace says. */
export interface FrameLine {
  readonly frames: readonly RawFrame[];
  /** Whether later lines are inside of an NMI: null leaves that as it was. */
  readonly nmi: boolean | null;
}

/** Reads a line of a call trace; null when it is none. `inNmi`: the lines before were inside of an NMI. */
export function frameLine(text: string, inNmi: boolean): FrameLine | null {
  let nmi: boolean | null = null;
  let marked = false;
  if (text.includes('<')) {
    for (const [whole, close, name] of text.matchAll(MARKER)) {
      marked = true;
      if (name === 'NMI') nmi = close === '';
      else if (whole === '<<EOE>>' || name === 'EOE') nmi = false;
      else if (name === 'TASK' || name === 'EOI') nmi ??= false;
    }
  }
  const inside = nmi ?? inNmi;
  if (text.includes('>{')) {
    const old = Array.from(text.matchAll(OLD_SYMBOL), ([, module, name, offset]): RawFrame => {
      return {
        function: name!,
        offset: Number(offset),
        size: null,
        module: module ?? null,
        reliable: true,
        inNmi: inside,
      };
    });
    if (old.length > 0) return { frames: old, nmi };
  }
  const interrupt = INTERRUPT.exec(text);
  if (interrupt) {
    const entry = raw(`interrupt_${interrupt[1]!}`, undefined, null, true, inside);
    return { frames: [entry, raw(interrupt[2]!, interrupt[3], null, true, inside)], nmi };
  }
  const frames: RawFrame[] = [];
  let rest = text;
  for (let count = 0; count < 8; count++) {
    const lead = LEAD.exec(rest)![0];
    const after = rest.slice(lead.length);
    const from = FROM.exec(after);
    if (from) {
      frames.push(raw(from[2]!, from[3], null, from[1] === undefined, inside));
      break;
    }
    const inline = INLINE.exec(after);
    if (inline) {
      frames.push({ ...raw(inline[1]!, undefined, null, true, inside), inlined: true });
      break;
    }
    const withLine = WITH_LINE.exec(after);
    if (withLine) {
      frames.push(raw(withLine[2]!, undefined, null, withLine[1] === undefined, inside));
      break;
    }
    const symbol = SYMBOL.exec(after);
    // "foo+0x12" counts as a frame at the start of a line or behind an address only.
    if (symbol === null) break;
    const unreliable = symbol[1] !== undefined || after.includes('(unreliable)');
    const frame = raw(symbol[2]!, symbol[3], symbol[5] ?? null, !unreliable, inside, symbol[4]);
    frames.push(lead.includes('<EOI>') ? { ...frame, interrupted: true } : frame);
    rest = after.slice(symbol[0].length).trimStart();
    // Several frames on one line have addresses in front of them.
    if (!/^(?:\[<|<)/.test(rest)) break;
  }
  if (frames.length === 0 && !(marked && LEAD.exec(text)![0].length === text.length)) return null;
  return { frames, nmi };
}

function raw(
  name: string,
  offset: string | undefined,
  module: string | null,
  reliable: boolean,
  inNmi: boolean,
  size?: string,
): RawFrame {
  return {
    function: name,
    offset: offset === undefined ? null : Number.parseInt(offset, 16),
    size: size === undefined ? null : Number.parseInt(size, 16),
    module,
    reliable,
    inNmi,
  };
}

/** A function's name without what the compiler adds to its pieces: "print_other_cpu_stall.cold.79". */
export function plain(name: string): string {
  return name.includes('.')
    ? name.replace(/(?:\.(?:isra|cold|constprop|part|llvm|cfi)(?:\.\d+)?)+$/, '')
    : name;
}

/**
 * The frames that the unwinder vouches for; kernels without frame pointers (Debian 3.2 and 3.16, say) vouch for none, and
 * then all of them are what there is.
 */
export function vouched<Frame extends { readonly reliable: boolean }>(
  frames: readonly Frame[],
): readonly Frame[] {
  const reliable = frames.filter((frame) => frame.reliable);
  return reliable.length > 0 ? reliable : frames;
}

/** Where an NMI begins. */
const NMI_ENTRY =
  /^(?:asm_exc_nmi|exc_nmi|do_nmi|default_do_nmi|end_repeat_nmi|repeat_nmi|first_nmi|nmi_restore|nmi|nmi_stack_correct|nmi_stack_fixup|restart_nmi|system_reset_exception|system_reset_common.*|el1h_64_nmi|do_nmi_.*)$/;
/** Where a hardware interrupt begins, on any architecture. */
const IRQ_ENTRY =
  /^(?:interrupt_[0-9a-f]+|(?:asm_)?sysvec_\w+|(?:asm_)?common_interrupt|(?:smp_)?apic_timer_interrupt|ret_from_intr|(?:smp_)?call_function_(?:single_)?interrupt|(?:smp_)?reschedule_interrupt|(?:smp_)?irq_work_interrupt|(?:smp_)?x86_platform_ipi|do_IRQ|do_irq|IRQ0x\w+|interrupt_entry|el[01]h?(?:_64|_32)?_irq(?:_handler)?|el1_interrupt|el[01]_irq|gic_handle_irq|__irq_svc|__irq_usr|hardware_interrupt_common\w*|decrementer_common\w*|doorbell_super_common\w*|h_virt_irq_common\w*|timer_interrupt|__do_IRQ|io_int_handler|ext_int_handler|do_io_irq|do_ext_irq|handle_int|plat_irq_dispatch|handle_riscv_irq|riscv_intc_irq|do_vint|common_spurious|irq_entries_start|error_interrupt|thermal_interrupt)$/;
/** What runs softirqs: the functions that it called are in softirq context. */
const SOFTIRQ =
  /^(?:__do_softirq|___do_softirq|handle_softirqs(?:\.\w+)*|_stext|call_softirq|__softirqentry_text_start|softirq_handle_begin|do_softirq_own_stack|do_softirq)$/;

/**
 * Gives every frame its part of the stack. From the outermost frame inwards: an interrupt's entry begins the hardirq
 * part, __do_softirq the softirq part, an NMI's entry or the markers of x86 the NMI part.
 */
export function partsOf(frames: readonly RawFrame[]): LogFrame[] {
  const some = frames.some(({ reliable }) => reliable);
  const interest = frames.findIndex(
    ({ function: name, reliable }) => (reliable || !some) && !isMachinery(name) && !isEntry(name),
  );
  const last = interest < 0 ? 0 : frames.length - interest;
  let part: StackPart = 'process';
  const outward: LogFrame[] = [];
  for (const frame of frames.toReversed()) {
    const { function: name, offset, module, reliable, inNmi, inlined = false } = frame;
    if (inNmi || (reliable && NMI_ENTRY.test(name))) part = 'nmi';
    else if (reliable && part !== 'nmi' && IRQ_ENTRY.test(name)) part = 'hardirq';
    outward.push({
      function: name,
      offset,
      module,
      part,
      reliable,
      inlined,
      printing: outward.length >= last,
    });
    if (reliable && part !== 'nmi' && SOFTIRQ.test(name)) part = 'softirq';
  }
  return outward.toReversed();
}

/** Is this where an interrupt or NMI begins? The frame behind it is what was interrupted. */
export function isEntry(name: string): boolean {
  return (
    IRQ_ENTRY.test(name) ||
    NMI_ENTRY.test(name) ||
    /^(?:handle_exception|ret_from_exception|__ret_from_exception|save_stack_trace.*|asm_exc_\w+|async_page_fault)$/.test(
      name,
    )
  );
}

/** The kernel's own machinery of reporting: never what a CPU was stuck in. */
const MACHINERY =
  /^(?:__dump_stack|dump_stack(?:_lvl|_print_info)?|show_stack(?:_log_lvl)?|show_(?:regs|trace)\w*|dump_(?:backtrace|cpu_task|trace|mem)(?:\.\w+)?|nmi_\w*backtrace\w*|arch_trigger_\w+|trigger_\w*backtrace\w*|_*sched_show_task|rcu_dump_cpu_stacks\w*|rcu_(?:check_callbacks|sched_clock_irq|pending|report_\w+)|rcu_(?:preempt_)?sleep_check|print_(?:cpu_stall|other_cpu_stall|\w*stall\w*)(?:\.\w+)*|check_cpu_stall(?:\.\w+)*|__rcu_pending(?:\.\w+)*|(?:nmi_|v|__)?panic\w*|watchdog\w*|is_hardlockup|softlockup_\w+|perf_event_(?:overflow|nmi_handler)|__perf_event_overflow|intel_pmu_\w+|x86_pmu_\w+|amd_pmu_\w+|nmi_handle(?:\.\w+)*|warn_slowpath_\w+|__warn(?:_printk)?|report_bug|spin_(?:dump|bug)|rwlock_bug|unwind_backtrace|stack_trace_\w+|lkdtm_\w+|oops_\w+|bad_\w+exception|unwind_\w+|arch_stack_walk|walk_stackframe|return_address|check_hung_\w+|_*might_(?:sleep|resched|fault)\w*|__schedule_bug|print_\w+bug\w*|print_usage_bug\w*|print_circular\w*|check_(?:noncircular|prev_add|prevs_add|irq_usage|usage\w*|deadlock|chain_key)(?:\.\w+)*|__lock_acquire(?:\.\w+)*|validate_chain(?:\.\w+)*|lock_acquire(?:\.\w+)*|lock_release(?:\.\w+)*|lockdep_\w+|mark_(?:lock|usage|held_locks)\w*(?:\.\w+)*|print_\w*lock\w*|debug_\w+|register_lock_class|tick_(?:periodic|sched_\w+|handle_\w+|nohz_\w*handler)(?:\.\w+)*|update_process_times|hrtimer_(?:interrupt|run_\w+)|__run_hrtimer\w*|run_hrtimer\w*|__hrtimer_run_\w+(?:\.\w+)*|local_apic_timer_interrupt|scheduler_tick|do_timer|run_timer_softirq|account_(?:process|system|user|idle)_\w+|__sysvec_\w+|smp_\w+_interrupt)$/;

export function isMachinery(name: string): boolean {
  return MACHINERY.test(plain(name));
}

/** Checks whose failure is a report: their caller is at fault. */
const FAILED_CHECK =
  /^(?:spin_(?:bug|dump)|rwlock_bug|_*might_(?:sleep|resched)|__schedule_bug|lockdep_rcu_(?:suspicious|dereference))$/;

export function isFailedCheck(name: string): boolean {
  return FAILED_CHECK.test(plain(name));
}

/** The scheduler's part of a sleeping task's stack. */
const SCHEDULER =
  /^(?:__switch_to|context_switch|(?:__)?schedule(?:_loop)?|schedule_(?:preempt_disabled|rtlock|timeout(?:_\w+)?|hrtimeout_\w+|idle)|io_schedule(?:_timeout|_prepare)?|do_sched_\w+|preempt_schedule\w*|_?cond_resched|__cond_resched|(?:raw_)?irqentry_exit\w*|retint_kernel|arm64_preempt_schedule_irq|__might_\w+|rt_mutex_schedule|__sched_text_start|default_wait_\w+)$/;

export function isScheduler(name: string): boolean {
  return SCHEDULER.test(plain(name));
}

/** Locking, waiting, delaying and atomic primitives: their caller is what a report is about. */
const PRIMITIVE =
  /^(?:_*(?:raw_)?(?:spin|read|write)_(?:un|try)?lock\w*|do_raw_\w+|(?:__)?(?:native_|pv_|__pv_)?queued_\w*(?:spin|read|write)_lock\w*(?:\.\w+)*|queued_\w+|arch_(?:spin|read|write)_\w+|__ticket_\w+|ticket_\w+|_?_?kvm_\w*(?:kick|wait|lock_spinning)\w*|__pv_\w+|xen_\w*lock\w*|osq_lock\w*|(?:__)?mutex_\w+(?:\.\w+)*|__ww_mutex\w+|(?:__)?rt_mutex_\w+|rtlock_\w+|(?:__)?rwsem_\w+(?:\.\w+)*|call_rwsem_\w+|(?:__)?down(?:_\w+)?(?:\.\w+)*|up_(?:read|write)|bit_spin_\w+|hlist_bl_\w*lock|bit_wait\w*|__wait_on_bit\w*|out_of_line_wait_\w+|wait_on_bit\w*|__lock_text_start|__(?:read|write)_lock_failed|rwlock_\w+|percpu_rwsem_\w+|__percpu_\w+|percpu_(?:down|up)_\w+|_*delay(?:_tsc)?|delay_\w+|_*udelay|__const_udelay|native_(?:pause|cpuidle|irq_\w+|safe_halt|halt)|cpu_relax|rep_nop|lock_acquire\w*|lock_release\w*|__lock_acquire\w*|lock_contended|wait_for_\w+|__wait_for_\w+|do_wait_\w+|__raw_callee_save_\w+|(?:__)?spin_yield|spin_dump|spin_bug|\.text\.lock\.\w+|preempt_count_\w+|smp_cond_load\w*|usleep_range\w*|[ms]sleep\w*|wait_rcu_exp_gp|__lock_\w+|wait_consider\w*|__down\w*|(?!__wake_up)\w+_lock(?:_(?:irq|irqsave|bh|nested|killable|interruptible|slow\w*))?)$/;

export function isPrimitive(name: string): boolean {
  return PRIMITIVE.test(plain(name));
}

/** What the compiler puts into functions to watch them: never what a CPU is stuck in. */
const INSTRUMENTATION =
  /^(?:__sanitizer_\w+|__[akt]san_\w+|kasan_\w+|kcsan_\w+|kmsan_\w+|check_kcov_mode|write_comp_data|__fentry__|ftrace_\w*call\w*|mcount|rcu_is_watching|lock_is_held_type|check_memory_region\w*)$/;

export function isInstrumentation(name: string): boolean {
  return INSTRUMENTATION.test(plain(name));
}

import { address } from './word64.ts';

/** A symbol of the kernel image that generated traces come from. The names are those of real functions. */
export interface KernelSymbol {
  readonly name: string;
  readonly address: number;
  readonly size: number;
}

/** Where the kernel's text begins (x86-64 without address space randomisation). */
export const STEXT = address(0xffffffff, 0x81000000);

/** Functions whose sizes are invented, and whose addresses follow from the order. */
const INVENTED: readonly (readonly [name: string, size: number])[] = [
  ['_stext', 0x40],
  ['do_syscall_64', 0xc5],
  ['syscall_exit_to_user_mode', 0xe4],
  ['irqentry_enter', 0x4f],
  ['irqentry_exit', 0x5c],
  ['handle_softirqs', 0x33a],
  ['do_idle', 0x1a3],
  ['default_idle_call', 0xbe],
  ['tick_nohz_handler', 0x13a],
  ['tick_nohz_idle_enter', 0x74],
  ['hrtimer_wakeup', 0x2a],
  ['__schedule', 0xc58],
  ['schedule', 0x138],
  ['finish_task_switch', 0x2c3],
  ['preempt_schedule_irq', 0x4d],
  ['preempt_count_sub', 0x98],
  ['_raw_spin_lock', 0x3b],
  ['_raw_spin_lock_irq', 0x47],
  ['_raw_spin_lock_irqsave', 0x51],
  ['_raw_spin_unlock_irq', 0x2f],
  ['_raw_spin_unlock_irqrestore', 0x47],
  ['__down_read_trylock', 0xf1],
  ['__down_write_trylock', 0xa0],
  ['__up_read', 0x11b],
  ['up_write', 0x142],
  ['__mutex_lock', 0x8f2],
  ['rcu_core', 0x3ba],
  ['run_timer_softirq', 0x2f],
  ['ext4_map_blocks', 0x5d0],
  ['ext4_update_bh_state', 0x60],
  ['ext4_da_get_block_prep', 0x3f0],
  ['end_buffer_async_read', 0x190],
  ['end_buffer_async_write', 0x1b0],
  ['journal_get_write_access', 0x2d0],
  ['__d_lookup_unhash', 0x9e],
  ['__d_rehash', 0x5b],
  ['d_alloc_parallel', 0x46c],
  ['___d_drop', 0x6a],
  ['watchdog_timer_fn', 0x2c0],
  ['vp_notify', 0x16],
];

/** Functions with the addresses and sizes that the stack of the 2015 report shows (Linux 3.12.47). */
const REPORTED: readonly (readonly [name: string, low: number, size: number])[] = [
  ['do_softirq', 0x8104a2d0, 0xc0],
  ['smp_call_function_single_interrupt', 0x8106f720, 0x40],
  ['irq_exit', 0x8108e890, 0xa0],
  ['__do_softirq', 0x8108ec50, 0x2e0],
  ['watchdog_overflow_callback', 0x81101560, 0xc0],
  ['do_writepages', 0x81146b20, 0x40],
  ['bio_endio', 0x811dbf00, 0x40],
  ['mpage_submit_page', 0x81252f80, 0x90],
  ['mpage_prepare_extent_to_map', 0x81254870, 0x310],
  ['ext4_writepages', 0x8125a5b0, 0xc60],
  ['ext4_io_submit', 0x8125b780, 0x50],
  ['ext4_bio_write_page', 0x8125b7d0, 0x2f0],
  ['ext4_finish_bio', 0x8125bba0, 0x2a0],
  ['ext4_end_bio', 0x8125c200, 0x120],
  ['blk_update_request', 0x812fab10, 0x450],
  ['submit_bio', 0x812fbe40, 0x160],
  ['blk_done_softirq', 0x81303530, 0x90],
  ['memcpy', 0x813276e0, 0x110],
  ['scsi_io_completion', 0x813fdb60, 0x620],
  ['dec_pending', 0x815465c0, 0x360],
  ['clone_endio', 0x81546920, 0xa0],
  ['dm_request', 0x81547270, 0x1e0],
  ['call_function_single_interrupt', 0x81658200, 0x80],
  ['call_softirq', 0x816589f0, 0x30],
  ['_etext', 0x81660000, 0x10],
];

/** The kernel image's functions, by ascending address. */
export const SYMBOLS: readonly KernelSymbol[] = [...invented(), ...reported()];

function invented(): KernelSymbol[] {
  let at = STEXT;
  return INVENTED.map(([name, size]) => {
    const symbol = { name, address: at, size };
    at += Math.ceil(size / 16) * 16 + 0x1340;
    return symbol;
  });
}

function reported(): KernelSymbol[] {
  return REPORTED.map(([name, low, size]) => ({ name, address: address(0xffffffff, low), size }));
}

const BY_NAME = new Map(SYMBOLS.map((symbol) => [symbol.name, symbol]));

/** The address of `offset` bytes into a function. Throws RangeError for a name that the image does not have. */
export function codeAddress(name: string, offset: number): number {
  const symbol = BY_NAME.get(name);
  if (!symbol) throw new RangeError(`the invented kernel has no function ${name}`);
  return symbol.address + offset;
}

/** What the kernel's %pS (with size) or trace-cmd's %pS (without) print: "do_syscall_64+0x1f/0xc5". */
export function symbolText(at: number, withSize: boolean): string | null {
  let low = 0;
  let high = SYMBOLS.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (SYMBOLS[middle]!.address <= at) low = middle + 1;
    else high = middle;
  }
  const symbol = SYMBOLS[low - 1];
  if (!symbol || at > SYMBOLS.at(-1)!.address) return null;
  const text = `${symbol.name}+0x${(at - symbol.address).toString(16)}`;
  return withSize ? `${text}/0x${symbol.size.toString(16)}` : text;
}

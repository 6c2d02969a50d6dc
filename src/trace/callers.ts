/** Callers that a line of text shows. */
const SHOWN = 6;

/** The fields as text, and behind them who called, innermost first. */
export function withCallers(text: string, callers: readonly string[]): string {
  if (callers.length === 0) return text;
  const more = callers.length > SHOWN ? ' <- ...' : '';
  return `${text} <- ${callers.slice(0, SHOWN).join(' <- ')}${more}`.trimStart();
}

// Functions that take, wait for and release locks, and those that trace them: kernel/locking/, kernel/trace/ of Linux 6.12.
const LOCKING =
  /^_*(?:raw_(?:spin|read|write)_|(?:spin|read|write)_(?:un)?lock|(?:native|pv)_queued_|queued_|do_raw_|mutex_|ww_mutex_|rt_mutex|rwsem_|down(?:_|$)|up(?:_|$)|percpu_|lock_|local_bh_|bit_spin_|osq_|rtlock_|traceiter_|trace_|perf_|tracing_|bpf_trace_)/;

/** The function on whose behalf a lock was used: the innermost caller that has a name and is not about locking itself. */
export function callSiteOf(callers: readonly string[]): string | null {
  const names = callers
    .filter((caller) => !caller.startsWith('0x'))
    .map((caller) => caller.replace(/\+0x.*$/, ''));
  return names.find((name) => !LOCKING.test(name)) ?? null;
}

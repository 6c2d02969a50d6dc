import type { EventRecord } from './capture.ts';

/** The lock's name in a record: field `name`, or, where a mapping file names another one, the only text that there is. */
export function lockNameIn(record: EventRecord | null): string | null {
  const texts = (record?.fields ?? []).filter(({ value }) => typeof value === 'string' && value !== '');
  const field = texts.find(({ name }) => name === 'name') ?? (texts.length === 1 ? texts[0] : undefined);
  return (field?.value as string | undefined) ?? null;
}

/** Callers that a line of text shows. */
const SHOWN = 6;

/** The fields as text, and behind them who called, innermost first. */
export function withCallers(text: string, callers: readonly string[]): string {
  if (callers.length === 0) return text;
  const more = callers.length > SHOWN ? ' <- ...' : '';
  return `${text} <- ${callers.slice(0, SHOWN).join(' <- ')}${more}`.trimStart();
}

// "caller=fake_finish_bio+0x17 parent=0x0", "addr=0x... bitnr=4 ip=fake_submit_bh+0x27"
const SITE = /(?:^|\s)(?:caller|ip)=(\S+)/;

/** The code that a record's text says did it: symbol + offset, or an address; undefined where it does not say. */
export function siteInText(text: string): string | undefined {
  // tracefs prints the size of the function behind the offset, trace-cmd does not.
  return SITE.exec(text)?.[1]?.replace(/(\+0x[0-9a-f]+)\/0x[0-9a-f]+$/, '$1');
}

/** Callers as flame graph tools want a stack: functions, the outermost first, between semicolons. */
export function foldedOf(callers: readonly string[]): string {
  return callers
    .map((caller) => caller.replace(/\+0x[0-9a-f]+(?:\/0x[0-9a-f]+)?$/, '').replaceAll(';', ':'))
    .toReversed()
    .join(';');
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

import type { Clock, ClockConversion } from '../capture.ts';
import { OPTION, optionReader, optionsOf, optionText, type Option } from './options.ts';

export interface CaptureClock {
  readonly clock: Clock;
  readonly conversion: ClockConversion;
}

const AS_IS: ClockConversion = { mult: 0, shift: 0, offsetNs: 0n };

/** Clocks that count nanoseconds (kernel/trace/trace.c, trace_clocks with in_ns, Linux 3.2 to 6.12). */
const IN_NS = new Set(['local', 'global', 'perf', 'mono', 'mono_raw', 'boot', 'tai']);

/**
 * `uptime` counts ticks of USER_HZ, not nanoseconds (trace_clock_jiffies, in_ns 0), and USER_HZ is 100 on every architecture
 * that Linux still runs on but alpha.
 */
const UPTIME: ClockConversion = { mult: 10_000_000, shift: 0, offsetNs: 0n };

/** The clock in brackets: "local global [mono] boot"; null when there is none. */
export function selectedClock(text: string): string | null {
  return /\[([^\][\s]+)\]/.exec(text)?.[1] ?? null;
}

/**
 * What the lanes' time stamps mean. `name` is the clock of the buffer, or what TRACECLOCK says. As trace-cmd does
 * (lib/trace-cmd/trace-input.c, timestamp_calc, 3.4): cycles become ns through TSC2NSEC's mult and shift, its offset is
 * ignored (since 2021; recorders since then write 0), and DATE (microseconds) and OFFSET (nanoseconds) are added after.
 */
export function captureClock(name: string | null, options: readonly Option[]): CaptureClock {
  const offsetNs = statedOffset(options);
  const tsc = tsc2nsec(options);
  const known = name ?? 'unknown';
  if (tsc !== null && !IN_NS.has(known) && known !== 'uptime' && known !== 'counter') {
    return { clock: { name: known, unit: 'ns' }, conversion: { ...tsc, offsetNs } };
  }
  if (known === 'uptime') return { clock: { name: known, unit: 'ns' }, conversion: { ...UPTIME, offsetNs } };
  if (known === 'counter') return { clock: { name: known, unit: 'relative' }, conversion: AS_IS };
  // Files of old recorders name no clock; the kernel's default is local.
  const unit = IN_NS.has(known) || name === null ? 'ns' : 'cycles';
  const shifted = unit === 'ns' && offsetNs !== 0n;
  return { clock: { name: known, unit }, conversion: shifted ? { mult: 1, shift: 0, offsetNs } : AS_IS };
}

function tsc2nsec(options: readonly Option[]): { mult: number; shift: number } | null {
  const option = optionsOf(options, OPTION.tsc2nsec).at(-1);
  if (option === undefined || option.data.length < 8) return null;
  const reader = optionReader(option);
  const [mult, shift] = [reader.u32(), reader.u32()];
  return mult === 0 || shift > 32 ? null : { mult, shift };
}

/** The sum of the DATE and OFFSET options, in nanoseconds: numbers as text, decimal or 0x. */
function statedOffset(options: readonly Option[]): bigint {
  let sum = 0n;
  for (const option of options) {
    if (option.id !== OPTION.date && option.id !== OPTION.offset) continue;
    const match = /^\s*([-+]?)(0x[0-9a-f]{1,16}|\d{1,19})/i.exec(optionText(option));
    if (match === null) continue;
    const value = BigInt(match[2]!) * (match[1] === '-' ? -1n : 1n);
    sum += option.id === OPTION.date ? value * 1000n : value;
  }
  return BigInt.asIntN(64, sum);
}

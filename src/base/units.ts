declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** A duration in nanoseconds. */
export type Nanoseconds = Brand<number, 'Nanoseconds'>;

export const nanoseconds = (ns: number): Nanoseconds => ns as Nanoseconds;

/** `later - earlier` as a number: exact up to 104 days. Never below 0. */
export function elapsed(earlier: bigint, later: bigint): Nanoseconds {
  return nanoseconds(later > earlier ? Number(later - earlier) : 0);
}

/** Seconds with nine decimals, the way trace-cmd report -t prints them: 47340668709n -> "47.340668709". */
export function seconds(ns: bigint): string {
  const sign = ns < 0n ? '-' : '';
  const digits = (ns < 0n ? -ns : ns).toString().padStart(10, '0');
  return `${sign}${digits.slice(0, -9)}.${digits.slice(-9)}`;
}

const STEPS: readonly (readonly [limit: number, unit: number, name: string])[] = [
  [1e3, 1, 'ns'],
  [1e6, 1e3, 'us'],
  [1e9, 1e6, 'ms'],
  [Infinity, 1e9, 's'],
];

/** A duration for people: 29996164895 -> "29.996 s", 2962317136 -> "2.962 s", 850 -> "850 ns". */
export function duration(ns: number): string {
  const [, unit, name] = STEPS.find(([limit]) => Math.abs(ns) < limit)!;
  const value = ns / unit;
  return `${unit === 1 ? value : value.toFixed(3)} ${name}`;
}

const DURATION = /^(\d+(?:\.\d+)?)\s*(ns|us|\u00b5s|ms|s|m)$/;
const FACTORS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9 };

/** "50ms" -> 50000000. Returns undefined for anything that is not a number with a unit (ns, us, ms, s, m). */
export function parseDuration(text: string): Nanoseconds | undefined {
  const match = DURATION.exec(text.trim());
  if (!match) return undefined;
  return nanoseconds(Math.round(Number(match[1]) * FACTORS[match[2]!]!));
}

/** A duration as parseDuration() reads it back: 14312000000 -> "14.312s", 400 -> "400ns". */
export function exactDuration(ns: number): string {
  const [, unit, name] =
    STEPS.findLast(([, unit]) => ns >= unit && ns % Math.max(1, unit / 1e6) === 0) ?? STEPS[0]!;
  return `${ns / unit}${name}`;
}

/** An unsigned 64-bit address as kernel logs print it: 0xffff888104ef4380. */
export function hex(value: bigint): string {
  return `0x${BigInt.asUintN(64, value).toString(16)}`;
}

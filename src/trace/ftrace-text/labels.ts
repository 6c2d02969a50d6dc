import type { EventLine } from './line.ts';
import { isBlank } from './line.ts';

/** Numbers are 16 bits wide in a record (assembly/layout.ts, EVENT_RAW). */
const MOST = 0xffff;
/** A longer name stays without a number; statistics then keep its locks apart. */
const LONGEST_NAME = 256;
/** Fields that print who did it: "caller=fake_finish_bio+0x17 parent=0x0", "addr=0x... bitnr=4 ip=fake_submit_bh+0x27". */
const SITES = ['caller', 'ip'].map((name) => Array.from(name, (letter) => letter.charCodeAt(0)));
const EQUALS = 0x3d;

/**
 * Numbers for what lines of text name and canonical records have no room for: the lock's name, and who called. 0 is none, and what
 * comes after the first 65535.
 */
export class Labels {
  readonly #names = new Map<string, number>();
  readonly #inOrder: string[] = [];
  /** By a hash of 53 bits: who called may be long. */
  readonly #sites = new Map<number, number>();
  /** Events whose callers came after the last number. */
  unnumbered = 0;

  /** The name that has a number, null for 0 and numbers that were not given. */
  nameOf(number: number): string | null {
    return this.#inOrder[number - 1] ?? null;
  }

  /** What a record's last 32 bits say. `site`: a hash, 0 for none. */
  of(name: string, site: number): number {
    return (this.#numberOfName(name) | (this.#numberOfSite(site) << 16)) >>> 0;
  }

  #numberOfName(name: string): number {
    if (name === '' || name.length > LONGEST_NAME) return 0;
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    if (this.#names.size === MOST) return 0;
    this.#inOrder.push(name);
    this.#names.set(name, this.#inOrder.length);
    return this.#inOrder.length;
  }

  #numberOfSite(site: number): number {
    if (site === 0) return 0;
    const known = this.#sites.get(site);
    if (known !== undefined) return known;
    if (this.#sites.size === MOST) {
      this.unnumbered++;
      return 0;
    }
    this.#sites.set(site, this.#sites.size + 1);
    return this.#sites.size;
  }
}

/** A hash of what the line's text says who did it; 0 where it does not. */
export function siteOfLine(bytes: Uint8Array, { textStart, textEnd }: EventLine): number {
  for (let at = textStart; at < textEnd; at++) {
    if (bytes[at] !== EQUALS || !SITES.some((name) => isField(bytes, textStart, at, name))) continue;
    let end = at + 1;
    while (end < textEnd && !isBlank(bytes[end]!)) end++;
    return end > at + 1 ? hashOn(0, bytes, at + 1, end) : 0;
  }
  return 0;
}

/** Does the field in front of the `=` at `at` have this name? */
function isField(bytes: Uint8Array, start: number, at: number, name: readonly number[]): boolean {
  const from = at - name.length;
  if (from < start || (from > start && !isBlank(bytes[from - 1]!))) return false;
  return name.every((letter, n) => bytes[from + n] === letter);
}

/** A hash of 53 bits, never 0, of `hash` and some bytes more. */
export function hashOn(hash: number, bytes: Uint8Array, start: number, end: number): number {
  let low = (hash >>> 0) ^ 0x811c9dc5;
  let high = Math.floor(hash / 2 ** 32) ^ 0x5bd1e995;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    low = Math.imul(low ^ byte, 0x01000193);
    high = Math.imul(high ^ byte, 0x85ebca6b) + low;
  }
  return ((high >>> 11) & 0x1fffff) * 2 ** 32 + (low >>> 0) || 1;
}

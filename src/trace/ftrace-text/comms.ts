import { decodeText } from '../../base/byte-reader.ts';

/** More tasks than that are forgotten again, the longest unchanged first. */
const MAX_TASKS = 65_536;
const SLOTS = 4096;
/** Bytes of a name in the latency style: `%8.8s`. */
export const CUT = 8;

/** The last name seen of each task. Bounded, and cheap for the same task again. */
export class CommTable {
  readonly #names = new Map<number, string>();
  /** What was last looked at per slot: a line that shows the same pid and bytes changes nothing. */
  readonly #pids = new Int32Array(SLOTS).fill(-1);
  readonly #hashes = new Int32Array(SLOTS);

  /** A line shows `bytes[start..end)` as the name of `pid`; in the latency style eight bytes may be a beginning. */
  see(pid: number, bytes: Uint8Array, start: number, end: number, latency: boolean): void {
    let hash = end - start;
    for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0;
    const slot = pid & (SLOTS - 1);
    if (this.#pids[slot] === pid && this.#hashes[slot] === hash) return;
    const name = decodeText(bytes.subarray(start, end));
    if (!latency || end - start < CUT || !this.#names.get(pid)?.startsWith(name)) this.set(pid, name);
    this.#pids[slot] = pid;
    this.#hashes[slot] = hash;
  }

  /** Another event tells the name of `pid`. */
  set(pid: number, name: string): void {
    if (pid <= 0 || name === '' || name === '<...>' || this.#names.get(pid) === name) return;
    this.#pids[pid & (SLOTS - 1)] = -1;
    this.#names.delete(pid);
    this.#names.set(pid, copy(name));
    if (this.#names.size > MAX_TASKS) this.#names.delete(this.#names.keys().next().value!);
  }

  /** All names as they are now. */
  entries(): Iterable<readonly [pid: number, name: string]> {
    return this.#names;
  }

  get(pid: number): string | null {
    return pid === 0 ? '<idle>' : (this.#names.get(pid) ?? null);
  }
}

const utf8 = new TextEncoder();

/** A string of its own: a slice would keep the whole chunk alive that it was cut from. */
function copy(text: string): string {
  return decodeText(utf8.encode(text));
}

/**
 * The slots of one kind by key. Like the engine's index tables it has room for a power of two of entries of which at most
 * half are used: whoever adds one makes room first. Memory is unlimited, so doubling always succeeds.
 */
export class Table<Key, Slot> {
  readonly #slots = new Map<Key, Slot>();
  readonly #floor: number;
  #capacity: number;

  /** Room for 2^power entries at first; with fewer than `floor` of them it doubles rather than forgets. */
  constructor(power: number, floor: number) {
    this.#capacity = 2 ** power;
    this.#floor = floor;
  }

  get size(): number {
    return this.#slots.size;
  }

  get(key: Key): Slot | null {
    return this.#slots.get(key) ?? null;
  }

  add(key: Key, slot: Slot): void {
    this.#slots.set(key, slot);
  }

  values(): Slot[] {
    return [...this.#slots.values()];
  }

  /**
   * Room for one more. A table that is half full forgets the older half of its idle slots, where they are at least half of
   * all; otherwise it doubles. `lastUse` null: slots have no age, and all idle ones go. Returns the slots that are gone.
   */
  makeRoom(isIdle: (slot: Slot) => boolean, lastUse: ((slot: Slot) => bigint) | null): Slot[] {
    if (2 * this.size < this.#capacity) return [];
    const idle = this.size < this.#floor ? [] : [...this.#slots].filter(([, slot]) => isIdle(slot));
    if (2 * idle.length < this.size) {
      this.#capacity *= 2;
      return [];
    }
    const age = lastUse ?? (() => 0n);
    const limit = ageOfOlderHalf(idle.map(([, slot]) => age(slot)));
    const forgotten = idle.filter(([, slot]) => age(slot) <= limit);
    for (const [key] of forgotten) this.#slots.delete(key);
    return forgotten.map(([, slot]) => slot);
  }
}

/**
 * A time that at least half of `times` do not exceed. Which one is the engine's rule, and so part of what it promises: at
 * most 20 bisections between the oldest and the newest, ending early between a half and three quarters.
 */
function ageOfOlderHalf(times: readonly bigint[]): bigint {
  let low = times.reduce((a, b) => (b < a ? b : a));
  let high = times.reduce((a, b) => (b > a ? b : a));
  for (let pass = 0; pass < 20 && low < high; pass++) {
    const middle = low + (high - low) / 2n;
    const older = times.filter((time) => time <= middle).length;
    if (2 * older < times.length) low = middle + 1n;
    else if (older > times.length - Math.floor(times.length / 4)) high = middle;
    else return middle;
  }
  return high;
}

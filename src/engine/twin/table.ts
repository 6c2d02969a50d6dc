/**
 * The slots of one kind by key. Like the engine's index tables it has room for a power of two of entries of which at most
 * half are used: whoever adds one makes room first, by doubling or by forgetting. Memory is unlimited, so doubling
 * always succeeds.
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

  get isHalfFull(): boolean {
    return 2 * this.size >= this.#capacity;
  }

  get isAboveFloor(): boolean {
    return this.size >= this.#floor;
  }

  get(key: Key): Slot | null {
    return this.#slots.get(key) ?? null;
  }

  add(key: Key, slot: Slot): void {
    this.#slots.set(key, slot);
  }

  remove(key: Key): void {
    this.#slots.delete(key);
  }

  double(): void {
    this.#capacity *= 2;
  }

  values(): Slot[] {
    return [...this.#slots.values()];
  }
}

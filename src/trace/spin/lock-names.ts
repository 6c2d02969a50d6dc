/** Names that are kept; the engine keeps no more classes apart. */
export const MOST_LOCKS = 0xffff;
/** Bytes of one. Lockdep's are a few dozen; a damaged or hostile record's may be a page. */
const LONGEST_NAME = 256;
/** Bytes of all: a sixteenth of what the tail may hold besides, so that it stays one that is read (LARGEST_SECTION). */
const MOST_BYTES = 1 << 22;

/** Names of locks for a container's tail, by their labels. A lock that has none there is looked up in a record. */
export class LockNames {
  readonly #names = new Map<bigint, string>();
  readonly #encoder = new TextEncoder();
  #bytes = 0;

  /** Whether this label needs no name: it has one, or no more are kept. */
  has(label: bigint): boolean {
    return this.#names.has(label) || this.#names.size === MOST_LOCKS;
  }

  /** Keeps a name, unless it is too long or there is no room left. */
  set(label: bigint, name: string): void {
    const size = this.#encoder.encode(name).length;
    if (this.has(label) || size > LONGEST_NAME || this.#bytes + size > MOST_BYTES) return;
    this.#names.set(label, name);
    this.#bytes += size;
  }

  /** Label and name by turns. */
  list(): (bigint | string)[] {
    return [...this.#names].flat();
  }
}

/** Places that are forgotten at a time. */
const FORGET = 1 << 16;

/** Where the lines of records lie in the source, for whoever goes over the records in their order. */
export class Places {
  /** Nobody asks for them unless the capture is converted. */
  areKept = false;
  #offsets: number[] = [];
  /** The record of the first one. */
  #first = 0;

  add(offset: number): void {
    if (this.areKept) this.#offsets.push(offset);
  }

  /** The place of record `index`, which was read; those before it are forgotten. */
  of(index: number): number {
    const at = index - this.#first;
    const place = this.#offsets[at]!;
    if (at >= FORGET) {
      this.#offsets = this.#offsets.slice(at);
      this.#first = index;
    }
    return place;
  }
}

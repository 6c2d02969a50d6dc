import { SpinbackError } from '../../base/errors.ts';

/** Reads fields of one unpacked map; each says DAMAGED where it is not what it should be. */
export class Fields {
  readonly #map: Readonly<Record<string, unknown>>;
  readonly offset: number;

  constructor(value: unknown, offset: number) {
    this.offset = offset;
    if (typeof value !== 'object' || value === null) throw this.#wrong('a map');
    this.#map = value as Readonly<Record<string, unknown>>;
  }

  #wrong(what: string): SpinbackError {
    return new SpinbackError('DAMAGED', `the notes at offset ${this.offset} have no proper ${what}`, {
      offset: this.offset,
    });
  }

  text(name: string): string {
    const value = this.#map[name];
    if (typeof value === 'string') return value;
    throw this.#wrong(name);
  }

  textOrNull(name: string): string | null {
    return this.#map[name] === null ? null : this.text(name);
  }

  one<T extends string | number>(name: string, of: readonly T[]): T {
    const value = this.#map[name] as T;
    if (of.includes(value)) return value;
    throw this.#wrong(name);
  }

  /** A whole number from 0 to 2^53. */
  count(name: string, most: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.#map[name];
    if (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most)
      return value as number;
    throw this.#wrong(name);
  }

  /** A number that counts what may be beyond 2^53, and need not be exact there. */
  amount(name: string): number {
    const value = this.#map[name];
    if (typeof value === 'bigint' && value >= 0n) return Number(value);
    if (typeof value === 'number' && value >= 0 && Number.isFinite(value)) return value;
    throw this.#wrong(name);
  }

  countOrNull(name: string, most?: number): number | null {
    return this.#map[name] === null ? null : this.count(name, most);
  }

  /** An unsigned 64-bit number; msgpack may hold it as a number or a bigint. */
  wide(name: string): bigint {
    const value = this.#map[name];
    if (typeof value === 'bigint') return BigInt.asUintN(64, value);
    if (typeof value === 'number' && Number.isInteger(value)) return BigInt.asUintN(64, BigInt(value));
    throw this.#wrong(name);
  }

  flag(name: string): boolean {
    const value = this.#map[name];
    if (typeof value === 'boolean') return value;
    throw this.#wrong(name);
  }

  /** Fields of a map within this one. */
  within(value: unknown): Fields {
    return new Fields(value, this.offset);
  }

  has(name: string): boolean {
    return this.#map[name] !== undefined;
  }

  value(name: string): unknown {
    return this.#map[name];
  }

  list<T>(name: string, read: (item: unknown) => T): T[] {
    const value = this.#map[name];
    if (Array.isArray(value)) return value.map(read);
    throw this.#wrong(name);
  }

  /** Throws for a list of more than `most`. */
  atMost(name: string, most: number): void {
    const value = this.#map[name];
    if (Array.isArray(value) && value.length > most) throw this.#wrong(name);
  }

  counts(name: string, most?: number): number[] {
    return this.list(name, (item) => new Fields({ [name]: item }, this.offset).count(name, most));
  }
}

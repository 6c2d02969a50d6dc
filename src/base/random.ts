const TWO_32 = 4294967296;

/**
 * A small seeded generator of random numbers: sfc32 (Chris Doty-Humphrey, PractRand). The same seed gives the
 * same sequence on every machine; only integer arithmetic, Math.log and Math.exp are used.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** `seed`: any number; its low 32 bits and its upper bits both count. */
  constructor(seed: number) {
    this.#a = seed >>> 0;
    this.#b = Math.floor(seed / TWO_32) >>> 0;
    this.#c = 0x9e3779b9;
    // The first outputs of neighbouring seeds resemble each other: let the state mix.
    for (let i = 0; i < 12; i++) this.u32();
  }

  /** 32 random bits as an unsigned number. */
  u32(): number {
    const out = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + out) | 0;
    return out >>> 0;
  }

  /** A number from 0 up to but not including 1, with 32 random bits. */
  float(): number {
    return this.u32() / TWO_32;
  }

  /** A whole number from 0 to `n - 1`; `n` at most 2^32. */
  int(n: number): number {
    return Math.floor(this.float() * n);
  }

  /** True with probability `p`. */
  chance(p: number): boolean {
    return this.u32() < p * TWO_32;
  }

  /** One element of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    return list[this.int(list.length)]!;
  }

  /** An exponentially distributed number with the given mean. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.float());
  }

  /** A generator of its own, seeded from this one. */
  fork(): Random {
    return new Random(this.u32() + this.int(0x100000) * TWO_32);
  }
}

/**
 * Zipf-distributed ranks: rank k of 0 .. n-1 with a probability in proportion to 1 / (k + 1)^s. Constant memory
 * and constant time for any `n`: rejection-inversion (W. Hörmann and G. Derflinger, "Rejection-inversion to
 * generate variates from monotone discrete distributions", ACM TOMACS 6, 1996).
 */
export class Zipf {
  readonly n: number;
  readonly s: number;
  readonly #left: number;
  readonly #right: number;
  readonly #squeeze: number;

  /** `n` ranks, `n` > 0; exponent `s` >= 0, where 0 is uniform. */
  constructor(n: number, s: number) {
    this.n = n;
    this.s = s;
    this.#left = this.#integral(1.5) - 1;
    this.#right = this.#integral(n + 0.5);
    this.#squeeze = 2 - this.#inverse(this.#integral(2.5) - this.#weight(2));
  }

  /** One rank. */
  sample(random: Random): number {
    for (;;) {
      const u = this.#right + random.float() * (this.#left - this.#right);
      const x = this.#inverse(u);
      const k = Math.min(Math.max(Math.round(x), 1), this.n);
      if (k - x <= this.#squeeze || u >= this.#integral(k + 0.5) - this.#weight(k)) return k - 1;
    }
  }

  #weight(x: number): number {
    return Math.exp(-this.s * Math.log(x));
  }

  /** The integral of x^-s, up to a constant. */
  #integral(x: number): number {
    const log = Math.log(x);
    const t = (1 - this.s) * log;
    return Math.abs(t) < 1e-8 ? log * (1 + t / 2) : (Math.exp(t) - 1) / (1 - this.s);
  }

  #inverse(x: number): number {
    const t = Math.max(x * (1 - this.s), -1);
    const log = Math.abs(t) < 1e-8 ? x * (1 - t / 2) : Math.log(1 + t) / (1 - this.s);
    return Math.exp(log);
  }
}

import { Zipf, type Random } from '../base/random.ts';
import type { Cpu } from './machine/contexts.ts';
import type { LockRange, Locks } from './machine/locks.ts';
import type { Machine } from './machine/machine.ts';
import { CHAIN_SITES, type Phrases } from './machine/phrases.ts';
import { OP, type Program } from './machine/program.ts';

/** What tasks do, with weights. */
export const ACTIVITIES = [
  'annotation',
  'spin',
  'spin-nested',
  'try',
  'mutex',
  'rwsem',
  'buffer',
  'chain',
  'plain-words',
] as const;
export type Activity = (typeof ACTIVITIES)[number];
export type Mix = Readonly<Partial<Record<Activity, number>>>;

const DEFAULT_MIX: Readonly<Record<Activity, number>> = {
  annotation: 6,
  spin: 10,
  'spin-nested': 3,
  try: 2,
  mutex: 2,
  rwsem: 3,
  buffer: 4,
  chain: 3,
  'plain-words': 2,
};

export interface ActivityOptions {
  readonly mix: Mix;
  /** Exponent of the Zipf distribution of locks. */
  readonly zipf: number;
  /** By lockdep class: its locks are held so many times as long. */
  readonly slow: Readonly<Record<string, number>>;
}

/** What tasks do in their system calls: they take locks and release them, and never break a locking rule. */
export class Activities {
  readonly #phrases: Phrases;
  readonly #random: Random;
  readonly #locks: Locks;
  readonly #cpus: number;
  readonly #slow: Readonly<Record<string, number>>;
  readonly #hasSlow: boolean;
  readonly #banned: ReadonlySet<number>;
  readonly #zipf: Readonly<Record<string, Zipf>>;
  readonly #table: readonly Activity[];

  /** `banned`: locks that they keep away from, as it stands at the time. */
  constructor(machine: Machine, phrases: Phrases, options: ActivityOptions, banned: ReadonlySet<number>) {
    this.#phrases = phrases;
    this.#random = machine.random;
    this.#cpus = machine.cpus.length;
    this.#slow = options.slow;
    this.#hasSlow = Object.keys(options.slow).length > 0;
    this.#banned = banned;
    const { locks } = machine;
    this.#locks = locks;
    const ranges = [locks.spin, locks.mutex, locks.rwsem, locks.chain];
    this.#zipf = Object.fromEntries([
      ...ranges.map(({ sort, count }) => [sort, new Zipf(count, options.zipf)]),
      ['buffer', new Zipf(Math.max(plainFrom(locks.buffer), 1), options.zipf)],
    ]);
    // A table of 64 to 128 places, drawn from with one random number.
    const weights = ACTIVITIES.map((name) => [name, options.mix[name] ?? DEFAULT_MIX[name]] as const);
    const scale = 64 / weights.reduce((sum, [, weight]) => sum + weight, 0);
    this.#table = weights.flatMap(([name, weight]) => {
      const length = weight > 0 ? Math.max(Math.round(weight * scale), 1) : 0;
      return Array.from({ length }, () => name);
    });
  }

  /** One of them, drawn by weight. */
  next(p: Program, cpu: Cpu): void {
    const phrases = this.#phrases;
    switch (this.#random.pick(this.#table)) {
      case 'annotation':
        phrases.annotate(p, this.#random.int(4), this.hold());
        return;
      case 'spin':
        this.#spin(p, this.pick(this.#locks.spin), 0);
        return;
      case 'spin-nested':
        this.#spin(p, this.pick(this.#locks.spin), 1 + this.#random.int(2));
        return;
      case 'try': {
        const lock = this.#plainSpin();
        phrases.trySpin(p, lock, this.hold(lock));
        return;
      }
      case 'mutex': {
        const lock = this.pick(this.#locks.mutex);
        phrases.mutexLock(p, lock);
        this.#inside(p, lock);
        phrases.mutexUnlock(p, lock);
        return;
      }
      case 'rwsem': {
        const lock = this.pick(this.#locks.rwsem);
        const reading = this.#random.chance(0.7);
        phrases.rwsemLock(p, lock, reading);
        this.#inside(p, lock);
        phrases.rwsemUnlock(p, lock, reading);
        return;
      }
      case 'buffer':
        this.#buffer(p);
        return;
      case 'chain': {
        const lock = this.pick(this.#locks.chain);
        const site = this.#random.pick(CHAIN_SITES);
        phrases.bitLock(p, lock, site);
        p.add(OP.pause, this.hold());
        phrases.bitUnlock(p, lock, site);
        return;
      }
      case 'plain-words':
        this.#plainWords(p, cpu);
        return;
    }
  }

  /** A spinlock, with others taken inside it in ascending order. */
  #spin(p: Program, lock: number, nested: number): void {
    const irqs = this.#locks.irqSafe(lock);
    this.#phrases.spinLock(p, lock, irqs);
    p.add(OP.pause, this.hold(lock));
    if (nested > 0) {
      const inner = this.#above(lock, irqs);
      if (inner >= 0) this.#spin(p, inner, nested - 1);
    }
    this.#phrases.spinUnlock(p, lock, irqs);
  }

  /** A spinlock after `lock` in the order of locks; one that is safe in interrupts where `irqs` asks for it. */
  #above(lock: number, irqs: boolean): number {
    const { spin } = this.#locks;
    const fits = (inner: number): boolean =>
      !this.#banned.has(inner) && (!irqs || this.#locks.irqSafe(inner));
    const end = spin.first + spin.count;
    for (let inner = lock + 1 + this.#random.int(8); inner < end; inner++) if (fits(inner)) return inner;
    return -1;
  }

  #inside(p: Program, lock: number): void {
    p.add(OP.pause, this.hold(lock));
    if (this.#random.chance(0.5)) this.#spin(p, this.pick(this.#locks.spin), 0);
  }

  /** The lock of a buffer, sometimes with a plain update of its word by the one who holds it. */
  #buffer(p: Program): void {
    const lock = this.pick(this.#locks.buffer);
    this.#phrases.finishBio(p, lock);
    if (this.#random.chance(0.3)) this.#phrases.updateWord(p, lock, this.#random.chance(0.5));
    else p.add(OP.pause, this.hold());
    this.#phrases.finishBioEnd(p, lock);
  }

  /** Plain updates of words whose lock nobody ever takes. Each CPU has its own words. */
  #plainWords(p: Program, cpu: Cpu): void {
    const { buffer } = this.#locks;
    const from = plainFrom(buffer);
    const own = Math.floor((buffer.count - from) / this.#cpus);
    if (own === 0) return;
    for (let i = 1 + this.#random.int(3); i > 0; i--) {
      const lock = buffer.first + from + cpu.id * own + this.#random.int(own);
      this.#phrases.updateWord(p, lock, this.#random.chance(0.5));
    }
  }

  /** One of a range that nothing keeps away from. */
  pick(range: LockRange): number {
    for (;;) {
      const lock = range.first + this.#zipf[range.sort]!.sample(this.#random);
      if (!this.#banned.has(lock)) return lock;
    }
  }

  /** A spinlock that no interrupt takes. */
  #plainSpin(): number {
    for (;;) {
      const lock = this.pick(this.#locks.spin);
      if (!this.#locks.irqSafe(lock)) return lock;
    }
  }

  /** How long something is held, ns; `lock` where it may be one of a slow class. */
  hold(lock?: number): number {
    const factor = lock === undefined || !this.#hasSlow ? 1 : (this.#slow[this.#locks.name(lock)] ?? 1);
    return (150 + this.#random.exponential(400)) * factor;
  }
}

/** Buffers from this index on are never locked, only updated. */
function plainFrom({ count }: LockRange): number {
  return Math.max(Math.floor(count * 0.75), 1);
}

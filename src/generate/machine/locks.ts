import { address, withBit } from '../word64.ts';
import type { Frame } from './contexts.ts';

/** A lockdep class. */
interface LockClass {
  readonly name: string;
  /** Also taken in interrupts: task context takes it with interrupts off. */
  readonly irqSafe: boolean;
  /** Offset of the lockdep map in the lock: a constant per class. */
  readonly mapAt: number;
}

const spin = (name: string, irqSafe: boolean): LockClass => ({ name, irqSafe, mapAt: 0x18 });
const SPIN_CLASSES: readonly LockClass[] = [
  spin('&dentry->d_lock', false),
  spin('&xa->xa_lock', true),
  spin('&mapping->i_private_lock', false),
  spin('&vblk->vqs[i].lock', true),
  spin('&newf->file_lock', false),
  spin('&lruvec->lru_lock', true),
  spin('ptlock_ptr(ptdesc)', false),
  spin('&p->pi_lock', true),
];
const MUTEX_CLASSES: readonly LockClass[] = [
  { name: '&f->f_pos_lock', irqSafe: false, mapAt: 0x68 },
  { name: '&journal->j_checkpoint_mutex', irqSafe: false, mapAt: 0x68 },
];
const RWSEM_CLASSES: readonly LockClass[] = [
  { name: '&ei->i_data_sem', irqSafe: false, mapAt: 0x60 },
  { name: '&mm->mmap_lock', irqSafe: false, mapAt: 0x60 },
];
/** Classes of the locks that tasks take. */
export const LOCK_CLASSES: readonly string[] = [...SPIN_CLASSES, ...MUTEX_CLASSES, ...RWSEM_CLASSES].map(
  ({ name }) => name,
);
const PER_CPU_CLASSES: readonly LockClass[] = [spin('&rq->__lock', true), spin('hrtimer_bases.lock', true)];

/** Annotations: they show lock_acquire and lock_release, never lock_acquired. */
export const ANNOTATIONS: readonly (readonly [name: string, address: number])[] = [
  ['rcu_read_lock', address(0xffffffff, 0x81fdef20)],
  ['fs_reclaim', address(0xffffffff, 0x82012820)],
  ['tk_core.seq.seqcount', address(0xffffffff, 0x81fea3c8)],
  ['sb_writers', address(0xffff8881, 0x05528420)],
];

/** Bits of a buffer head's b_state as Linux 3.12 numbers them. */
export const BH = { uptodate: 0x1, lock: 0x10, mapped: 0x20, asyncWrite: 0x100 } as const;
const BH_LOCK_BIT = 4;

export type LockSort = 'spin' | 'mutex' | 'rwsem' | 'buffer' | 'chain' | 'percpu';

/** A stretch of lock numbers of one sort. */
export interface LockRange {
  readonly sort: LockSort;
  readonly first: number;
  readonly count: number;
}

const NONE: LockClass = { name: '', irqSafe: false, mapAt: 0 };
const STRIDE = 0x80;
/** Locks of each sort at least, a multiple of the number of spinlock classes. */
const MIN_RANGE = 32;

/**
 * All locks of the machine, by number. State lies in typed arrays, so that millions of locks cost a few bytes
 * each; only locks with waiters have objects.
 */
export class Locks {
  readonly spin: LockRange;
  readonly mutex: LockRange;
  readonly rwsem: LockRange;
  /** Buffer heads: bit 4 of a word of flags. */
  readonly buffer: LockRange;
  /** Hash chain heads (hlist_bl): bit 0 of a pointer. */
  readonly chain: LockRange;
  /** Two per CPU: the run queue's and the timer base's. */
  readonly perCpu: LockRange;
  readonly waiters = new Map<number, Frame[]>();
  /** 0 free, otherwise the owner's frame number; -n: n readers. */
  readonly #owner: Int32Array;
  /** The low bits of the words of buffers and chains. */
  readonly #bits: Uint16Array;
  readonly #slab: number;

  /** `count` locks in all, besides two per CPU. `slab`: address of the first one. */
  constructor(count: number, cpus: number, slab: number) {
    let first = 0;
    const range = (sort: LockSort, size: number): LockRange => {
      const made = { sort, first, count: Math.max(size, sort === 'percpu' ? 1 : MIN_RANGE) };
      first += made.count;
      return made;
    };
    // Every class has as many locks as its neighbours: the class is the number modulo the number of classes.
    this.spin = range('spin', roundTo(count * 0.3, SPIN_CLASSES.length));
    this.mutex = range('mutex', roundTo(count * 0.1, MUTEX_CLASSES.length));
    this.rwsem = range('rwsem', roundTo(count * 0.1, RWSEM_CLASSES.length));
    this.buffer = range('buffer', Math.round(count * 0.4));
    this.chain = range('chain', Math.round(count * 0.1));
    this.perCpu = range('percpu', 2 * cpus);
    this.#owner = new Int32Array(first);
    this.#bits = new Uint16Array(this.buffer.count + this.chain.count);
    this.#bits.fill(BH.uptodate | BH.mapped, 0, this.buffer.count);
    this.#slab = slab;
  }

  /** The run queue lock of a CPU. */
  runQueue(cpu: number): number {
    return this.perCpu.first + 2 * cpu;
  }

  timerBase(cpu: number): number {
    return this.perCpu.first + 2 * cpu + 1;
  }

  owner(lock: number): number {
    return this.#owner[lock]!;
  }

  setOwner(lock: number, owner: number): void {
    this.#owner[lock] = owner;
  }

  isFree(lock: number): boolean {
    return this.#owner[lock] === 0 && !this.waiters.has(lock);
  }

  /** Address of the lock itself, or of the word that carries a bit lock. */
  address(lock: number): number {
    return this.#slab + lock * STRIDE;
  }

  /** Address of the lockdep map. */
  map(lock: number): number {
    return this.address(lock) + this.#classOf(lock).mapAt;
  }

  /** Name of the lockdep class; empty for bit locks. */
  name(lock: number): string {
    return this.#classOf(lock).name;
  }

  irqSafe(lock: number): boolean {
    return this.#classOf(lock).irqSafe;
  }

  bit(lock: number): number {
    return this.isBuffer(lock) ? BH_LOCK_BIT : 0;
  }

  isBuffer(lock: number): boolean {
    return lock >= this.buffer.first && lock < this.chain.first;
  }

  /** The word that carries a bit lock. */
  word(lock: number): number {
    const index = lock - this.buffer.first;
    const bits = this.#bits[index]!;
    return index < this.buffer.count ? bits : this.#slab - (index + 1) * 0xc0 + bits;
  }

  /** Stores the word's low 16 bits. */
  setWord(lock: number, word: number): void {
    this.#bits[lock - this.buffer.first] = this.isBuffer(lock) ? word : word & 1;
  }

  /** Sets or clears the lock's own bit and returns the word as it is then. */
  setBit(lock: number, set: boolean): number {
    const word = withBit(this.word(lock), this.bit(lock), set);
    this.setWord(lock, word);
    return word;
  }

  queue(lock: number, frame: Frame): void {
    const queue = this.waiters.get(lock);
    if (queue) queue.push(frame);
    else this.waiters.set(lock, [frame]);
  }

  /** The longest waiter, taken out of the queue. */
  dequeue(lock: number): Frame | undefined {
    const queue = this.waiters.get(lock);
    const first = queue?.shift();
    if (queue?.length === 0) this.waiters.delete(lock);
    return first;
  }

  #classOf(lock: number): LockClass {
    if (lock < this.mutex.first) return SPIN_CLASSES[lock % SPIN_CLASSES.length]!;
    if (lock < this.rwsem.first) return MUTEX_CLASSES[(lock - this.mutex.first) % MUTEX_CLASSES.length]!;
    if (lock < this.buffer.first) return RWSEM_CLASSES[(lock - this.rwsem.first) % RWSEM_CLASSES.length]!;
    if (lock >= this.perCpu.first) return PER_CPU_CLASSES[(lock - this.perCpu.first) % 2]!;
    return NONE;
  }
}

function roundTo(value: number, unit: number): number {
  return Math.max(Math.round(value / unit), 1) * unit;
}

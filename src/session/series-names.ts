import { FLAGS, NAMESPACES } from '../model/event.ts';
import { hex } from '../base/units.ts';
import type { Mark, SeriesState } from '../model/state.ts';
import { NOT_RECORDED, type LockSource, type RowKind, type Split, type StatsRow } from '../model/stats.ts';
import { callSiteOf, foldedOf, lockNameIn, siteInText } from '../trace/callers.ts';
import type { Capture } from '../trace/capture.ts';

/** What a series, or a wait without an end, is about. */
export type About = Pick<
  SeriesState,
  'kind' | 'name' | 'address' | 'pid' | 'cpu' | 'level' | 'namespace' | 'bit' | 'isRead'
> & {
  readonly first: Mark;
  /** What stands for the lock's name; 0n, or not given: nothing does. */
  readonly class?: bigint;
  /** The code, as the engine knows it; 0n: it does not. undefined: nobody asked it. */
  readonly site?: bigint;
};

export type RowName = Pick<StatsRow, 'kind' | 'source' | 'name' | 'by'>;

/** In the order of LEVEL_* (assembly/layout.ts). */
const LEVELS = ['process', 'softirq', 'hardirq', 'nmi'] as const;
const KINDS: readonly RowKind[] = ['lock', 'irqs-off', 'preempt-off'];
const SOURCES: Readonly<Record<string, LockSource>> = { lockdep: 'lockdep', word: 'bit', lock: 'contention' };
/** Sites from here on are addresses, in captures of raw records. */
const LOWEST_ADDRESS = 1n << 32n;

/** A row about sections with interrupts or preemption off, but for its name. */
export function sectionOf({ kind }: Pick<About, 'kind'>): Omit<RowName, 'name'> {
  return { kind: KINDS[kind]!, source: null, by: null };
}

/** Gives series the names by which they are known in other captures too. Goes back to a record where the series itself does not say. */
export class SeriesNames {
  readonly #capture: Capture;
  readonly #split: Split;

  constructor(capture: Capture, split: Split) {
    this.#capture = capture;
    this.#split = split;
  }

  of(about: About): RowName {
    if (about.kind !== 0) {
      const isOne = this.#split === 'site' || this.#split === 'lock' || this.#split === 'mode';
      return { ...sectionOf(about), name: this.#site(about), by: isOne ? null : this.#by(about) };
    }
    const source = SOURCES[NAMESPACES[about.namespace]!]!;
    return { kind: 'lock', source, name: this.#lock(about, source), by: this.#by(about) };
  }

  #lock(about: About, source: LockSource): string {
    if (source === 'bit') return `bit ${about.bit}`;
    const { first, address } = about;
    if (source === 'lockdep') {
      const known = about.name || this.#capture.lockName?.(about.class ?? 0n);
      const name = known || lockNameIn(this.#capture.record(first));
      return name ?? (address === 0n ? 'a class without a name' : this.#place(address));
    }
    return this.#capture.symbol(address) ?? `${typeOf(first.flags)} without a name`;
  }

  /** A static lock's symbol, or its address. */
  #place(address: bigint): string {
    return this.#capture.symbol(address) ?? hex(address);
  }

  #by(about: About): string | null {
    switch (this.#split) {
      case 'class':
        return null;
      case 'lock':
        return this.#place(about.address);
      case 'mode':
        return about.isRead ? 'read' : 'write';
      case 'site':
        return this.#site(about);
      case 'stack':
        return this.#stack(about);
      case 'task':
        return this.#capture.comm(about.pid) ?? `pid ${about.pid}`;
      case 'cpu':
        return `CPU ${about.cpu}`;
      case 'context':
        return LEVELS[about.level]!;
    }
  }

  #site({ site, first }: About): string {
    if (site === 0n) return NOT_RECORDED;
    const record = this.#capture.record(first);
    const callers = record?.callers ?? [];
    const named = siteInText(record?.text ?? '') ?? callSiteOf(callers) ?? callers[0];
    if (named !== undefined) return named;
    // A mapping file may name any field.
    if (site === undefined || site < LOWEST_ADDRESS) return NOT_RECORDED;
    return this.#capture.symbol(site) ?? hex(site);
  }

  /** Outermost caller first, as flame graphs have it; offsets within functions left out. */
  #stack({ site, first }: About): string {
    const callers = site === 0n ? [] : (this.#capture.record(first)?.callers ?? []);
    return callers.length === 0 ? NOT_RECORDED : foldedOf(callers);
  }
}

/** The type of lock that a contention tracepoint's flags tell (LCB_F_*, include/trace/events/lock.h, Linux 6.12). */
function typeOf(flags: number): string {
  if (flags & FLAGS.mutex) return 'mutex';
  if (flags & FLAGS.percpu) return 'percpu-rwsem';
  if (flags & FLAGS.rt) return 'rt lock';
  if (flags & FLAGS.spin) return flags & (FLAGS.read | FLAGS.write) ? 'rwlock' : 'spinlock';
  return flags & (FLAGS.read | FLAGS.write) ? 'rwsem' : 'lock';
}

import { FLAGS, NAMESPACES } from '../model/event.ts';
import { hex } from '../base/units.ts';
import type { Mark, SeriesState } from '../model/state.ts';
import type { LockSource, RowKind, Split, StatsRow } from '../model/stats.ts';
import type { Capture } from '../trace/capture.ts';

/** What a series, or a wait without an end, is about. */
export type About = Pick<
  SeriesState,
  'kind' | 'name' | 'address' | 'pid' | 'cpu' | 'level' | 'namespace' | 'bit' | 'isRead'
> & { readonly first: Mark };

export type RowName = Pick<StatsRow, 'kind' | 'source' | 'name' | 'by'>;

/** In the order of LEVEL_* (assembly/layout.ts). */
const LEVELS = ['process', 'softirq', 'hardirq', 'nmi'] as const;
const KINDS: readonly RowKind[] = ['lock', 'irqs-off', 'preempt-off'];
const SOURCES: Readonly<Record<string, LockSource>> = { lockdep: 'lockdep', word: 'bit', lock: 'contention' };
// "caller=fake_finish_bio+0x17 parent=0x0", "addr=0x... bitnr=4 ip=fake_submit_bh+0x27"
const SITE = /\b(?:caller|ip)=(\S+)/;

/** The engine cannot tell sites apart in blocks: one series has those of all. */
const NOT_KEPT = 'not kept in a container';

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
      const by =
        this.#split === 'site' || this.#split === 'lock' || this.#split === 'mode' ? null : this.#by(about);
      return { ...sectionOf(about), name: this.#site(about.first), by };
    }
    const source = SOURCES[NAMESPACES[about.namespace]!]!;
    return { kind: 'lock', source, name: this.#lock(about, source), by: this.#by(about) };
  }

  #lock(about: About, source: LockSource): string {
    if (source === 'bit') return `bit ${about.bit}`;
    const { first, address } = about;
    if (source === 'lockdep') return about.name || (this.#className(first) ?? this.#place(address));
    return this.#capture.symbol(address) ?? `${typeOf(first.flags)} without a name`;
  }

  #className(mark: Mark): string | null {
    const value = this.#capture.record(mark)?.fields.find(({ name }) => name === 'name')?.value;
    return typeof value === 'string' && value !== '' ? value : null;
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
        return this.#site(about.first);
      case 'task':
        return this.#capture.comm(about.pid) ?? `pid ${about.pid}`;
      case 'cpu':
        return `CPU ${about.cpu}`;
      case 'context':
        return LEVELS[about.level]!;
    }
  }

  #site(mark: Mark): string {
    if (this.#capture.lanes[0]?.input.kind === 'blocks') return NOT_KEPT;
    return SITE.exec(this.#capture.record(mark)?.text ?? '')?.[1] ?? 'not recorded';
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

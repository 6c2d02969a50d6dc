import { SpinbackError } from '../base/errors.ts';
import type { Sink, TraceEvent } from './events.ts';
import { readSettings, type Settings, type Values } from './faults/settings.ts';

/** What the recorder loses: everything that a CPU did in a stretch of time. */
export interface Loss {
  /** overwrite: the CPU's record begins late; gap: a hole; tail: it ends early. */
  readonly sort: LossSort;
  readonly cpu: number;
  /** Times in ns on the trace's clock: from is included, to is not. */
  readonly fromNs: number;
  readonly toNs: number;
  /** Sub-buffers that are lost from `fromNs` on, in place of a stretch of time; 0: none. */
  readonly pages: number;
  /** The recorder says how many events it lost. */
  readonly told: boolean;
}

export const LOSS_SORTS = ['overwrite', 'gap', 'tail'] as const;
export type LossSort = (typeof LOSS_SORTS)[number];

const SETTINGS: Settings = {
  cpu: { type: 'number', default: 0, help: 'CPU whose events are lost' },
  at: {
    type: 'duration',
    default: 1e9,
    help: 'overwrite: where the record begins; gap, tail: where the loss begins',
  },
  for: { type: 'duration', default: 100e6, help: 'length of a gap' },
  pages: { type: 'number', default: 0, help: 'length of a gap in sub-buffers, in place of for' },
  told: { type: ['yes', 'no'], default: 'yes', help: 'whether the recorder says how many' },
};

/** Reads "gap:cpu=1,at=2s,for=50ms,told=no" or "gap:cpu=1,at=2s,pages=3". Throws USAGE. */
export function readLoss(text: string, startNs: number): Loss {
  const [name = '', settings = ''] = text.split(':', 2);
  const sort = LOSS_SORTS.find((known) => known === name);
  if (!sort) throw new SpinbackError('USAGE', `no loss "${name}"; there are ${LOSS_SORTS.join(', ')}`);
  const values: Values = readSettings(name, SETTINGS, settings);
  const at = startNs + values.number('at');
  const pages = values.number('pages');
  if (!Number.isInteger(pages) || (pages > 0 && (sort !== 'gap' || values.has('for')))) {
    throw new SpinbackError(
      'USAGE',
      `${text}: pages is a whole number, and the length of a gap without "for"`,
    );
  }
  return {
    sort,
    cpu: values.number('cpu'),
    fromNs: sort === 'overwrite' ? -Infinity : at,
    toNs: sort === 'overwrite' ? at : sort === 'gap' && pages === 0 ? at + values.number('for') : Infinity,
    pages,
    told: values.word('told') === 'yes',
  };
}

/** What a loss came to. Times are decimal strings of ns; null: the beginning or the end of the trace. */
export interface LossTruth {
  readonly loss: LossSort;
  readonly cpu: number;
  readonly fromNs: string | null;
  toNs: string | null;
  readonly told: boolean;
  events: number;
}

/** A recorder that loses events on their way to `target`. */
export class LossySink implements Sink {
  readonly truths: readonly LossTruth[];
  readonly #target: Sink;
  readonly #losses: readonly (Loss & { readonly truth: LossTruth })[];
  /** Events lost since the CPU's last recorded one. */
  readonly #open = new Map<number, { count: number; told: boolean }>();

  /** Losses by sub-buffers that have begun. */
  readonly #begun = new Set<Loss>();

  constructor(target: Sink, losses: readonly Loss[]) {
    this.#target = target;
    this.#losses = losses.map((loss) => ({ ...loss, truth: truthOf(loss) }));
    this.truths = this.#losses.map(({ truth }) => truth);
  }

  event(event: TraceEvent): void {
    const { cpu, time } = event;
    const loss = this.#losses.find(
      (one) => one.pages === 0 && one.cpu === cpu && one.fromNs <= time && time < one.toNs,
    );
    const open = this.#open.get(cpu);
    if (loss) {
      loss.truth.events++;
      this.#open.set(cpu, { count: (open?.count ?? 0) + 1, told: loss.told && (open?.told ?? true) });
      return;
    }
    if (open) {
      this.#target.lost(cpu, open.count, open.told);
      this.#open.delete(cpu);
    }
    this.#losePages(cpu, time);
    this.#target.event(event);
  }

  #losePages(cpu: number, time: number): void {
    for (const loss of this.#losses) {
      if (loss.pages === 0 || loss.cpu !== cpu || time < loss.fromNs || this.#begun.has(loss)) continue;
      this.#begun.add(loss);
      const { truth, pages, told } = loss;
      if (!this.#target.losePages) throw new SpinbackError('USAGE', 'text has no sub-buffers to lose');
      this.#target.losePages(cpu, pages, told, (events, lastNs) => {
        truth.events += events;
        truth.toNs = String(lastNs);
      });
    }
  }

  lost(cpu: number, count: number, told: boolean): void {
    this.#target.lost(cpu, count, told);
  }

  /** Reports the losses that no event followed. */
  finish(): void {
    for (const [cpu, { count, told }] of this.#open) this.#target.lost(cpu, count, told);
  }
}

function truthOf({ sort, cpu, fromNs, toNs, told }: Loss): LossTruth {
  const text = (ns: number): string | null => (Number.isFinite(ns) ? String(ns) : null);
  return { loss: sort, cpu, fromNs: text(fromNs), toNs: text(toNs), told, events: 0 };
}

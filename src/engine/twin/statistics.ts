import * as L from '../../../assembly/layout.ts';
import type { DistributionState, Mark, SeriesState } from '../../model/state.ts';
import type { StatisticsOptions } from '../engine.ts';
import { Histogram } from './histogram.ts';

/** What a series is kept by; what the user does not split by is 0. */
export interface SeriesKey {
  readonly kind: number;
  readonly class: bigint;
  readonly address: bigint;
  readonly site: bigint;
  readonly pid: number;
  readonly cpu: number;
  readonly level: number;
  readonly namespace: number;
  readonly bit: number;
  readonly isRead: boolean;
}

interface Spans {
  readonly histogram: Histogram;
  max: bigint;
  longest: Mark | null;
  address: bigint;
}

export interface Series {
  readonly key: SeriesKey;
  readonly name: string;
  readonly first: Mark;
  acquisitions: number;
  contentions: number;
  wait: Spans | null;
  hold: Spans | null;
}

/** Interrupts or preemption off on a CPU: since when, and by whom. */
export interface Section {
  readonly since: bigint;
  readonly series: Series | null;
}

/** The series of a replay, and the sections that have begun. */
export class Statistics {
  /** SPLIT_*; 0: none are kept. */
  readonly split: number;
  readonly since: bigint;
  readonly until: bigint;
  readonly sections = new Map<string, Section>();
  readonly #bits: number;
  readonly #series = new Map<string, Series>();

  constructor(options: StatisticsOptions | undefined, bits: number) {
    this.split = options ? options.split | L.SPLIT_IS_ON : 0;
    this.since = options?.since ?? 0n;
    this.until = options?.until ?? 2n ** 64n;
    this.#bits = bits;
  }

  /** The series of a key, made if need be; null where there are too many. */
  find(key: SeriesKey, name: string, first: Mark): Series | null {
    const words = Object.values(key).join();
    const known = this.#series.get(words);
    if (known) return known;
    if (this.#series.size + 1 === L.SERIES_LIMIT) return null;
    const series = { key, name, first, acquisitions: 0, contentions: 0, wait: null, hold: null };
    this.#series.set(words, series);
    return series;
  }

  add(series: Series, span: 'wait' | 'hold', ns: bigint, event: Mark, address: bigint): void {
    const spans = (series[span] ??= {
      histogram: new Histogram(this.#bits),
      max: -1n,
      longest: null,
      address: 0n,
    });
    spans.histogram.add(ns);
    if (ns <= spans.max) return;
    Object.assign(spans, { max: ns, longest: event, address });
  }

  /** Whether these sections of a CPU go on is not known, or does not matter. */
  dropSections(cpu: number, kinds: readonly number[]): void {
    for (const kind of kinds) this.sections.delete(`${cpu}:${kind}`);
  }

  state(): SeriesState[] {
    return [...this.#series.values()].map(({ key, name, first, acquisitions, contentions, wait, hold }) => ({
      ...key,
      name,
      acquisitions,
      contentions,
      wait: wait && distribution(wait),
      hold: hold && distribution(hold),
      first,
    }));
  }
}

function distribution({ histogram, longest, address }: Spans): DistributionState {
  const { bits, count, sum, min, max, buckets } = histogram.state();
  return {
    bits,
    count: Number(count),
    sum,
    min: Number(min),
    max: Number(max),
    indices: Uint32Array.from(buckets, ([index]) => index),
    counts: Uint32Array.from(buckets, ([, n]) => Number(n)),
    longest,
    address,
  };
}

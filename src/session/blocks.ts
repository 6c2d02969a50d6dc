import type { DistributionState, RowState, SeriesState, StatisticsState } from '../model/state.ts';
import { Histogram } from '../stats/histogram.ts';

/** What was counted between two moments. Series keep their numbers; one that did not change is empty. */
export interface Stretch {
  readonly from: bigint;
  readonly to: bigint;
  readonly series: readonly SeriesState[];
  readonly events: readonly RowState[];
}

/** Cuts a replay into blocks of about the same amount of input, by what statistics say at their ends. */
export class BlockCutter {
  readonly #wanted: number;
  readonly #cuts: StatisticsState[] = [];
  #next = 1;

  constructor(wanted: number) {
    this.#wanted = wanted;
  }

  /** `share` of the input has been read. */
  at(share: number, statistics: () => StatisticsState): void {
    if (share * this.#wanted < this.#next || this.#next >= this.#wanted) return;
    this.#cuts.push(statistics());
    this.#next = Math.floor(share * this.#wanted) + 1;
  }

  /** The blocks in order of time; those in which nothing happened are left out. */
  blocks(end: StatisticsState, start: bigint): Stretch[] {
    let before: StatisticsState = { lastTime: start, rows: [], series: [] };
    return [...this.#cuts, end].flatMap((cut) => {
      const stretch = between(before, cut);
      before = cut;
      return stretch.events.length === 0 ? [] : [stretch];
    });
  }
}

function between(before: StatisticsState, after: StatisticsState): Stretch {
  const counts = new Map(before.rows.map(({ row, count }) => [row, count]));
  return {
    from: before.lastTime,
    to: after.lastTime,
    series: after.series.map((series, at) => since(before.series[at], series)),
    events: after.rows
      .map((row) => ({ ...row, count: row.count - (counts.get(row.row) ?? 0n) }))
      .filter(({ count }) => count > 0n),
  };
}

function since(before: SeriesState | undefined, after: SeriesState): SeriesState {
  if (before === undefined) return after;
  return {
    ...after,
    acquisitions: after.acquisitions - before.acquisitions,
    contentions: after.contentions - before.contentions,
    wait: spansSince(before.wait, after.wait),
    hold: spansSince(before.hold, after.hold),
  };
}

function spansSince(
  before: DistributionState | null,
  after: DistributionState | null,
): DistributionState | null {
  if (before === null || after === null) return after;
  if (before.count === after.count) return null;
  const { bits, indices, counts, sum, min, max, count } = histogramOf(after).without(histogramOf(before));
  return { ...after, bits, indices, counts, sum, min, max, count };
}

/** A distribution to compute with. */
export function histogramOf({ bits, sum, min, max, indices, counts }: DistributionState): Histogram {
  return Histogram.of(bits, sum, [min, max], indices, counts);
}

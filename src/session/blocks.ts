import type { DistributionState, RowState, SeriesState, StatisticsState } from '../model/state.ts';
import { Histogram } from '../stats/histogram.ts';

/** What was counted between two moments. Series keep their numbers; one that did not change is empty. */
export interface Stretch {
  readonly from: bigint;
  readonly to: bigint;
  readonly series: readonly SeriesState[];
  readonly events: readonly RowState[];
}

/** Events of a block, as long as there are not more than MOST of them. */
const FIRST = 512;
const MOST = 32;

/**
 * Cuts a replay into blocks of the same number of events, by what statistics say at their ends. How many events there will be is not
 * known: whenever there are too many blocks, two become one. So the blocks are the same however the events came.
 */
export class BlockCutter {
  #cuts: StatisticsState[] = [];
  #events = FIRST;

  /** Events that are to be replayed in all when the next cut is made. */
  get next(): number {
    return (this.#cuts.length + 1) * this.#events;
  }

  cut(now: StatisticsState): void {
    const before = this.#cuts.at(-1)?.series ?? [];
    this.#cuts.push({ ...now, series: now.series.map((series, at) => sameOr(before[at], series)) });
    if (this.#cuts.length < MOST) return;
    this.#cuts = this.#cuts.filter((_, at) => at % 2 === 1);
    this.#events *= 2;
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

/** The object that is there already, where nothing was counted since: most series rest most of the time. */
function sameOr(before: SeriesState | undefined, now: SeriesState): SeriesState {
  const isSame =
    before?.acquisitions === now.acquisitions &&
    before.contentions === now.contentions &&
    before.wait?.count === now.wait?.count &&
    before.hold?.count === now.hold?.count;
  return isSame ? before : now;
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
  return { ...after, ...new Histogram(after).without(new Histogram(before)) };
}

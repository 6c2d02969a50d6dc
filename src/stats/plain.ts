import type { Counts, Distribution, Run } from '../model/stats.ts';

/** A run as JSON takes it: the columns of its histograms as arrays. */
export function plainRun(run: Run): Run {
  return {
    ...run,
    rows: run.rows.map(plainCounts),
    blocks: run.blocks.map((block) => ({ ...block, rows: block.rows.map(plainCounts) })),
  };
}

function plainCounts<T extends Counts>(counts: T): T {
  const { wait, hold, off } = counts;
  return { ...counts, wait: plain(wait), hold: plain(hold), off: plain(off) };
}

function plain(spans: Distribution | null): Distribution | null {
  return spans && { ...spans, indices: Array.from(spans.indices), counts: Array.from(spans.counts) };
}

import type { Counts, Run } from '../model/stats.ts';
import { addSamples, leaveOut, sampleOf, type Metric, type Sample } from '../stats/metrics.ts';
import type { Contrast } from './resample.ts';

/** What totals are divided by: seconds of the capture, the row's own acquisitions, or events of a type. */
export type Norm =
  { readonly kind: 'second' | 'acquisition' } | { readonly kind: 'event'; readonly event: string };

/** What intervals rest on. Blocks of one run do not know how runs differ: they are the weaker evidence. */
export type Evidence = 'runs' | 'blocks' | 'none';

/** With fewer blocks a side there is nothing to resample. */
const FEWEST_BLOCKS = 4;

export function evidenceOf(base: readonly Run[], next: readonly Run[]): Evidence {
  if (base.length > 1 && next.length > 1) return 'runs';
  const blocks = (runs: readonly Run[]): number => runs.reduce((n, run) => n + run.blocks.length, 0);
  return Math.min(blocks(base), blocks(next)) < FEWEST_BLOCKS ? 'none' : 'blocks';
}

const NOTHING: Counts = { acquisitions: 0, reads: 0, contentions: 0, wait: null, hold: null, off: null };

/** One side of one row: all of it, per run, and per unit of what intervals rest on. */
export interface Side {
  readonly whole: Sample;
  readonly runs: readonly Sample[];
  readonly units: readonly Sample[];
}

/** `rows`: index of the row in each run, -1 where the run lacks it. */
export function sideOf(runs: readonly Run[], rows: readonly number[], norm: Norm, evidence: Evidence): Side {
  const perRun = runs.map((run, at) => {
    const counts = run.rows[rows[at]!] ?? NOTHING;
    return sampleOf(counts, normOf(run, counts, norm));
  });
  const whole = addSamples(perRun);
  if (evidence !== 'blocks') return { whole, runs: perRun, units: perRun };
  const units = runs.flatMap((run, at) =>
    run.blocks.map((block) => {
      const counts = block.rows.find(({ row }) => row === rows[at]) ?? NOTHING;
      return sampleOf(counts, normOf(block, counts, norm));
    }),
  );
  return { whole, runs: perRun, units };
}

function normOf(
  { durationNs, events }: Pick<Run, 'durationNs' | 'events'>,
  counts: Counts,
  norm: Norm,
): number {
  switch (norm.kind) {
    case 'second':
      return durationNs / 1e9;
    case 'acquisition':
      return counts.acquisitions;
    case 'event':
      return events.find(({ event }) => event === norm.event)?.count ?? 0;
  }
}

/** The comparison of one figure of one row; null where a unit has too few samples for it, or neither side counted anything. */
export function contrastOf(metric: Metric, base: Side, next: Side, evidence: Evidence): Contrast | null {
  if (evidence === 'none' || [base, next].every(({ whole }) => metric.figure(whole)?.value === 0))
    return null;
  const valuesOf = evidence === 'runs' ? valuesPerRun : valuesPerBlock;
  const [before, after] = [valuesOf(metric, base), valuesOf(metric, next)];
  if (before === null || after === null) return null;
  const variances = [...before.variances, ...after.variances];
  return {
    base: before.values,
    next: after.values,
    leastVariance: variances.reduce((sum, variance) => sum + variance, 0) / variances.length,
  };
}

interface Values {
  readonly values: readonly number[];
  readonly variances: readonly number[];
}

function valuesPerRun({ figure }: Metric, { units }: Side): Values | null {
  const values: number[] = [];
  const variances: number[] = [];
  for (const unit of units) {
    const known = figure(unit);
    if (known === null) return null;
    values.push(known.log);
    variances.push(known.variance);
  }
  return { values, variances };
}

/**
 * Blocks are too short for figures of their own: a block's value is what it contributes to the figure of the whole run, its jackknife
 * pseudo-value (J. W. Tukey 1958), centred on that figure.
 */
function valuesPerBlock({ figure }: Metric, { whole, units }: Side): Values | null {
  const all = figure(whole);
  if (all === null) return null;
  const rest: number[] = [];
  for (const unit of units) {
    const known = figure(leaveOut(whole, unit));
    if (known === null) return null;
    rest.push(known.log);
  }
  const middle = rest.reduce((sum, value) => sum + value, 0) / rest.length;
  return {
    values: rest.map((value) => all.log + (units.length - 1) * (middle - value)),
    variances: rest.map(() => all.variance * units.length),
  };
}

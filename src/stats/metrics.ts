import type { Counts, RowKind, Span } from '../model/stats.ts';
import { QUANTILES } from './figures.ts';
import { Histogram } from './histogram.ts';

/**
 * What one run, or one stretch of it, says of one row. `norm` is what totals are divided by: seconds, events of a type, or the row's
 * own acquisitions.
 */
export interface Sample {
  readonly acquisitions: number;
  readonly contentions: number;
  readonly wait: Histogram;
  readonly hold: Histogram;
  readonly off: Histogram;
  readonly norm: number;
}

/** A figure as it was counted, and what is compared of it. */
export interface Figure {
  readonly value: number;
  /** The logarithm that is compared: of the value, and of a rate a little off it, for there may be none. */
  readonly log: number;
  /**
   * The variance of that logarithm that comes from the number of samples alone, were they independent. No figure can be steadier than that
   * from run to run, so it bounds from below the spread that a few runs happen to show.
   */
  readonly variance: number;
}

export type Unit = 'ns' | 'ns per' | 'per' | 'share';

export interface Metric {
  readonly name: string;
  readonly unit: Unit;
  readonly kinds: readonly RowKind[];
  /** null: too few samples to tell. */
  readonly figure: (sample: Sample) => Figure | null;
}

/** With fewer samples the mean of a long-tailed distribution says nothing, nor does its spread. */
const FEWEST = 10;
/** Variance of the logarithm of a value that was rounded to its bucket. */
const rounding = (bits: number): number => 4 ** -bits / 12;

const LOCKS: readonly RowKind[] = ['lock'];
const SECTIONS: readonly RowKind[] = ['irqs-off', 'preempt-off'];

/** Everything that can be compared, by name: `hold.p99`, `wait.total`, `contended`, ... */
export const METRICS: ReadonlyMap<string, Metric> = new Map(
  [
    rate('acquired', 'per', ({ acquisitions, norm }) => [acquisitions, norm]),
    rate('contended', 'share', ({ contentions, acquisitions }) => [contentions, acquisitions]),
    ...spanMetrics('wait', LOCKS),
    ...spanMetrics('hold', LOCKS),
    ...spanMetrics('off', SECTIONS),
  ].map((metric) => [metric.name, metric]),
);

/** What is looked at where nobody asks for anything else: each one more costs certainty about all the others. */
export const DEFAULT_METRICS: readonly string[] = [
  'acquired',
  'contended',
  'hold.mean',
  'hold.p50',
  'hold.p99',
  'wait.mean',
  'wait.p99',
  'off.mean',
  'off.p99',
];

function spanMetrics(span: Span, kinds: readonly RowKind[]): Metric[] {
  const metric = (name: string, unit: Unit, figure: Metric['figure']): Metric => ({
    name: `${span}.${name}`,
    unit,
    kinds,
    figure,
  });
  return [
    metric('count', 'per', (sample) => rateOf(sample[span].count, sample.norm)),
    metric('total', 'ns per', (sample) => total(sample[span], sample.norm)),
    metric('mean', 'ns', (sample) => mean(sample[span])),
    ...Object.entries(QUANTILES).map(([name, q]) =>
      metric(name, 'ns', (sample) => quantile(sample[span], q)),
    ),
    metric('max', 'ns', (sample) => maximum(sample[span])),
  ];
}

function rate(
  name: string,
  unit: Unit,
  of: (sample: Sample) => readonly [count: number, per: number],
): Metric {
  return { name, unit, kinds: LOCKS, figure: (sample) => rateOf(...of(sample)) };
}

/** Half an event more keeps the logarithm of "none" finite, and weighs the less the more there is (Haldane and Anscombe). */
function rateOf(count: number, per: number): Figure | null {
  if (!(per > 0)) return null;
  return { value: count / per, log: Math.log((count + 0.5) / per), variance: 1 / (count + 0.5) };
}

/** A figure that is never none. */
function figureOf(value: number, variance: number): Figure {
  return { value, log: Math.log(value), variance };
}

function total(spans: Histogram, per: number): Figure | null {
  const each = mean(spans);
  if (each === null || !(per > 0)) return null;
  return figureOf(Number(spans.sum) / per, each.variance + 1 / spans.count);
}

function mean(spans: Histogram): Figure | null {
  if (spans.count < FEWEST || spans.sum <= 0n) return null;
  return figureOf(spans.mean, spans.variance / spans.count / spans.mean ** 2);
}

/**
 * The variance of a quantile by order statistics: the ranks one standard deviation of a binomial away are about one standard deviation
 * of the quantile away. null where the upper one does not exist.
 */
function quantile(spans: Histogram, q: number): Figure | null {
  const { count } = spans;
  const spread = Math.sqrt(count * q * (1 - q));
  const [lower, upper] = [count * q - spread, count * q + spread + 1];
  const value = spans.quantile(q);
  if (count < FEWEST || upper > count || value <= 0) return null;
  const [low, high] = [spans.valueAt(Math.floor(lower)), spans.valueAt(Math.ceil(upper))];
  const deviation = Math.log(Math.max(high, 1) / Math.max(low, 1)) / 2;
  return figureOf(value, deviation ** 2 + rounding(spans.bits));
}

/** The largest of many is one sample: its spread is only what runs show. */
function maximum(spans: Histogram): Figure | null {
  return spans.count < FEWEST || spans.max <= 0 ? null : figureOf(spans.max, rounding(spans.bits));
}

/** The sample of some counts. */
export function sampleOf(counts: Counts, norm: number): Sample {
  const of = (span: Span): Histogram => {
    const data = counts[span];
    return data === null ? Histogram.empty(7) : Histogram.from(data);
  };
  const { acquisitions, contentions } = counts;
  return { acquisitions, contentions, wait: of('wait'), hold: of('hold'), off: of('off'), norm };
}

export function addSamples(samples: readonly Sample[]): Sample {
  const sum = (of: (sample: Sample) => number): number =>
    samples.reduce((all, sample) => all + of(sample), 0);
  const merged = (span: Span): Histogram => Histogram.merge(samples.map((sample) => sample[span]));
  return {
    acquisitions: sum((sample) => sample.acquisitions),
    contentions: sum((sample) => sample.contentions),
    wait: merged('wait'),
    hold: merged('hold'),
    off: merged('off'),
    norm: sum((sample) => sample.norm),
  };
}

/** A sample without one of its parts. */
export function leaveOut(whole: Sample, part: Sample): Sample {
  return {
    acquisitions: whole.acquisitions - part.acquisitions,
    contentions: whole.contentions - part.contentions,
    wait: whole.wait.without(part.wait),
    hold: whole.hold.without(part.hold),
    off: whole.off.without(part.off),
    norm: whole.norm - part.norm,
  };
}

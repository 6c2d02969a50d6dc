import { SPANS, type Counts, type Span } from '../model/stats.ts';
import { Histogram } from './histogram.ts';

export const QUANTILES: Readonly<Record<string, number>> = { p50: 0.5, p90: 0.9, p99: 0.99, 'p99.9': 0.999 };

const COUNTS = ['acquisitions', 'reads', 'contentions'] as const;
const OF_SPANS = ['count', 'total', 'mean', ...Object.keys(QUANTILES), 'max'] as const;

/** The plain figures of a row, in the order of columns: `acquisitions`, `wait.p99`, `hold.mean`, ... */
export const FIGURES: readonly string[] = [
  ...COUNTS,
  ...SPANS.flatMap((span) => OF_SPANS.map((name) => `${span}.${name}`)),
];

/** One figure of a row by its name; undefined where the row has no such spans. */
export function figureOf(counts: Counts, name: string): number | undefined {
  const count = COUNTS.find((known) => known === name);
  if (count !== undefined) return counts[count];
  const dot = name.indexOf('.');
  const span = SPANS.find((known) => known === name.slice(0, dot));
  return span === undefined ? undefined : spanFigure(counts, span, name.slice(dot + 1));
}

function spanFigure(counts: Counts, span: Span, name: string): number | undefined {
  const data = counts[span];
  if (data === null || data.count === 0) return undefined;
  switch (name) {
    case 'count':
      return data.count;
    case 'total':
      return Number(data.sumNs);
    case 'mean':
      return Math.round(Number(data.sumNs) / data.count);
    case 'max':
      return data.maxNs;
    default: {
      const q = QUANTILES[name];
      return q === undefined ? undefined : Histogram.from(data).quantile(q);
    }
  }
}

/** All figures of a row that it has. */
export function figuresOf(counts: Counts): Readonly<Record<string, number>> {
  const known = FIGURES.map((name) => [name, figureOf(counts, name)] as const);
  return Object.fromEntries(
    known.filter((entry): entry is readonly [string, number] => entry[1] !== undefined),
  );
}

import type { Counts, Exemplar, Span, StatsRow } from '../model/stats.ts';
import { Histogram } from './histogram.ts';

/** A row that is being added up. */
export class RowSum {
  readonly #parts: Readonly<Record<Span, Histogram[]>> = { wait: [], hold: [], off: [] };
  acquisitions = 0;
  reads = 0;
  contentions = 0;

  get isEmpty(): boolean {
    const { wait, hold, off } = this.#parts;
    return this.acquisitions + this.contentions + wait.length + hold.length + off.length === 0;
  }

  addSpans(span: Span, spans: Histogram): void {
    if (spans.count > 0) this.#parts[span].push(spans);
  }

  counts(): Counts {
    const { acquisitions, reads, contentions } = this;
    const merged = (span: Span): Counts['wait'] =>
      this.#parts[span].length === 0 ? null : Histogram.merge(this.#parts[span]).data();
    return {
      acquisitions,
      reads,
      contentions,
      wait: merged('wait'),
      hold: merged('hold'),
      off: merged('off'),
    };
  }
}

/** The longer of two; of equals the earlier, so that the order of merging does not matter. */
export function longer(a: Exemplar | null, b: Exemplar | null): Exemplar | null {
  if (a === null || b === null) return a ?? b;
  if (a.ns !== b.ns) return a.ns > b.ns ? a : b;
  return BigInt(a.atNs) <= BigInt(b.atNs) ? a : b;
}

/** What tells a row from all others, and the one order of rows that does not depend on what was met first. */
export function keyOf({ kind, source, name, by }: Pick<StatsRow, 'kind' | 'source' | 'name' | 'by'>): string {
  return [kind, source ?? '', name, by ?? ''].join('\0');
}

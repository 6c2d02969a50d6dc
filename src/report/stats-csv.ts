import { stringify } from 'csv-stringify/sync';
import type { Run } from '../model/stats.ts';
import { figuresOf, FIGURES } from '../stats/figures.ts';
import { printableCopy } from './printable.ts';

const FACTS = ['path', 'kind', 'source', 'name', 'by'] as const;

/** Rows of runs as comma-separated values with a heading; times in ns (RFC 4180, but for line ends of one character). */
export function statsCsv(raw: readonly Run[]): string {
  const records = raw.flatMap(({ path, rows }) =>
    rows.map((row) => {
      const { kind, source, name, by } = row;
      return { ...printableCopy({ path, kind, source, name, by }), ...figuresOf(row) };
    }),
  );
  // A spreadsheet would run a name that begins with = as a formula.
  return stringify(records, { header: true, columns: [...FACTS, ...FIGURES], escape_formulas: true });
}

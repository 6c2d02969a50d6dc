import { SCHEMA, type LinePattern } from './mapping.ts';
import type { MappingRow } from './rows.ts';

/** Rows and patterns as the text of a mapping file that says the same (docs/mapping.md); null where there are none. */
export function mappingText(rows: readonly MappingRow[], lines: readonly LinePattern[]): string | null {
  if (rows.length + lines.length === 0) return null;
  return JSON.stringify({
    schema: SCHEMA,
    events: rows.map(({ text, ...row }) => ({
      ...row,
      ...(text === undefined ? {} : { text: typeof text === 'string' ? text : text.source }),
    })),
    lines: lines.map(({ pattern, event, clock }) => ({
      pattern: pattern.source,
      ...(event === null ? {} : { event }),
      clock,
    })),
  });
}

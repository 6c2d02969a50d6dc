import { SCHEMA, type Mapping } from './mapping.ts';

/** The text of a mapping file that says this (docs/mapping.md); null where it says nothing. */
export function mappingText({ rows, lines }: Mapping): string | null {
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

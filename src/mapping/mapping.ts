import type { MappingRow } from './rows.ts';

/** The version of mapping files that there is. */
export const SCHEMA = 'spinback/mapping@1';

/** What a mapping file says: docs/mapping.md. */
export interface Mapping {
  readonly rows: readonly MappingRow[];
  readonly lines: readonly LinePattern[];
}

/** How lines of text become events, for captures of tools that print their own lines (bpftrace). */
export interface LinePattern {
  /** Groups: ns, us or seconds; cpu; tid; and, where the lines have them, comm, event, text. */
  readonly pattern: TextSpans;
  /** Name of the event, for lines that do not tell it. */
  readonly event: string | null;
  /** The clock that the times are of; "unknown" where the file does not say. */
  readonly clock: string;
}

/** A compiled expression that tells where its groups lie. */
export interface TextSpans {
  /** The expression itself. */
  readonly source: string;
  readonly groups: ReadonlySet<string>;
  /** Start and end of each group that took part, by name; null where the text does not fit. */
  exec(text: string): ((group: string) => readonly [start: number, end: number] | null) | null;
}

/** Why a mapping file cannot be used, and where. Lines and columns count from 1. */
export interface MappingError {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

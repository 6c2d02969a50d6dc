/**
 * A stream of perf records as reader and engine both see it: how samples are laid out, and which pieces of the stream are in
 * order of time.
 */

/** How the records of one event are laid out. Offsets count from the start of the record, its 8-byte header included. */
export interface SampleLayout {
  readonly timeAt: number;
  /** null: samples do not carry it. */
  readonly tidAt: number | null;
  readonly cpuAt: number | null;
  /** Where the parts of variable length begin: read values, callchain, raw record, in this order. */
  readonly restAt: number;
  /** The event's read_format where samples carry read values (PERF_SAMPLE_READ), null where they do not. */
  readonly readFormat: number | null;
  readonly hasCallchain: boolean;
  /** Samples carry a tracepoint's record. */
  readonly hasRaw: boolean;
  /** Event type of samples without a raw record. */
  readonly type: number;
  /** How far before the end of other records (losses, names) their time and CPU lie; null where they carry none. */
  readonly trailerTime: number | null;
  readonly trailerCpu: number | null;
  /** Where samples carry the id of their event, once or more often. */
  readonly idsAt: readonly number[];
}

/** An event as perf opened it on one CPU or for one task. */
export interface SampleId {
  readonly id: bigint;
  /** Index into the layouts. */
  readonly layout: number;
  /** The CPU that it was opened on, null where it follows a task or nobody says. */
  readonly cpu: number | null;
}

export interface SampleTables {
  readonly layouts: readonly SampleLayout[];
  readonly ids: readonly SampleId[];
  /** Where a sample carries its id; null where samples carry none. */
  readonly idAt: number | null;
  /** Index of the layout for samples whose id is not in the list; null: nobody knows how to read them. */
  readonly fallback: number | null;
  /** What recording added to the preempt depth of every raw record. */
  readonly depth: number;
  readonly bigEndian?: boolean | undefined;
}

/** What a pass over a stream comes upon, in the order of the stream. Offsets count bytes of the stream. */
export type ScanItem =
  | {
      /** Whole records whose samples are in order of time; 0 and 0 where there are only losses. At most 64 KiB. */
      readonly is: 'piece';
      readonly at: number;
      readonly size: number;
      readonly first: bigint;
      readonly last: bigint;
    }
  /** A record of this type (PERF_*) that tells of losses or names, or that should not be here. */
  | { readonly is: 'note'; readonly at: number; readonly size: number; readonly type: number }
  /** Bytes that are no records. */
  | { readonly is: 'damage'; readonly at: number; readonly size: number }
  /** The stream ends within this record. */
  | { readonly is: 'cut'; readonly at: number; readonly size: number };

export interface ScanTotals {
  readonly samples: bigint;
  /** Samples of an id that is not in the tables and has no fallback. */
  readonly unknown: bigint;
  /** The lowest preempt depth in the raw records looked at; null where there were none. */
  readonly lowestDepth: number | null;
}

/** Random access to a stream of records. */
export interface SampleStream {
  readonly size: number;
  /** Fills `target` from `position` on and returns how many bytes were there. */
  readInto(target: Uint8Array, position: number): number;
}

/** Goes once over a stream; items are handed out one by one. The engine does it, in WebAssembly or in plain TypeScript. */
export type ScanSamples = (
  stream: SampleStream,
  tables: SampleTables,
  take: (item: ScanItem) => void,
) => ScanTotals;

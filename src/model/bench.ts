/** What `spinback bench --json` prints. */
export const BENCH_SCHEMA = 'spinback/bench@1';

export interface BenchResult {
  readonly schema: typeof BENCH_SCHEMA;
  readonly spinback: string;
  readonly path: string;
  readonly events: number;
  /** CPU time of each replay, user and system, in order; the first one compiles the engine. */
  readonly seconds: readonly number[];
  /** SHA-256 of the state at the end; equal where two versions of spinback replay alike. */
  readonly checksum: string;
  /** The engine's counters that are not zero. */
  readonly counters: Readonly<Record<string, number>>;
}

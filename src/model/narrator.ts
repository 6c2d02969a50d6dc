import type { Mark } from './state.ts';

/** What a mark's own record says, for people. */
export interface Told {
  /** The tracepoint's name, or the canonical kind where the record cannot be had. */
  readonly event: string;
  /** Its fields as one line; empty where the record cannot be had. */
  readonly text: string;
  readonly comm: string | null;
  /** The lock's name (lockdep class) in the record, where it has one. */
  readonly lockName: string | null;
  /** The function that the record names as its place (ip, caller), without the offset. */
  readonly callSite: string | null;
  /** Of a plain store: the value that its program had loaded before, where the record tells (a field `old`). */
  readonly loaded?: bigint;
}

/** Goes back to the capture for names; only for what a report shows. */
export interface Narrator {
  tell(mark: Mark): Told;
  comm(pid: number): string | null;
}

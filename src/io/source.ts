/** Bytes of input that are done with, and in all. */
export type OnProgress = (progress: { readonly done: number; readonly total: number }) => void;

/** Random access to the bytes of one input. Node files, spooled pipes and plain byte arrays all look like this. */
export interface ByteSource {
  /** What to call it in messages: a path, or "-". */
  readonly name: string;
  readonly size: number;
  /**
   * Fills `target` from `position` on and returns how many bytes were there (fewer only at the end of the
   * source). Throws SpinbackError UNREADABLE when the system refuses.
   */
  readInto(target: Uint8Array, position: number): number;
  close(): void;
}

import { EVENT_RECORD_SIZE } from '../../model/event-record.ts';
import type { Checkpoints, RecordStream } from './records.ts';
import type { Run } from './runs.ts';

/** Runs of a text that follow each other in time, read one after the other as one lane. */
export class TextLane {
  readonly #runs: readonly Run[];
  readonly #open: (run: Run) => RecordStream;
  /** Where the records of each run begin: of those read before, and of the one that is read. */
  readonly #begun: { readonly first: number; readonly checkpoints: Checkpoints }[] = [];
  #stream: RecordStream | null = null;
  #next = 0;
  #records = 0;
  #consumed = 0;

  constructor(runs: readonly Run[], open: (run: Run) => RecordStream) {
    this.#runs = runs;
    this.#open = open;
  }

  get hasEnded(): boolean {
    return this.#next === this.#runs.length && (this.#stream?.hasEnded ?? true);
  }

  /** Events, and marks of lost ones, that were read. */
  get records(): number {
    return this.#records;
  }

  /** Bytes of the text that were read. */
  get consumed(): number {
    return this.#consumed + (this.#stream ? this.#stream.position - this.#runs[this.#next - 1]!.from : 0);
  }

  /** Fills `target` with whole records and returns how many bytes; 0 at the end. */
  read(target: Uint8Array): number {
    for (;;) {
      const bytes = this.#stream?.read(target) ?? 0;
      this.#records += bytes / EVENT_RECORD_SIZE;
      if (bytes > 0 || this.#next === this.#runs.length) return bytes;
      this.#consumed = this.consumed;
      this.#stream = this.#open(this.#runs[this.#next++]!);
      this.#begun.push({ first: this.#records, checkpoints: this.#stream.checkpoints });
    }
  }

  /** Where to start reading to come to record `index` of the lane: the byte offset of a line, and its record's number. */
  place(index: number): { readonly offset: number; readonly first: number } {
    const run = this.#begun.findLast(({ first }) => first <= index);
    // Of a lane that was not read yet it is in the first run, or not found.
    if (!run) return { offset: this.#runs[0]!.from, first: 0 };
    const { offset, first } = run.checkpoints.before(index - run.first);
    return { offset, first: run.first + first };
  }
}

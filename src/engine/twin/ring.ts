import * as L from '../../../assembly/layout.ts';
import type { RingRecord } from '../../model/state.ts';
import { told } from './marks.ts';

/** A step stops while so many records are still free, for one event can report several findings. */
const RESERVE = 16;

/** The finding ring, until somebody drains it. */
export class Ring {
  readonly #capacity: number;
  #records: RingRecord[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Must the ring be drained before the next event? */
  get isFull(): boolean {
    return this.#records.length + RESERVE > this.#capacity;
  }

  /** False when there was no room for the record. */
  push(record: RingRecord): boolean {
    if (this.#records.length >= this.#capacity) return false;
    const marks = Array.from({ length: L.RECORD_MARK_LIMIT }, (_, n) => told(record.marks[n] ?? null));
    this.#records.push({ ...record, marks });
    return true;
  }

  drain(): RingRecord[] {
    const records = this.#records;
    this.#records = [];
    return records;
  }
}

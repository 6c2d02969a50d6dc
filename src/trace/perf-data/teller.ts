import { SpinbackError } from '../../base/errors.ts';
import type { EventRecord, EventType } from '../capture.ts';
import { withCallers } from '../callers.ts';
import type { Teller } from '../trace-dat/teller.ts';
import type { SampleEvents } from './sample.ts';

/** Puts samples into words: what a tracepoint recorded, and who called. */
export class SampleTeller {
  readonly #events: SampleEvents;
  readonly #records: Teller;
  readonly #otherTypes: readonly EventType[];

  /** `otherTypes`: types that `records` has no format of. */
  constructor(events: SampleEvents, records: Teller, otherTypes: readonly EventType[] = []) {
    this.#events = events;
    this.#records = records;
    this.#otherTypes = otherTypes;
  }

  comm(pid: number): string | null {
    return this.#records.comm(pid);
  }

  symbol(address: bigint): string | null {
    return this.#records.symbol(address);
  }

  /** A sample, header included; null where it is damaged, or nobody knows how it is laid out. */
  tell(bytes: Uint8Array): EventRecord | null {
    try {
      return this.#tell(bytes);
    } catch (error) {
      if (error instanceof SpinbackError && error.code === 'DAMAGED') return null;
      throw error;
    }
  }

  #tell(bytes: Uint8Array): EventRecord | null {
    const sample = this.#events.read(bytes);
    if (!sample) return null;
    const { raw, callchain } = sample;
    const told = raw === null ? this.#withoutRecord(sample.layout.type) : this.#records.tell(raw);
    if (!told) return null;
    const callers = callchain.map((address) => this.symbol(address) ?? `0x${address.toString(16)}`);
    const type = this.#otherTypes.find(({ id }) => id === told.type.id) ?? told.type;
    return { type, fields: told.fields, text: withCallers(told.text, callers), callers };
  }

  #withoutRecord(id: number): EventRecord {
    return { type: this.#records.type(id), fields: [], text: '' };
  }
}

import { SpinbackError } from '../../base/errors.ts';
import type { DecodeRow } from '../../mapping/decode-row.ts';
import { EVENT_AT, EVENT_RECORD_SIZE, writeEvent } from '../../model/event-record.ts';
import type { CanonicalEvent } from '../../model/event.ts';
import type { SampleLayout, SampleTables } from '../../model/samples.ts';
import { rawOf } from '../perf-data/sample.ts';

// A sample says most of what its event says: time, task, CPU, id, and in its raw record type, task, address and value. What the
// event foretells is XORed into the sample: zeros where it is right, and nothing is lost where it is not. Doing it again gives
// the sample back. So the bytes that say where the raw record lies must stay as they are: nothing in front of it is touched but
// the fields of fixed place, and these end where the parts of variable length begin.

/** Bytes of a sample, or of its raw record, and where the event's record has the same. */
interface Foretold {
  readonly at: number;
  readonly size: number;
  readonly from: number;
}

interface Plan {
  readonly layout: SampleLayout;
  readonly fixed: readonly Foretold[];
  readonly raw: readonly Foretold[];
}

const COMMON: readonly Foretold[] = [
  { at: 0, size: 2, from: EVENT_AT.type },
  { at: 4, size: 4, from: EVENT_AT.pid },
];
/** The process' number in front of the thread's: most have one thread. */
const PROCESS = 4;
const ID = 8;

/** Takes what their events foretell out of samples, and puts it in again. */
export class SampleMask {
  readonly #plans = new Map<number, Plan>();
  readonly #fallback: Plan | null;
  /** By type and CPU. */
  readonly #ids = new Map<number, bigint>();
  readonly #id = new Uint8Array(ID);
  readonly #idView = new DataView(this.#id.buffer);
  readonly #event = new Uint8Array(EVENT_RECORD_SIZE);
  readonly #view = new DataView(this.#event.buffer);

  constructor({ layouts, ids, fallback }: SampleTables, rows: readonly DecodeRow[]) {
    const rowOf = new Map(rows.slice(1).map((row) => [row.type, row]));
    for (const layout of layouts) {
      if (!this.#plans.has(layout.type)) this.#plans.set(layout.type, planOf(layout, rowOf.get(layout.type)));
    }
    const first = layouts[fallback ?? 0];
    this.#fallback = first ? planOf(first, undefined) : null;
    for (const { id, layout, cpu } of ids) {
      const key = (layouts[layout]?.type ?? 0) * 0x10000 + (cpu ?? 0);
      if (cpu !== null && !this.#ids.has(key)) this.#ids.set(key, id);
    }
  }

  /** XORs a sample, header included, with what its event foretells; that is the record of 40 bytes at `at` of `events`. */
  fold(sample: Uint8Array, events: Uint8Array, at: number): void {
    const u16 = (from: number): number => events[at + from]! | (events[at + from + 1]! << 8);
    const type = u16(EVENT_AT.type);
    const plan = this.#plans.get(type) ?? this.#fallback;
    if (!plan) return;
    const { layout, fixed, raw } = plan;
    for (const one of fixed) xor(sample, one, events, at);
    const id = this.#ids.get(type * 0x10000 + u16(EVENT_AT.cpu));
    if (id !== undefined) {
      this.#idView.setBigUint64(0, id, true);
      for (const idAt of layout.idsAt) xor(sample, { at: idAt, size: ID, from: 0 }, this.#id, 0);
    }
    const record = orNull(() => rawOf(sample, layout));
    if (record) for (const one of raw) xor(record, one, events, at);
  }

  /** Puts what `event` foretells into its sample again. */
  restore(sample: Uint8Array, event: CanonicalEvent): void {
    writeEvent(this.#view, 0, event);
    this.fold(sample, this.#event, 0);
  }
}

function planOf(layout: SampleLayout, row: DecodeRow | undefined): Plan {
  const { timeAt, tidAt, cpuAt, restAt } = layout;
  const fixed: Foretold[] = [{ at: timeAt, size: 8, from: EVENT_AT.time }];
  if (tidAt !== null) {
    fixed.push({ at: tidAt, size: 4, from: EVENT_AT.pid });
    fixed.push({ at: tidAt - PROCESS, size: 4, from: EVENT_AT.pid });
  }
  if (cpuAt !== null) fixed.push({ at: cpuAt, size: 2, from: EVENT_AT.cpu });
  const fields = row
    ? [
        { ...row.address, from: EVENT_AT.address },
        { ...row.value, from: EVENT_AT.value },
        // The upper half of a value that is put together of two fields.
        { ...row.high, size: Math.min(4, row.high.size), from: EVENT_AT.value + 4 },
      ]
    : [];
  const isFixed = ({ at, size }: { at: number; size: number }): boolean => at >= 0 && at + size <= restAt;
  return {
    layout: { ...layout, idsAt: layout.idsAt.filter((at) => isFixed({ at, size: ID })) },
    fixed: fixed.filter(isFixed),
    raw: [...COMMON, ...fields.filter(({ size }) => size > 0 && size <= 8)],
  };
}

/** Bytes beyond the record's end are left alone. */
function xor(bytes: Uint8Array, { at, size, from }: Foretold, foretold: Uint8Array, start: number): void {
  for (let n = 0; n < size; n++) if (at + n < bytes.length) bytes[at + n]! ^= foretold[start + from + n]!;
}

/** A raw record that does not fit its sample is none. */
function orNull(read: () => Uint8Array | null): Uint8Array | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof SpinbackError && error.code === 'DAMAGED') return null;
    throw error;
  }
}

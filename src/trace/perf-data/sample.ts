import { ByteReader } from '../../base/byte-reader.ts';
import type { SampleId, SampleLayout, SampleTables } from '../../model/samples.ts';

/** One sample that somebody went back to. */
export interface Sample {
  readonly layout: SampleLayout;
  /** Addresses of the callers, innermost first; marks between contexts are left out. */
  readonly callchain: readonly bigint[];
  /** The tracepoint's record, null where the sample has none. */
  readonly raw: Uint8Array | null;
}

/** Values from here on are marks: PERF_CONTEXT_KERNEL, PERF_CONTEXT_USER ... (enum perf_callchain_context). */
const FIRST_MARK = 0xffff_ffff_ffff_f001n;

/** enum perf_event_read_format */
const READ = { enabled: 1, running: 2, id: 4, group: 8, lost: 16 } as const;

/** The events of a file by their ids. */
export class SampleEvents {
  readonly #ids: ReadonlyMap<bigint, SampleId>;
  readonly #tables: Omit<SampleTables, 'depth'>;

  constructor(tables: Omit<SampleTables, 'depth'>) {
    this.#tables = tables;
    this.#ids = new Map(tables.ids.map((id) => [id.id, id]));
  }

  /** The CPU that an id was opened on, null where it follows a task or is not known. */
  cpuOf(id: bigint): number | null {
    return this.#ids.get(id)?.cpu ?? null;
  }

  /** How the records of an id are laid out, null where nobody knows. */
  layoutOf(id: bigint | null): SampleLayout | null {
    const known = id === null ? undefined : this.#ids.get(id);
    const index = known?.layout ?? this.#tables.fallback;
    return index === null ? null : (this.#tables.layouts[index] ?? null);
  }

  /** Reads a sample, header included. Throws DAMAGED where it does not fit; null: nobody knows how it is laid out. */
  read(bytes: Uint8Array): Sample | null {
    const reader = new ByteReader(bytes, !this.#tables.bigEndian);
    const { idAt } = this.#tables;
    const layout = this.layoutOf(idAt === null ? null : reader.uintAt(idAt, 8));
    if (!layout) return null;
    skipToCallchain(reader, layout);
    const callchain = layout.hasCallchain ? readCallchain(reader) : [];
    return { layout, callchain, raw: layout.hasRaw ? takeRaw(reader) : null };
  }
}

/** The raw record of a sample that is laid out like this, null for one without. Throws DAMAGED where it does not fit. */
export function rawOf(bytes: Uint8Array, layout: SampleLayout): Uint8Array | null {
  if (!layout.hasRaw) return null;
  const reader = new ByteReader(bytes);
  skipToCallchain(reader, layout);
  if (layout.hasCallchain) reader.take(8 * reader.size64('the number of callers'), 'callers');
  return takeRaw(reader);
}

function skipToCallchain(reader: ByteReader, { restAt, readFormat }: SampleLayout): void {
  reader.position = restAt;
  if (readFormat !== null) skipRead(reader, readFormat);
}

function takeRaw(reader: ByteReader): Uint8Array {
  return reader.take(reader.u32('the size of a raw record'), 'a raw record');
}

function skipRead(reader: ByteReader, format: number): void {
  const words = (...bits: number[]): number => bits.filter((bit) => format & bit).length;
  const times = 8 * words(READ.enabled, READ.running);
  const value = 8 * (1 + words(READ.id, READ.lost));
  const values = format & READ.group ? reader.size64('the number of values') : 1;
  reader.take(times + values * value, 'read values');
}

function readCallchain(reader: ByteReader): bigint[] {
  const count = reader.size64('the number of callers');
  reader.need(8 * count, 'callers');
  return Array.from({ length: count }, () => reader.u64()).filter((address) => address < FIRST_MARK);
}

import { SpinbackError } from '../../base/errors.ts';
import type { ByteSource } from '../../io/source.ts';
import type { DecodeRow } from '../../mapping/decode-row.ts';
import { describeRecord } from '../../mapping/describe.ts';
import { readFields } from '../../mapping/fields.ts';
import type { Names } from '../../mapping/printf.ts';
import type { EventPlace } from '../../model/event.ts';
import type { Capture, Clock, Damage, EventRecord, EventType } from '../capture.ts';
import type { Contents } from './contents.ts';
import type { DatDamageLog } from './damage.ts';
import type { FormatIndex } from './formats.ts';
import { Kallsyms } from './kallsyms.ts';
import type { DatLane } from './lane.ts';
import { Cmdlines, PrintkFormats, type Load } from './names.ts';

export interface DatFacts {
  readonly format: string;
  readonly clock: Clock;
  readonly kernel: string | null;
  readonly contents: Contents;
  readonly rows: readonly DecodeRow[];
  readonly lanes: readonly DatLane[];
}

/** An opened trace.dat. */
export class DatCapture implements Capture {
  readonly path: string;
  readonly format: string;
  readonly clock: Clock;
  readonly kernel: string | null;
  readonly cpuCount: number | null;
  readonly rows: readonly DecodeRow[];
  readonly lanes: readonly DatLane[];
  readonly #source: ByteSource;
  readonly #log: DatDamageLog;
  readonly #formats: FormatIndex;
  readonly #kallsyms: Kallsyms;
  readonly #cmdlines: Cmdlines;
  readonly #names: Names;
  #types: readonly EventType[] | null = null;

  constructor(source: ByteSource, log: DatDamageLog, facts: DatFacts) {
    const { contents } = facts;
    this.path = source.name;
    this.format = facts.format;
    this.clock = facts.clock;
    this.kernel = facts.kernel;
    this.cpuCount = contents.cpuCount;
    this.rows = facts.rows;
    this.lanes = facts.lanes;
    this.#source = source;
    this.#log = log;
    this.#formats = contents.formats;
    this.#kallsyms = new Kallsyms(this.#tolerant(contents.kallsyms));
    this.#cmdlines = new Cmdlines(this.#tolerant(contents.cmdlines));
    const printkFormats = new PrintkFormats(this.#tolerant(contents.printkFormats));
    this.#names = {
      symbol: (address) => this.#kallsyms.symbol(address),
      address: (symbol) => this.#kallsyms.address(symbol),
      text: (address) => printkFormats.text(address),
      longSize: contents.headerPage.commitSize,
    };
  }

  get types(): readonly EventType[] {
    return (this.#types ??= this.#formats.types);
  }

  damage(): readonly Damage[] {
    return this.#log.list();
  }

  comm(pid: number): string | null {
    return this.#cmdlines.comm(pid);
  }

  symbol(address: bigint): string | null {
    return this.#kallsyms.symbol(address);
  }

  /** A place's offset counts bytes of the lane's pages and points to the record's common_type field. */
  record({ lane, offset }: EventPlace): EventRecord | null {
    const record = this.lanes[lane]?.record(offset);
    if (!record || record.byteLength < 2) return null;
    const id = record[0]! | (record[1]! << 8);
    const type = this.#formats.type(id) ?? { id, system: '', name: `type-${id}` };
    const format = this.#formats.format(id);
    if (format === null) return { type, fields: [], text: '' };
    const names = this.#names;
    return {
      type,
      // Whoever asks for one of them seldom wants the other.
      get fields() {
        return readFields(format, record);
      },
      get text() {
        return describeRecord(format, record, names);
      },
    };
  }

  progress(): { readonly done: number; readonly total: number } {
    let [done, total] = [0, 0];
    for (const { bytes } of this.lanes) {
      done += bytes.consumed;
      total += bytes.stored;
    }
    return { done, total };
  }

  close(): void {
    this.#source.close();
  }

  /** Names that cannot be loaded are missing, not fatal. */
  #tolerant(load: Load): Load {
    return () => {
      try {
        return load();
      } catch (error) {
        if (!(error instanceof SpinbackError && error.code === 'DAMAGED')) throw error;
        this.#log.add('names-damaged', error.offset, error.message);
        return new Uint8Array(0);
      }
    };
  }
}

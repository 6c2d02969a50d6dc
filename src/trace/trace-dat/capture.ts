import type { ByteSource } from '../../io/source.ts';
import type { DecodeRow } from '../../mapping/decode-row.ts';
import type { EventPlace } from '../../model/event.ts';
import type { Capture, Clock, Damage, EventRecord, EventType, Keepsake } from '../capture.ts';
import type { Contents } from './contents.ts';
import type { DatDamageLog } from './damage.ts';
import type { FormatIndex } from './formats.ts';
import type { DatLane } from './lane.ts';
import { tolerant, type Load } from './names.ts';
import { Teller } from './teller.ts';

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
  readonly bigEndian: boolean;
  readonly #source: ByteSource;
  readonly #log: DatDamageLog;
  readonly #formats: FormatIndex;
  readonly #keepsake: Pick<Keepsake, 'longSize' | 'bigEndian' | 'tables'>;
  readonly #teller: Teller;
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
    const tables = {
      kallsyms: this.#tolerant(contents.kallsyms),
      cmdlines: this.#tolerant(contents.cmdlines),
      'printk-formats': this.#tolerant(contents.printkFormats),
    };
    const { commitSize: longSize, bigEndian } = contents.headerPage;
    this.bigEndian = bigEndian;
    this.#keepsake = { longSize, bigEndian, tables };
    this.#teller = new Teller(this.#formats, { longSize, bigEndian }, tables);
  }

  get types(): readonly EventType[] {
    return (this.#types ??= this.#formats.types);
  }

  damage(): readonly Damage[] {
    return this.#log.list();
  }

  readNames(): void {
    for (const load of Object.values(this.#keepsake.tables!)) load();
  }

  comm(pid: number): string | null {
    return this.#teller.comm(pid);
  }

  symbol(address: bigint): string | null {
    return this.#teller.symbol(address);
  }

  /** A place's offset counts bytes of the lane's pages and points to the record's common_type field. */
  record({ lane, offset }: EventPlace): EventRecord | null {
    const record = this.lanes[lane]?.record(offset);
    return record ? this.#teller.tell(record) : null;
  }

  keepsake(): Keepsake {
    return { ...this.#keepsake, formats: this.#formats.texts(), text: null, samples: null };
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
    return tolerant(load, (offset, why) => this.#log.add('names-damaged', offset, why));
  }
}

import type { ByteSource } from '../../io/source.ts';
import type { DecodeRow } from '../../mapping/decode-row.ts';
import type { EventPlace } from '../../model/event.ts';
import * as P from '../../model/perf-records.ts';
import type { SampleStream, SampleTables, ScanItem, ScanSamples } from '../../model/samples.ts';
import type {
  Anchor,
  Capture,
  CaptureLoss,
  Clock,
  Damage,
  EventRecord,
  EventType,
  Keepsake,
} from '../capture.ts';
import { tolerant, type Load } from '../trace-dat/names.ts';
import { Teller } from '../trace-dat/teller.ts';
import { TaskNames } from './comms.ts';
import type { PerfDamageLog } from './damage.ts';
import { PerfLane, readRecord } from './lane.ts';
import { Losses } from './losses.ts';
import { Lanes } from './pieces.ts';
import { SampleEvents } from './sample.ts';
import { SampleTeller } from './teller.ts';
import type { TracingData } from './tracing-data.ts';

/** Damage that samples are missing for. */
const DAMAGED: ReadonlySet<string> = new Set(['damaged-records', 'damaged-compression']);
const ANYWHERE: CaptureLoss = { cpu: null, count: null };

export interface PerfFacts {
  readonly format: string;
  readonly clock: Clock;
  readonly kernel: string | null;
  readonly cpuCount: number | null;
  readonly rows: readonly DecodeRow[];
  readonly tables: Omit<SampleTables, 'depth'>;
  readonly tracing: TracingData;
  /** Names of the types that no tracepoint format describes. */
  readonly otherTypes: readonly EventType[];
  readonly anchor: Anchor | null;
  /** Events were sampled, not all taken. */
  readonly isSampled: boolean;
  readonly isCut: boolean;
}

/** The stream of records, and where it begins in the file; null for one that was unpacked, whose offsets mean nothing to a user. */
export interface PerfStream extends SampleStream {
  readonly base: number | null;
  close(): void;
}

/**
 * perf record stops by disabling one event after the other on each CPU (evlist__disable(), tools/perf/util/evlist.c, Linux 6.1):
 * for four events that took half a millisecond on our emulated machine, so a release may be recorded and its take no more.
 */
const STOPPING_NS = 10e6;

/** An opened perf.data. */
export class PerfCapture implements Capture {
  readonly path: string;
  readonly format: string;
  readonly clock: Clock;
  readonly kernel: string | null;
  readonly cpuCount: number | null;
  readonly partialTailNs = STOPPING_NS;
  readonly rows: readonly DecodeRow[];
  readonly bigEndian: boolean;
  readonly #source: ByteSource;
  readonly #stream: PerfStream;
  readonly #log: PerfDamageLog;
  readonly #facts: PerfFacts;
  readonly #losses: Losses;
  readonly #tasks = new TaskNames();
  readonly #tables: NonNullable<Keepsake['tables']>;
  readonly #teller: SampleTeller;
  #lanes: readonly PerfLane[] = [];
  #depth = 0;
  /** Bytes that arrange() is done with. */
  #ordered = 0;
  #isCut: boolean;
  #types: readonly EventType[] | null = null;

  constructor(source: ByteSource, stream: PerfStream, log: PerfDamageLog, facts: PerfFacts) {
    const { tracing, anchor } = facts;
    this.path = source.name;
    this.format = facts.format;
    this.clock = facts.clock;
    this.kernel = facts.kernel;
    this.cpuCount = facts.cpuCount;
    this.rows = facts.rows;
    this.bigEndian = facts.tables.bigEndian ?? false;
    this.#source = source;
    this.#stream = stream;
    this.#log = log;
    this.#facts = facts;
    this.#isCut = facts.isCut;
    const events = new SampleEvents(facts.tables);
    this.#losses = new Losses(events, log);
    this.#tables = {
      kallsyms: this.#tolerant(tracing.kallsyms),
      cmdlines: this.#tolerant(tracing.cmdlines),
      'printk-formats': this.#tolerant(tracing.printkFormats),
    };
    const teller = new Teller(
      tracing.formats,
      { longSize: tracing.longSize, bigEndian: this.bigEndian },
      this.#tables,
      anchor,
    );
    this.#teller = new SampleTeller(events, teller, facts.otherTypes);
  }

  get types(): readonly EventType[] {
    return (this.#types ??= [...this.#facts.tracing.formats.types, ...this.#facts.otherTypes]);
  }

  get lanes(): readonly PerfLane[] {
    return this.#lanes;
  }

  get samples(): SampleTables {
    return { ...this.#facts.tables, depth: this.#depth };
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  arrange(scan: ScanSamples): void {
    const lanes = new Lanes();
    const totals = scan(this.#stream, this.samples, (item) => this.#take(item, lanes));
    this.#lanes = lanes.lists.map((list) => new PerfLane(this.#stream, list, !this.bigEndian));
    // Tracing itself disables preemption before Linux calls a tracepoint, and perf counts that in: then no record has a depth of 0.
    this.#depth = totals.lowestDepth === null ? 0 : Math.min(1, totals.lowestDepth);
    if (totals.unknown > 0n) this.#log.add('unknown-ids', undefined, '', Number(totals.unknown));
    const misfits = lanes.disordered + lanes.dropped;
    if (misfits > 0) this.#log.add('disordered', this.#offset(lanes.firstMisfit ?? 0), '', misfits);
  }

  #take(item: ScanItem, lanes: Lanes): void {
    this.#ordered = Math.max(this.#ordered, item.at + item.size);
    switch (item.is) {
      case 'piece':
        return lanes.add(item.at, item.size, item.first, item.last);
      case 'damage':
        return this.#log.add('damaged-records', this.#offset(item.at), `${item.size} bytes`);
      case 'cut':
        this.#isCut = true;
        return this.#log.add('truncated', this.#offset(item.at));
      case 'note':
        return this.#note(item);
    }
  }

  #note({ type, at, size }: Extract<ScanItem, { is: 'note' }>): void {
    const record = readRecord(this.#stream, at, size, !this.bigEndian);
    if (record.length < size) return;
    if (type === P.COMM || type === P.FORK) this.#tasks.add(type, record);
    else this.#losses.add(type, record, this.#offset(at));
  }

  #offset(at: number): number | undefined {
    return this.#stream.base === null ? undefined : this.#stream.base + at;
  }

  damage(): readonly Damage[] {
    return this.#log.list();
  }

  losses(): readonly CaptureLoss[] {
    // What was damaged may have been of any CPU, at any time.
    const isAnywhere = this.#facts.isSampled || this.#log.list().some(({ name }) => DAMAGED.has(name));
    return [...(isAnywhere ? [ANYWHERE] : []), ...this.#losses.list()];
  }

  readNames(): void {
    for (const load of Object.values(this.#tables)) load();
  }

  comm(pid: number): string | null {
    return this.#tasks.comm(pid) ?? this.#teller.comm(pid);
  }

  symbol(address: bigint): string | null {
    return this.#teller.symbol(address);
  }

  /** A place's offset counts bytes of the lane's pieces, and points into the sample. */
  record({ lane, offset }: EventPlace): EventRecord | null {
    const found = this.#lanes[lane]?.sample(offset);
    return found ? this.#teller.tell(found.bytes) : null;
  }

  keepsake(): Keepsake {
    const { tracing, anchor } = this.#facts;
    return {
      longSize: tracing.longSize,
      bigEndian: this.bigEndian,
      formats: tracing.formats.texts(),
      tables: this.#tables,
      text: null,
      samples: {
        tables: this.samples,
        anchor,
        tasks: this.#tasks.all(),
        sample: ({ lane, offset }) => this.#lanes[lane]?.sample(offset)?.bytes ?? null,
      },
    };
  }

  /** Each byte counts twice: when it is put in order, and when it is delivered. */
  progress(): { readonly done: number; readonly total: number } {
    const delivered = this.#lanes.reduce((sum, lane) => sum + lane.delivered, 0);
    return { done: this.#ordered + delivered, total: 2 * this.#stream.size };
  }

  close(): void {
    this.#stream.close();
    this.#source.close();
  }

  /** Names that cannot be loaded are missing, not fatal. */
  #tolerant(load: Load): Load {
    return tolerant(load, (offset, why) => this.#log.add('names-damaged', offset, why));
  }
}

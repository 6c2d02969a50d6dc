import { SpinbackError } from '../../base/errors.ts';
import type { ByteSource } from '../../io/source.ts';
import type { DecodeRow } from '../../mapping/decode-row.ts';
import { describeRecord } from '../../mapping/describe.ts';
import { readFields } from '../../mapping/fields.ts';
import type { Names } from '../../mapping/printf.ts';
import type { EventPlace } from '../../model/event.ts';
import * as P from '../../model/perf-records.ts';
import type { SampleStream, SampleTables, ScanItem, ScanSamples } from '../../model/samples.ts';
import type { Capture, CaptureLoss, Clock, Damage, EventRecord, EventType } from '../capture.ts';
import { withCallers } from '../callers.ts';
import { Kallsyms } from '../trace-dat/kallsyms.ts';
import { Cmdlines, PrintkFormats, type Load } from '../trace-dat/names.ts';
import { typeOfRecord } from '../trace-dat/teller.ts';
import { TaskNames } from './comms.ts';
import type { PerfDamageLog } from './damage.ts';
import { PerfLane, readRecord } from './lane.ts';
import { Losses } from './losses.ts';
import type { Anchor } from './metadata.ts';
import { Lanes } from './pieces.ts';
import { SampleEvents } from './sample.ts';
import type { TracingData } from './tracing-data.ts';

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
  readonly #events: SampleEvents;
  readonly #losses: Losses;
  readonly #tasks = new TaskNames();
  readonly #kallsyms: Kallsyms;
  readonly #cmdlines: Cmdlines;
  readonly #names: Names;
  #lanes: readonly PerfLane[] = [];
  #depth = 0;
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
    this.#events = new SampleEvents(facts.tables);
    this.#losses = new Losses(this.#events, log);
    this.#kallsyms = new Kallsyms(this.#tolerant(tracing.kallsyms));
    this.#cmdlines = new Cmdlines(this.#tolerant(tracing.cmdlines));
    const printkFormats = new PrintkFormats(this.#tolerant(tracing.printkFormats));
    this.#names = {
      symbol: (address) => this.symbol(address),
      address: (symbol) =>
        this.#kallsyms.address(symbol) ?? (anchor?.name === symbol ? anchor.address : null),
      text: (address) => printkFormats.text(address),
      longSize: tracing.longSize,
      bigEndian: this.bigEndian,
    };
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
    const sampled: readonly CaptureLoss[] = this.#facts.isSampled ? [{ cpu: null, count: null }] : [];
    return [...sampled, ...this.#losses.list()];
  }

  comm(pid: number): string | null {
    return this.#tasks.comm(pid) ?? this.#cmdlines.comm(pid);
  }

  symbol(address: bigint): string | null {
    return this.#kallsyms.symbol(address);
  }

  /** A place's offset counts bytes of the lane's pieces, and points into the sample. */
  record({ lane, offset }: EventPlace): EventRecord | null {
    const found = this.#lanes[lane]?.sample(offset);
    if (!found) return null;
    try {
      return this.#describe(found.bytes, this.#offset(found.at));
    } catch (error) {
      if (error instanceof SpinbackError && error.code === 'DAMAGED') return null;
      throw error;
    }
  }

  #describe(bytes: Uint8Array, offset: number | undefined): EventRecord | null {
    const sample = this.#events.read(bytes, offset);
    if (!sample) return null;
    const { raw, callchain } = sample;
    const id = raw ? typeOfRecord(raw, this.bigEndian) : sample.layout.type;
    const { formats } = this.#facts.tracing;
    const known = formats.type(id) ?? this.#facts.otherTypes.find((type) => type.id === id);
    const format = raw ? formats.format(id) : null;
    const callers = callchain.map((address) => this.symbol(address) ?? `0x${address.toString(16)}`);
    return {
      type: known ?? { id, system: '', name: `type-${id}` },
      fields: format ? readFields(format, raw!, this.bigEndian) : [],
      text: withCallers(format ? describeRecord(format, raw!, this.#names) : '', callers),
      callers,
    };
  }

  progress(): { readonly done: number; readonly total: number } {
    let [done, total] = [0, 0];
    for (const lane of this.#lanes) {
      done += lane.delivered;
      total += lane.size;
    }
    return { done, total };
  }

  close(): void {
    this.#stream.close();
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

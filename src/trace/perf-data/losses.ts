import { ByteReader } from '../../base/byte-reader.ts';
import * as P from '../../model/perf-records.ts';
import type { CaptureLoss } from '../capture.ts';
import type { PerfDamageLog } from './damage.ts';
import type { SampleEvents } from './sample.ts';

/** Of an event filtered out by a BPF program at the user's own wish (PERF_RECORD_MISC_LOST_SAMPLES_BPF): not a loss. */
const FILTERED = 1 << 15;
const MISC_AT = 4;
const HEADER = 8;

/** Counts what the kernel says that it lost. CPU null: it does not say where. */
export class Losses {
  /** Events lost at a known place (LOST), and in all (LOST_SAMPLES), by CPU. */
  readonly #placed = new Map<number | null, bigint>();
  readonly #total = new Map<number | null, bigint>();
  /** LOST records without a time: the engine cannot place them either. */
  #unplaced = 0n;
  readonly #throttled = new Set<number | null>();
  readonly #events: SampleEvents;
  readonly #log: PerfDamageLog;

  constructor(events: SampleEvents, log: PerfDamageLog) {
    this.#events = events;
    this.#log = log;
  }

  /** A LOST, LOST_SAMPLES, THROTTLE or UNTHROTTLE record; `offset` in the file, where there is one. */
  add(type: number, record: ByteReader, offset: number | undefined): void {
    record.position = MISC_AT;
    const misc = record.u16();
    record.position = HEADER;
    if (type === P.LOST && record.remaining >= 16) {
      const id = record.u64();
      const lost = record.u64();
      const { cpu, time } = this.#where(record, id, 16);
      add(this.#placed, cpu, lost);
      if (time === null) this.#unplaced += lost;
      this.#log.add('lost', offset, '', Number(lost));
    } else if (type === P.LOST_SAMPLES && record.remaining >= 8 && !(misc & FILTERED)) {
      const lost = record.u64();
      // The record has no id of its own; the recorder writes it behind (PERF_SAMPLE_IDENTIFIER), and no CPU and time.
      const id = record.remaining >= 8 ? record.uintAt(record.length - 8, 8) : 0n;
      add(this.#total, this.#where(record, id, 8).cpu, lost);
      if (lost > 0n) this.#log.add('lost-samples', offset, '', Number(lost));
    } else if (type === P.THROTTLE && record.remaining >= 24) {
      record.position += 8;
      this.#throttled.add(this.#where(record, record.u64(), 24).cpu);
      this.#log.add('throttled', offset);
    }
  }

  /** Losses that the engine does not meet at their place among the events. */
  list(): CaptureLoss[] {
    const losses: CaptureLoss[] = [];
    for (const [cpu, total] of this.#total) {
      const more = total - (this.#placed.get(cpu) ?? 0n);
      if (more > 0n) losses.push({ cpu, count: Number(more) });
    }
    if (this.#unplaced > 0n) losses.push({ cpu: null, count: Number(this.#unplaced) });
    for (const cpu of this.#throttled) losses.push({ cpu, count: null });
    return losses;
  }

  /** CPU and time of the record, from its end where it has one, otherwise the CPU by its id. */
  #where(record: ByteReader, id: bigint, body: number): { cpu: number | null; time: bigint | null } {
    const layout = this.#events.layoutOf(id);
    const room = record.length - HEADER - body;
    const back = (place: number | null | undefined): number | null =>
      place !== null && place !== undefined && place <= room ? record.length - place : null;
    const [timeAt, cpuAt] = [back(layout?.trailerTime), back(layout?.trailerCpu)];
    const time = timeAt === null ? null : record.uintAt(timeAt, 8);
    const cpu = cpuAt === null || time === 0n ? this.#events.cpuOf(id) : Number(record.uintAt(cpuAt, 4));
    return { cpu, time: time === 0n ? null : time };
  }
}

function add(sums: Map<number | null, bigint>, cpu: number | null, count: bigint): void {
  sums.set(cpu, (sums.get(cpu) ?? 0n) + count);
}

import { FLAGS, KINDS, type KindName } from '../src/model/event.ts';
import { EVENT_RECORD_SIZE, namespaceFlags, writeEvent } from '../src/model/event-record.ts';

const WHOLE_LOCK = 0xff;
const BIT = 4;
const FIRST_TIME = 1_000_000_000n;
const STEP_NS = 100n;

/** Writes canonical records, one lane per CPU, in one order of time over all of them. */
export class RecordStreams {
  readonly #lanes: { bytes: Uint8Array; view: DataView; used: number; pid: number }[];
  #time = FIRST_TIME;
  events = 0;
  lockEventsOnly = true;

  /** Room for about `events` records to begin with; lanes grow as they need. */
  constructor(cpus: number, events: number) {
    this.#lanes = Array.from({ length: cpus }, (_, cpu) => {
      const bytes = new Uint8Array(Math.ceil((events / cpus) * 1.1 + 64) * EVENT_RECORD_SIZE);
      return { bytes, view: new DataView(bytes.buffer), used: 0, pid: 100 + cpu };
    });
  }

  /** One event of the task that runs on `cpu`. */
  add(cpu: number, kind: KindName, namespace?: 'lockdep' | 'word', address = 0n, value = 0n): void {
    const lane = this.#lanes[cpu]!;
    if (lane.used === lane.bytes.length) {
      const larger = new Uint8Array(2 * lane.bytes.length);
      larger.set(lane.bytes);
      lane.bytes = larger;
      lane.view = new DataView(larger.buffer);
    }
    const number = KINDS.indexOf(kind);
    writeEvent(lane.view, lane.used, {
      time: this.#time,
      address,
      value,
      kind: number,
      bit: namespace === 'word' ? BIT : WHOLE_LOCK,
      cpu,
      pid: lane.pid,
      flags: namespace ? namespaceFlags(namespace) | FLAGS['preempt-off'] : 0,
      type: number % 16,
    });
    lane.used += EVENT_RECORD_SIZE;
    this.#time += STEP_NS;
    this.events++;
    this.lockEventsOnly &&= namespace === 'lockdep';
  }

  /** The CPU's task gives way to task number `next` of that CPU. */
  switchTask(cpu: number, next: number): void {
    const lane = this.#lanes[cpu]!;
    const pid = 1000 + cpu * 64 + next;
    this.add(cpu, 'switch', undefined, 0n, BigInt(lane.pid) | (BigInt(pid) << 32n));
    lane.pid = pid;
  }

  bytesOf(cpu: number): number {
    return this.#lanes[cpu]!.used;
  }

  lanes(): { readonly cpu: number; readonly bytes: Uint8Array }[] {
    return this.#lanes.map(({ bytes, used }, cpu) => ({ cpu, bytes: bytes.subarray(0, used) }));
  }
}

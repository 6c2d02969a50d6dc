import type { KernelMessage, LostSpan, Pause, RingFindings } from '../model/case.ts';
import { RING } from '../model/engine-numbers.ts';
import type { Mark, RingRecord } from '../model/state.ts';
import { readMessage } from './kernel-messages.ts';

const KEPT_PER_KIND = 1000;
const KEPT_MESSAGES = 256;
const KEPT_LOST = 4096;
const MESSAGES_READ = 200_000;

/** Takes the kernel's messages in order of time. */
export interface MessageLog {
  add(mark: Mark): void;
}

/** Records of one kind: the longest ones are kept, the others counted. */
class Longest {
  #records: RingRecord[] = [];
  #dropped = 0;
  readonly #length: (record: RingRecord) => number;

  constructor(length: (record: RingRecord) => number) {
    this.#length = length;
  }

  add(record: RingRecord): void {
    this.#records.push(record);
    if (this.#records.length < 2 * KEPT_PER_KIND) return;
    this.#trim();
  }

  #trim(): void {
    if (this.#records.length <= KEPT_PER_KIND) return;
    this.#records.sort((a, b) => this.#length(b) - this.#length(a));
    this.#dropped += this.#records.length - KEPT_PER_KIND;
    this.#records.length = KEPT_PER_KIND;
  }

  /** What was kept in order of time, and how many were not. */
  take(): { readonly records: RingRecord[]; readonly dropped: number } {
    this.#trim();
    const records = this.#records.toSorted((a, b) =>
      (a.marks[0]?.time ?? 0n) < (b.marks[0]?.time ?? 0n) ? -1 : 1,
    );
    return { records, dropped: this.#dropped };
  }
}

/** The time between two marks of a record. */
function span(from: number, to: number): (record: RingRecord) => number {
  return ({ marks }) => Number((marks[to]?.time ?? 0n) - (marks[from]?.time ?? 0n));
}

/** Collects the finding ring's records within bounds, however many there are. */
export class RingCollector {
  // The marks between which a record of the kind spans its time (assembly/layout.ts, RECORD_IS_*).
  readonly #kinds = new Map<number, Longest>([
    [RING.wait, new Longest(span(0, 2))],
    [RING.irqOff, new Longest(span(0, 1))],
    [RING.flagsOff, new Longest(span(1, 2))],
    [RING.gap, new Longest(span(0, 1))],
    [RING.lostUpdate, new Longest(span(2, 5))],
    [RING.doubleRelease, new Longest(span(0, 2))],
    [RING.foreignRelease, new Longest(span(0, 1))],
  ]);
  readonly #pauses = new Longest((record) => Number(record.marks[0]!.time - record.extra));
  readonly #lost: LostSpan[] = [];
  #lostDropped = 0;
  readonly #messages: KernelMessage[] = [];
  #messagesSeen = 0;
  readonly #textOf: (mark: Mark) => string;
  readonly #log: MessageLog | undefined;

  /**
   * @param textOf the message that a mark's record carries
   * @param log who wants all messages
   */
  constructor(textOf: (mark: Mark) => string, log?: MessageLog) {
    this.#textOf = textOf;
    this.#log = log;
  }

  add(records: readonly RingRecord[]): void {
    for (const record of records) {
      if (record.kind === RING.pause) this.#pauses.add(record);
      else if (record.kind === RING.message) this.#addMessage(record.marks[0]!);
      else if (record.kind === RING.lost) this.#addLost(record);
      else this.#kinds.get(record.kind)?.add(record);
    }
  }

  #addMessage(mark: Mark): void {
    this.#log?.add(mark);
    // Reading a message means going back to its record: a console that prints for ever must not stall the replay.
    if (++this.#messagesSeen > MESSAGES_READ || this.#messages.length >= KEPT_MESSAGES) return;
    const text = this.#textOf(mark).trim();
    const read = readMessage(text);
    if (read) this.#messages.push({ mark, text, ...read });
  }

  #addLost({ cpu, extra, marks }: RingRecord): void {
    if (this.#lost.length >= KEPT_LOST) {
      this.#lostDropped++;
      return;
    }
    this.#lost.push({ cpu, from: marks[0]?.time ?? null, to: marks[1]!.time, count: extra });
  }

  take(): RingFindings {
    const suppressed: Record<string, number> = {};
    const kept = (kind: number, name: string): RingRecord[] => {
      const { records, dropped } = this.#kinds.get(kind)!.take();
      if (dropped) suppressed[name] = dropped;
      return records;
    };
    if (this.#lostDropped) suppressed['lost'] = this.#lostDropped;
    if (this.#messagesSeen > MESSAGES_READ) suppressed['messages'] = this.#messagesSeen - MESSAGES_READ;
    return {
      waits: kept(RING.wait, 'irq-off-spin'),
      irqOff: kept(RING.irqOff, 'irq-off'),
      flagsOff: kept(RING.flagsOff, 'irq-off by flags'),
      gaps: kept(RING.gap, 'silent-cpu'),
      lostUpdates: kept(RING.lostUpdate, 'lost-update'),
      doubleReleases: kept(RING.doubleRelease, 'double-release'),
      foreignReleases: kept(RING.foreignRelease, 'foreign-release'),
      lost: this.#lost,
      pauses: this.#pauses
        .take()
        .records.map(({ extra, marks: [first] }): Pause => ({ from: extra, to: first!.time, first: first! })),
      messages: this.#messages,
      suppressed,
    };
  }
}

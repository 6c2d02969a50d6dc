import * as L from '../../assembly/layout.ts';
import { otherRow } from '../../src/mapping/decode-row.ts';
import { namespaceFlags } from '../../src/model/event-record.ts';
import type { CanonicalEvent } from '../../src/model/event.ts';
import type { Finding, Report } from '../../src/model/report.ts';
import { analyzeCapture, type AnalyzeOptions } from '../../src/session/session.ts';
import type { Capture, EventRecord, Lane } from '../../src/trace/capture.ts';
import { recordsOf } from '../property/event-streams.ts';

const MS = 1e6;
const WORD = namespaceFlags('word');
const LOCKDEP = namespaceFlags('lockdep');
const EVENT = { id: 1, system: 'test', name: 'event' };

export const ATOMIC = L.FLAG_PREEMPT_OFF;
export const IRQS_OFF = L.FLAG_IRQS_OFF | L.FLAG_PREEMPT_OFF;

/** Who acts, where: the CPU, the pid, and the flags of what it does. */
export interface Who {
  readonly cpu: number;
  readonly pid: number;
  readonly flags?: number;
}

export interface StoryOptions {
  readonly clock?: string;
  /** CPUs whose last events are lost. */
  readonly lostTails?: readonly number[];
  /** The recorder switched its events off one by one in the last so many ms of each CPU. */
  readonly partialTail?: number;
  /** The events of each CPU stand in the order in which they are told, whatever their times. */
  readonly asTold?: boolean;
  readonly unit?: 'ns' | 'cycles';
}

/** A capture made by hand, event by event. Times in milliseconds, whole or not. */
export class Story {
  readonly #events: CanonicalEvent[] = [];
  readonly #texts = new Map<CanonicalEvent, string>();
  readonly #fields = new Map<CanonicalEvent, EventRecord['fields']>();
  readonly #options: StoryOptions;

  constructor(options: StoryOptions = {}) {
    this.#options = options;
  }

  event(ms: number, { cpu, pid, flags = 0 }: Who, kind: number, about: Partial<CanonicalEvent> = {}): this {
    const bare = { address: 0n, value: 0n, bit: L.WHOLE_LOCK, type: EVENT.id };
    this.#events.push({ time: BigInt(Math.round(ms * MS)), kind, cpu, pid, flags, ...bare, ...about });
    return this;
  }

  /** An event of bit lock 4 of a word; `value` is the word. */
  bit(ms: number, who: Who, kind: number, value: bigint, address = 0x1000n): this {
    const flags = (who.flags ?? ATOMIC) | WORD;
    return this.event(ms, { ...who, flags }, kind, { address, value, bit: 4 });
  }

  /** A plain store whose record says what its program had loaded before. */
  store(ms: number, who: Who, value: bigint, old: bigint): this {
    this.bit(ms, who, L.KIND_WORD_STORE, value);
    this.#fields.set(this.#events.at(-1)!, [{ name: 'old', value: old }]);
    return this;
  }

  /** An event of a lock that lockdep knows. */
  map(ms: number, who: Who, kind: number, address = 0x2000n): this {
    return this.event(ms, { ...who, flags: (who.flags ?? ATOMIC) | LOCKDEP }, kind, { address });
  }

  switch(ms: number, cpu: number, from: number, to: number): this {
    const value = BigInt(from) | (BigInt(to) << 32n);
    return this.event(ms, { cpu, pid: from, flags: IRQS_OFF }, L.KIND_SWITCH, { value });
  }

  exit(ms: number, who: Who): this {
    return this.event(ms, who, L.KIND_TASK_EXIT, { value: BigInt(who.pid) });
  }

  lost(ms: number, cpu: number, count = 5): this {
    return this.event(ms, { cpu, pid: -1 }, L.KIND_LOST, { value: BigInt(count) });
  }

  message(ms: number, who: Who, text: string): this {
    this.event(ms, who, L.KIND_MESSAGE);
    this.#texts.set(this.#events.at(-1)!, text);
    return this;
  }

  /** Timer ticks of a CPU that runs `pid`: what a busy CPU shows. */
  ticks(from: number, to: number, who: Who, every = 4): this {
    for (let ms = from; ms < to; ms += every) {
      this.event(ms, { ...who, flags: L.FLAG_HARDIRQ | L.FLAG_IRQS_OFF }, L.KIND_ENTER);
      this.event(ms + 0.01, who, L.KIND_OTHER);
    }
    return this;
  }

  report(options: AnalyzeOptions = {}): Report {
    return analyzeCapture(this.capture(), options);
  }

  /** The findings as "kind cause confidence". */
  findings(options: AnalyzeOptions = {}): string[] {
    return this.report(options).findings.map(sort);
  }

  capture(): Capture {
    const byTime = this.#events.toSorted((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
    const events = this.#options.asTold ? this.#events : byTime;
    const cpus = [...new Set(events.map(({ cpu }) => cpu))].toSorted((a, b) => a - b);
    const perCpu = cpus.map((cpu) => events.filter((event) => event.cpu === cpu));
    const lanes = perCpu.map((own, n) => this.#lane(cpus[n]!, recordsOf(own)));
    const recordOf = (event: CanonicalEvent | undefined): EventRecord | null =>
      event
        ? { type: EVENT, fields: this.#fields.get(event) ?? [], text: this.#texts.get(event) ?? '' }
        : null;
    return {
      path: 'story',
      format: 'made by hand',
      clock: { name: this.#options.clock ?? 'mono', unit: this.#options.unit ?? 'ns' },
      kernel: null,
      cpuCount: cpus.length,
      types: [EVENT],
      rows: [otherRow(0), otherRow(EVENT.id)],
      lanes,
      partialTailNs: (this.#options.partialTail ?? 0) * MS,
      damage: () => [],
      comm: (pid) => `task${pid}`,
      symbol: () => null,
      record: ({ lane, offset }) => recordOf(perCpu[lane]?.[offset / L.EVENT_SIZE]),
      progress: () => ({ done: 0, total: null }),
      close: () => {},
    };
  }

  #lane(cpu: number, bytes: Uint8Array): Lane {
    let at = 0;
    return {
      cpu,
      input: { kind: 'records' },
      clock: { mult: 0, shift: 0, offsetNs: 0n },
      size: bytes.length,
      read: (target) => {
        const room = target.length - (target.length % L.EVENT_SIZE);
        const chunk = bytes.subarray(at, at + room);
        target.set(chunk);
        at += chunk.length;
        return chunk.length;
      },
      lost: null,
      lostTail: this.#options.lostTails?.includes(cpu) ?? false,
    };
  }
}

/** "never-released missing-unlock likely" */
export function sort({ kind, cause, confidence }: Finding): string {
  return `${kind} ${cause} ${confidence}`;
}

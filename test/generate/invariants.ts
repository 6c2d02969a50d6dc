import { E, type TraceEvent } from '../../src/generate/index.ts';
import { hasBit } from '../../src/generate/word64.ts';

const IRQS_OFF = 1;
const NAME_OF_RUN_QUEUE = '&rq->__lock';
const ANNOTATIONS = new Set(['rcu_read_lock', 'fs_reclaim', 'tk_core.seq.seqcount', 'sb_writers']);

interface CpuState {
  lastTime: number;
  irqsOff: boolean | null;
  task: number | null;
}

interface Hold {
  readonly pid: number;
  readonly time: number;
  readonly reading: boolean;
}

/**
 * Watches a stream of events and collects every breach of what a healthy machine cannot do. Written against the
 * events alone: it knows nothing of the simulation.
 */
export class Watcher {
  readonly breaches: string[] = [];
  /** Two owners at once, and for how long, ns: allowed up to the skew of events. */
  longestOverlap = 0;
  /** Waits that ended, and the longest of them, ns. */
  waits = 0;
  readonly #cpus = new Map<number, CpuState>();
  readonly #holds = new Map<number, Hold[]>();
  readonly #reading = new Map<string, boolean>();
  readonly #bits = new Map<string, { pid: number; time: number }[]>();
  readonly #overlaps = new Map<string, number>();
  readonly #runs = new Map<number, number>();
  readonly #contended = new Map<string, number>();
  #lastTime = 0;

  event(event: TraceEvent): void {
    const cpu = this.#cpu(event.cpu);
    if (event.time < this.#lastTime) this.#breach(event, `comes after ${this.#lastTime}`);
    this.#lastTime = event.time;
    cpu.lastTime = event.time;
    this.#context(event, cpu);
    this.#lock(event);
    this.#bitLock(event);
  }

  #cpu(number: number): CpuState {
    let cpu = this.#cpus.get(number);
    if (!cpu) this.#cpus.set(number, (cpu = { lastTime: 0, irqsOff: null, task: null }));
    return cpu;
  }

  #breach(event: TraceEvent, why: string): void {
    this.breaches.push(`${event.time} cpu ${event.cpu} ${event.comm}-${event.pid} ${event.name}: ${why}`);
  }

  /** Interrupts alternate and agree with the flags; switches are continuous; a task runs on one CPU. */
  #context(event: TraceEvent, cpu: CpuState): void {
    const flagged = (event.flags & IRQS_OFF) !== 0;
    if (event.type === E.irqDisable || event.type === E.irqEnable) {
      const off = event.type === E.irqDisable;
      if (cpu.irqsOff === off) this.#breach(event, 'interrupts were so already');
      if (!flagged) this.#breach(event, 'without the flag');
      cpu.irqsOff = off;
    } else if (cpu.irqsOff !== null && cpu.irqsOff !== flagged) {
      this.#breach(event, `flag says irqs off ${flagged}`);
    }
    if ((event.type === E.preemptDisable || event.type === E.preemptEnable) && (event.preempt & 15) !== 1) {
      this.#breach(event, `at depth ${event.preempt}`);
    }
    if (event.type !== E.schedSwitch) return;
    const { a: previous, c: next } = event;
    if (event.pid !== previous) this.#breach(event, `by another task than ${previous}`);
    if (cpu.task !== null && cpu.task !== previous) this.#breach(event, `${cpu.task} was running`);
    cpu.task = next;
    this.#runs.delete(previous);
    if (next === 0) return;
    const elsewhere = this.#runs.get(next);
    if (elsewhere !== undefined) this.#breach(event, `${next} runs on CPU ${elsewhere}`);
    this.#runs.set(next, event.cpu);
  }

  #lock(event: TraceEvent): void {
    const { type, a: map, pid, time } = event;
    if (type > E.lockRelease || ANNOTATIONS.has(event.text)) return;
    const key = `${map} ${pid} ${event.flags & 0x18} ${event.cpu}`;
    if (type === E.lockAcquire) {
      const [trying, reading] = [(event.b & 1) !== 0, (event.b & 2) !== 0];
      this.#reading.set(`${map} ${pid}`, reading);
      if (trying) this.#take(event, { pid, time, reading });
    } else if (type === E.lockContended) {
      this.#contended.set(key, time);
    } else if (type === E.lockAcquired) {
      if (this.#contended.delete(key)) this.waits++;
      this.#take(event, { pid, time, reading: this.#reading.get(`${map} ${pid}`) === true });
    } else {
      const holds = this.#holds.get(map) ?? [];
      const own = holds.findIndex((hold) => hold.pid === pid);
      // Around a switch the next task lets the run queue's lock go a second time.
      if (own < 0 && event.text !== NAME_OF_RUN_QUEUE) this.#breach(event, 'not held');
      if (own >= 0) holds.splice(own, 1);
    }
  }

  #take(event: TraceEvent, hold: Hold): void {
    const holds = this.#holds.get(event.a) ?? [];
    this.#holds.set(event.a, holds);
    if (holds.some((other) => !(other.reading && hold.reading))) {
      this.#breach(event, `held by ${holds[0]!.pid} since ${holds[0]!.time}`);
    }
    holds.push(hold);
  }

  #bitLock(event: TraceEvent): void {
    const { type, a: word, b: bit, d: value, time, pid } = event;
    if (type < E.bitAcquire || type > E.bitRelease) return;
    const key = `${word} ${bit}`;
    const holds = this.#bits.get(key) ?? [];
    this.#bits.set(key, holds);
    if (type === E.bitContended && !hasBit(value, bit)) this.#breach(event, 'the word seen is free');
    if (type === E.bitAcquired) {
      if (!hasBit(value, bit)) this.#breach(event, 'without the bit');
      if (holds.length > 0) this.#overlaps.set(key, time);
      holds.push({ pid, time });
    }
    if (type !== E.bitRelease) return;
    if (hasBit(value, bit)) this.#breach(event, 'with the bit');
    const own = holds.findIndex((hold) => hold.pid === pid);
    if (own < 0) this.#breach(event, 'not held');
    else holds.splice(own, 1);
    const overlap = this.#overlaps.get(key);
    if (overlap === undefined) return;
    this.longestOverlap = Math.max(this.longestOverlap, time - overlap);
    if (holds.length < 2) this.#overlaps.delete(key);
  }
}

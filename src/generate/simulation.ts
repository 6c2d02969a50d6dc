import { SpinbackError } from '../base/errors.ts';
import { Random } from '../base/random.ts';
import { SYSTEMS, TraceEvent, type Sink } from './events.ts';
import type { FaultOrder } from './faults/faults.ts';
import { Stage, type Fault, type Truth } from './faults/stage.ts';
import { LossySink, type Loss, type LossTruth } from './losses.ts';
import { Machine } from './machine/machine.ts';
import { Phrases } from './machine/phrases.ts';
import { address } from './word64.ts';
import type { Mix } from './activities.ts';
import { COMMS, Workload } from './workload.ts';

/** What to simulate. Times in ns. */
export interface SimulationOptions {
  readonly seed: number;
  /** 1 to 512. */
  readonly cpus: number;
  /** Events before losses. Exact where no duration is given, otherwise what the load aims at. */
  readonly events: number;
  /** Length of the trace; null: as short as the number of events allows, or long enough for the faults. */
  readonly durationNs: number | null;
  readonly startNs: number;
  /** Locks of all sorts, up to 4 million. */
  readonly locks: number;
  /** Address of the first lock (word64.ts). */
  readonly slab: number;
  /** Names of tasks. */
  readonly comms: readonly string[];
  /** Name of the block device's interrupts, before the number of its queue. */
  readonly device: string;
  /** Exponent of the distribution of locks: 0 uniform, 1 the usual skew. */
  readonly zipf: number;
  readonly tasksPerCpu: number;
  /** Recorded trace systems ("irq") and events ("irq:softirq_raise"). */
  readonly systems: readonly string[];
  /** How far an event may lie from what it reports; 0: never. */
  readonly skewNs: number;
  /** Share of wakeups that move a task to another CPU. */
  readonly migration: number;
  /** Share of transactions after which a task exits. */
  readonly exits: number;
  readonly mix: Mix;
  /** By lockdep class: its locks are held so many times as long. */
  readonly slow: Readonly<Record<string, number>>;
  /** Every mutex_lock shows contention events (CONFIG_DEBUG_LOCK_ALLOC). */
  readonly debugMutex: boolean;
  readonly faults: readonly FaultOrder[];
  readonly losses: readonly Loss[];
}

export const SIMULATION_DEFAULTS: SimulationOptions = {
  seed: 1,
  cpus: 4,
  events: 100_000,
  durationNs: null,
  startNs: 14_312_000_000,
  locks: 1000,
  slab: address(0xffff8881, 0x90000000),
  comms: COMMS,
  device: 'virtio0-req.',
  zipf: 1,
  tasksPerCpu: 4,
  systems: SYSTEMS,
  skewNs: 400,
  migration: 0.1,
  exits: 1 / 3000,
  mix: {},
  slow: {},
  debugMutex: true,
  faults: [],
  losses: [],
};

export const MAX_CPUS = 512;
export const MAX_LOCKS = 4_000_000;
const MAX_FAULTS = 16;

/** Length of a trace that shows a fault with all its consequences. */
const FAULT_DURATION = 36e9;
/** Where in the trace faults begin unless they say when: a fraction of its length or of its events. */
const FAULT_PLACE = 0.2;
const TICK_NS = 4e6;
const MAX_IDLE_TICK = 1e9;
const DEVICE_NS = 500e3;
/** Events of one tick, and of one device interrupt with what follows from it, roughly. */
const TICK_EVENTS = 16;
const DEVICE_EVENTS = 50;
/** Ticks and device interrupts may each make up this share of a slow trace. */
const SHARE = 0.25;

/** What was simulated. */
export interface SimulationResult {
  /** Of the faults that happened. */
  readonly truths: readonly Truth[];
  /** Faults that were ordered and did not happen: the trace was over. */
  readonly missed: readonly string[];
  readonly losses: readonly LossTruth[];
  /** Every task's name by pid. */
  readonly comms: ReadonlyMap<number, string>;
  /** Events before losses. */
  readonly events: number;
  readonly startNs: number;
  /** Time of the last event. */
  readonly endNs: number;
}

/** A machine with a load and faults, whose events go to `sink`. */
export class Simulation {
  readonly machine: Machine;
  readonly workload: Workload;
  readonly stage: Stage;
  readonly #options: SimulationOptions;
  readonly #recorder: LossySink;
  readonly #faults: { readonly fault: Fault; readonly at: number; begun: boolean }[];
  readonly #endNs: number;

  /** Throws USAGE for options out of range. */
  constructor(options: SimulationOptions, sink: Sink) {
    check(options);
    this.#options = options;
    this.#recorder = new LossySink(sink, options.losses);
    const { cpus, locks, slab, startNs, systems, migration, device, events, durationNs, skewNs } = options;
    const random = new Random(options.seed);
    this.machine = new Machine(
      { cpus, locks, slab, startNs, systems, migration, device },
      random,
      this.#recorder,
    );
    const phrases = new Phrases(random, this.machine.locks, skewNs, options.debugMutex);
    const needsTime = options.faults.some(({ sort }) => sort.needsTime);
    const duration = durationNs ?? (needsTime ? FAULT_DURATION : null);
    this.#endNs = duration === null ? Infinity : startNs + duration;
    const rate = duration === null ? null : events / cpus / (duration / 1e9);
    const slowest = (count: number, least: number): number =>
      rate === null ? least : Math.max(least, (count * 1e9) / (rate * SHARE));
    this.workload = new Workload(this.machine, phrases, {
      mix: options.mix,
      zipf: options.zipf,
      comms: options.comms,
      tasksPerCpu: options.tasksPerCpu,
      startNs,
      rate,
      tickNs: TICK_NS,
      idleTickNs: Math.min(Math.round(slowest(TICK_EVENTS, TICK_NS)), MAX_IDLE_TICK),
      deviceNs: slowest(DEVICE_EVENTS, DEVICE_NS),
      exits: options.exits,
      slow: options.slow,
    });
    this.stage = new Stage(this.machine, this.workload, startNs, this.#endNs, skewNs);
    this.#faults = options.faults.map(({ sort, values }) => ({
      fault: sort.create(this.stage, values),
      at: this.#timeOf(sort.name, values.has('at') ? values.number('at') : null, values),
      begun: false,
    }));
    this.machine.start(this.workload);
    for (const order of this.#faults) {
      if (order.at < Infinity) this.stage.at(order.at, () => this.#begin(order));
    }
  }

  /** When a fault begins; Infinity: when its share of the events is there. */
  #timeOf(name: string, at: number | null, values: FaultOrder['values']): number {
    const { startNs } = this.#options;
    if (at !== null) return startNs + at;
    if (name === 'held-at-end' && this.#endNs < Infinity) return this.#endNs - values.number('before');
    return this.#endNs < Infinity ? startNs + (this.#endNs - startNs) * FAULT_PLACE : Infinity;
  }

  #begin(order: { readonly fault: Fault; begun: boolean }): void {
    if (order.begun) return;
    order.begun = true;
    order.fault.begin();
  }

  /** Is there more to simulate? */
  get more(): boolean {
    const { machine } = this;
    if (this.#endNs < Infinity) return Math.min(machine.nextAt, this.stage.nextAt) <= this.#endNs;
    return machine.recorded < this.#options.events && machine.nextAt < Infinity;
  }

  /** Simulates a little further: none, one or a few events. */
  advance(): void {
    const { machine, stage } = this;
    if (stage.nextAt <= machine.nextAt) {
      stage.runNext();
      return;
    }
    if (this.#endNs === Infinity && machine.recorded >= this.#options.events * FAULT_PLACE) {
      for (const order of this.#faults) this.#begin(order);
    }
    machine.step();
  }

  /** Simulates everything. */
  run(): SimulationResult {
    while (this.more) this.advance();
    return this.finish();
  }

  finish(): SimulationResult {
    this.#recorder.finish();
    const ordered = this.#faults.map(({ fault }) => fault.truth);
    const happened = ({ times }: Truth): boolean => Object.keys(times).length > 0;
    return {
      truths: ordered.filter(happened),
      missed: ordered.filter((truth) => !happened(truth)).map(({ fault }) => fault),
      losses: this.#recorder.truths,
      comms: this.workload.comms,
      events: this.machine.recorded,
      startNs: this.#options.startNs,
      endNs: this.machine.now,
    };
  }
}

function check(options: SimulationOptions): void {
  const limits: readonly (readonly [name: string, value: number, low: number, high: number])[] = [
    ['cpus', options.cpus, 1, MAX_CPUS],
    ['locks', options.locks, 1, MAX_LOCKS],
    ['events', options.events, 1, 1e12],
    ['tasks per CPU', options.tasksPerCpu, 1, 1000],
    ['faults', options.faults.length, 0, MAX_FAULTS],
    ['zipf', options.zipf, 0, 10],
  ];
  for (const [name, value, low, high] of limits) {
    if (value >= low && value <= high) continue;
    throw new SpinbackError('USAGE', `${name} must lie between ${low} and ${high}, not ${value}`);
  }
}

/** Simulates and yields one event at a time; the event object is used again for the next one. */
export function* events(options: SimulationOptions): Generator<TraceEvent, SimulationResult> {
  const queue: TraceEvent[] = [];
  let length = 0;
  const simulation = new Simulation(options, {
    event: (event) => void Object.assign((queue[length++] ??= new TraceEvent()), event),
    lost: () => {},
  });
  while (simulation.more) {
    length = 0;
    simulation.advance();
    for (let i = 0; i < length; i++) yield queue[i]!;
  }
  return simulation.finish();
}

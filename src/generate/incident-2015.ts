import type { FaultOrder, FaultSort } from './faults/faults.ts';
import { staleUpdateSteps, unlockSteps } from './faults/lost-update.ts';
import { Values } from './faults/settings.ts';
import { Fault, type Stage } from './faults/stage.ts';
import { E } from './events.ts';
import { BACKTRACE, REPORT, type LogLine } from './incident-2015-log.ts';
import type { Cpu, Task } from './machine/contexts.ts';
import { BH, Locks } from './machine/locks.ts';
import { ABSOLUTE, OP, type Program } from './machine/program.ts';
import type { Output, Spool } from './output.ts';
import {
  Simulation,
  SIMULATION_DEFAULTS,
  type SimulationOptions,
  type SimulationResult,
} from './simulation.ts';
import { TRACE_DAT_DEFAULTS, TraceDatWriter } from './trace-dat.ts';
import { address } from './word64.ts';

// The hard lockup in ext4_finish_bio of October 2015, as a tracer would have seen it had there been one.
//
//    427138.51 s  another CPU unlocks the word, a plain store of ext4's block mapping puts bit 4 back
//    427138.517553  CPU 23, in a softirq: interrupts off, spins on bit 4          (11.2 s before the report)
//    427149.717151  the report, from CPU 23's own performance counter NMI         (from the log)
//    427160.405277  an NMI backtrace: still there                                 (from the log)

const SECOND = 1e9;
/** What the mail and the crash dump in it say. */
const VICTIM_CPU = 23;
const VICTIM = { pid: 4611, comm: 'kworker/u98:7' };
const WORD = address(0xffff8808, 0x26272138);
const REPORT_NS = REPORT[0]![0] * 1000;
const BACKTRACE_NS = BACKTRACE[0]![0] * 1000;

/** What is invented. */
const CPUS = 48;
const HOLDER_CPU = 7;
const MAPPER_CPU = 31;
const MAPPER = { pid: 20417, comm: 'rsync' };
const HEADER_NS = 427149.717553 * SECOND;
const IRQS_OFF_NS = Math.round(HEADER_NS - 11.2 * SECOND);
const RACE_NS = IRQS_OFF_NS - 7e6;
const START_NS = IRQS_OFF_NS - 2.3 * SECOND;
const END_NS = BACKTRACE_NS + 1.2 * SECOND;
const SEED = 2015;
const LOCKS = 1000;
const EVENTS = 33_000;
const CALL_FUNCTION_SINGLE_VECTOR = 251;
const BLOCK_SOFTIRQ = 4;
const LEAD_NS = 40_000;

/** The number of the lock, and the address of the first lock that puts it where it was. */
const LOCK = new Locks(LOCKS, CPUS, 0).buffer.first + 9;
const SLAB = WORD - new Locks(LOCKS, CPUS, 0).address(LOCK);

class Incident extends Fault {
  constructor(stage: Stage) {
    super(stage, 'ext4-finish-bio-2015', 'never-released', 'lost-unlock');
  }

  begin(): void {
    const { stage } = this;
    const { machine, workload } = stage;
    const [victim, holder, mapperCpu] = [VICTIM_CPU, HOLDER_CPU, MAPPER_CPU].map((cpu) => machine.cpus[cpu]!);
    workload.banned.add(LOCK);
    this.bitLock(LOCK);
    machine.locks.setWord(LOCK, BH.uptodate | BH.mapped | BH.asyncWrite);
    const worker = workload.spawn(victim!, VICTIM.comm, VICTIM.pid);
    const mapper = workload.spawn(mapperCpu!, MAPPER.comm, MAPPER.pid);
    worker.pinned = true;
    mapper.pinned = true;

    // The word's healthy life before.
    for (const [cpu, at] of [[victim!, 0.4] as const, [holder!, 1.1] as const, [victim!, 1.9] as const]) {
      stage.at(START_NS + at * SECOND, () => stage.inSoftirq(cpu, (p) => this.#healthy(p)));
    }
    stage.at(RACE_NS, () => this.#race(holder!, mapperCpu!, mapper));
    stage.at(IRQS_OFF_NS - 3e6, () => this.#interrupt(victim!, worker));
    machine.injectNmi(victim!, REPORT_NS, (p) => fromNmi(stage, p, REPORT));
    machine.injectNmi(victim!, BACKTRACE_NS, (p) => fromNmi(stage, p, BACKTRACE));
    this.truth.times['report'] = String(Math.round(HEADER_NS));
    this.truth.times['backtrace'] = String(BACKTRACE_NS);
  }

  #healthy(p: Program): void {
    const { phrases } = this.stage;
    phrases.finishBio(p, LOCK);
    p.add(OP.pause, 700);
    phrases.finishBioEnd(p, LOCK);
  }

  #race(holder: Cpu, mapperCpu: Cpu, mapper: Task): void {
    const { stage } = this;
    const meeting = stage.machine.meeting(2);
    stage.inSoftirq(holder, (p) => {
      this.actor('holder', holder, holder.task);
      unlockSteps(this, p, meeting, LOCK, 0);
    });
    stage.give(mapper, (p) => {
      this.actor('culprit', mapperCpu, mapper);
      staleUpdateSteps(this, p, meeting, LOCK, () => {});
    });
  }

  /** The worker is in writeback when a function call interrupt brings a bio's completion to its CPU. */
  #interrupt(cpu: Cpu, worker: Task): void {
    const { stage } = this;
    const { phrases, machine } = stage;
    stage.give(worker, (p) => {
      p.add(OP.pause, 300);
      p.add(OP.until, 0, ABSOLUTE, IRQS_OFF_NS + SECOND);
    });
    machine.inject(cpu, IRQS_OFF_NS - LEAD_NS, (p) => {
      this.actor('victim', cpu, cpu.task);
      phrases.irqEntry(p);
      p.add(OP.plain, phrases.gap(), E.callFunctionEntry, CALL_FUNCTION_SINGLE_VECTOR);
      p.add(OP.raise, phrases.gap(), BLOCK_SOFTIRQ);
      p.add(OP.plain, phrases.gap(), E.callFunctionExit, CALL_FUNCTION_SINGLE_VECTOR);
      phrases.irqExit(p);
    });
    cpu.softScript = (p) => {
      p.add(OP.quiet, 0, 1);
      p.add(OP.until, 0, ABSOLUTE, IRQS_OFF_NS);
      const start = p.length;
      phrases.finishBio(p, LOCK);
      p.gap[start] = 0;
      this.noteAt(p, start, 'irqsOff');
      this.noteAt(p, start + 1, 'attempt');
      this.noteAt(p, p.length - 3, 'contended', (time) => {
        this.truth.values['wordSeen'] = `0x${machine.locks.word(LOCK).toString(16)}`;
        stage.at(time, () => stage.strand(cpu));
      });
    };
  }
}

/** Prints lines of the log from an NMI, each at its own time. */
function fromNmi({ machine }: Stage, p: Program, lines: readonly LogLine[]): void {
  p.add(OP.nmi, 0, 1);
  for (const [micros, text] of lines) {
    p.add(OP.until, 0, ABSOLUTE, micros * 1000);
    p.add(OP.console, 0, machine.message(text));
  }
  p.add(OP.nmi, 500, 0);
  p.add(OP.nmiReturn, 100);
}

const SORT: FaultSort = {
  name: 'ext4-finish-bio-2015',
  help: '',
  settings: {},
  needsTime: true,
  create: (stage) => new Incident(stage),
};
const ORDER: FaultOrder = { sort: SORT, values: new Values({}, new Map([['at', 0]])) };

/** The reconstruction's machine and load: a server of containers, mostly idle. */
export const INCIDENT_OPTIONS: SimulationOptions = {
  ...SIMULATION_DEFAULTS,
  seed: SEED,
  cpus: CPUS,
  events: EVENTS,
  startNs: START_NS,
  durationNs: END_NS - START_NS,
  locks: LOCKS,
  slab: SLAB,
  device: 'mpt2sas0-msix',
  comms: [
    'mysqld',
    'php-fpm',
    'nginx',
    'kworker/u98:2',
    'jbd2/dm-148-8',
    'rsync',
    'node',
    'postgres',
    'memcached',
  ],
  systems: [
    'bitlock',
    'bhrace',
    'preemptirq:irq_disable',
    'preemptirq:irq_enable',
    'irq',
    'irq_vectors:call_function_single_entry',
    'irq_vectors:call_function_single_exit',
    'sched:sched_switch',
    'sched:sched_process_exit',
    'printk',
  ],
  tasksPerCpu: 2,
  exits: 1 / 300,
  faults: [ORDER],
};

/** Writes the reconstruction as a plain trace.dat, version 7. */
export function writeIncident(output: Output, spool: Spool): { seed: number; result: SimulationResult } {
  const writer = new TraceDatWriter(output, spool, {
    ...TRACE_DAT_DEFAULTS,
    cpus: CPUS,
    // The log's clock is the scheduler's (printk's local_clock(), Linux 3.12); so is `global`, put in order across CPUs.
    clock: 'global',
    uname: 'Linux reconstruction 3.12.47-clouder1 x86_64',
  });
  const result = new Simulation(INCIDENT_OPTIONS, writer).run();
  writer.finish(result.comms);
  return { seed: SEED, result };
}

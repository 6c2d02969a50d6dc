import * as L from '../../../assembly/layout.ts';
import type {
  ContextState,
  CpuState,
  EngineState,
  HoldState,
  LockState,
  Mark,
  RowState,
  Suspect,
} from '../../model/state.ts';
import { byIdentity, byLevelAndOwner } from '../wasm-state.ts';
import { holderOf } from './locks.ts';
import { bareMark, told, type Moment } from './marks.ts';
import type { TwinLane } from './merge.ts';
import type { Context, Cpu, Entry, LiveSuspect, Lock, Word, World } from './world.ts';

/** The state as analyzers see it. */
export function readState(world: World, lanes: readonly TwinLane[]): EngineState {
  const cpus = [...world.cpus.values()].toSorted((a, b) => a.number - b.number);
  const contexts = [...world.tasks.values(), ...cpus.flatMap((cpu) => cpu.contexts)]
    .filter((context) => context !== null)
    .filter(({ stack }) => stack.length > 0);
  return {
    events: world.events,
    firstTime: world.firstTime,
    lastTime: world.lastTime,
    counters: [...world.counters],
    kinds: [...world.kinds],
    liveLocks: world.locks.size,
    cpus: cpus.map(cpuState),
    contexts: contexts.map(contextState).toSorted(byLevelAndOwner),
    locks: new Map(
      world.locks
        .values()
        .filter(isTelling)
        .map(lockState)
        .toSorted(byIdentity)
        .map((lock) => [lock.id, lock]),
    ),
    rows: readRows(world),
    lanes: lanes.map((lane) => lane.state()),
    waitNs: world.waitNs.state(),
    holdNs: world.holdNs.state(),
    irqsOffNs: world.irqsOffNs.state(),
  };
}

export function readRows(world: World): RowState[] {
  return world.rows
    .map(({ spec, count, irqsOn, irqsOff }, row) => ({ row, type: spec.type, count, irqsOn, irqsOff }))
    .filter(({ count }) => count > 0n);
}

function isTelling(lock: Lock): boolean {
  return lock.references > 0 || lock.suspect !== null || lock.isSeenSet || lock.isOrphaned;
}

function lockState(lock: Lock): LockState {
  const { references: _, owner, word, suspect, isLeft, ...rest } = lock;
  return {
    ...rest,
    owner: owner ? owner.id : null,
    acquire: told(lock.acquire),
    release: told(lock.release),
    seen: lock.isSeenSet ? told(lock.seen) : null,
    left: isLeft && (owner || lock.isOrphaned) ? told(lock.left) : null,
    suspect: suspect && suspectState(suspect),
    writers: word ? writersOf(word) : [],
  };
}

function suspectState({ cause, load, update, store, acquire, confirm }: LiveSuspect): Suspect {
  return {
    cause,
    load: told(load),
    update: told(update),
    store: told(store),
    acquire: told(acquire),
    confirm: told(confirm),
  };
}

/** The writers' places in order of time: the next one to be used is the oldest. */
function writersOf({ writers, written }: Word): Mark[] {
  const oldest = written > writers.length ? written % writers.length : 0;
  return [...writers.slice(oldest), ...writers.slice(0, oldest)].flatMap((writer) => told(writer) ?? []);
}

function contextState(context: Context): ContextState {
  const { id, pid, cpu, level, isExiting, inTime } = context;
  return {
    id,
    pid,
    cpu,
    level,
    isExiting,
    exit: isExiting ? momentMark(context.exit, pid, cpu, L.KIND_TASK_EXIT) : null,
    out: momentMark(context.out, pid, cpu, L.KIND_SWITCH),
    inTime,
    stack: context.stack.map((entry) => holdState(entry, pid)),
  };
}

function holdState(entry: Entry, pid: number): HoldState {
  const { lock, state, cpu, flags, releases } = entry;
  const contend = momentMark(entry.contend, pid, cpu, L.KIND_CONTEND);
  const holder = holderOf(entry);
  return {
    lock: lock.id,
    state,
    cpu,
    flags,
    releases,
    attempt: momentMark(entry.attempt, pid, cpu, L.KIND_ATTEMPT),
    contend: contend && { ...contend, value: entry.contendValue },
    acquire: momentMark(entry.acquire, pid, cpu, L.KIND_ACQUIRE),
    holder: holder && { ...holder, bit: L.WHOLE_LOCK },
  };
}

/** A mark of which only time and place were kept; null for "never". */
function momentMark(moment: Moment, pid: number, cpu: number, kind: number): Mark | null {
  return moment.time === 0n ? null : { ...bareMark(moment, pid, cpu, kind), bit: L.WHOLE_LOCK };
}

function cpuState(cpu: Cpu): CpuState {
  const { number, task: _task, contexts: _contexts, switchNext: _next, lastTick: _tick, ...rest } = cpu;
  const isFlaggedOff = cpu.flagsOffFirst !== null && cpu.flagsOffFirst.time !== 0n;
  return {
    ...rest,
    cpu: number,
    last: told(cpu.last),
    irqsOff: cpu.irqs === L.IRQS_ARE_OFF ? told(cpu.irqsOff) : null,
    lastSwitch: told(cpu.lastSwitch),
    flagsOn: told(cpu.flagsOn),
    flagsOffFirst: isFlaggedOff ? cpu.flagsOffFirst : null,
    flagsOffLast: isFlaggedOff ? told(cpu.flagsOffLast) : null,
  };
}

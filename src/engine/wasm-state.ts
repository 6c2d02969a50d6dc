import * as L from '../../assembly/layout.ts';
import type {
  ContextState,
  CpuState,
  EngineState,
  HistogramState,
  HoldState,
  LaneState,
  LockState,
  Mark,
  RowState,
  Suspect,
} from '../model/state.ts';
import { bucketOf } from './bucket.ts';
import { placeOf, type WasmMemory } from './wasm-memory.ts';

/** The engine's own looking through its tables: assembly/readout.ts. */
export interface Readout {
  nextTellingLock(n: number): number;
  nextBusyTask(n: number): number;
}

/** Reads the engine's state out of linear memory (assembly/layout.ts). Only what an analyzer may want becomes an object. */
export function readState(memory: WasmMemory, lanes: number, engine: Readout): EngineState {
  const head = (field: number): number => memory.u32(L.STATE + field);
  const cpus = slotsOf(memory, head(L.HEAD_CPUS), L.CPU_LIMIT);
  const contexts = [
    ...entriesOf(memory, L.HEAD_TASK_INDEX, engine.nextBusyTask),
    ...cpus
      .flatMap((cpu) => slotsOf(memory, cpu + L.CPU_CONTEXTS, 3))
      .filter((context) => memory.u32(context + L.CONTEXT_DEPTH) > 0),
  ];
  const locks = entriesOf(memory, L.HEAD_LOCK_INDEX, engine.nextTellingLock);
  const histogram = (field: number): HistogramState =>
    readHistogram(memory, head(field), head(L.HEAD_HIST_BITS));
  const counters = Array.from({ length: L.COUNTER_COUNT }, (_, n) =>
    memory.u64(L.STATE + L.HEAD_COUNTERS + 8 * n),
  );
  // Counted already, as events of row 0.
  counters[L.COUNTER_UNKNOWN_TYPES] = memory.u64(head(L.HEAD_ROWS) + L.ROW_COUNT);
  return {
    events: memory.u64(L.STATE + L.HEAD_EVENTS),
    firstTime: memory.u64(L.STATE + L.HEAD_FIRST_TIME),
    lastTime: memory.u64(L.STATE + L.HEAD_LAST_TIME),
    counters,
    kinds: Array.from({ length: 4 * (L.KIND_MASK + 1) }, (_, n) =>
      memory.u64(L.STATE + L.HEAD_KINDS + 8 * n),
    ),
    liveLocks: head(L.HEAD_LOCK_INDEX + L.INDEX_COUNT),
    cpus: cpus.map((cpu) => readCpu(memory, cpu)),
    contexts: contexts.map((context) => readContext(memory, context)).toSorted(byLevelAndOwner),
    locks: new Map(
      locks
        .map((lock) => readLock(memory, lock))
        .toSorted(byIdentity)
        .map((lock) => [lock.id, lock]),
    ),
    rows: readRows(memory),
    lanes: Array.from({ length: lanes }, (_, n) => readLane(memory, head(L.HEAD_LANES) + n * L.LANE_SIZE, n)),
    waitNs: histogram(L.HEAD_HIST_WAIT),
    holdNs: histogram(L.HEAD_HIST_HOLD),
    irqsOffNs: histogram(L.HEAD_HIST_IRQS_OFF),
  };
}

export function byLevelAndOwner(a: ContextState, b: ContextState): number {
  return a.level - b.level || a.pid - b.pid || a.cpu - b.cpu;
}

export function byIdentity(a: LockState, b: LockState): number {
  if (a.namespace !== b.namespace) return a.namespace - b.namespace;
  if (a.address !== b.address) return a.address < b.address ? -1 : 1;
  return a.bit - b.bit;
}

/** The addresses in a table of u32 that are not 0. */
function slotsOf(memory: WasmMemory, at: number, length: number): number[] {
  return Array.from(memory.words.subarray(at / 4, at / 4 + length).filter((slot) => slot !== 0));
}

/** The slots of an index table that `next` finds: of thousands, those that are wanted. */
function entriesOf(memory: WasmMemory, index: number, next: (n: number) => number): number[] {
  const at = memory.u32(L.STATE + index + L.INDEX_ENTRIES);
  const slots: number[] = [];
  for (let n = next(0); n >= 0; n = next(n + 1)) slots.push(memory.u32(at + 8 * n + 4));
  return slots;
}

function readLock(memory: WasmMemory, lock: number): LockState {
  const state = memory.u16(lock + L.LOCK_STATE);
  const word = memory.u32(lock + L.LOCK_WORD);
  const suspect = memory.u32(lock + L.LOCK_SUSPECT);
  const isSeenSet = (state & L.LOCK_IS_SEEN_SET) !== 0;
  const isOrphaned = (state & L.LOCK_IS_ORPHANED) !== 0;
  const owner = memory.u32(lock + L.LOCK_OWNER) || null;
  // Where a hold ended unseen, the mark stays until the next take.
  const isLeft = (state & L.LOCK_IS_LEFT) !== 0 && (owner !== null || isOrphaned);
  return {
    id: lock,
    namespace: memory.u8(lock + L.LOCK_NAMESPACE),
    address: memory.u64(lock + L.LOCK_ADDRESS),
    bit: memory.u8(lock + L.LOCK_BIT),
    isTakenVisibly: (state & L.LOCK_IS_TAKEN_VISIBLY) !== 0,
    isRead: (state & L.LOCK_IS_READ) !== 0,
    isSleeping: (state & L.LOCK_IS_SLEEPING) !== 0,
    isSeenSet,
    isOrphaned,
    owner,
    waiters: memory.u32(lock + L.LOCK_WAITERS),
    acquisitions: memory.u32(lock + L.LOCK_ACQUISITIONS),
    releases: memory.u32(lock + L.LOCK_RELEASES),
    contentions: memory.u32(lock + L.LOCK_CONTENTIONS),
    lastUse: memory.u64(lock + L.LOCK_LAST_USE),
    acquire: memory.mark(lock + L.LOCK_ACQUIRE),
    release: memory.mark(lock + L.LOCK_RELEASE),
    seen: isSeenSet ? memory.mark(lock + L.LOCK_SEEN) : null,
    left: isLeft ? memory.mark(lock + L.LOCK_LEFT) : null,
    suspect: suspect ? readSuspect(memory, suspect) : null,
    writers: word ? readWriters(memory, word) : [],
  };
}

function readSuspect(memory: WasmMemory, suspect: number): Suspect {
  return {
    cause: memory.u8(suspect + L.SUSPECT_CAUSE),
    load: memory.mark(suspect + L.SUSPECT_LOAD),
    update: memory.mark(suspect + L.SUSPECT_UPDATE),
    store: memory.mark(suspect + L.SUSPECT_STORE),
    acquire: memory.mark(suspect + L.SUSPECT_ACQUIRE),
    confirm: memory.mark(suspect + L.SUSPECT_CONFIRM),
  };
}

function readWriters(memory: WasmMemory, word: number): Mark[] {
  const written = memory.u32(word + L.WORD_WRITERS_COUNT);
  const kept = Math.min(written, L.WORD_WRITER_LIMIT);
  const writers: Mark[] = [];
  for (let n = written - kept; n < written; n++) {
    const mark = memory.mark(word + L.WORD_WRITERS + (n % L.WORD_WRITER_LIMIT) * L.MARK_SIZE);
    if (mark) writers.push(mark);
  }
  return writers;
}

function readContext(memory: WasmMemory, context: number): ContextState {
  const pid = memory.i32(context + L.CONTEXT_PID);
  const cpu = memory.u16(context + L.CONTEXT_CPU);
  const isExiting = memory.u8(context + L.CONTEXT_IS_EXITING) !== 0;
  const level = memory.u8(context + L.CONTEXT_LEVEL);
  const bare = (time: number, position: number, kind: number): Mark | null =>
    bareMark(memory, context + time, context + position, pid, cpu, kind);
  return {
    id: context,
    pid,
    cpu,
    level,
    isExiting,
    exit: isExiting ? bare(L.CONTEXT_EXIT_TIME, L.CONTEXT_EXIT_POSITION, L.KIND_TASK_EXIT) : null,
    out: bare(L.CONTEXT_OUT_TIME, L.CONTEXT_OUT_POSITION, L.KIND_SWITCH),
    inTime: memory.u64(context + L.CONTEXT_IN_TIME),
    stack: Array.from({ length: memory.u32(context + L.CONTEXT_DEPTH) }, (_, n) =>
      readHold(memory, memory.u32(context + L.CONTEXT_STACK) + n * L.ENTRY_SIZE, pid),
    ),
  };
}

function readHold(memory: WasmMemory, entry: number, pid: number): HoldState {
  const cpu = memory.u16(entry + L.ENTRY_CPU);
  const contend = bareMark(
    memory,
    entry + L.ENTRY_CONTEND_TIME,
    entry + L.ENTRY_CONTEND_POSITION,
    pid,
    cpu,
    L.KIND_CONTEND,
  );
  const holderPid = memory.i32(entry + L.ENTRY_HOLDER_PID);
  const holderCpu = memory.u16(entry + L.ENTRY_HOLDER_CPU);
  return {
    lock: memory.u32(entry + L.ENTRY_LOCK),
    state: memory.u8(entry + L.ENTRY_STATE),
    cpu,
    flags: memory.u16(entry + L.ENTRY_FLAGS),
    releases: memory.u32(entry + L.ENTRY_RELEASES),
    attempt: bareMark(
      memory,
      entry + L.ENTRY_ATTEMPT_TIME,
      entry + L.ENTRY_ATTEMPT_POSITION,
      pid,
      cpu,
      L.KIND_ATTEMPT,
    ),
    contend: contend && { ...contend, value: memory.u64(entry + L.ENTRY_CONTEND_VALUE) },
    acquire: bareMark(
      memory,
      entry + L.ENTRY_ACQUIRE_TIME,
      entry + L.ENTRY_ACQUIRE_POSITION,
      pid,
      cpu,
      L.KIND_ACQUIRE,
    ),
    holder: bareMark(
      memory,
      entry + L.ENTRY_HOLDER_TIME,
      entry + L.ENTRY_HOLDER_POSITION,
      holderPid,
      holderCpu,
      L.KIND_ACQUIRE,
    ),
  };
}

/** A mark of which the engine kept only time and place. */
function bareMark(
  memory: WasmMemory,
  timeAt: number,
  placeAt: number,
  pid: number,
  cpu: number,
  kind: number,
): Mark | null {
  const time = memory.u64(timeAt);
  if (time === 0n) return null;
  return {
    time,
    ...placeOf(memory.u64(placeAt)),
    value: 0n,
    pid,
    cpu,
    flags: 0,
    kind,
    bit: L.WHOLE_LOCK,
    type: 0,
  };
}

function readCpu(memory: WasmMemory, cpu: number): CpuState {
  const last = memory.mark(cpu + L.CPU_LAST);
  const from = memory.u64(cpu + L.CPU_STEP_FROM);
  const lastIsOn =
    (memory.u16(cpu + L.CPU_LAST + L.MARK_FLAGS) & (L.FLAG_IRQS_OFF | L.FLAG_IRQS_UNKNOWN)) === 0;
  return {
    cpu: memory.u16(cpu + L.CPU_NUMBER),
    level: memory.u8(cpu + L.CPU_LEVEL),
    irqs: memory.u8(cpu + L.CPU_IRQS),
    pid: memory.i32(cpu + L.CPU_PID),
    firstTime: memory.u64(cpu + L.CPU_FIRST_TIME),
    lastTime: memory.u64(cpu + L.CPU_LAST_TIME),
    events: memory.u64(cpu + L.CPU_EVENTS),
    lost: memory.u64(cpu + L.CPU_LOST),
    lostSpans: memory.u32(cpu + L.CPU_LOST_SPANS),
    lostUnknown: memory.u32(cpu + L.CPU_LOST_UNKNOWN),
    breaks: memory.u32(cpu + L.CPU_BREAKS),
    backwards: memory.u32(cpu + L.CPU_BACKWARDS),
    step: from > 0n ? { from, to: memory.u64(cpu + L.CPU_STEP_TO) } : null,
    firstBreak: memory.u64(cpu + L.CPU_FIRST_BREAK),
    lastBreak: memory.u64(cpu + L.CPU_LAST_BREAK),
    last,
    irqsOff: memory.u8(cpu + L.CPU_IRQS) === L.IRQS_ARE_OFF ? memory.mark(cpu + L.CPU_IRQS_OFF) : null,
    irqEvents: memory.u64(cpu + L.CPU_IRQ_EVENTS),
    lastSwitch: memory.mark(cpu + L.CPU_SWITCH),
    flagsOn: lastIsOn ? last : memory.mark(cpu + L.CPU_FLAGS_ON),
    flagsOffFirst: memory.u64(cpu + L.CPU_FLAGS_OFF_FIRST) ? memory.mark(cpu + L.CPU_FLAGS_OFF_FIRST) : null,
    flagsOffLast: memory.u64(cpu + L.CPU_FLAGS_OFF_FIRST) ? memory.mark(cpu + L.CPU_FLAGS_OFF_LAST) : null,
    busyGaps: memory.u64(cpu + L.CPU_BUSY_GAPS),
    busyMax: memory.u64(cpu + L.CPU_BUSY_MAX),
    ticks: memory.u64(cpu + L.CPU_TICKS),
    tickMax: memory.u64(cpu + L.CPU_TICK_MAX),
  };
}

export function readRows(memory: WasmMemory): RowState[] {
  const rows = memory.u32(L.STATE + L.HEAD_ROWS);
  const words = memory.words;
  const seen: RowState[] = [];
  for (let n = 0, length = memory.u32(L.STATE + L.HEAD_ROW_COUNT); n < length; n++) {
    const at = rows + n * L.ROW_SIZE;
    if (words[(at + L.ROW_COUNT) / 4] === 0 && words[(at + L.ROW_COUNT) / 4 + 1] === 0) continue;
    seen.push({
      row: n,
      type: memory.u16(at + L.ROW_TYPE),
      count: memory.u64(at + L.ROW_COUNT),
      irqsOn: memory.u64(at + L.ROW_IRQS_ON),
      irqsOff: memory.u64(at + L.ROW_IRQS_OFF),
    });
  }
  return seen;
}

function readLane(memory: WasmMemory, at: number, lane: number): LaneState {
  return {
    lane,
    cpu: memory.u16(at + L.LANE_CPU),
    events: memory.u64(at + L.LANE_EVENTS),
    pages: memory.u32(at + L.LANE_PAGES),
    badPages: memory.u32(at + L.LANE_BAD_PAGES),
    badEvents: memory.u32(at + L.LANE_BAD_EVENTS),
    firstBad: memory.u64(at + L.LANE_FIRST_BAD),
    backwards: memory.u32(at + L.LANE_BACKWARDS),
  };
}

const HISTOGRAM_BUCKETS = 32;

function readHistogram(memory: WasmMemory, at: number, bits: number): HistogramState {
  const buckets: (readonly [number, number])[] = [];
  const [count, min, max] = [memory.u64(at), memory.u64(at + 16), memory.u64(at + 24)];
  const { words } = memory;
  const first = (at + HISTOGRAM_BUCKETS) / 4;
  const [from, to] = count > 0n ? [bucketOf(min, bits), bucketOf(max, bits)] : [0, -1];
  for (let n = from; n <= to; n++) {
    // Below 2^53, for they count events; thousands of BigInts would cost more than all else here.
    const inBucket = words[first + 2 * n]! + 2 ** 32 * words[first + 2 * n + 1]!;
    if (inBucket > 0) buckets.push([n, inBucket]);
  }
  return { bits, count, sum: memory.u64(at + 8), min, max, buckets };
}

import {
  FLAG_HARDIRQ,
  FLAG_IRQS_OFF,
  FLAG_IRQS_UNKNOWN,
  FLAG_MUTEX,
  FLAG_NAMESPACE_SHIFT,
  FLAG_NMI,
  FLAG_READ,
  FLAG_SOFTIRQ,
  FLAG_TRY,
  KIND_ACQUIRE,
  KIND_ATTEMPT,
  KIND_RELEASE,
} from '../assembly/layout.ts';
import { EVENT_RECORD_SIZE } from '../src/model/event-record.ts';
import { cpuNs } from './replay.ts';
import type { Workload } from './workloads.ts';

// The peer "JavaScript as fast as it goes": the engine's work on attempts, takes and releases of lockdep locks, over typed arrays
// only. No objects, no BigInt: times are doubles (exact up to 104 days), addresses are two words. It keeps and asks what the engine keeps
// and asks for every such event: the CPU's signs of life and rhythm, which types come with interrupts on and off, the locks' slots with
// a mark of the last take and release, the contexts' stacks, waits and holds in histograms, counts by type and kind, thresholds. What
// these events never need stays out, which is in its favour: interrupt contexts, tables that grow and forget, words, findings.
// It is one file, however long: V8 makes constants only of a module's own.

const EVENT_WORDS = EVENT_RECORD_SIZE / 4;

// Cells of a CPU (doubles and words share an array: cells of 8 bytes, words at twice the cell's index).
const CPU_LAST_TIME = 0;
const CPU_EVENTS = 1;
const CPU_BUSY_GAPS = 2;
const CPU_BUSY_MAX = 3;
const CPU_FIRST_TIME = 4;
const CPU_LAST_TICK = 5;
const CPU_PID = 12; // word
const CPU_LEVEL = 13; // word
const CPU_TASK = 14; // word: context + 1
const CPU_BACKWARDS = 15; // word
const CPU_IRQS = 16; // word
const CPU_LAST = 18; // words of a mark
const CPU_OFF_FIRST = 28; // words of a mark
const CPU_OFF_LAST = 38; // words of a mark
const CPU_ON = 48; // words of a mark
const CPU_WORDS = 58;
const MARK_FLAGS = 8; // word of a mark

// Words of a lock.
const LOCK_LOW = 0;
const LOCK_HIGH = 1;
const LOCK_OWNER = 2;
const LOCK_ACQUISITIONS = 3;
const LOCK_RELEASES = 4;
const LOCK_REFERENCES = 5;
const LOCK_LAST_USE = 6; // a double
const LOCK_ACQUIRE = 8; // words of a mark
const LOCK_RELEASE = 18; // words of a mark
const LOCK_NAME = 28; // namespace and bit
const LOCK_WAITERS = 29;
const LOCK_STATE = 30;
const LOCK_SUSPECT = 31;
const LOCK_WORD = 32;
const LOCK_WORDS = 34;
const IS_VISIBLE = 1;
const IS_READ = 2;
const IS_SEEN_SET = 4;
const IS_ORPHANED = 8;
const IS_SLEEPING = 16;

// Words of a stack entry.
const ENTRY_LOCK = 0;
const ENTRY_STATE = 1;
const ENTRY_FLAGS = 2; // and type
const ENTRY_RELEASES = 3;
const ENTRY_ATTEMPT = 4; // a double
const ENTRY_ACQUIRE = 6; // a double
const ENTRY_POSITION = 8; // a double
const ENTRY_HOLDER = 10; // a double
const ENTRY_CONTEND = 12; // a double
const ENTRY_ACQUIRE_POSITION = 14; // a double
const ENTRY_HOLDER_POSITION = 16; // a double
const ENTRY_CPU = 18;
const ENTRY_HOLDER_PID = 19;
const ENTRY_HOLDER_CPU = 20;
const ENTRY_WORDS = 22;
const STACK_ENTRIES = 64;
const STACK_WORDS = STACK_ENTRIES * ENTRY_WORDS;

const WAITS = 1;
const HELD = 2;
const TWO_32 = 4294967296;
const HISTOGRAM_BITS = 7;
const TYPES = 65536;

// What it can hold. Arrays of the module, made once: that is what V8 makes the best code for.
const LANE_LIMIT = 8;
const CPU_LIMIT = 8;
const CONTEXT_LIMIT = 64;
const LOCK_LIMIT = 1 << 16;
const BATCH = 1 << 16;

const cpuBuffer = new ArrayBuffer(CPU_LIMIT * CPU_WORDS * 4);
const cpus = new Int32Array(cpuBuffer);
const cpuCells = new Float64Array(cpuBuffer);
const lockBuffer = new ArrayBuffer(LOCK_LIMIT * LOCK_WORDS * 4);
const locks = new Int32Array(lockBuffer);
const lockCells = new Float64Array(lockBuffer);
const index = new Int32Array(LOCK_LIMIT * 2);
const MASK = index.length - 1;
const stackBuffer = new ArrayBuffer(CONTEXT_LIMIT * STACK_WORDS * 4);
const stacks = new Int32Array(stackBuffer);
const stackCells = new Float64Array(stackBuffer);
const depths = new Int32Array(CONTEXT_LIMIT);
const pids = new Int32Array(CONTEXT_LIMIT);
const rowOf = new Uint16Array(TYPES);
const rows = new Float64Array(TYPES);
const kindCounts = new Float64Array(256);
const holds = new Float64Array(4 + (40 << HISTOGRAM_BITS));
const waits = new Float64Array(holds.length);
const cursors = new Int32Array(LANE_LIMIT);
const laneEvents = new Float64Array(LANE_LIMIT);
const next = new Float64Array(LANE_LIMIT);
// Cells of a row: events, of them seen with interrupts on, and off.
const ROW_CELLS = 3;
// Cells of a histogram, then its buckets.
const COUNT = 0;
const SUM = 1;
const MIN = 2;
const MAX = 3;
const BUCKETS = 4;
// now, events, first time, last time, pauses
const head = new Float64Array(5);
// acquisitions, releases, holds, attempts, taken twice, unknown types, backwards, reports
const totals = new Int32Array(8);
// Nothing is reported, as on a machine where nothing is wrong; but it is asked for.
const thresholds = new Float64Array(3).fill(Infinity);
const SPIN_NS = 0;
const SILENT_NS = 1;
const IRQ_OFF_NS = 2;
const inputs: Int32Array[] = [];
let lockCount = 0;

export interface TypedArrayResult {
  readonly ns: number;
  readonly acquisitions: number;
  readonly releases: number;
  /** Holds recorded. */
  readonly holds: number;
}

/** Which workloads it can replay: lockdep locks only, in few enough lanes for a linear merge, and not too many locks. */
export function fitsTypedArrays(workload: Workload): boolean {
  return workload.lockEventsOnly && workload.lanes.length <= LANE_LIMIT && workload.warmBytes < 2 ** 24;
}

function reset({ lanes, options }: Workload): void {
  for (const array of [cpus, locks, index, stacks, depths, pids, rowOf, rows, kindCounts, cursors])
    array.fill(0);
  for (const array of [holds, waits, laneEvents, head, totals]) array.fill(0);
  holds[MIN] = waits[MIN] = Infinity;
  options.rows.forEach(({ type }, row) => (rowOf[type] = row));
  next.fill(Infinity);
  lockCount = 0;
  inputs.length = 0;
  lanes.forEach(({ bytes }, lane) => {
    const input = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / Int32Array.BYTES_PER_ELEMENT);
    inputs.push(input);
    if (input.length > 0) next[lane] = timeAt(input, 0);
  });
}

/** Replays a workload of lock events. CPU time of the replay in ns, and counts to hold against the engine's. */
export function replayTypedArrays(workload: Workload): TypedArrayResult {
  const { events, warmBytes } = workload;
  reset(workload);
  let warm = warmBytes / EVENT_RECORD_SIZE;
  for (; warm > 0; warm -= BATCH) replay(Math.min(BATCH, warm));
  const start = cpuNs();
  for (let left = events - warmBytes / EVENT_RECORD_SIZE; left > 0; left -= BATCH)
    replay(Math.min(BATCH, left));
  return { ns: cpuNs() - start, acquisitions: totals[0]!, releases: totals[1]!, holds: totals[2]! };
}

function timeAt(input: Int32Array, at: number): number {
  return (input[at + 1]! >>> 0) * TWO_32 + (input[at]! >>> 0);
}

function setMark(target: Int32Array, to: number, input: Int32Array, at: number, lane: number): void {
  target[to] = input[at]!;
  target[to + 1] = input[at + 1]!;
  target[to + 2] = at;
  target[to + 3] = lane;
  for (let n = 4; n < EVENT_WORDS; n++) target[to + n] = input[at + n]!;
}

function hash(low: number, high: number, name: number): number {
  const mixed = Math.imul(low ^ Math.imul(high ^ (name << 16), 0x85ebca6b), 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

/** Namespace and bit of an event's lock. */
function nameOf(input: Int32Array, at: number): number {
  return ((input[at + 8]! & 0xffff) >>> FLAG_NAMESPACE_SHIFT) | (input[at + 6]! & 0xff00);
}

function isLock(lock: number, low: number, high: number, name: number): boolean {
  return (
    locks[lock + LOCK_LOW] === low && locks[lock + LOCK_HIGH] === high && locks[lock + LOCK_NAME] === name
  );
}

function lockOf(low: number, high: number, name: number): number {
  let probe = hash(low, high, name) & MASK;
  for (;;) {
    const n = index[probe]!;
    if (n === 0) break;
    const lock = n * LOCK_WORDS;
    if (isLock(lock, low, high, name)) return lock;
    probe = (probe + 1) & MASK;
  }
  if (lockCount + 1 >= LOCK_LIMIT) throw new Error('more locks than the typed-array engine has room for');
  index[probe] = ++lockCount;
  const lock = lockCount * LOCK_WORDS;
  locks[lock + LOCK_LOW] = low;
  locks[lock + LOCK_HIGH] = high;
  locks[lock + LOCK_NAME] = name;
  return lock;
}

/** The lock on top of the context's stack most likely is the one. */
function lockNear(context: number, low: number, high: number, name: number): number {
  const depth = depths[context]!;
  if (depth > 0) {
    const lock = stacks[context * STACK_WORDS + (depth - 1) * ENTRY_WORDS + ENTRY_LOCK]!;
    if (isLock(lock, low, high, name)) return lock;
  }
  return lockOf(low, high, name);
}

function findEntry(context: number, lock: number, state: number): number {
  const stack = context * STACK_WORDS;
  for (let n = depths[context]! - 1; n >= 0; n--) {
    const entry = stack + n * ENTRY_WORDS;
    if (stacks[entry + ENTRY_LOCK] === lock && stacks[entry + ENTRY_STATE] === state) return entry;
  }
  return -1;
}

/** The topmost entry for the lock, whatever its state. */
function findTop(context: number, lock: number): number {
  const stack = context * STACK_WORDS;
  for (let n = depths[context]! - 1; n >= 0; n--)
    if (stacks[stack + n * ENTRY_WORDS + ENTRY_LOCK] === lock) return stack + n * ENTRY_WORDS;
  return -1;
}

function pushEntry(context: number, lock: number, state: number, input: Int32Array, at: number): number {
  const entry = context * STACK_WORDS + depths[context]! * ENTRY_WORDS;
  depths[context]!++;
  stacks[entry + ENTRY_LOCK] = lock;
  stacks[entry + ENTRY_STATE] = state;
  stacks[entry + ENTRY_FLAGS] = input[at + 8]!;
  stacks[entry + ENTRY_CPU] = input[at + 6]! >>> 16;
  stacks[entry + ENTRY_RELEASES] = locks[lock + LOCK_RELEASES]!;
  stackCells[(entry + ENTRY_ATTEMPT) >> 1] = 0;
  stackCells[(entry + ENTRY_ACQUIRE) >> 1] = 0;
  stackCells[(entry + ENTRY_HOLDER) >> 1] = 0;
  stackCells[(entry + ENTRY_CONTEND) >> 1] = 0;
  locks[lock + LOCK_REFERENCES]!++;
  return entry;
}

function removeEntry(context: number, entry: number): void {
  const lock = stacks[entry + ENTRY_LOCK]!;
  locks[lock + LOCK_REFERENCES]!--;
  if (stacks[entry + ENTRY_STATE] !== HELD) locks[lock + LOCK_WAITERS]!--;
  else if (locks[lock + LOCK_OWNER] === context + 1) locks[lock + LOCK_OWNER] = 0;
  const top = context * STACK_WORDS + --depths[context]! * ENTRY_WORDS;
  if (entry !== top) stacks.copyWithin(entry, entry + ENTRY_WORDS, top + ENTRY_WORDS);
}

function record(histogram: Float64Array, ns: number): void {
  histogram[COUNT]!++;
  histogram[SUM]! += ns;
  if (ns < histogram[MIN]!) histogram[MIN] = ns;
  if (ns > histogram[MAX]!) histogram[MAX] = ns;
  const bits = ns < 1 ? 0 : Math.max(0, 31 - Math.clz32(Math.min(ns, TWO_32 - 1)) - HISTOGRAM_BITS);
  histogram[BUCKETS + (bits << HISTOGRAM_BITS) + Math.floor(ns / 2 ** bits)]!++;
}

function levelOf(flags: number): number {
  if (flags & FLAG_NMI) return 3;
  if (flags & FLAG_HARDIRQ) return 2;
  return flags & FLAG_SOFTIRQ ? 1 : 0;
}

function since(earlier: number, later: number): number {
  return later > earlier ? later - earlier : 0;
}

function isOn(flags: number): boolean {
  return !(flags & (FLAG_IRQS_OFF | FLAG_IRQS_UNKNOWN));
}

function seen(input: Int32Array, at: number, lane: number, time: number, flags: number, row: number): void {
  const cpu = (input[at + 6]! >>> 16) * CPU_WORDS;
  const cell = cpu >> 1;
  const level = levelOf(flags);
  const pid = input[at + 7]!;
  const last = cpuCells[cell + CPU_LAST_TIME]!;
  if (cpuCells[cell + CPU_EVENTS] === 0) cpuCells[cell + CPU_FIRST_TIME] = time;
  else if (time < last) cpus[cpu + CPU_BACKWARDS]!++;
  cpuCells[cell + CPU_EVENTS]!++;
  cpuCells[cell + CPU_LAST_TIME] = time;
  if (level === 3) return;
  const before = cpus[cpu + CPU_LEVEL]!;
  if (last !== 0 && (cpus[cpu + CPU_PID] !== 0 || before !== 0)) {
    const gap = since(last, time);
    if (gap >= thresholds[SILENT_NS]!) totals[7]!++;
    cpuCells[cell + CPU_BUSY_GAPS]!++;
    if (gap > cpuCells[cell + CPU_BUSY_MAX]!) cpuCells[cell + CPU_BUSY_MAX] = gap;
  }
  if (pid === 0 && level === 0) cpuCells[cell + CPU_LAST_TICK] = 0;
  if (level === 2 && before < 2) cpuCells[cell + CPU_LAST_TICK] = time;
  if (level !== before) cpus[cpu + CPU_LEVEL] = level;
  if (pid !== cpus[cpu + CPU_PID]) {
    cpus[cpu + CPU_PID] = pid;
    cpus[cpu + CPU_TASK] = 0;
  }
  if (!isOn(flags) && isOn(cpus[cpu + CPU_LAST + MARK_FLAGS]!))
    cpus.copyWithin(cpu + CPU_ON, cpu + CPU_LAST, cpu + CPU_LAST + EVENT_WORDS);
  if (isOn(flags)) {
    rows[row + 1]!++;
    if (cpus[cpu + CPU_OFF_FIRST] !== 0) {
      if (
        since(timeAt(cpus, cpu + CPU_OFF_FIRST), timeAt(cpus, cpu + CPU_OFF_LAST)) >= thresholds[IRQ_OFF_NS]!
      )
        totals[7]!++;
      cpus[cpu + CPU_OFF_FIRST] = 0;
    }
    if (cpus[cpu + CPU_IRQS] === 2) cpus[cpu + CPU_IRQS] = 0;
  } else if (!(flags & FLAG_IRQS_UNKNOWN)) {
    rows[row + 2]!++;
    if (rows[row + 1] !== 0) {
      if (cpus[cpu + CPU_OFF_FIRST] === 0) setMark(cpus, cpu + CPU_OFF_FIRST, input, at, lane);
      setMark(cpus, cpu + CPU_OFF_LAST, input, at, lane);
    }
  }
  setMark(cpus, cpu + CPU_LAST, input, at, lane);
}

/** The context of the CPU's task. */
function contextOf(input: Int32Array, at: number): number {
  const cpu = (input[at + 6]! >>> 16) * CPU_WORDS;
  if (cpus[cpu + CPU_LEVEL] !== 0) throw new Error('the typed-array engine has no interrupt contexts');
  const known = cpus[cpu + CPU_TASK]!;
  if (known !== 0) return known - 1;
  const pid = input[at + 7]!;
  let context = pid & (CONTEXT_LIMIT - 1);
  while (pids[context] !== 0 && pids[context] !== pid) context = (context + 1) & (CONTEXT_LIMIT - 1);
  pids[context] = pid;
  cpus[cpu + CPU_TASK] = context + 1;
  return context;
}

function rememberHolder(entry: number, lock: number): void {
  if (locks[lock + LOCK_OWNER] === 0) return;
  const take = lock + LOCK_ACQUIRE;
  stackCells[(entry + ENTRY_HOLDER) >> 1] = timeAt(locks, take);
  stackCells[(entry + ENTRY_HOLDER_POSITION) >> 1] = locks[take + 2]!;
  stacks[entry + ENTRY_HOLDER_PID] = locks[take + 7]!;
  stacks[entry + ENTRY_HOLDER_CPU] = locks[take + 6]! >>> 16;
}

function attempt(input: Int32Array, at: number, lane: number, time: number, flags: number): void {
  totals[3]!++;
  if (flags & FLAG_TRY) {
    take(input, at, lane, time, flags);
    return;
  }
  const context = contextOf(input, at);
  const lock = lockOf(input[at + 2]!, input[at + 3]!, nameOf(input, at));
  lockCells[(lock + LOCK_LAST_USE) >> 1] = time;
  const entry = pushEntry(context, lock, WAITS, input, at);
  locks[lock + LOCK_WAITERS]!++;
  stackCells[(entry + ENTRY_ATTEMPT) >> 1] = time;
  stackCells[(entry + ENTRY_POSITION) >> 1] = lane * TWO_32 + at;
  rememberHolder(entry, lock);
}

function take(input: Int32Array, at: number, lane: number, time: number, eventFlags: number): void {
  totals[0]!++;
  const context = contextOf(input, at);
  const lock = lockNear(context, input[at + 2]!, input[at + 3]!, nameOf(input, at));
  lockCells[(lock + LOCK_LAST_USE) >> 1] = time;
  locks[lock + LOCK_ACQUISITIONS]!++;
  let entry = findEntry(context, lock, WAITS);
  if (entry >= 0) {
    const contended = stackCells[(entry + ENTRY_CONTEND) >> 1]!;
    if (contended !== 0) record(waits, since(contended, time));
    if (since(stackCells[(entry + ENTRY_ATTEMPT) >> 1]!, time) >= thresholds[SPIN_NS]!) totals[7]!++;
    locks[lock + LOCK_WAITERS]!--;
  }
  let state = locks[lock + LOCK_STATE]! | IS_VISIBLE;
  const flags = entry >= 0 ? stacks[entry + ENTRY_FLAGS]! : eventFlags;
  const reads = (flags & FLAG_READ) !== 0;
  if (!reads) {
    const owner = locks[lock + LOCK_OWNER]!;
    if (owner !== 0) totals[4]!++;
    if (owner === context + 1) {
      const old = findEntry(context, lock, HELD);
      if (old >= 0) removeEntry(context, old);
    }
    if (entry >= 0) entry = findEntry(context, lock, WAITS);
  }
  if (entry < 0) entry = pushEntry(context, lock, HELD, input, at);
  stacks[entry + ENTRY_STATE] = HELD;
  stackCells[(entry + ENTRY_ACQUIRE) >> 1] = time;
  stackCells[(entry + ENTRY_ACQUIRE_POSITION) >> 1] = lane * TWO_32 + at;
  if (reads) {
    locks[lock + LOCK_STATE] = state | IS_READ;
    return;
  }
  if (flags & FLAG_MUTEX) state |= IS_SLEEPING;
  if (locks[lock + LOCK_SUSPECT] !== 0 || state & IS_ORPHANED) totals[7]!++;
  locks[lock + LOCK_STATE] = state & ~(IS_ORPHANED | IS_SEEN_SET);
  locks[lock + LOCK_OWNER] = context + 1;
  setMark(locks, lock + LOCK_ACQUIRE, input, at, lane);
  if (locks[lock + LOCK_WORD] !== 0) totals[7]!++;
}

function release(input: Int32Array, at: number, lane: number, time: number): void {
  totals[1]!++;
  const context = contextOf(input, at);
  const lock = lockNear(context, input[at + 2]!, input[at + 3]!, nameOf(input, at));
  lockCells[(lock + LOCK_LAST_USE) >> 1] = time;
  const owner = locks[lock + LOCK_OWNER]!;
  const entry = findTop(context, lock);
  if (entry >= 0) {
    if (stacks[entry + ENTRY_STATE] === HELD) {
      totals[2]!++;
      record(holds, since(stackCells[(entry + ENTRY_ACQUIRE) >> 1]!, time));
    }
    removeEntry(context, entry);
  }
  locks[lock + LOCK_RELEASES]!++;
  if (locks[lock + LOCK_SUSPECT] !== 0) totals[7]!++;
  if (owner === 0 || owner === context + 1 || entry < 0) {
    setMark(locks, lock + LOCK_RELEASE, input, at, lane);
    const state = locks[lock + LOCK_STATE]!;
    locks[lock + LOCK_STATE] = state & ~(IS_ORPHANED | IS_SEEN_SET);
  }
  if (locks[lock + LOCK_WORD] !== 0) totals[7]!++;
}

/** Replays up to `limit` events in order of time. */
function replay(limit: number): void {
  const lanes = inputs.length;
  for (let n = 0; n < limit; n++) {
    let lane = 0;
    let time = next[0]!;
    for (let other = 1; other < lanes; other++) {
      if (next[other]! < time) {
        time = next[other]!;
        lane = other;
      }
    }
    if (time === Infinity) return;
    const input = inputs[lane]!;
    const at = cursors[lane]!;
    const kind = input[at + 6]! & 255;
    const flags = input[at + 8]! & 0xffff;
    head[0] = time;
    if (head[1]!++ === 0) head[2] = time;
    if (time > head[3]!) {
      if (head[1] !== 1 && time - head[3]! >= thresholds[SPIN_NS]!) head[4]!++;
      head[3] = time;
    }
    const row = rowOf[input[at + 8]! >>> 16]! * ROW_CELLS;
    rows[row]!++;
    if (row === 0) totals[5]!++;
    kindCounts[(kind << 2) | (flags >>> FLAG_NAMESPACE_SHIFT)]!++;
    seen(input, at, lane, time, flags, row);
    if (kind === KIND_ATTEMPT) attempt(input, at, lane, time, flags);
    else if (kind === KIND_ACQUIRE) take(input, at, lane, time, flags);
    else if (kind === KIND_RELEASE) release(input, at, lane, time);
    const after = at + EVENT_WORDS;
    cursors[lane] = after;
    laneEvents[lane]!++;
    const following = after < input.length ? timeAt(input, after) : Infinity;
    if (following < time) totals[6]!++;
    next[lane] = following;
  }
}

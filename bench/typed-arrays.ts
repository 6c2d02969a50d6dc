import {
  FLAG_HARDIRQ,
  FLAG_IRQS_OFF,
  FLAG_NMI,
  FLAG_SOFTIRQ,
  KIND_ACQUIRE,
  KIND_ATTEMPT,
  KIND_RELEASE,
} from '../assembly/layout.ts';
import { EVENT_RECORD_SIZE } from '../src/model/event-record.ts';
import { cpuNs } from './replay.ts';
import type { Workload } from './workloads.ts';

// The peer "JavaScript as fast as it goes": the engine's work on attempts, takes and releases of lockdep locks, over typed arrays
// only. No objects, no BigInt: times are doubles (exact up to 104 days), addresses are two words. It keeps what the engine keeps:
// the CPU's signs of life, the locks' slots with a mark of the last take and release, the contexts' stacks, holds in a
// histogram. It leaves out what these events never need, which is in its favour.

const EVENT_WORDS = EVENT_RECORD_SIZE / 4;

// Cells of a CPU (doubles and words share an array: cells of 8 bytes, words at twice the cell's index).
const CPU_LAST_TIME = 0;
const CPU_EVENTS = 1;
const CPU_BUSY_GAPS = 2;
const CPU_BUSY_MAX = 3;
const CPU_PID = 8; // word
const CPU_LEVEL = 9; // word
const CPU_LAST = 10; // words of a mark
const CPU_OFF_FIRST = 20; // words of a mark
const CPU_OFF_LAST = 30; // words of a mark
const CPU_WORDS = 40;

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
const LOCK_WORDS = 28;

// Words of a stack entry.
const ENTRY_LOCK = 0;
const ENTRY_STATE = 1;
const ENTRY_FLAGS = 2;
const ENTRY_RELEASES = 3;
const ENTRY_ATTEMPT = 4; // a double
const ENTRY_ACQUIRE = 6; // a double
const ENTRY_POSITION = 8; // a double
const ENTRY_HOLDER = 10; // a double
const ENTRY_WORDS = 12;
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
const stackBuffer = new ArrayBuffer(LANE_LIMIT * STACK_WORDS * 4);
const stacks = new Int32Array(stackBuffer);
const stackCells = new Float64Array(stackBuffer);
const depths = new Int32Array(LANE_LIMIT);
const rowCounts = new Float64Array(TYPES);
const kindCounts = new Float64Array(256);
const histogram = new Float64Array(40 << HISTOGRAM_BITS);
const cursors = new Int32Array(LANE_LIMIT);
const next = new Float64Array(LANE_LIMIT);
// acquisitions, releases, holds
const totals = new Int32Array(3);
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

function reset(lanes: Workload['lanes']): void {
  for (const array of [cpus, locks, index, stacks, depths, rowCounts, kindCounts, histogram, cursors, totals])
    array.fill(0);
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
export function replayTypedArrays({ lanes, events, warmBytes }: Workload): TypedArrayResult {
  reset(lanes);
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

function hash(low: number, high: number): number {
  const mixed = Math.imul(low ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

function lockOf(low: number, high: number): number {
  let probe = hash(low, high) & MASK;
  for (;;) {
    const n = index[probe]!;
    if (n === 0) break;
    const lock = n * LOCK_WORDS;
    if (locks[lock + LOCK_LOW] === low && locks[lock + LOCK_HIGH] === high) return lock;
    probe = (probe + 1) & MASK;
  }
  if (lockCount + 1 >= LOCK_LIMIT) throw new Error('more locks than the typed-array engine has room for');
  index[probe] = ++lockCount;
  const lock = lockCount * LOCK_WORDS;
  locks[lock + LOCK_LOW] = low;
  locks[lock + LOCK_HIGH] = high;
  return lock;
}

/** The lock on top of the context's stack most likely is the one. */
function lockNear(context: number, low: number, high: number): number {
  const depth = depths[context]!;
  if (depth > 0) {
    const lock = stacks[context * STACK_WORDS + (depth - 1) * ENTRY_WORDS + ENTRY_LOCK]!;
    if (locks[lock + LOCK_LOW] === low && locks[lock + LOCK_HIGH] === high) return lock;
  }
  return lockOf(low, high);
}

function findEntry(context: number, lock: number, state: number): number {
  const stack = context * STACK_WORDS;
  for (let n = depths[context]! - 1; n >= 0; n--) {
    const entry = stack + n * ENTRY_WORDS;
    if (stacks[entry + ENTRY_LOCK] === lock && stacks[entry + ENTRY_STATE] === state) return entry;
  }
  return -1;
}

function pushEntry(context: number, lock: number, state: number, flags: number): number {
  const entry = context * STACK_WORDS + depths[context]! * ENTRY_WORDS;
  depths[context]!++;
  stacks[entry + ENTRY_LOCK] = lock;
  stacks[entry + ENTRY_STATE] = state;
  stacks[entry + ENTRY_FLAGS] = flags;
  stacks[entry + ENTRY_RELEASES] = locks[lock + LOCK_RELEASES]!;
  for (let cell = (entry + ENTRY_ATTEMPT) >> 1; cell < (entry + ENTRY_WORDS) >> 1; cell++)
    stackCells[cell] = 0;
  locks[lock + LOCK_REFERENCES]!++;
  return entry;
}

function removeEntry(context: number, entry: number): void {
  locks[stacks[entry + ENTRY_LOCK]! + LOCK_REFERENCES]!--;
  const top = context * STACK_WORDS + --depths[context]! * ENTRY_WORDS;
  if (entry !== top) stacks.copyWithin(entry, entry + ENTRY_WORDS, top + ENTRY_WORDS);
}

function record(ns: number): void {
  totals[2]!++;
  const bits = ns < 1 ? 0 : Math.max(0, 31 - Math.clz32(Math.min(ns, TWO_32 - 1)) - HISTOGRAM_BITS);
  histogram[(bits << HISTOGRAM_BITS) + Math.floor(ns / 2 ** bits)]!++;
}

function levelOf(flags: number): number {
  if (flags & FLAG_NMI) return 3;
  if (flags & FLAG_HARDIRQ) return 2;
  return flags & FLAG_SOFTIRQ ? 1 : 0;
}

function seen(input: Int32Array, at: number, lane: number, time: number, flags: number): void {
  const cpu = (input[at + 6]! >>> 16) * CPU_WORDS;
  const cell = cpu >> 1;
  const level = levelOf(flags);
  const pid = input[at + 7]!;
  cpuCells[cell + CPU_EVENTS]!++;
  const gap = time - cpuCells[cell + CPU_LAST_TIME]!;
  cpuCells[cell + CPU_LAST_TIME] = time;
  if (cpus[cpu + CPU_PID] !== 0 || cpus[cpu + CPU_LEVEL] !== 0) {
    cpuCells[cell + CPU_BUSY_GAPS]!++;
    if (gap > cpuCells[cell + CPU_BUSY_MAX]!) cpuCells[cell + CPU_BUSY_MAX] = gap;
  }
  if (level !== cpus[cpu + CPU_LEVEL]) cpus[cpu + CPU_LEVEL] = level;
  if (pid !== cpus[cpu + CPU_PID]) cpus[cpu + CPU_PID] = pid;
  if (flags & FLAG_IRQS_OFF) {
    if (cpus[cpu + CPU_OFF_FIRST] === 0) setMark(cpus, cpu + CPU_OFF_FIRST, input, at, lane);
    setMark(cpus, cpu + CPU_OFF_LAST, input, at, lane);
  } else {
    cpus[cpu + CPU_OFF_FIRST] = 0;
  }
  setMark(cpus, cpu + CPU_LAST, input, at, lane);
}

function attempt(context: number, input: Int32Array, at: number, time: number, flags: number): void {
  const lock = lockOf(input[at + 2]!, input[at + 3]!);
  lockCells[(lock + LOCK_LAST_USE) >> 1] = time;
  const entry = pushEntry(context, lock, WAITS, flags);
  stackCells[(entry + ENTRY_ATTEMPT) >> 1] = time;
  stackCells[(entry + ENTRY_POSITION) >> 1] = at;
  if (locks[lock + LOCK_OWNER]) stackCells[(entry + ENTRY_HOLDER) >> 1] = locks[lock + LOCK_OWNER]!;
}

function take(
  context: number,
  input: Int32Array,
  at: number,
  lane: number,
  time: number,
  flags: number,
): void {
  totals[0]!++;
  const lock = lockNear(context, input[at + 2]!, input[at + 3]!);
  lockCells[(lock + LOCK_LAST_USE) >> 1] = time;
  locks[lock + LOCK_ACQUISITIONS]!++;
  let entry = findEntry(context, lock, WAITS);
  if (locks[lock + LOCK_OWNER] === context + 1) {
    const old = findEntry(context, lock, HELD);
    if (old >= 0) removeEntry(context, old);
    entry = findEntry(context, lock, WAITS);
  }
  if (entry < 0) entry = pushEntry(context, lock, HELD, flags);
  stacks[entry + ENTRY_STATE] = HELD;
  stackCells[(entry + ENTRY_ACQUIRE) >> 1] = time;
  stackCells[(entry + ENTRY_POSITION) >> 1] = at;
  locks[lock + LOCK_OWNER] = context + 1;
  setMark(locks, lock + LOCK_ACQUIRE, input, at, lane);
}

function release(context: number, input: Int32Array, at: number, lane: number, time: number): void {
  totals[1]!++;
  const lock = lockNear(context, input[at + 2]!, input[at + 3]!);
  lockCells[(lock + LOCK_LAST_USE) >> 1] = time;
  const entry = findEntry(context, lock, HELD);
  if (entry >= 0) {
    record(time - stackCells[(entry + ENTRY_ACQUIRE) >> 1]!);
    if (locks[lock + LOCK_OWNER] === context + 1) locks[lock + LOCK_OWNER] = 0;
    removeEntry(context, entry);
  }
  locks[lock + LOCK_RELEASES]!++;
  setMark(locks, lock + LOCK_RELEASE, input, at, lane);
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
    rowCounts[input[at + 8]! >>> 16]!++;
    kindCounts[kind]!++;
    seen(input, at, lane, time, flags);
    if (kind === KIND_ATTEMPT) attempt(lane, input, at, time, flags);
    else if (kind === KIND_ACQUIRE) take(lane, input, at, lane, time, flags);
    else if (kind === KIND_RELEASE) release(lane, input, at, lane, time);
    const after = at + EVENT_WORDS;
    cursors[lane] = after;
    next[lane] = after < input.length ? timeAt(input, after) : Infinity;
  }
}

import {
  FLAG_HARDIRQ,
  FLAG_IRQS_OFF,
  FLAG_IRQS_UNKNOWN,
  FLAG_MUTEX,
  FLAG_NAMESPACE_SHIFT,
  FLAG_NMI,
  FLAG_READ,
  FLAG_SOFTIRQ,
  FLAG_SPIN,
  FLAG_TRY,
  KIND_ACQUIRE,
  KIND_ATTEMPT,
  KIND_RELEASE,
} from '../assembly/layout.ts';
import { ENGINE_DEFAULTS, type EngineOptions, type Step } from '../src/engine/engine.ts';
import { EVENT_RECORD_SIZE } from '../src/model/event-record.ts';
import type { Replayable } from './replay.ts';
import { readHistogram, readMark } from './typed-arrays-readout.ts';
import type { Workload } from './workloads.ts';

// The peer "JavaScript as fast as it goes": the engine's work on attempts, takes and releases of lockdep locks, over typed arrays
// only. No objects, no BigInt: times are doubles (exact up to 104 days), addresses are two words. It keeps and asks what the engine keeps
// and asks for every such event: the CPU's signs of life and rhythm, which types come with interrupts on and off, the locks' slots with
// a mark of the last take and release, the contexts' stacks, waits and holds in histograms, counts by type and kind, thresholds; and it
// reads windows that are filled off the clock, as the engine does. test/bench/replay.test.ts holds all of that against the engine. What
// these events never need stays out, which is in its favour: interrupt contexts, tables that forget, words, findings.
// It is one file, and its loop one long function: V8 makes constants only of a module's own arrays, and inlines only so much.

const EVENT_WORDS = EVENT_RECORD_SIZE / 4;
// Words of an event.
const EVENT_ADDRESS = 2;
const EVENT_VALUE = 4;
const EVENT_KIND_CPU = 6; // kind, bit, CPU
const EVENT_PID = 7;
const EVENT_FLAGS_TYPE = 8;

// Records below are cells of 8 bytes: doubles, or two words at twice the cell's index. A mark is time and position as doubles, and
// what an event says behind its address, copied as it is (moves of doubles keep all 64 bits).
const MARK_POSITION = 1;
const MARK_VALUE = 2;
const MARK_WHO = 3;
const MARK_FLAGS = 4;
const MARK_CELLS = 5;

// Cells of a CPU.
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
const CPU_LAST = 9;
const CPU_OFF_FIRST = CPU_LAST + MARK_CELLS;
const CPU_OFF_LAST = CPU_OFF_FIRST + MARK_CELLS;
const CPU_ON = CPU_OFF_LAST + MARK_CELLS;
const CPU_CELLS = 32;

// Words of a lock.
const LOCK_LOW = 0;
const LOCK_HIGH = 1;
const LOCK_NAME = 2; // namespace and bit
const LOCK_OWNER = 3;
const LOCK_ACQUISITIONS = 4;
const LOCK_RELEASES = 5;
const LOCK_REFERENCES = 6;
const LOCK_STATE = 7;
const LOCK_WAITERS = 8;
const LOCK_SUSPECT = 9;
const LOCK_WORD = 10;
// Cells of a lock.
const LOCK_LAST_USE = 6;
const LOCK_ACQUIRE = 7;
const LOCK_RELEASE = LOCK_ACQUIRE + MARK_CELLS;
const LOCK_CELLS = LOCK_RELEASE + MARK_CELLS;
const LOCK_WORDS = 2 * LOCK_CELLS;
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
const ENTRY_CPU = 4;
const ENTRY_HOLDER_PID = 5;
const ENTRY_HOLDER_CPU = 6;
// Cells of a stack entry.
const ENTRY_ATTEMPT = 4;
const ENTRY_ATTEMPT_POSITION = 5;
const ENTRY_CONTEND = 6;
const ENTRY_ACQUIRE = 7;
const ENTRY_ACQUIRE_POSITION = 8;
const ENTRY_HOLDER = 9;
const ENTRY_HOLDER_POSITION = 10;
const ENTRY_CELLS = 11;
const ENTRY_WORDS = 2 * ENTRY_CELLS;
const STACK_ENTRIES = 64;
const STACK_WORDS = STACK_ENTRIES * ENTRY_WORDS;

// Positions of a lane, in bytes.
const LANE_POSITIONS = 2 ** 48;

// Two bits for each combination of those flags, as in assembly/programs/cpu-life.ts.
const LEVELS =
  (1 << FLAG_SOFTIRQ) | (2 << FLAG_HARDIRQ) | (2 << (FLAG_HARDIRQ | FLAG_SOFTIRQ)) | ((3 * 0x55) << FLAG_NMI);

const WAITS = 1;
const HELD = 2;
const TWO_31 = 2 ** 31;
const TWO_32 = 2 ** 32;
const HISTOGRAM_BITS = ENGINE_DEFAULTS.histogramBits;
const TYPES = 65536;

// What it can hold. Arrays of the module, made once: that is what V8 makes the best code for.
const LANE_LIMIT = 8;
const CPU_LIMIT = 8;
const CONTEXT_LIMIT = 64;
const LOCK_LIMIT = 1 << 16;
const FIRST_INDEX = 1 << ENGINE_DEFAULTS.tablePower;
// A window of the engine, whole records of it.
const WINDOW_WORDS = EVENT_WORDS * Math.floor(ENGINE_DEFAULTS.windowLimit / EVENT_RECORD_SIZE);

const inputBuffer = new ArrayBuffer(LANE_LIMIT * WINDOW_WORDS * 4);
const input = new Int32Array(inputBuffer);
const inputCells = new Float64Array(inputBuffer);
const cpuBuffer = new ArrayBuffer(CPU_LIMIT * CPU_CELLS * 8);
const cpus = new Int32Array(cpuBuffer);
const cpuCells = new Float64Array(cpuBuffer);
const lockBuffer = new ArrayBuffer(LOCK_LIMIT * LOCK_CELLS * 8);
const locks = new Int32Array(lockBuffer);
const lockCells = new Float64Array(lockBuffer);
const index = new Int32Array(LOCK_LIMIT * 2);
const stackBuffer = new ArrayBuffer(CONTEXT_LIMIT * STACK_WORDS * 4);
const stacks = new Int32Array(stackBuffer);
const stackCells = new Float64Array(stackBuffer);
const depths = new Int32Array(CONTEXT_LIMIT);
const tasks = new Int32Array(CONTEXT_LIMIT);
const rowOf = new Uint16Array(TYPES);
// Cells of a row: events, of them seen with interrupts on, and off.
const ROW_CELLS = 3;
const rows = new Uint32Array(TYPES * ROW_CELLS);
const kindCounts = new Uint32Array(256 * 4);
// Cells of a histogram, beside its buckets. Doubles hold times below 2^53.
const COUNT = 0;
const SUM = 1;
const MIN = 2;
const MAX = 3;
const BUCKETS = (53 - HISTOGRAM_BITS + 1) << HISTOGRAM_BITS;
const holds = new Float64Array(4);
const holdBuckets = new Uint32Array(BUCKETS);
const waits = new Float64Array(4);
const waitBuckets = new Uint32Array(BUCKETS);
const cursors = new Int32Array(LANE_LIMIT);
const ends = new Int32Array(LANE_LIMIT);
// What to add to a place in `input` for the place in the lane, in words.
const bases = new Float64Array(LANE_LIMIT);
const laneEvents = new Float64Array(LANE_LIMIT);
// The time of each lane's next event; Infinity at its end.
const next = new Float64Array(LANE_LIMIT);
const head = new Float64Array(4);
const EVENTS = 0;
const FIRST_TIME = 1;
const LAST_TIME = 2;
const PAUSES = 3;
const totals = new Int32Array(7);
const ACQUISITIONS = 0;
const RELEASES = 1;
const ATTEMPTS = 2;
const TAKEN_TWICE = 3;
const BACKWARDS = 4;
const REPORTS = 5;
const UNPAIRED_RELEASES = 6;
// Reports are counted, not written: in the benchmark there are none, as on a machine where nothing is wrong; but they are asked for.
const thresholds = new Float64Array(3);
const SPIN_NS = 0;
const SILENT_NS = 1;
const IRQ_OFF_NS = 2;
let laneCount = 0;
let rowCount = 0;
let lockCount = 0;
let mask = 0;

/** Which workloads it can replay: lockdep locks only, in few enough lanes for a linear merge, and not too many locks. */
export function fitsTypedArrays(workload: Workload): boolean {
  return workload.lockEventsOnly && workload.lanes.length <= LANE_LIMIT && workload.warmBytes < 2 ** 24;
}

/** Begins anew: there is one typed-array engine, for its arrays are the module's. */
export function makeTypedArrays({
  lanes,
  rows: known,
  spinNs,
  silentNs,
  irqOffNs,
}: EngineOptions): TypedArrays {
  for (const array of [cpus, locks, index, stacks, depths, tasks, rowOf, rows, kindCounts, cursors, ends])
    array.fill(0);
  for (const array of [holds, holdBuckets, waits, waitBuckets, laneEvents, bases, head, totals, next])
    array.fill(0);
  holds[MIN] = waits[MIN] = Infinity;
  known.forEach(({ type }, row) => (rowOf[type] = row));
  thresholds.set([spinNs, silentNs, irqOffNs]);
  laneCount = lanes.length;
  rowCount = known.length;
  for (let lane = 0; lane < laneCount; lane++) {
    cursors[lane] = ends[lane] = lane * WINDOW_WORDS;
    bases[lane] = -lane * WINDOW_WORDS;
  }
  lockCount = 0;
  mask = FIRST_INDEX - 1;
  return new TypedArrays();
}

/** The module's state behind the engine's interface, as far as the benchmark needs it. */
export class TypedArrays implements Replayable {
  step(): Step {
    const lane = replay();
    return lane < 0 ? { state: 'done' } : { state: 'dry', lane };
  }

  window(lane: number): Uint8Array {
    return new Uint8Array(inputBuffer, lane * WINDOW_WORDS * 4, WINDOW_WORDS * 4);
  }

  supply(lane: number, bytes: number): void {
    const first = lane * WINDOW_WORDS;
    bases[lane]! += cursors[lane]! - first;
    cursors[lane] = first;
    ends[lane] = first + bytes / 4;
    const time = timeAt(first);
    if (time < next[lane]!) totals[BACKWARDS]!++;
    next[lane] = time;
  }

  finish(lane: number): void {
    next[lane] = Infinity;
  }

  /** What it counted and keeps, to be held against the engine's. */
  state() {
    const present = [...Array(CPU_LIMIT).keys()].filter((cpu) => cpuCells[cpu * CPU_CELLS + CPU_EVENTS]);
    return {
      attempts: totals[ATTEMPTS],
      acquisitions: totals[ACQUISITIONS],
      releases: totals[RELEASES],
      takenTwice: totals[TAKEN_TWICE],
      unpairedReleases: totals[UNPAIRED_RELEASES],
      // Row 0 is that of all types which the capture does not describe.
      unknownTypes: rows[0],
      backwards: totals[BACKWARDS],
      reports: totals[REPORTS]! + head[PAUSES]!,
      firstTime: head[FIRST_TIME],
      lastTime: head[LAST_TIME],
      kinds: [...kindCounts.entries()].filter(([, events]) => events > 0),
      rows: [...rows.subarray(0, ROW_CELLS * rowCount)],
      lanes: [...laneEvents.subarray(0, laneCount)],
      cpus: present.map((cpu) => cpuState(cpu * CPU_CELLS)),
      locks: Array.from({ length: lockCount }, (_, n) => lockState((n + 1) * LOCK_CELLS)),
      holdNs: readHistogram(holds, holdBuckets),
      waitNs: readHistogram(waits, waitBuckets),
    };
  }
}

function cpuState(cell: number) {
  // Marks of a run of events with interrupts on or off are kept where it ends, or count while it lasts.
  const lastIsOn = isOn(cpus[2 * (cell + CPU_LAST + MARK_FLAGS)]!);
  const isOffRun = cpuCells[cell + CPU_OFF_FIRST] !== 0;
  return {
    events: cpuCells[cell + CPU_EVENTS],
    firstTime: cpuCells[cell + CPU_FIRST_TIME],
    lastTime: cpuCells[cell + CPU_LAST_TIME],
    busyGaps: cpuCells[cell + CPU_BUSY_GAPS],
    busyMax: cpuCells[cell + CPU_BUSY_MAX],
    backwards: cpus[2 * cell + CPU_BACKWARDS],
    last: readMark(cpuCells, cell + CPU_LAST),
    flagsOn: readMark(cpuCells, cell + (lastIsOn ? CPU_LAST : CPU_ON)),
    flagsOffFirst: readMark(cpuCells, cell + CPU_OFF_FIRST),
    flagsOffLast: isOffRun ? readMark(cpuCells, cell + CPU_OFF_LAST) : null,
  };
}

function lockState(cell: number) {
  const lock = 2 * cell;
  return {
    address: (BigInt(locks[lock + LOCK_HIGH]! >>> 0) << 32n) | BigInt(locks[lock + LOCK_LOW]! >>> 0),
    acquisitions: locks[lock + LOCK_ACQUISITIONS],
    releases: locks[lock + LOCK_RELEASES],
    waiters: locks[lock + LOCK_WAITERS],
    isHeld: locks[lock + LOCK_OWNER] !== 0,
    lastUse: lockCells[cell + LOCK_LAST_USE],
    acquire: readMark(lockCells, cell + LOCK_ACQUIRE),
    release: readMark(lockCells, cell + LOCK_RELEASE),
  };
}

function timeAt(at: number): number {
  return (input[at + 1]! >>> 0) * TWO_32 + (input[at]! >>> 0);
}

function since(earlier: number, later: number): number {
  return later > earlier ? later - earlier : 0;
}

function isOn(flags: number): boolean {
  return !(flags & (FLAG_IRQS_OFF | FLAG_IRQS_UNKNOWN));
}

function levelOf(flags: number): number {
  return (LEVELS >> (flags & (FLAG_HARDIRQ | FLAG_SOFTIRQ | FLAG_NMI))) & 3;
}

/** Remembers the event at `at`: `to` is a cell of `cells`. */
function setMark(cells: Float64Array, to: number, at: number, time: number, position: number): void {
  const from = at >> 1;
  cells[to] = time;
  cells[to + MARK_POSITION] = position;
  cells[to + MARK_VALUE] = inputCells[from + EVENT_VALUE / 2]!;
  cells[to + MARK_WHO] = inputCells[from + EVENT_KIND_CPU / 2]!;
  cells[to + MARK_FLAGS] = inputCells[from + EVENT_FLAGS_TYPE / 2]!;
}

function hash(low: number, high: number, name: number): number {
  const mixed = Math.imul(low ^ Math.imul(high ^ (name << 16), 0x85ebca6b), 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

/** Namespace and bit of an event's lock. */
function nameOf(at: number): number {
  return (
    ((input[at + EVENT_FLAGS_TYPE]! & 0xffff) >>> FLAG_NAMESPACE_SHIFT) |
    (input[at + EVENT_KIND_CPU]! & 0xff00)
  );
}

function isLock(lock: number, low: number, high: number, name: number): boolean {
  return (
    locks[lock + LOCK_LOW] === low && locks[lock + LOCK_HIGH] === high && locks[lock + LOCK_NAME] === name
  );
}

/** Words at which the lock begins. */
function lockOf(low: number, high: number, name: number): number {
  let probe = hash(low, high, name) & mask;
  for (;;) {
    const n = index[probe]!;
    if (n === 0) return addLock(probe, low, high, name);
    const lock = n * LOCK_WORDS;
    if (isLock(lock, low, high, name)) return lock;
    probe = (probe + 1) & mask;
  }
}

function addLock(probe: number, low: number, high: number, name: number): number {
  if (lockCount + 1 >= LOCK_LIMIT) throw new Error('more locks than the typed-array engine has room for');
  index[probe] = ++lockCount;
  const lock = lockCount * LOCK_WORDS;
  locks[lock + LOCK_LOW] = low;
  locks[lock + LOCK_HIGH] = high;
  locks[lock + LOCK_NAME] = name;
  // At half load the index doubles, as the engine's does: a small one stays in the cache.
  if (2 * lockCount > mask) growIndex();
  return lock;
}

function growIndex(): void {
  mask = 2 * mask + 1;
  index.fill(0);
  for (let n = 1; n <= lockCount; n++) {
    const lock = n * LOCK_WORDS;
    let probe = hash(locks[lock + LOCK_LOW]!, locks[lock + LOCK_HIGH]!, locks[lock + LOCK_NAME]!) & mask;
    while (index[probe] !== 0) probe = (probe + 1) & mask;
    index[probe] = n;
  }
}

/** The event's lock: the one on top of the context's stack most likely is it. */
function lockNear(context: number, at: number): number {
  const low = input[at + EVENT_ADDRESS]!;
  const high = input[at + EVENT_ADDRESS + 1]!;
  const name = nameOf(at);
  const depth = depths[context]!;
  if (depth > 0) {
    const lock = stacks[context * STACK_WORDS + (depth - 1) * ENTRY_WORDS + ENTRY_LOCK]!;
    if (isLock(lock, low, high, name)) return lock;
  }
  return lockOf(low, high, name);
}

/** The topmost entry for the lock in that state, -1 for none. */
function findEntry(context: number, lock: number, state: number): number {
  const stack = context * STACK_WORDS;
  for (let entry = stack + (depths[context]! - 1) * ENTRY_WORDS; entry >= stack; entry -= ENTRY_WORDS)
    if (stacks[entry + ENTRY_LOCK] === lock && stacks[entry + ENTRY_STATE] === state) return entry;
  return -1;
}

/** The topmost entry for the lock, whatever its state. */
function findTop(context: number, lock: number): number {
  const stack = context * STACK_WORDS;
  for (let entry = stack + (depths[context]! - 1) * ENTRY_WORDS; entry >= stack; entry -= ENTRY_WORDS)
    if (stacks[entry + ENTRY_LOCK] === lock) return entry;
  return -1;
}

function pushEntry(context: number, lock: number, state: number, at: number): number {
  const depth = depths[context]!;
  if (depth === STACK_ENTRIES) throw new Error('deeper than the stacks of the typed-array engine');
  const entry = context * STACK_WORDS + depth * ENTRY_WORDS;
  depths[context] = depth + 1;
  stacks[entry + ENTRY_LOCK] = lock;
  stacks[entry + ENTRY_STATE] = state;
  stacks[entry + ENTRY_FLAGS] = input[at + EVENT_FLAGS_TYPE]!;
  stacks[entry + ENTRY_CPU] = input[at + EVENT_KIND_CPU]! >>> 16;
  stacks[entry + ENTRY_RELEASES] = locks[lock + LOCK_RELEASES]!;
  const cell = entry >> 1;
  stackCells[cell + ENTRY_ATTEMPT] = 0;
  stackCells[cell + ENTRY_CONTEND] = 0;
  stackCells[cell + ENTRY_ACQUIRE] = 0;
  stackCells[cell + ENTRY_HOLDER] = 0;
  locks[lock + LOCK_REFERENCES]!++;
  return entry;
}

function removeEntry(context: number, entry: number): void {
  const lock = stacks[entry + ENTRY_LOCK]!;
  locks[lock + LOCK_REFERENCES]!--;
  if (stacks[entry + ENTRY_STATE] !== HELD) locks[lock + LOCK_WAITERS]!--;
  else if (locks[lock + LOCK_OWNER] === context + 1) locks[lock + LOCK_OWNER] = 0;
  const depth = depths[context]! - 1;
  depths[context] = depth;
  const top = context * STACK_WORDS + depth * ENTRY_WORDS;
  if (entry !== top) stacks.copyWithin(entry, entry + ENTRY_WORDS, top + ENTRY_WORDS);
}

function bucketOf(ns: number): number {
  if (ns < TWO_31) {
    const shift = 31 - HISTOGRAM_BITS - Math.clz32(ns);
    return shift > 0 ? (shift << HISTOGRAM_BITS) + (ns >> shift) : ns | 0;
  }
  const shift = 63 - HISTOGRAM_BITS - Math.clz32(ns / TWO_32) - (ns < TWO_32 ? Math.clz32(ns) : 0);
  return (shift << HISTOGRAM_BITS) + Math.floor(ns / 2 ** shift);
}

function record(histogram: Float64Array, buckets: Uint32Array, ns: number): void {
  histogram[COUNT]!++;
  histogram[SUM]! += ns;
  if (ns < histogram[MIN]!) histogram[MIN] = ns;
  if (ns > histogram[MAX]!) histogram[MAX] = ns;
  buckets[bucketOf(ns)]!++;
}

/** The context of the CPU's task; `cpu` is a word. */
function contextOf(cpu: number, at: number): number {
  const known = cpus[cpu + CPU_TASK]!;
  return known !== 0 ? known - 1 : findContext(cpu, input[at + EVENT_PID]!);
}

function findContext(cpu: number, pid: number): number {
  if (cpus[cpu + CPU_LEVEL] !== 0) throw new Error('the typed-array engine has no interrupt contexts');
  // Pid 0 is a task of each CPU.
  const task = pid === 0 ? ~cpu : pid;
  let context = task & (CONTEXT_LIMIT - 1);
  while (tasks[context] !== 0 && tasks[context] !== task) context = (context + 1) & (CONTEXT_LIMIT - 1);
  tasks[context] = task;
  cpus[cpu + CPU_TASK] = context + 1;
  return context;
}

function attempt(cpu: number, at: number, time: number, position: number): void {
  const context = contextOf(cpu, at);
  const lock = lockOf(input[at + EVENT_ADDRESS]!, input[at + EVENT_ADDRESS + 1]!, nameOf(at));
  const cells = lock >> 1;
  lockCells[cells + LOCK_LAST_USE] = time;
  const entry = pushEntry(context, lock, WAITS, at);
  const cell = entry >> 1;
  locks[lock + LOCK_WAITERS]!++;
  stackCells[cell + ENTRY_ATTEMPT] = time;
  stackCells[cell + ENTRY_ATTEMPT_POSITION] = position;
  if (locks[lock + LOCK_OWNER] === 0) return;
  const take = cells + LOCK_ACQUIRE;
  stackCells[cell + ENTRY_HOLDER] = lockCells[take]!;
  stackCells[cell + ENTRY_HOLDER_POSITION] = lockCells[take + MARK_POSITION]!;
  stacks[entry + ENTRY_HOLDER_PID] = locks[2 * (take + MARK_WHO) + 1]!;
  stacks[entry + ENTRY_HOLDER_CPU] = locks[2 * (take + MARK_WHO)]! >>> 16;
}

/** `seen` is IS_VISIBLE for an event that says so; a try that succeeded is an attempt. */
function take(
  cpu: number,
  at: number,
  time: number,
  position: number,
  eventFlags: number,
  seen: number,
): void {
  totals[ACQUISITIONS]!++;
  const context = contextOf(cpu, at);
  const lock = lockNear(context, at);
  const cells = lock >> 1;
  lockCells[cells + LOCK_LAST_USE] = time;
  locks[lock + LOCK_ACQUISITIONS]!++;
  let entry = findEntry(context, lock, WAITS);
  let flags = eventFlags;
  if (entry >= 0) {
    const contended = stackCells[(entry >> 1) + ENTRY_CONTEND]!;
    if (contended !== 0) record(waits, waitBuckets, since(contended, time));
    locks[lock + LOCK_WAITERS]!--;
    flags = stacks[entry + ENTRY_FLAGS]!;
    const isLong = since(stackCells[(entry >> 1) + ENTRY_ATTEMPT]!, time) >= thresholds[SPIN_NS]!;
    if (isLong && flags & (FLAG_SPIN | FLAG_IRQS_OFF)) totals[REPORTS]!++;
  }
  let state = locks[lock + LOCK_STATE]! | seen;
  const reads = (flags & FLAG_READ) !== 0;
  if (!reads) {
    const owner = locks[lock + LOCK_OWNER]!;
    if (owner !== 0) {
      totals[TAKEN_TWICE]!++;
      const old = owner === context + 1 ? findEntry(context, lock, HELD) : -1;
      if (old >= 0) {
        removeEntry(context, old);
        // The old hold may have lain below the entry.
        if (entry >= 0) entry = findEntry(context, lock, WAITS);
      }
    }
  }
  if (entry < 0) entry = pushEntry(context, lock, HELD, at);
  stacks[entry + ENTRY_STATE] = HELD;
  stackCells[(entry >> 1) + ENTRY_ACQUIRE] = time;
  stackCells[(entry >> 1) + ENTRY_ACQUIRE_POSITION] = position;
  if (reads) {
    locks[lock + LOCK_STATE] = state | IS_READ;
    return;
  }
  if (flags & FLAG_MUTEX) state |= IS_SLEEPING;
  if (locks[lock + LOCK_SUSPECT] !== 0 || state & IS_ORPHANED) totals[REPORTS]!++;
  locks[lock + LOCK_STATE] = state & ~(IS_ORPHANED | IS_SEEN_SET);
  locks[lock + LOCK_OWNER] = context + 1;
  setMark(lockCells, cells + LOCK_ACQUIRE, at, time, position);
  if (locks[lock + LOCK_WORD] !== 0) totals[REPORTS]!++;
}

/** Who is believed to hold the lock does so no more. */
function unpairedRelease(lock: number, owner: number): void {
  totals[UNPAIRED_RELEASES]!++;
  const held = owner === 0 ? -1 : findEntry(owner - 1, lock, HELD);
  if (held >= 0) removeEntry(owner - 1, held);
}

function release(cpu: number, at: number, time: number, position: number): void {
  totals[RELEASES]!++;
  const context = contextOf(cpu, at);
  const lock = lockNear(context, at);
  const cells = lock >> 1;
  lockCells[cells + LOCK_LAST_USE] = time;
  const owner = locks[lock + LOCK_OWNER]!;
  const entry = findTop(context, lock);
  if (entry >= 0) {
    if (stacks[entry + ENTRY_STATE] === HELD)
      record(holds, holdBuckets, since(stackCells[(entry >> 1) + ENTRY_ACQUIRE]!, time));
    removeEntry(context, entry);
  } else unpairedRelease(lock, owner);
  locks[lock + LOCK_RELEASES]!++;
  if (locks[lock + LOCK_SUSPECT] !== 0) totals[REPORTS]!++;
  if (owner === 0 || owner === context + 1 || entry < 0) {
    setMark(lockCells, cells + LOCK_RELEASE, at, time, position);
    locks[lock + LOCK_STATE]! &= ~(IS_ORPHANED | IS_SEEN_SET);
  }
  if (locks[lock + LOCK_WORD] !== 0) totals[REPORTS]!++;
}

/** Replays events in order of time, ties in order of lanes. Returns the lane that ran dry; -1 when all have ended. */
function replay(): number {
  for (;;) {
    let lane = 0;
    let time = next[0]!;
    let second = -1;
    let secondTime = Infinity;
    for (let other = 1; other < laneCount; other++) {
      const otherTime = next[other]!;
      if (otherTime < time) {
        second = lane;
        secondTime = time;
        lane = other;
        time = otherTime;
      } else if (otherTime < secondTime) {
        second = other;
        secondTime = otherTime;
      }
    }
    if (time === Infinity) return -1;
    const end = ends[lane]!;
    const first = cursors[lane]!;
    // Where the lane is the first of equals, it stays so until its time is later than the other's.
    const last = lane < second ? secondTime : -1;
    const base = lane * LANE_POSITIONS + 4 * bases[lane]!;
    let at = first;
    let latest = head[LAST_TIME]!;
    if (head[EVENTS] === 0 && first < end) head[FIRST_TIME] = latest = time;
    while (at < end && (time < secondTime || time === last)) {
      const kind = input[at + EVENT_KIND_CPU]! & 255;
      const cpu = (input[at + EVENT_KIND_CPU]! >>> 16) * (2 * CPU_CELLS);
      const cell = cpu >> 1;
      const flags = input[at + EVENT_FLAGS_TYPE]! & 0xffff;
      const row = rowOf[input[at + EVENT_FLAGS_TYPE]! >>> 16]! * ROW_CELLS;
      const position = base + 4 * at;
      if (time > latest) {
        if (time - latest >= thresholds[SPIN_NS]!) head[PAUSES]!++;
        latest = time;
      }
      rows[row]!++;
      kindCounts[(kind << 2) | (flags >>> FLAG_NAMESPACE_SHIFT)]!++;

      // Signs of life (programs/cpu-life.ts).
      const level = levelOf(flags);
      const pid = input[at + EVENT_PID]!;
      const before = cpuCells[cell + CPU_LAST_TIME]!;
      if (cpuCells[cell + CPU_EVENTS] === 0) cpuCells[cell + CPU_FIRST_TIME] = time;
      else if (time < before) cpus[cpu + CPU_BACKWARDS]!++;
      cpuCells[cell + CPU_EVENTS]!++;
      cpuCells[cell + CPU_LAST_TIME] = time;
      if (level !== 3) {
        const levelBefore = cpus[cpu + CPU_LEVEL]!;
        if (before !== 0 && (cpus[cpu + CPU_PID] !== 0 || levelBefore !== 0)) {
          const gap = since(before, time);
          if (gap >= thresholds[SILENT_NS]!) totals[REPORTS]!++;
          cpuCells[cell + CPU_BUSY_GAPS]!++;
          if (gap > cpuCells[cell + CPU_BUSY_MAX]!) cpuCells[cell + CPU_BUSY_MAX] = gap;
        }
        if (pid === 0 && level === 0) cpuCells[cell + CPU_LAST_TICK] = 0;
        if (level === 2 && levelBefore < 2) cpuCells[cell + CPU_LAST_TICK] = time;
        if (level !== levelBefore) cpus[cpu + CPU_LEVEL] = level;
        if (pid !== cpus[cpu + CPU_PID]) {
          cpus[cpu + CPU_PID] = pid;
          cpus[cpu + CPU_TASK] = 0;
        }
        if (isOn(flags)) {
          rows[row + 1]!++;
          const offFirst = cpuCells[cell + CPU_OFF_FIRST]!;
          if (offFirst !== 0) {
            if (since(offFirst, cpuCells[cell + CPU_OFF_LAST]!) >= thresholds[IRQ_OFF_NS]!)
              totals[REPORTS]!++;
            cpuCells[cell + CPU_OFF_FIRST] = 0;
          }
          if (cpus[cpu + CPU_IRQS] === 2) cpus[cpu + CPU_IRQS] = 0;
        } else {
          flaggedOff(cpu, row, at, time, position, flags);
        }
        setMark(cpuCells, cell + CPU_LAST, at, time, position);
      }

      if (kind === KIND_ATTEMPT) {
        totals[ATTEMPTS]!++;
        if (flags & FLAG_TRY) take(cpu, at, time, position, flags, 0);
        else attempt(cpu, at, time, position);
      } else if (kind === KIND_ACQUIRE) take(cpu, at, time, position, flags, IS_VISIBLE);
      else if (kind === KIND_RELEASE) release(cpu, at, time, position);

      at += EVENT_WORDS;
      if (at === end) break;
      const following = timeAt(at);
      if (following < time) totals[BACKWARDS]!++;
      time = following;
    }
    const events = (at - first) / EVENT_WORDS;
    cursors[lane] = at;
    next[lane] = time;
    laneEvents[lane]! += events;
    head[EVENTS]! += events;
    head[LAST_TIME] = latest;
    if (at === end) return lane;
  }
}

/** An event with interrupts off, or of which nobody knows. */
function flaggedOff(
  cpu: number,
  row: number,
  at: number,
  time: number,
  position: number,
  flags: number,
): void {
  const cell = cpu >> 1;
  if (isOn(cpus[cpu + 2 * (CPU_LAST + MARK_FLAGS)]!))
    cpuCells.copyWithin(cell + CPU_ON, cell + CPU_LAST, cell + CPU_LAST + MARK_CELLS);
  if (flags & FLAG_IRQS_UNKNOWN) return;
  rows[row + 2]!++;
  if (rows[row + 1] === 0) return;
  if (cpuCells[cell + CPU_OFF_FIRST] === 0) setMark(cpuCells, cell + CPU_OFF_FIRST, at, time, position);
  setMark(cpuCells, cell + CPU_OFF_LAST, at, time, position);
}

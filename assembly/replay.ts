// The loop: takes the earliest pending event of all lanes, decodes it, and hands it to the programs of its kind.

import {
  EVENT_CPU,
  EVENT_FLAGS,
  EVENT_KIND,
  EVENT_SIZE,
  EVENT_TIME,
  EVENT_TYPE,
  EVENT_VALUE,
  HEAD_EVENT,
  HEAD_EVENTS,
  HEAD_FIRST_TIME,
  FLAG_NAMESPACE_SHIFT,
  HEAD_KINDS,
  HEAD_LANES,
  HEAD_LANE_COUNT,
  HEAD_LAST_TIME,
  HEAD_NOW,
  HEAD_OUTPUT,
  HEAD_OUTPUT_CAPACITY,
  HEAD_OUTPUT_COUNT,
  HEAD_PAUSE,
  HEAD_PAUSE_AT,
  HEAD_POSITION,
  HEAD_PRIMED,
  HEAD_SPIN_NS,
  KIND_ACQUIRE,
  KIND_ATTEMPT,
  KIND_CONTEND,
  KIND_IRQS_OFF,
  KIND_IRQS_ON,
  KIND_LOST,
  KIND_MASK,
  KIND_MESSAGE,
  KIND_OBSERVE,
  KIND_PASS,
  KIND_PREEMPT_OFF,
  KIND_PREEMPT_ON,
  KIND_RELEASE,
  KIND_SWITCH,
  KIND_TASK_EXIT,
  KIND_WAIT_END,
  KIND_WORD_LOAD,
  KIND_WORD_RMW,
  KIND_WORD_STORE,
  LANE_BAD_EVENTS,
  LANE_BLOCKS_FORMAT,
  LANE_CPU,
  LANE_FORMAT,
  LANE_HAS_EVENT,
  LANE_ID,
  LANE_NEXT_TIME,
  LANE_ORIGIN,
  LANE_PAGES_FORMAT,
  LANE_PENDING_LOST,
  LANE_RECORD,
  LANE_RECORDS_FORMAT,
  LANE_RECORD_SIZE,
  LANE_ROW,
  LANE_SIZE,
  LANE_SLOT,
  LANE_STATE,
  LANE_STATE_LAST,
  FLAG_NMI,
  OUTPUT_CLASS,
  OUTPUT_POSITION,
  OUTPUT_RECORD_SIZE,
  OUTPUT_SITE,
  OUTPUT_SIZE,
  RECORD_EXTRA,
  RECORD_IS_MESSAGE,
  RECORD_IS_PAUSE,
  ROW_COUNT,
  ROW_ENTRY,
  SERIES_IS_PREEMPT_OFF,
  STATE,
  STEP_AGAIN,
  STEP_DONE,
  STEP_OUTPUT_FULL,
  STEP_PAUSED,
  STEP_RING_FULL,
} from './layout';
import {
  addLane,
  advance,
  dropFirst,
  firstLane,
  heapSize,
  isBefore,
  laneBehind,
  secondPlace,
  siftFirst,
} from './decode/merge';
import { damaged } from './decode/pages';
import { decode, rowOf } from './decode/rows';
import { setMark } from './memory/mark';
import { markOf, push, ringIsFull } from './memory/ring';
import { lost, seen } from './programs/cpu-life';
import { irqsOff, irqsOn } from './programs/irqs';
import { classOf, isLabelled, nameOf, siteOf } from './programs/labels';
import { attempt, contend, take, waitEnd } from './programs/locks';
import { adopt, pass } from './programs/passes';
import { release } from './programs/releases';
import { sectionBegins, sectionEnds } from './programs/series';
import { exited, switched } from './programs/tasks';
import { observed, wordLoaded, wordStored, wordUpdated } from './programs/words';
import { cpuOf } from './state/cpus';

// One call replays about this many events: long enough to hide the call, short enough for V8 to swap in optimised code.
const BATCH: i32 = 1 << 16;

/**
 * Replays until a lane runs dry (returns its number: refill it, or mark it as ended), the batch is full, the ring or the
 * output wants to be drained, or everything has been replayed. See STEP_*.
 */
export function step(): i32 {
  if (!load<u32>(STATE, HEAD_PRIMED)) addLanes();
  store<u32>(STATE, ringIsFull() || outputIsFull() ? 1 : 0, HEAD_PAUSE);
  const left = load<u64>(STATE, HEAD_PAUSE_AT) - load<u64>(STATE, HEAD_EVENTS);
  let budget = i32(min<u64>(u64(BATCH), left));
  while (heapSize()) {
    const lane = firstLane();
    const second = secondPlace();
    const rival = laneBehind(second);
    // Not in a lane that is new, or ran dry.
    let isPending = load<u8>(lane, LANE_HAS_EVENT) != 0;
    // What is called once becomes part of this loop (scripts/build-wasm.js): an event's whole way is one function.
    do {
      if (isPending) {
        if (load<u32>(STATE, HEAD_PAUSE) || --budget < 0) {
          store<u8>(lane, 1, LANE_HAS_EVENT);
          return whyStopped();
        }
        deliver(lane);
      }
      isPending = advance(lane);
    } while (isPending && (!rival || isBefore(lane, rival)));
    store<u8>(lane, u8(isPending), LANE_HAS_EVENT);
    if (isPending) siftFirst(lane, second);
    else if (load<u8>(lane, LANE_STATE) == LANE_STATE_LAST) dropFirst();
    else return i32(load<u16>(lane, LANE_ID));
  }
  return STEP_DONE;
}

function whyStopped(): i32 {
  if (load<u32>(STATE, HEAD_PAUSE)) return ringIsFull() ? STEP_RING_FULL : STEP_OUTPUT_FULL;
  return load<u64>(STATE, HEAD_EVENTS) == load<u64>(STATE, HEAD_PAUSE_AT) ? STEP_PAUSED : STEP_AGAIN;
}

/** All lanes, none with an event yet: their time is 0, so each gets one before any other event is taken. */
function addLanes(): void {
  const lanes: usize = load<u32>(STATE, HEAD_LANES);
  const end = lanes + usize(load<u32>(STATE, HEAD_LANE_COUNT)) * LANE_SIZE;
  for (let lane = lanes; lane < end; lane += LANE_SIZE) addLane(lane);
  store<u32>(STATE, 1, HEAD_PRIMED);
}

/** Replays the lane's pending event, and what was lost before it. */
function deliver(lane: usize): void {
  const record: usize = load<u32>(lane, LANE_RECORD);
  const format = load<u8>(lane, LANE_FORMAT);
  if (format == LANE_BLOCKS_FORMAT) {
    store<u64>(STATE, load<u64>(record, OUTPUT_POSITION), HEAD_POSITION);
  } else {
    store<u64>(STATE, load<u64>(lane, LANE_ORIGIN) + u64(record), HEAD_POSITION);
    if (load<i64>(lane, LANE_PENDING_LOST)) {
      deliverLost(lane);
      // Among samples a loss stands for itself.
      if (!load<u32>(lane, LANE_RECORD_SIZE)) return;
    }
  }
  // A canonical event as it lies in its window, of any CPU, or a raw record.
  let event = record;
  let row: usize;
  let cpu: usize = 0;
  if (format == LANE_BLOCKS_FORMAT || format == LANE_RECORDS_FORMAT) {
    // A loss stands among such events.
    if (load<u8>(event, EVENT_KIND) == KIND_LOST && !load<u32>(STATE, HEAD_OUTPUT)) {
      replayLost(event);
      return;
    }
    row = rowOf(load<u16>(record, EVENT_TYPE));
  } else {
    event = STATE + HEAD_EVENT;
    row = load<usize>(lane, LANE_ROW);
    cpu = load<usize>(lane, LANE_SLOT);
    if (!decode(lane, row, event)) damaged(lane, record, LANE_BAD_EVENTS);
  }
  replay(event, row, cpu);
}

function deliverLost(lane: usize): void {
  const missing = load<i64>(lane, LANE_PENDING_LOST);
  store<i64>(lane, 0, LANE_PENDING_LOST);
  const event = STATE + HEAD_EVENT;
  memory.fill(event, 0, EVENT_SIZE);
  store<u64>(event, load<u64>(lane, LANE_NEXT_TIME), EVENT_TIME);
  store<u64>(event, missing > 0 ? u64(missing) : 0, EVENT_VALUE);
  store<u8>(event, KIND_LOST, EVENT_KIND);
  store<u16>(event, load<u16>(lane, LANE_CPU), EVENT_CPU);
  if (load<u32>(STATE, HEAD_OUTPUT)) collect(event);
  else replayLost(event);
}

function replayLost(event: usize): void {
  store<u64>(STATE, load<u64>(event, EVENT_TIME), HEAD_NOW);
  const cpu = cpuOf(u32(load<u16>(event, EVENT_CPU)));
  if (cpu) lost(cpu, event);
}

function outputIsFull(): bool {
  // Room for an event and the loss before it.
  return (
    load<u32>(STATE, HEAD_OUTPUT) != 0 &&
    load<u32>(STATE, HEAD_OUTPUT_COUNT) + 2 > load<u32>(STATE, HEAD_OUTPUT_CAPACITY)
  );
}

/** Collect mode: the event goes to the output instead of the programs. */
function collect(event: usize): void {
  const n = load<u32>(STATE, HEAD_OUTPUT_COUNT);
  const item = load<usize>(STATE, HEAD_OUTPUT) + usize(n) * OUTPUT_SIZE;
  memory.copy(item, event, EVENT_SIZE);
  const position = load<u64>(STATE, HEAD_POSITION);
  store<u64>(item, position, OUTPUT_POSITION);
  store<u32>(item, recordSize(event, position), OUTPUT_RECORD_SIZE);
  const hasLabel = isLabelled(event);
  store<u64>(item, hasLabel ? classOf(event, nameOf(event)) : 0, OUTPUT_CLASS);
  store<u64>(item, hasLabel ? siteOf(event, 0) : 0, OUTPUT_SITE);
  store<u32>(STATE, n + 1, HEAD_OUTPUT_COUNT);
  if (outputIsFull()) store<u32>(STATE, 1, HEAD_PAUSE);
}

/** Bytes of the raw record that an event was decoded from; 0 for one that never was a raw record. */
function recordSize(event: usize, position: u64): u32 {
  const lane = load<usize>(STATE, HEAD_LANES) + usize(position >> 48) * LANE_SIZE;
  const isRecord =
    load<u8>(lane, LANE_FORMAT) == LANE_PAGES_FORMAT && load<u8>(event, EVENT_KIND) != KIND_LOST;
  return isRecord ? load<u32>(lane, LANE_RECORD_SIZE) : 0;
}

function countKind(kind: u32, flags: u32): void {
  const n = ((kind & KIND_MASK) << 2) | (flags >> FLAG_NAMESPACE_SHIFT);
  const at = STATE + HEAD_KINDS + (n << 3);
  store<u64>(at, load<u64>(at) + 1);
}

/** No CPU emitted anything for as long as a wait counts: an idle machine, or one that was stopped. */
function paused(event: usize, last: u64): void {
  const record = push(RECORD_IS_PAUSE, event);
  if (!record) return;
  setMark(markOf(record, 0), event);
  store<u64>(record, last, RECORD_EXTRA);
}

/** An NMI finds interrupts off and leaves them off: what it says of them is not the CPU's own state. */
function isOwn(event: usize): bool {
  return !(load<u16>(event, EVENT_FLAGS) & FLAG_NMI);
}

/** One canonical event through the programs; `cpu` is the slot of its CPU, 0 where the lane does not know it. */
function replay(event: usize, row: usize, cpu: usize): void {
  if (load<u32>(STATE, HEAD_OUTPUT)) {
    collect(event);
    return;
  }
  const kind = i32(load<u8>(event, EVENT_KIND));
  const time = load<u64>(event, EVENT_TIME);
  store<u64>(STATE, time, HEAD_NOW);
  const events = load<u64>(STATE, HEAD_EVENTS);
  store<u64>(STATE, events + 1, HEAD_EVENTS);
  if (!events) store<u64>(STATE, time, HEAD_FIRST_TIME);
  const last = load<u64>(STATE, HEAD_LAST_TIME);
  if (time > last) {
    if (events && time - last >= load<u64>(STATE, HEAD_SPIN_NS)) paused(event, last);
    store<u64>(STATE, time, HEAD_LAST_TIME);
  }
  store<u64>(row, load<u64>(row, ROW_COUNT) + 1, ROW_COUNT);
  countKind(kind, u32(load<u16>(event, EVENT_FLAGS)));
  if (!cpu) {
    cpu = cpuOf(u32(load<u16>(event, EVENT_CPU)));
    if (!cpu) return;
  }
  seen(cpu, event, row);
  switch (kind) {
    case KIND_CONTEND:
      contend(cpu, event);
      break;
    case KIND_ATTEMPT:
      if (!attempt(cpu, event)) break;
    // A try that succeeded: it takes the lock.
    case KIND_ACQUIRE:
      if (!load<u16>(row, ROW_ENTRY) || kind == KIND_ATTEMPT || adopt(cpu, event, row)) take(cpu, event);
      break;
    case KIND_PASS:
      pass(cpu, event, row);
      break;
    case KIND_WAIT_END:
      waitEnd(cpu, event);
      break;
    case KIND_RELEASE:
      release(cpu, event);
      break;
    case KIND_WORD_LOAD:
      wordLoaded(event);
      break;
    case KIND_WORD_STORE:
      wordStored(event);
      break;
    case KIND_WORD_RMW:
      wordUpdated(event);
      break;
    case KIND_OBSERVE:
      observed(event);
      break;
    case KIND_IRQS_OFF:
      if (isOwn(event)) irqsOff(cpu, event);
      break;
    case KIND_IRQS_ON:
      if (isOwn(event)) irqsOn(cpu, event);
      break;
    case KIND_PREEMPT_OFF:
      if (isOwn(event)) sectionBegins(event, SERIES_IS_PREEMPT_OFF);
      break;
    case KIND_PREEMPT_ON:
      if (isOwn(event)) sectionEnds(event, SERIES_IS_PREEMPT_OFF);
      break;
    case KIND_SWITCH:
      switched(cpu, event);
      break;
    case KIND_TASK_EXIT:
      exited(cpu, event);
      break;
    case KIND_MESSAGE: {
      const record = push(RECORD_IS_MESSAGE, event);
      if (record) setMark(markOf(record, 0), event);
      break;
    }
  }
}

// What every event says about its CPU: it lives, at which interrupt level, with interrupts on or off, and how long it was silent.

import {
  CONTEXT_DEPTH,
  CPU_BUSY_GAPS,
  CPU_BUSY_MAX,
  CPU_CONTEXTS,
  CPU_EVENTS,
  CPU_FIRST_BREAK,
  CPU_FIRST_TIME,
  CPU_FLAGS_OFF_FIRST,
  CPU_FLAGS_OFF_LAST,
  CPU_FLAGS_ON,
  CPU_BACKWARDS,
  CPU_IRQS,
  CPU_LAST,
  CPU_LAST_BREAK,
  CPU_LAST_TICK,
  CPU_LAST_TIME,
  CPU_LEVEL,
  CPU_LOST,
  CPU_LOST_SPANS,
  CPU_LOST_UNKNOWN,
  CPU_NUMBER,
  CPU_PID,
  CPU_BREAKS,
  CPU_STEP_FROM,
  CPU_STEP_TO,
  CPU_SWITCH_KNOWN,
  CPU_TASK,
  CPU_TICKS,
  CPU_TICK_MAX,
  EVENT_FLAGS,
  EVENT_KIND,
  EVENT_PID,
  EVENT_TIME,
  EVENT_VALUE,
  FLAG_HARDIRQ,
  FLAG_IRQS_OFF,
  FLAG_IRQS_UNKNOWN,
  FLAG_NMI,
  FLAG_SOFTIRQ,
  HEAD_IRQ_OFF_NS,
  HEAD_POSITION,
  HEAD_SILENT_NS,
  IRQS_ARE_OFF,
  IRQS_ARE_UNKNOWN,
  KIND_ENTER,
  KIND_MESSAGE,
  KIND_SWITCH,
  LEVEL_HARDIRQ,
  LEVEL_NMI,
  LEVEL_PROCESS,
  LEVEL_SOFTIRQ,
  MARK_FLAGS,
  MARK_TIME,
  RECORD_COUNT,
  RECORD_EXTRA,
  RECORD_IS_FLAGS_OFF,
  RECORD_IS_GAP,
  RECORD_IS_LOST,
  ROW_IRQS_OFF,
  ROW_IRQS_ON,
  SERIES_IS_IRQS_OFF,
  STATE,
} from '../layout';
import { clearMark, copyMark, setMark } from '../memory/mark';
import { markOf, push } from '../memory/ring';
import { abandon, dropEntries, dropWaits, findTask, leave } from '../state/contexts';
import { dropSection, dropSections } from '../state/sections';

// Two bits for each combination of FLAG_HARDIRQ, FLAG_SOFTIRQ and FLAG_NMI, which are bits 1 to 3: so flags, the others masked out, are
// the place of their level.
const LEVELS: u32 =
  (LEVEL_SOFTIRQ << FLAG_SOFTIRQ) |
  (LEVEL_HARDIRQ << FLAG_HARDIRQ) |
  (LEVEL_HARDIRQ << (FLAG_HARDIRQ | FLAG_SOFTIRQ)) |
  ((LEVEL_NMI * 0x55) << FLAG_NMI);

export function levelOf(flags: u32): u32 {
  return (LEVELS >> (flags & (FLAG_HARDIRQ | FLAG_SOFTIRQ | FLAG_NMI))) & 3;
}

/** `later - earlier`, 0 where time ran backwards. */
export function since(earlier: u64, later: u64): u64 {
  return later > earlier ? later - earlier : 0;
}

/** A break in continuity that no loss mark explains: events are missing here (design rule 13). */
export function noteBreak(cpu: usize, time: u64): void {
  if (!load<u32>(cpu, CPU_BREAKS)) store<u64>(cpu, time, CPU_FIRST_BREAK);
  store<u32>(cpu, load<u32>(cpu, CPU_BREAKS) + 1, CPU_BREAKS);
  store<u64>(cpu, time, CPU_LAST_BREAK);
}

/** Time runs backwards within a CPU: the largest step is kept, the first one of its size. */
function noteStep(cpu: usize, time: u64): void {
  store<u32>(cpu, load<u32>(cpu, CPU_BACKWARDS) + 1, CPU_BACKWARDS);
  const last = load<u64>(cpu, CPU_LAST_TIME);
  if (last - time <= load<u64>(cpu, CPU_STEP_FROM) - load<u64>(cpu, CPU_STEP_TO)) return;
  store<u64>(cpu, last, CPU_STEP_FROM);
  store<u64>(cpu, time, CPU_STEP_TO);
}

/** Runs before the event's own program. `row` is the decode row of its type. */
export function seen(cpu: usize, event: usize, row: usize): void {
  const time = load<u64>(event, EVENT_TIME);
  const flags = u32(load<u16>(event, EVENT_FLAGS));
  const level = levelOf(flags);
  const events = load<u64>(cpu, CPU_EVENTS);
  if (!events) store<u64>(cpu, time, CPU_FIRST_TIME);
  else if (time < load<u64>(cpu, CPU_LAST_TIME)) noteStep(cpu, time);
  store<u64>(cpu, events + 1, CPU_EVENTS);
  store<u64>(cpu, time, CPU_LAST_TIME);
  // An NMI comes through whatever the CPU is stuck in: it is no sign of life. Nor is a message from a hard interrupt, or of
  // which no flags tell where it comes from: trace-cmd's texts show the NMI backtraces of a stuck CPU as such.
  if (level == LEVEL_NMI) return;
  const kind = load<u8>(event, EVENT_KIND);
  if (kind == KIND_MESSAGE && (level == LEVEL_HARDIRQ || (flags & FLAG_IRQS_UNKNOWN) != 0)) return;

  const before = u32(load<u8>(cpu, CPU_LEVEL));
  const pid = load<u32>(event, EVENT_PID);
  const pidBefore = load<u32>(cpu, CPU_PID);
  const last = load<u64>(cpu + CPU_LAST, MARK_TIME);
  // It idles in process context of pid 0: both numbers are zero.
  if (last && (pidBefore | before) != 0) measureGap(cpu, event, since(last, time));
  if (!(pid | level)) store<u64>(cpu, 0, CPU_LAST_TICK);
  if (level != before || kind >= u8(KIND_ENTER)) crossed(cpu, event, before, level);
  if (pid != pidBefore) {
    store<u32>(cpu, pid, CPU_PID);
    store<u32>(cpu, 0, CPU_TASK);
  }
  if (isOn(flags)) flaggedOn(cpu, event, row);
  else {
    // CPU_FLAGS_ON is kept only where a run of events with interrupts on ends; until then CPU_LAST is it.
    if (isOn(u32(load<u16>(cpu + CPU_LAST, MARK_FLAGS)))) copyMark(cpu + CPU_FLAGS_ON, cpu + CPU_LAST);
    if (!(flags & FLAG_IRQS_UNKNOWN)) flaggedOff(cpu, event, row);
  }
  setMark(cpu + CPU_LAST, event);
}

/** Another interrupt level, or an event that may be such a border itself: an interrupt's entry or a switch. */
function crossed(cpu: usize, event: usize, before: u32, level: u32): void {
  const kind = load<u8>(event, EVENT_KIND);
  const time = load<u64>(event, EVENT_TIME);
  const isInterrupt = level >= u32(LEVEL_HARDIRQ) && (before < u32(LEVEL_HARDIRQ) || kind == KIND_ENTER);
  if (isInterrupt) tick(cpu, time);
  if (level != before) changeLevel(cpu, time, before, level);
  // Whom an interrupt came to had interrupts on, and so has whoever is switched out or in.
  if (isInterrupt || kind == KIND_SWITCH) endFlaggedOff(cpu, event);
}

/** Is the event flagged as one with interrupts on? */
function isOn(flags: u32): bool {
  return !(flags & (FLAG_IRQS_OFF | FLAG_IRQS_UNKNOWN));
}

/** A gap between two events of a CPU that was not idling: its rhythm, or its silence. */
function measureGap(cpu: usize, event: usize, gap: u64): void {
  if (gap >= load<u64>(STATE, HEAD_SILENT_NS)) {
    const record = push(RECORD_IS_GAP, event);
    if (record) {
      copyMark(markOf(record, 0), cpu + CPU_LAST);
      setMark(markOf(record, 1), event);
      store<u64>(record, load<u64>(cpu, CPU_BUSY_MAX), RECORD_EXTRA);
      store<u32>(record, u32(min<u64>(load<u64>(cpu, CPU_BUSY_GAPS), 0xffffffff)), RECORD_COUNT);
    }
    store<u64>(cpu, 0, CPU_LAST_TICK);
  }
  store<u64>(cpu, load<u64>(cpu, CPU_BUSY_GAPS) + 1, CPU_BUSY_GAPS);
  if (gap > load<u64>(cpu, CPU_BUSY_MAX)) store<u64>(cpu, gap, CPU_BUSY_MAX);
}

/** A hard interrupt: timer ticks above all. Only intervals without idling make a rhythm. */
function tick(cpu: usize, time: u64): void {
  const last = load<u64>(cpu, CPU_LAST_TICK);
  store<u64>(cpu, time, CPU_LAST_TICK);
  if (!last) return;
  const interval = since(last, time);
  store<u64>(cpu, load<u64>(cpu, CPU_TICKS) + 1, CPU_TICKS);
  if (interval > load<u64>(cpu, CPU_TICK_MAX)) store<u64>(cpu, interval, CPU_TICK_MAX);
}

/** Interrupt contexts that were left keep the time; one that is entered anew starts with nothing held. */
function changeLevel(cpu: usize, time: u64, before: u32, level: u32): void {
  store<u8>(cpu, u8(level), CPU_LEVEL);
  const up = level > before;
  const top = up ? level : before;
  for (let n = (up ? before : level) + 1; n <= top; n++) {
    const context: usize = load<u32>(cpu + CPU_CONTEXTS + ((n - 1) << 2));
    if (!context || !load<u32>(context, CONTEXT_DEPTH)) continue;
    if (up) abandon(context);
    else leave(context, time);
  }
}

function flaggedOff(cpu: usize, event: usize, row: usize): void {
  store<u64>(row, load<u64>(row, ROW_IRQS_OFF) + 1, ROW_IRQS_OFF);
  // A type that was never seen with interrupts on proves nothing by being off (design rule 9).
  if (!load<u64>(row, ROW_IRQS_ON) || load<u8>(event, EVENT_KIND) == KIND_SWITCH) return;
  if (!load<u64>(cpu + CPU_FLAGS_OFF_FIRST, MARK_TIME)) setMark(cpu + CPU_FLAGS_OFF_FIRST, event);
  setMark(cpu + CPU_FLAGS_OFF_LAST, event);
}

function flaggedOn(cpu: usize, event: usize, row: usize): void {
  store<u64>(row, load<u64>(row, ROW_IRQS_ON) + 1, ROW_IRQS_ON);
  endFlaggedOff(cpu, event);
  // The irq_enable between this event and the last irq_disable is missing.
  if (load<u8>(cpu, CPU_IRQS) == IRQS_ARE_OFF) {
    noteBreak(cpu, load<u64>(event, EVENT_TIME));
    store<u8>(cpu, IRQS_ARE_UNKNOWN, CPU_IRQS);
    dropSection(load<u16>(cpu, CPU_NUMBER), SERIES_IS_IRQS_OFF);
  }
}

/** A run of events with interrupts off ends before `event`. */
function endFlaggedOff(cpu: usize, event: usize): void {
  const first = load<u64>(cpu + CPU_FLAGS_OFF_FIRST, MARK_TIME);
  if (!first) return;
  if (since(first, load<u64>(cpu + CPU_FLAGS_OFF_LAST, MARK_TIME)) >= load<u64>(STATE, HEAD_IRQ_OFF_NS)) {
    const record = push(RECORD_IS_FLAGS_OFF, event);
    if (record) {
      copyMark(markOf(record, 0), cpu + CPU_FLAGS_ON);
      copyMark(markOf(record, 1), cpu + CPU_FLAGS_OFF_FIRST);
      copyMark(markOf(record, 2), cpu + CPU_FLAGS_OFF_LAST);
      setMark(markOf(record, 3), event);
    }
  }
  store<u64>(cpu + CPU_FLAGS_OFF_FIRST, 0, MARK_TIME);
}

/** Events of this CPU were lost before `event`: what they could have changed is unknown from here on. */
export function lost(cpu: usize, event: usize): void {
  const missing = load<u64>(event, EVENT_VALUE);
  store<u64>(cpu, load<u64>(cpu, CPU_LOST) + missing, CPU_LOST);
  store<u32>(cpu, load<u32>(cpu, CPU_LOST_SPANS) + 1, CPU_LOST_SPANS);
  if (!missing) store<u32>(cpu, load<u32>(cpu, CPU_LOST_UNKNOWN) + 1, CPU_LOST_UNKNOWN);
  const record = push(RECORD_IS_LOST, event);
  if (record) {
    copyMark(markOf(record, 0), cpu + CPU_LAST);
    setMark(markOf(record, 1), event);
    store<u64>(record, missing, RECORD_EXTRA);
  }
  const task = findTask(load<i32>(cpu, CPU_PID), load<u16>(cpu, CPU_NUMBER));
  if (task) dropWaits(task);
  store<u8>(cpu, IRQS_ARE_UNKNOWN, CPU_IRQS);
  store<u8>(cpu, 0, CPU_SWITCH_KNOWN);
  store<u8>(cpu, LEVEL_PROCESS, CPU_LEVEL);
  store<u64>(cpu, 0, CPU_LAST_TICK);
  store<u32>(cpu, 0, CPU_TASK);
  store<i32>(cpu, -1, CPU_PID);
  clearMark(cpu + CPU_LAST);
  dropSections(load<u16>(cpu, CPU_NUMBER));
  clearMark(cpu + CPU_FLAGS_ON);
  clearMark(cpu + CPU_FLAGS_OFF_FIRST);
  for (let n = 0; n < 3; n++) {
    const context: usize = load<u32>(cpu + CPU_CONTEXTS + (n << 2));
    if (context) dropEntries(context);
  }
}

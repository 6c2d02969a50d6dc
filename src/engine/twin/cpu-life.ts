// What every event says about its CPU: it lives, at which interrupt level, with interrupts on or off, and how long it was
// silent.

import * as L from '../../../assembly/layout.ts';
import type { CanonicalEvent } from '../../model/event.ts';
import { abandon, dropEntries, dropWaits, findTask, leave } from './contexts.ts';
import { since, timeOf } from './marks.ts';
import type { Cpu, Row, World } from './world.ts';

/** The CPU with this number, made if need be; null for a number that no machine has. */
export function cpuOf(world: World, number: number): Cpu | null {
  if (number >= L.CPU_LIMIT) {
    world.count(L.COUNTER_UNTRACKED_CPU_EVENTS);
    return null;
  }
  const known = world.cpus.get(number);
  if (known) return known;
  const cpu = newCpu(number);
  world.cpus.set(number, cpu);
  return cpu;
}

function newCpu(number: number): Cpu {
  return {
    number,
    level: L.LEVEL_PROCESS,
    irqs: L.IRQS_ARE_UNKNOWN,
    pid: -1,
    task: null,
    contexts: [null, null, null],
    firstTime: 0n,
    lastTime: 0n,
    events: 0n,
    lost: 0n,
    lostSpans: 0,
    lostUnknown: 0,
    breaks: 0,
    backwards: 0,
    step: null,
    firstBreak: 0n,
    lastBreak: 0n,
    switchNext: null,
    last: null,
    irqsOff: null,
    irqEvents: 0n,
    lastSwitch: null,
    flagsOn: null,
    flagsOffFirst: null,
    flagsOffLast: null,
    busyGaps: 0n,
    busyMax: 0n,
    ticks: 0n,
    tickMax: 0n,
    lastTick: 0n,
  };
}

/** The interrupt level that an event's flags tell. */
export function levelOf(flags: number): number {
  if (flags & L.FLAG_NMI) return L.LEVEL_NMI;
  if (flags & L.FLAG_HARDIRQ) return L.LEVEL_HARDIRQ;
  return flags & L.FLAG_SOFTIRQ ? L.LEVEL_SOFTIRQ : L.LEVEL_PROCESS;
}

/** A break in continuity that no loss mark explains: events are missing here (design rule 13). */
export function noteBreak(cpu: Cpu, time: bigint): void {
  if (cpu.breaks === 0) cpu.firstBreak = time;
  cpu.breaks++;
  cpu.lastBreak = time;
}

/** Time runs backwards within a CPU: the largest step is kept, the first one of its size. */
function noteStep(cpu: Cpu, time: bigint): void {
  cpu.backwards++;
  const largest = cpu.step ? cpu.step.from - cpu.step.to : 0n;
  if (cpu.lastTime - time > largest) cpu.step = { from: cpu.lastTime, to: time };
}

/** Runs before the event's own program. */
export function seen(world: World, cpu: Cpu, event: CanonicalEvent, row: Row): void {
  const { time, flags, pid } = event;
  const level = levelOf(flags);
  if (cpu.events === 0n) cpu.firstTime = time;
  else if (time < cpu.lastTime) noteStep(cpu, time);
  cpu.events++;
  cpu.lastTime = time;
  // An NMI comes through whatever the CPU is stuck in: it is no sign of life. Nor is a message from a hard interrupt, or of
  // which no flags tell where it comes from: trace-cmd's texts show the NMI backtraces of a stuck CPU as such.
  if (level === L.LEVEL_NMI) return;
  const mayBeFromNmi = level === L.LEVEL_HARDIRQ || (flags & L.FLAG_IRQS_UNKNOWN) !== 0;
  if (event.kind === L.KIND_MESSAGE && mayBeFromNmi) return;

  const before = cpu.level;
  const last = timeOf(cpu.last);
  const wasIdle = cpu.pid === 0 && before === L.LEVEL_PROCESS;
  if (last !== 0n && !wasIdle) measureGap(world, cpu, event, since(last, time));
  if (pid === 0 && level === L.LEVEL_PROCESS) cpu.lastTick = 0n;
  const entersHardirq = before < L.LEVEL_HARDIRQ || event.kind === L.KIND_ENTER;
  const isInterrupt = level === L.LEVEL_HARDIRQ && entersHardirq;
  if (isInterrupt) tick(cpu, time);

  if (level !== before) changeLevel(world, cpu, event, before, level);
  if (pid !== cpu.pid) {
    cpu.pid = pid;
    cpu.task = null;
  }
  cpu.last = world.mark(event);
  // Whom an interrupt came to had interrupts on, and so has whoever is switched out or in.
  if (isInterrupt || event.kind === L.KIND_SWITCH) endFlaggedOff(world, cpu, event);
  if (flags & L.FLAG_IRQS_UNKNOWN) return;
  if (flags & L.FLAG_IRQS_OFF) flaggedOff(world, cpu, event, row);
  else flaggedOn(world, cpu, event, row);
}

/** A gap between two events of a CPU that was not idling: its rhythm, or its silence. */
function measureGap(world: World, cpu: Cpu, event: CanonicalEvent, gap: bigint): void {
  if (gap >= world.silentNs) {
    world.report(L.RECORD_IS_GAP, event, {
      count: Number(cpu.busyGaps > 0xffff_ffffn ? 0xffff_ffffn : cpu.busyGaps),
      extra: cpu.busyMax,
      marks: [cpu.last, world.mark(event)],
    });
    cpu.lastTick = 0n;
  }
  cpu.busyGaps++;
  if (gap > cpu.busyMax) cpu.busyMax = gap;
}

/** A hard interrupt: timer ticks above all. Only intervals without idling make a rhythm. */
function tick(cpu: Cpu, time: bigint): void {
  const last = cpu.lastTick;
  cpu.lastTick = time;
  if (last === 0n) return;
  const interval = since(last, time);
  cpu.ticks++;
  if (interval > cpu.tickMax) cpu.tickMax = interval;
}

/** Interrupt contexts that were left keep the time; one that is entered anew starts with nothing held. */
function changeLevel(world: World, cpu: Cpu, event: CanonicalEvent, before: number, level: number): void {
  cpu.level = level;
  const isEntered = level > before;
  const crossed = cpu.contexts.slice(Math.min(before, level), Math.max(before, level));
  for (const context of crossed) {
    if (!context || context.stack.length === 0) continue;
    if (isEntered) abandon(world, context);
    else leave(context, world.moment(event));
  }
}

function flaggedOff(world: World, cpu: Cpu, event: CanonicalEvent, row: Row): void {
  row.irqsOff++;
  // A type that was never seen with interrupts on proves nothing by being off (design rule 9).
  if (row.irqsOn === 0n || event.kind === L.KIND_SWITCH) return;
  if (timeOf(cpu.flagsOffFirst) === 0n) cpu.flagsOffFirst = world.mark(event);
  cpu.flagsOffLast = world.mark(event);
}

function flaggedOn(world: World, cpu: Cpu, event: CanonicalEvent, row: Row): void {
  row.irqsOn++;
  endFlaggedOff(world, cpu, event);
  cpu.flagsOn = world.mark(event);
  // The irq_enable between this event and the last irq_disable is missing.
  if (cpu.irqs === L.IRQS_ARE_OFF) {
    noteBreak(cpu, event.time);
    cpu.irqs = L.IRQS_ARE_UNKNOWN;
    world.statistics.dropSections(cpu.number, [L.SERIES_IS_IRQS_OFF]);
  }
}

/** A run of events with interrupts off ends before `event`. */
function endFlaggedOff(world: World, cpu: Cpu, event: CanonicalEvent): void {
  const { flagsOn, flagsOffFirst, flagsOffLast } = cpu;
  if (timeOf(flagsOffFirst) === 0n) return;
  if (since(timeOf(flagsOffFirst), timeOf(flagsOffLast)) >= world.irqOffNs) {
    world.report(L.RECORD_IS_FLAGS_OFF, event, {
      marks: [flagsOn, flagsOffFirst, flagsOffLast, world.mark(event)],
    });
  }
  cpu.flagsOffFirst = null;
}

/** Events of this CPU were lost before `event`: what they could have changed is unknown from here on. */
export function lost(world: World, cpu: Cpu, event: CanonicalEvent): void {
  const missing = event.value;
  cpu.lost = BigInt.asUintN(64, cpu.lost + missing);
  cpu.lostSpans++;
  if (missing === 0n) cpu.lostUnknown++;
  world.report(L.RECORD_IS_LOST, event, { extra: missing, marks: [cpu.last, world.mark(event)] });
  const task = findTask(world, cpu.pid, cpu.number);
  if (task) dropWaits(task);
  cpu.irqs = L.IRQS_ARE_UNKNOWN;
  cpu.switchNext = null;
  cpu.level = L.LEVEL_PROCESS;
  cpu.lastTick = 0n;
  cpu.task = null;
  cpu.pid = -1;
  cpu.last = null;
  world.statistics.dropSections(cpu.number, [L.SERIES_IS_IRQS_OFF, L.SERIES_IS_PREEMPT_OFF]);
  cpu.flagsOn = null;
  cpu.flagsOffFirst = null;
  for (const context of cpu.contexts) if (context) dropEntries(context);
}

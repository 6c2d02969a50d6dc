// Interrupt state by preemptirq:irq_disable and irq_enable. They fire on transitions, so off and on alternate; where they do
// not, events are missing.

import * as L from '../../../assembly/layout.ts';
import type { CanonicalEvent } from '../../model/event.ts';
import { noteBreak } from './cpu-life.ts';
import { since, timeOf } from './marks.ts';
import { sectionBegins, sectionEnds } from './series.ts';
import type { Cpu, World } from './world.ts';

export function irqsOff(world: World, cpu: Cpu, event: CanonicalEvent): void {
  if (cpu.irqs === L.IRQS_ARE_OFF) noteBreak(cpu, event.time);
  cpu.irqs = L.IRQS_ARE_OFF;
  cpu.irqEvents++;
  cpu.irqsOff = world.mark(event);
  sectionBegins(world, event, L.SERIES_IS_IRQS_OFF);
}

/** Interrupts come on after so many nanoseconds, as the event itself says (preemptirq_long): nothing else is recorded. */
function irqsWereOff(world: World, event: CanonicalEvent, span: bigint): void {
  world.irqsOffNs.add(span);
  if (span < world.irqOffNs || span > event.time) return;
  const on = world.mark(event);
  world.report(L.RECORD_IS_IRQ_OFF, event, { marks: [{ ...on, time: event.time - span }, on] });
}

export function irqsOn(world: World, cpu: Cpu, event: CanonicalEvent): void {
  if (event.value !== 0n) {
    irqsWereOff(world, event, event.value);
    return;
  }
  const before = cpu.irqs;
  cpu.irqs = L.IRQS_ARE_ON;
  cpu.irqEvents++;
  if (before === L.IRQS_ARE_ON) noteBreak(cpu, event.time);
  sectionEnds(world, event, L.SERIES_IS_IRQS_OFF);
  if (before !== L.IRQS_ARE_OFF) return;
  const span = since(timeOf(cpu.irqsOff), event.time);
  world.irqsOffNs.add(span);
  if (span < world.irqOffNs) return;
  world.report(L.RECORD_IS_IRQ_OFF, event, { marks: [cpu.irqsOff, world.mark(event)] });
}

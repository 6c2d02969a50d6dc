// Interrupt state by preemptirq:irq_disable and irq_enable. They fire on transitions, so off and on alternate; where they do
// not, events are missing.

import {
  CPU_IRQS,
  CPU_IRQS_OFF,
  CPU_IRQ_EVENTS,
  EVENT_TIME,
  EVENT_VALUE,
  HEAD_HIST_BITS,
  HEAD_HIST_IRQS_OFF,
  HEAD_IRQ_OFF_NS,
  IRQS_ARE_OFF,
  IRQS_ARE_ON,
  MARK_TIME,
  RECORD_IS_IRQ_OFF,
  SERIES_IS_IRQS_OFF,
  STATE,
} from '../layout';
import { record as recordValue } from '../memory/histogram';
import { copyMark, setMark } from '../memory/mark';
import { markOf, push } from '../memory/ring';
import { noteBreak, since } from './cpu-life';
import { sectionBegins, sectionEnds } from './series';

export function irqsOff(cpu: usize, event: usize): void {
  if (load<u8>(cpu, CPU_IRQS) == IRQS_ARE_OFF) noteBreak(cpu, load<u64>(event, EVENT_TIME));
  store<u8>(cpu, IRQS_ARE_OFF, CPU_IRQS);
  store<u64>(cpu, load<u64>(cpu, CPU_IRQ_EVENTS) + 1, CPU_IRQ_EVENTS);
  setMark(cpu + CPU_IRQS_OFF, event);
  sectionBegins(event, SERIES_IS_IRQS_OFF);
}

/** Interrupts come on after so many nanoseconds, as the event itself says (preemptirq_long): nothing else is recorded. */
function irqsWereOff(event: usize, span: u64): void {
  recordValue(load<u32>(STATE, HEAD_HIST_IRQS_OFF), load<u32>(STATE, HEAD_HIST_BITS), span);
  const time = load<u64>(event, EVENT_TIME);
  if (span < load<u64>(STATE, HEAD_IRQ_OFF_NS) || span > time) return;
  const record = push(RECORD_IS_IRQ_OFF, event);
  if (!record) return;
  const off = markOf(record, 0);
  setMark(off, event);
  store<u64>(off, time - span, MARK_TIME);
  setMark(markOf(record, 1), event);
}

export function irqsOn(cpu: usize, event: usize): void {
  const told = load<u64>(event, EVENT_VALUE);
  if (told) {
    irqsWereOff(event, told);
    return;
  }
  const state = load<u8>(cpu, CPU_IRQS);
  const time = load<u64>(event, EVENT_TIME);
  store<u8>(cpu, IRQS_ARE_ON, CPU_IRQS);
  store<u64>(cpu, load<u64>(cpu, CPU_IRQ_EVENTS) + 1, CPU_IRQ_EVENTS);
  if (state == IRQS_ARE_ON) noteBreak(cpu, time);
  sectionEnds(event, SERIES_IS_IRQS_OFF);
  if (state != IRQS_ARE_OFF) return;
  const span = since(load<u64>(cpu + CPU_IRQS_OFF, MARK_TIME), time);
  recordValue(load<u32>(STATE, HEAD_HIST_IRQS_OFF), load<u32>(STATE, HEAD_HIST_BITS), span);
  if (span < load<u64>(STATE, HEAD_IRQ_OFF_NS)) return;
  const record = push(RECORD_IS_IRQ_OFF, event);
  if (!record) return;
  copyMark(markOf(record, 0), cpu + CPU_IRQS_OFF);
  setMark(markOf(record, 1), event);
}

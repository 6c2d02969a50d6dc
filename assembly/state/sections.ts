// Interrupts or preemption off on each CPU, for statistics: since when, and by which series. There are none while statistics are off.

import {
  HEAD_SECTIONS,
  SECTION_SERIES,
  SECTION_SIZE,
  SERIES_IS_IRQS_OFF,
  SERIES_IS_PREEMPT_OFF,
  STATE,
} from '../layout';

/** The section of a CPU; 0 while statistics are off. `kind`: SERIES_IS_IRQS_OFF or SERIES_IS_PREEMPT_OFF. */
export function sectionAt(cpu: u16, kind: i32): usize {
  const sections: usize = load<u32>(STATE, HEAD_SECTIONS);
  if (!sections) return 0;
  return sections + ((usize(cpu) << 1) | usize(kind == SERIES_IS_PREEMPT_OFF)) * SECTION_SIZE;
}

/** Whether it goes on is not known, or does not matter. */
export function dropSection(cpu: u16, kind: i32): void {
  const section = sectionAt(cpu, kind);
  if (section) store<u32>(section, 0, SECTION_SERIES);
}

export function dropSections(cpu: u16): void {
  dropSection(cpu, SERIES_IS_IRQS_OFF);
  dropSection(cpu, SERIES_IS_PREEMPT_OFF);
}

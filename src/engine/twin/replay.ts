// One canonical event through the programs.

import * as L from '../../../assembly/layout.ts';
import type { CanonicalEvent, EventPlace } from '../../model/event.ts';
import { cpuOf, lost, seen } from './cpu-life.ts';
import { irqsOff, irqsOn } from './irqs.ts';
import { attempt, contend, release, take, waitEnd } from './locks.ts';
import { adopt, pass } from './passes.ts';
import { sectionBegins, sectionEnds } from './series.ts';
import { exited, switched } from './tasks.ts';
import { observed, wordLoaded, wordStored, wordUpdated } from './words.ts';
import type { Cpu, World } from './world.ts';

type Program = (world: World, cpu: Cpu, event: CanonicalEvent) => void;

/** The programs by kind; kinds without one are signs of life only. */
const PROGRAMS: Readonly<Record<number, Program>> = {
  [L.KIND_ATTEMPT]: attempt,
  [L.KIND_CONTEND]: contend,
  [L.KIND_ACQUIRE]: (world, cpu, event) => {
    const adopted = adopt(world, cpu, event);
    if (adopted) take(world, cpu, adopted);
  },
  [L.KIND_PASS]: pass,
  [L.KIND_WAIT_END]: waitEnd,
  [L.KIND_RELEASE]: release,
  [L.KIND_WORD_LOAD]: (world, _, event) => wordLoaded(world, event),
  [L.KIND_WORD_STORE]: (world, _, event) => wordStored(world, event),
  [L.KIND_WORD_RMW]: (world, _, event) => wordUpdated(world, event),
  [L.KIND_OBSERVE]: (world, _, event) => observed(world, event),
  [L.KIND_IRQS_OFF]: irqsOff,
  [L.KIND_IRQS_ON]: irqsOn,
  [L.KIND_PREEMPT_OFF]: (world, _, event) => sectionBegins(world, event, L.SERIES_IS_PREEMPT_OFF),
  [L.KIND_PREEMPT_ON]: (world, _, event) => sectionEnds(world, event, L.SERIES_IS_PREEMPT_OFF),
  [L.KIND_SWITCH]: switched,
  [L.KIND_TASK_EXIT]: exited,
  [L.KIND_MESSAGE]: (world, _, event) =>
    world.report(L.RECORD_IS_MESSAGE, event, { marks: [world.mark(event)] }),
};

/** No CPU emitted anything for as long as a wait counts: an idle machine, or one that was stopped. */
function paused(world: World, event: CanonicalEvent): void {
  world.report(L.RECORD_IS_PAUSE, event, { extra: world.lastTime, marks: [world.mark(event)] });
}

export function replay(world: World, event: CanonicalEvent, place: EventPlace): void {
  const { time, kind, flags } = event;
  world.now = time;
  world.place = place;
  const cpu = cpuOf(world, event.cpu);
  if (kind === L.KIND_LOST) {
    if (cpu) lost(world, cpu, event);
    return;
  }
  if (world.events === 0n) world.firstTime = time;
  if (time > world.lastTime) {
    if (world.events > 0n && time - world.lastTime >= world.spinNs) paused(world, event);
    world.lastTime = time;
  }
  world.events++;
  const row = world.rowOf(event.type);
  row.count++;
  if (row === world.rows[0]) world.count(L.COUNTER_UNKNOWN_TYPES);
  world.kinds[(kind & L.KIND_MASK) * 4 + (flags >>> L.FLAG_NAMESPACE_SHIFT)]!++;
  if (!cpu) return;
  seen(world, cpu, event, row);
  // An NMI finds interrupts off and leaves them off: what it says of them is not the CPU's own state.
  if (flags & L.FLAG_NMI && kind >= L.KIND_IRQS_OFF && kind <= L.KIND_PREEMPT_ON) return;
  PROGRAMS[kind]?.(world, cpu, event);
}

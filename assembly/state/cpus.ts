// Per-CPU state: see layout.ts, CPU_*.

import {
  COUNTER_UNTRACKED_CPU_EVENTS,
  CPU_LIMIT,
  CPU_NUMBER,
  CPU_PID,
  CPU_SIZE,
  HEAD_CPUS,
  HEAD_CPU_COUNT,
  STATE,
} from '../layout';
import { count } from '../memory/counters';
import { reserve } from '../memory/heap';

/** The CPU's slot, made if need be; 0 for a number beyond CPU_LIMIT or when memory is full. */
export function cpuOf(number: u32): usize {
  if (number >= u32(CPU_LIMIT)) {
    count(COUNTER_UNTRACKED_CPU_EVENTS);
    return 0;
  }
  const at = placeOf(number);
  const known: usize = load<u32>(at);
  return known ? known : addCpu(at, number);
}

/** The CPU's slot, 0 while it has none. */
export function knownCpu(number: u32): usize {
  return number < u32(CPU_LIMIT) ? load<usize>(placeOf(number)) : 0;
}

function placeOf(number: u32): usize {
  return load<usize>(STATE, HEAD_CPUS) + (usize(number) << 2);
}

function addCpu(at: usize, number: u32): usize {
  const cpu = reserve(CPU_SIZE);
  if (!cpu) {
    count(COUNTER_UNTRACKED_CPU_EVENTS);
    return 0;
  }
  store<u16>(cpu, u16(number), CPU_NUMBER);
  store<i32>(cpu, -1, CPU_PID);
  store<u32>(at, u32(cpu));
  store<u32>(STATE, load<u32>(STATE, HEAD_CPU_COUNT) + 1, HEAD_CPU_COUNT);
  return cpu;
}

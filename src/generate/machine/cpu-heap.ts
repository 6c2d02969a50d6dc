import type { Cpu } from './contexts.ts';

/** The CPUs as a binary heap: the one with the earliest next step comes first, the lower number on a tie. */
export class CpuHeap {
  readonly #heap: Cpu[];

  constructor(cpus: readonly Cpu[]) {
    this.#heap = [...cpus];
    this.#heap.forEach((cpu, index) => (cpu.heapIndex = index));
  }

  get first(): Cpu {
    return this.#heap[0]!;
  }

  /** `cpu.next` has changed. */
  moved(cpu: Cpu): void {
    this.#up(cpu);
    this.#down(cpu);
  }

  #up(cpu: Cpu): void {
    const heap = this.#heap;
    let at = cpu.heapIndex;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above]!;
      if (!before(cpu, parent)) break;
      heap[at] = parent;
      parent.heapIndex = at;
      at = above;
    }
    heap[at] = cpu;
    cpu.heapIndex = at;
  }

  #down(cpu: Cpu): void {
    const heap = this.#heap;
    const size = heap.length;
    let at = cpu.heapIndex;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= size) break;
      if (below + 1 < size && before(heap[below + 1]!, heap[below]!)) below++;
      const child = heap[below]!;
      if (!before(child, cpu)) break;
      heap[at] = child;
      child.heapIndex = at;
      at = below;
    }
    heap[at] = cpu;
    cpu.heapIndex = at;
  }
}

function before(left: Cpu, right: Cpu): boolean {
  return left.next < right.next || (left.next === right.next && left.id < right.id);
}

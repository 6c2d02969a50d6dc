import { table } from '../src/report/table.ts';
import { captureWorkload } from './capture-workload.ts';
import { NativeEngine } from './native.ts';
import { isInstalled } from './process-cpu.ts';
import type { ReplayOptions } from './replay-table.ts';
import { bytesOf, WORKLOADS } from './workloads.ts';

// Of a large capture a count takes minutes, and says nothing that a smaller one does not.
const LARGEST = 128 << 20;

/**
 * Instructions per event of the engine compiled natively. The count is the same whatever else the machine does, so it shows a change of a
 * few instructions, of which no time would tell; V8's own code for the same engine has about a fifth more.
 */
export async function printInstructions(files: readonly string[], options: ReplayOptions): Promise<void> {
  const native = isInstalled('valgrind')
    ? NativeEngine.build()
    : 'valgrind not installed: no instructions counted';
  if (typeof native === 'string') {
    console.log(native);
    return;
  }
  const workloads = WORKLOADS.map((make) => () => make(options.events, options.seed));
  const captures = files.map((file) => () => captureWorkload(file));
  const rows: string[][] = [];
  for (const make of [...workloads, ...captures]) {
    const workload = await make();
    if (workload && bytesOf(workload) <= LARGEST)
      rows.push([workload.name, (native.instructions(workload) / workload.events).toFixed(1)]);
  }
  console.log(table(['compiled natively', 'instructions/event'], rows, ['left', 'right']).join('\n'));
}

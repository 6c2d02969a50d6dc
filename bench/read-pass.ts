import { instantiateSync } from '@assemblyscript/loader';
import { ENGINE_DEFAULTS } from '../src/engine/engine.ts';
import { readEngineBinary } from '../src/io/engine-binary.ts';
import { cpuNs } from './replay.ts';
import type { Workload } from './workloads.ts';

interface Exports {
  [name: string]: unknown;
  readPass(from: number, to: number): bigint;
}

// As large as a window of the engine, behind the compiler's own page.
const WINDOW = ENGINE_DEFAULTS.windowLimit;
const AT = 1 << 20;

let module: WebAssembly.Module | undefined;

/** CPU time in ns of a pass that does nothing but read the workload's input, window by window: the bound for any algorithm. */
export function readPassNs(workload: Workload): number {
  module ??= new WebAssembly.Module(readEngineBinary('testing') as Uint8Array<ArrayBuffer>);
  const memory = new WebAssembly.Memory({ initial: (AT + WINDOW) / 65536, maximum: 65536 });
  const { readPass } = instantiateSync<Exports>(module, { env: { memory } }).exports;
  const target = new Uint8Array(memory.buffer, AT, WINDOW);
  let spent = 0;
  for (const { bytes } of workload.lanes) {
    for (let at = 0; at < bytes.length; at += WINDOW) {
      const piece = bytes.subarray(at, at + WINDOW);
      target.set(piece);
      const start = cpuNs();
      readPass(AT, AT + piece.length);
      if (at >= workload.warmBytes) spent += cpuNs() - start;
    }
  }
  return spent;
}

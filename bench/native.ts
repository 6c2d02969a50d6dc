import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as L from '../assembly/layout.ts';
import type { WasmEngine } from '../src/engine/wasm-engine.ts';
import { makeWasmEngine } from '../src/session/pump.ts';
import { isInstalled } from './process-cpu.ts';
import { engineOptions } from './replay.ts';
import { scratchFolder } from './scratch.ts';
import type { Workload } from './workloads.ts';

const DRIVER = resolve(import.meta.dirname, '../../bench/native/driver.c');
const RELEASE = resolve(import.meta.dirname, '../../build/release.wasm');
// Where Debian's wabt (1.0.32) keeps the runtime of translated modules.
const RUNTIME = '/usr/share/wabt/wasm2c';

const COUNTING = [
  '--tool=callgrind',
  '--callgrind-out-file=/dev/null',
  '--collect-atstart=no',
  '--toggle-collect=Z_releaseZ_step',
];

/** The release engine compiled natively (wasm2c, cc -O3): what the same algorithm costs without WebAssembly. */
export class NativeEngine {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Translates and compiles; a sentence saying why not where that cannot be done. */
  static build(): NativeEngine | string {
    const missing = ['wasm2c', 'cc'].filter((program) => !isInstalled(program));
    if (missing.length > 0) return `${missing.join(' and ')} not installed: no native bound`;
    const folder = scratchFolder();
    const defines = Object.entries(L).flatMap(([name, value]) =>
      /^(STATE$|HEAD_|LANE_|STEP_)/.test(name) ? [`-D${name}=${value}`] : [],
    );
    const translated = join(folder, 'release.c');
    const driver = join(folder, 'driver');
    const sources = [DRIVER, translated, join(RUNTIME, 'wasm-rt-impl.c')];
    for (const command of [
      ['wasm2c', RELEASE, '-n', 'release', '-o', translated],
      ['cc', '-O3', '-o', driver, `-I${folder}`, `-I${RUNTIME}`, ...defines, ...sources, '-lm'],
    ]) {
      const { status, stderr } = spawnSync(command[0]!, command.slice(1), { encoding: 'utf8' });
      if (status === 0) continue;
      return `${command[0]} failed: no native bound (${stderr.trim().split('\n')[0]})`;
    }
    return new NativeEngine(folder);
  }

  /** A workload laid out for the driver. Returns its replay: nanoseconds per call. */
  prepare(workload: Workload): () => number {
    const args = this.#layOut(workload);
    return () => {
      const { stdout, stderr, status } = spawnSync(this.#driver, args, { encoding: 'utf8' });
      if (status !== 0) throw new Error(`the native engine failed: ${stderr}`);
      const [ns, events] = stdout.split(' ').map(Number);
      if (events !== workload.events)
        throw new Error(`the native engine replayed ${events} of ${workload.events} events`);
      return ns!;
    };
  }

  /** Instructions that the replay of a workload executes, all of its events, as valgrind counts them within step(). */
  instructions(workload: Workload): number {
    const args = [...COUNTING, this.#driver, ...this.#layOut(workload)];
    const { stderr } = spawnSync('valgrind', args, { encoding: 'utf8' });
    const counted = /Collected : (\d+)/.exec(stderr)?.[1];
    if (counted === undefined)
      throw new Error(`valgrind counted nothing: ${stderr.trim().split('\n').at(-1)}`);
    return Number(counted);
  }

  get #driver(): string {
    return join(this.#folder, 'driver');
  }

  /** Writes a workload down; the driver's arguments for it. */
  #layOut(workload: Workload): string[] {
    const folder = join(this.#folder, 'workload');
    mkdirSync(folder, { recursive: true });
    const image = join(folder, 'image');
    const input = join(folder, 'input');
    writeFileSync(image, (makeWasmEngine(engineOptions(workload)) as WasmEngine).memory);
    const sizes = new BigUint64Array(workload.lanes.map(({ bytes }) => BigInt(bytes.length)));
    writeFileSync(input, new Uint8Array(sizes.buffer));
    for (const { bytes } of workload.lanes) writeFileSync(input, bytes, { flag: 'a' });
    return [image, input, String(workload.warmBytes)];
  }
}

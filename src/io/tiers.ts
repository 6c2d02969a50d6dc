/**
 * V8 compiles what runs often a second time, with its optimizing compiler, on other threads. That costs 60 ms of CPU for the
 * zstd decoder, 15 for the loop over a capture's 1500 event formats and 10 for the engine: more than a small capture ever
 * earns back; and the JavaScript around a large one, which reads out, names and prints, runs once. After this call JavaScript must have run 15 times as long before it is optimized, and a WebAssembly module
 * that is made before the returned function is called never is, unless V8 has its optimized code already (native-code.ts).
 *
 * Both are flags of V8, which belong to the whole process, so nothing happens unless the process is ours (`tierByUse`), nor in a
 * Node whose V8 has not been looked at. Other modules are optimized as ever: dynamic tiering is a property of the module, and
 * wasm_tier_up counts only without it (V8 11.3 and 12.4, src/wasm/module-compiler.cc).
 */
export function optimizeLess(hasNativeCode: boolean): () => void {
  const flags = ours();
  const done = (): void => {};
  flags?.script.forEach(setFlag);
  isLate = true;
  if (!flags || hasNativeCode) return done;
  flags.wasm.forEach(setFlag);
  return () => setFlag('--wasm-dynamic-tiering');
}

/** Runs something with JavaScript's flags as a process starts with them. */
export function withFirstFlags<T>(run: () => T): T {
  if (!isLate) return run();
  ours()?.first.forEach(setFlag);
  try {
    return run();
  } finally {
    ours()?.script.forEach(setFlag);
  }
}

/** The flags for this Node, if the process is ours. */
function ours(): Flags | undefined {
  return isOurs ? FLAGS[process.versions.node.split('.', 1)[0]!] : undefined;
}

/** Sets a flag of V8, for the whole process. */
export function setFlag(flag: string): void {
  process.getBuiltinModule?.('node:v8').setFlagsFromString(flag);
}

interface Flags {
  readonly script: readonly string[];
  readonly wasm: readonly string[];
  /** What undoes `script`. */
  readonly first: readonly string[];
}

const WASM = ['--no-wasm-tier-up', '--no-wasm-dynamic-tiering'];

/** The flags of Node's major versions that know them; others would complain of them on standard error. */
const FLAGS: Readonly<Record<string, Flags>> = {
  20: { script: ['--interrupt-budget=1000000'], wasm: WASM, first: ['--interrupt-budget=67584'] },
  // V8 12.4 counts calls instead of bytes.
  22: { script: [], wasm: WASM, first: [] },
};

let isOurs = false;
let isLate = false;

/** Lets V8 be told how to run us: for programs of ours, not for a library in somebody else's process. */
export function tierByUse(): void {
  isOurs = true;
}

/** Is the process ours alone? */
export function isOurProcess(): boolean {
  return isOurs;
}

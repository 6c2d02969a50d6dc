/**
 * V8 compiles WebAssembly twice: a function is compiled at its first call by the baseline compiler, and once it has run often
 * again by the optimizing one, on other threads. The second time costs some 60 ms of CPU for the zstd decoder and 10 ms
 * for the engine, which a small capture never earns back. A module that is made between `baselineOnly()` and the call of
 * what that returns is not compiled a second time.
 *
 * This turns flags of V8, which belong to the whole process, and later modules are compiled as ever (V8 11.3 to 12.4,
 * src/wasm/module-compiler.cc: dynamic tiering is a property of the module, wasm_tier_up only counts without it). So it does nothing
 * unless the process is ours (`tierByUse`), and nothing in a Node whose V8 has not been looked at.
 */
export function baselineOnly(): () => void {
  if (!isAllowed) return () => {};
  const v8 = process.getBuiltinModule?.('node:v8');
  v8?.setFlagsFromString('--no-wasm-tier-up');
  v8?.setFlagsFromString('--no-wasm-dynamic-tiering');
  return () => v8?.setFlagsFromString('--wasm-dynamic-tiering');
}

/** Node's major versions that know both flags; to others they would be an error on standard error. */
const KNOWN = /^(?:20|22)\./;

let isAllowed = false;

/** Lets small inputs turn flags of V8: for programs of ours, not for a library in somebody else's process. */
export function tierByUse(): void {
  isAllowed = KNOWN.test(process.versions.node);
}

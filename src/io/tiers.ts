/**
 * V8 compiles what runs often a second time, with its optimizing compiler, on other threads. That costs 60 ms of CPU for the
 * zstd decoder, 15 for the loop over a capture's 1500 event formats and 10 for the engine: more than a small capture ever
 * earns back. After this call JavaScript must have run 15 times as long before it is optimized, and a WebAssembly module
 * that is made before the returned function is called never is.
 *
 * Both are flags of V8, which belong to the whole process, so nothing happens unless the process is ours (`tierByUse`), nor in a
 * Node whose V8 has not been looked at. Other modules are optimized as ever: dynamic tiering is a property of the module, and
 * wasm_tier_up counts only without it (V8 11.3 and 12.4, src/wasm/module-compiler.cc).
 */
export function baselineOnly(): () => void {
  if (!isAllowed) return () => {};
  const v8 = process.getBuiltinModule?.('node:v8');
  v8?.setFlagsFromString('--interrupt-budget=1000000');
  v8?.setFlagsFromString('--no-wasm-tier-up');
  v8?.setFlagsFromString('--no-wasm-dynamic-tiering');
  return () => v8?.setFlagsFromString('--wasm-dynamic-tiering');
}

/** Node's major versions that know these flags; others would complain of them on standard error. */
const KNOWN = /^(?:20|22)\./;

let isAllowed = false;

/** Lets small inputs turn flags of V8: for programs of ours, not for a library in somebody else's process. */
export function tierByUse(): void {
  isAllowed = KNOWN.test(process.versions.node);
}

import { readFileSync } from 'node:fs';
import { checksum } from './checksum.ts';
import { isOurProcess, setFlag, withFirstFlags } from './tiers.ts';

// V8's optimized machine code for our WebAssembly, kept by the build next to the bundle (scripts/keep-native-code.js), as scripts/start.cjs
// keeps its code for JavaScript. Without it every process compiles what it runs twice, quickly and then well: a tenth to a quarter
// of an analysis (docs/start-up.md).
//
// V8 has no public call for this: Node's only embedder API, structured cloning, shares a module between threads but does not write it
// down. So this uses the intrinsics that V8's own tests do. What makes that safe enough to be the ordinary way:
//
//  - the file is made on this machine, by this very V8 (its version is in the name), and kept only after another process has run with it;
//  - V8 takes the code only if its version, flags and the processor's features are those that it was made with, else undefined comes back;
//  - the code leaves it to the hardware to notice accesses beyond memory, so it is not used where V8's handler for that is switched off
//    (node --disable-wasm-trap-handler), which V8 itself does not compare;
//  - it comes with the module's bytes. V8 knows a module by its bytes, so a module that has changed since is compiled as ever;
//  - whatever fails, failing means "compile": nothing depends on a file being there, or whole.
//
//    0           4            4 + n
//    | n (u32)   | bytes[n]   | code | checksum of what stands before (u32)

/** The modules of which code is kept. */
export type NativeModule = 'engine' | 'zstd' | 'zstd-stream';

const NUMBER = 4;

/** Held for as long as the process lives, else V8 would drop the code with its last module. */
const kept = new Map<NativeModule, unknown>();

/**
 * Gives V8 the kept code of a module; compiling the same bytes costs nothing from then on. V8 takes it only with the flags
 * that it was made with (tiers.ts). False: there is no code that this process can use.
 */
export function useNativeCode(name: NativeModule): boolean {
  if (!isOurProcess()) return false;
  if (!kept.has(name))
    kept.set(
      name,
      withFirstFlags(() => restore(name)),
    );
  return Boolean(kept.get(name));
}

function restore(name: NativeModule): unknown {
  try {
    const { arch, versions } = process;
    const file = readFileSync(new URL(`${name}.wasm.${arch}-${versions.v8}.code`, import.meta.url));
    const codeAt = NUMBER + file.readUInt32LE(0);
    const end = file.length - NUMBER;
    // V8 would run into whatever a damaged disk made of its code.
    if (file.readUInt32LE(end) !== checksum(file.subarray(0, end))) return null;
    setFlag('--allow-natives-syntax');
    try {
      const restored = new Function(
        'code',
        'bytes',
        'return %IsWasmTrapHandlerEnabled() && %DeserializeWasmModule(code, bytes)',
      );
      // V8 wants the code in a buffer of its own.
      return restored(new Uint8Array(file.subarray(codeAt, end)).buffer, file.subarray(NUMBER, codeAt));
    } finally {
      setFlag('--no-allow-natives-syntax');
    }
  } catch {
    return null;
  }
}

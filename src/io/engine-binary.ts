import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SpinbackError } from '../base/errors.ts';

// This file runs from src/io, from dist/src/io and, bundled, from dist: the package's folder is a few levels up.
const LEVELS = 4;

/** Reads the compiled engine from the package's build folder. Throws UNREADABLE where it has not been built. */
export function readEngineBinary(build: 'release' | 'debug' | 'testing' = 'release'): Uint8Array {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (let level = 0; level < LEVELS; level++) {
    folder = dirname(folder);
    try {
      return readFileSync(join(folder, 'build', `${build}.wasm`));
    } catch {
      // Not here: one level up.
    }
  }
  throw new SpinbackError(
    'UNREADABLE',
    `the engine has not been built: build/${build}.wasm is missing (npm run build)`,
  );
}

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { SpinbackError } from '../base/errors.ts';

/** Reads the compiled engine from the package's build folder. Throws UNREADABLE where it has not been built. */
export function readEngineBinary(build: 'release' | 'debug' = 'release'): Uint8Array {
  const root = dirname(createRequire(import.meta.url).resolve('spinback/package.json'));
  const path = join(root, 'build', `${build}.wasm`);
  try {
    return readFileSync(path);
  } catch {
    throw new SpinbackError(
      'UNREADABLE',
      `the engine has not been built: ${path} is missing (npm run build)`,
      { path },
    );
  }
}

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// This file runs from src/io, from dist/src/io and, bundled, from dist: the package's folder is a few levels up.
const LEVELS = 4;

/** Path of a folder that comes with the package (mappings, capture), null where it is not there. */
export function packageFolder(name: string): string | null {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (let level = 0; level < LEVELS; level++) {
    folder = dirname(folder);
    // dist/ has folders of the same names as src/, but no package.json.
    if (existsSync(join(folder, 'package.json')) && existsSync(join(folder, name))) return join(folder, name);
  }
  return null;
}

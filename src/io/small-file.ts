import { closeSync, fstatSync, openSync, readSync, writeFileSync } from 'node:fs';
import { systemError } from './descriptor.ts';

/** The first `most` bytes of a file; of what has no size (a pipe, tracefs) as well. Throws what the system says. */
export function readSmallFile(path: string, most: number): Uint8Array {
  const bytes = new Uint8Array(most);
  const file = openSync(path, 'r');
  try {
    if (fstatSync(file).isDirectory()) throw new Error('it is a directory');
    let size = 0;
    for (let got = 1; got > 0 && size < most; size += got) {
      got = readSync(file, bytes, size, most - size, null);
    }
    return bytes.subarray(0, size);
  } finally {
    closeSync(file);
  }
}

/** Writes a file in one. Throws UNREADABLE where it cannot be written. */
export function writeSmallFile(path: string, data: string | Uint8Array): void {
  try {
    writeFileSync(path, data);
  } catch (error) {
    throw systemError(error, path, 'cannot be written');
  }
}

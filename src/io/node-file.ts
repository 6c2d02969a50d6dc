import * as fs from 'node:fs';
import { join } from 'node:path';
import { SpinbackError } from '../base/errors.ts';
import { shellPath } from '../base/shell.ts';
import { descriptorSource, systemError } from './descriptor.ts';
import { Spool } from './spool.ts';
import type { ByteSource, OnProgress } from './source.ts';
import { readRange } from './bytes.ts';
import { packingOf, unpack } from './unpack.ts';

/** Opens a regular file for random access. Throws UNREADABLE for anything else, and when the system refuses. */
export function openFile(path: string): ByteSource {
  const stat = statOf(path);
  if (!stat.isFile()) throw refuse(path, stat);
  try {
    return descriptorSource(fs.openSync(path, 'r'), path, stat.size, true);
  } catch (error) {
    throw systemError(error, path, 'cannot be opened');
  }
}

/**
 * Opens whatever a user names as input: a file, a pipe, `-` for standard input. What cannot seek is copied to an
 * unnamed temporary file first; what is packed as a whole (zstd, gzip: told by the first bytes, not by the name) is
 * unpacked into one. A packed file that is damaged or cut keeps what could be unpacked; `inputDamage()` of the
 * source says so. Throws UNREADABLE, and LIMIT when the copy would be unreasonably large.
 */
export async function openInput(path: string, onProgress?: OnProgress): Promise<ByteSource> {
  const raw = await openRaw(path);
  const packing = packingOf(readRange(raw, 0, 4));
  if (packing === null) return raw;
  try {
    return await unpack(raw, packing, onProgress);
  } finally {
    raw.close();
  }
}

async function openRaw(path: string): Promise<ByteSource> {
  if (path === '-') {
    const stat = fs.fstatSync(0);
    if (stat.isFile()) return descriptorSource(0, path, stat.size, false);
    if (!stat.isFIFO() && !stat.isSocket()) throw refuse(path, stat);
    return await spool(process.stdin, path);
  }
  const stat = statOf(path);
  // Files of tracefs and procfs say that they are empty and are not.
  if (stat.isFIFO() || stat.isSocket() || (stat.isFile() && stat.size === 0)) {
    return await spool(fs.createReadStream(path), path);
  }
  return openFile(path);
}

async function spool(stream: AsyncIterable<Uint8Array>, name: string): Promise<ByteSource> {
  const copy = new Spool(name);
  try {
    for await (const chunk of stream) copy.write(chunk);
  } catch (error) {
    copy.discard();
    throw systemError(error, name, 'cannot be read');
  }
  return copy.finish([]);
}

function statOf(path: string): fs.Stats {
  try {
    return fs.statSync(path);
  } catch (error) {
    throw systemError(error, path, 'cannot be opened');
  }
}

function refuse(path: string, stat: fs.Stats): SpinbackError {
  const name = path === '-' ? 'standard input' : path;
  if (stat.isDirectory() && fs.existsSync(join(path, 'data')) && fs.existsSync(join(path, 'data.0'))) {
    const text = `${name} is a directory that perf record --threads wrote, which is not read; "perf script -i ${shellPath(path)}" gives text that is`;
    return new SpinbackError('UNREADABLE', text, { path });
  }
  const kind = stat.isDirectory()
    ? 'is a directory'
    : stat.isCharacterDevice()
      ? 'is a terminal or another character device'
      : 'is not a regular file';
  return new SpinbackError('UNREADABLE', `${name} ${kind}, not a capture`, { path });
}

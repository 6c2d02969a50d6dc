import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { SpinbackError } from '../base/errors.ts';
import { systemError } from './descriptor.ts';

/** A file in the making. */
export interface OutputFile {
  /** Behind what was written last, or over what lies at byte offset `at`. Throws UNREADABLE when the disk is full, or the system refuses otherwise. */
  write(bytes: Uint8Array, at?: number): void;
  /** Everything is written: the file gets its name, in place of one that had it. */
  finish(): void;
  /** Leaves nothing behind, and what had the name as it was. Nothing happens after finish(). */
  discard(): void;
}

/**
 * Opens `path` for writing. A regular file is written beside it under a name of its own and takes its place when it is whole, so
 * nobody ever finds half of one; a device or named pipe is written as it is. Throws USAGE where `path` is `input` under any name, or
 * exists and `replace` is not set; UNREADABLE where the system refuses. `input`: null where there is none.
 */
export function openOutput(path: string, input: string | null, replace: boolean): OutputFile {
  const old = statOrNull(path);
  if (old && input !== null && isSame(old, input)) throw usage(`${path} is the input itself`);
  if (old?.isDirectory()) throw usage(`${path} is a directory`);
  if (old && !old.isFile()) return new Destination(path, path, null);
  if (old && !replace) throw usage(`${path} exists already: --force replaces it`);
  // Beside the target itself, not a link to it: only there a rename replaces it.
  const target = old ? fs.realpathSync(path) : path;
  const mode = old ? old.mode & 0o777 : null;
  return new Destination(join(dirname(target), `.${basename(target)}.${process.pid}.part`), target, mode);
}

class Destination implements OutputFile {
  readonly #fd: number;
  readonly #path: string;
  readonly #target: string;
  #open = true;

  /** `mode` of the file that is replaced; null: none is. */
  constructor(path: string, target: string, mode: number | null) {
    this.#path = path;
    this.#target = target;
    try {
      this.#fd = fs.openSync(path, path === target ? 'w' : 'wx', mode ?? 0o666);
      if (mode !== null) fs.fchmodSync(this.#fd, mode);
    } catch (error) {
      throw systemError(error, target, 'cannot be written');
    }
  }

  write(bytes: Uint8Array, at?: number): void {
    try {
      for (let done = 0; done < bytes.byteLength;) {
        const place = at === undefined ? null : at + done;
        done += fs.writeSync(this.#fd, bytes, done, bytes.byteLength - done, place);
      }
    } catch (error) {
      throw systemError(error, this.#target, 'cannot be written');
    }
  }

  finish(): void {
    try {
      // What is renamed before it is on the disk can be empty after a crash.
      if (this.#path !== this.#target) fs.fsyncSync(this.#fd);
      this.#close();
      if (this.#path !== this.#target) fs.renameSync(this.#path, this.#target);
    } catch (error) {
      throw systemError(error, this.#target, 'cannot be written');
    }
  }

  discard(): void {
    if (!this.#open) return;
    this.#close();
    if (this.#path !== this.#target) fs.rmSync(this.#path, { force: true });
  }

  #close(): void {
    this.#open = false;
    fs.closeSync(this.#fd);
  }
}

function statOrNull(path: string): fs.Stats | null {
  try {
    return fs.statSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw systemError(error, path, 'cannot be written');
  }
}

function isSame(old: fs.Stats, input: string): boolean {
  try {
    const stat = input === '-' ? fs.fstatSync(0) : fs.statSync(input);
    return stat.isFile() && stat.dev === old.dev && stat.ino === old.ino;
  } catch {
    return false; // opening the input tells why
  }
}

function usage(message: string): SpinbackError {
  return new SpinbackError('USAGE', message);
}

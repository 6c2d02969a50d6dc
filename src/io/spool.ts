import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SpinbackError } from '../base/errors.ts';
import type { InputDamage, SpooledSource } from './input-damage.ts';
import { descriptorSource, systemError } from './descriptor.ts';

/** The most that is ever written to the temporary directory for one input, in bytes. */
export const SPOOL_LIMIT = 64 * 2 ** 30;

/**
 * A file in the temporary directory that has no name any more: it vanishes with the process, however that ends.
 * Write to it, then `finish()` makes it a source. Throws UNREADABLE when the disk is full, LIMIT past `limit` bytes.
 */
export class Spool {
  readonly #fd: number;
  readonly #name: string;
  readonly #limit: number;
  #size = 0;

  /** `name`: what the finished source is called in messages. */
  constructor(name: string, limit = SPOOL_LIMIT) {
    this.#name = name;
    this.#limit = limit;
    try {
      const folder = fs.mkdtempSync(join(tmpdir(), 'spinback-'));
      const path = join(folder, 'spool');
      this.#fd = fs.openSync(path, 'wx+', 0o600);
      fs.unlinkSync(path);
      fs.rmdirSync(folder);
    } catch (error) {
      throw systemError(error, name, 'cannot be copied to the temporary directory');
    }
  }

  get size(): number {
    return this.#size;
  }

  write(bytes: Uint8Array): void {
    if (this.#size + bytes.byteLength > this.#limit) {
      throw new SpinbackError('LIMIT', `${this.#name} unpacks to more than ${this.#limit} bytes`, {
        path: this.#name,
      });
    }
    try {
      for (let done = 0; done < bytes.byteLength;) {
        done += fs.writeSync(this.#fd, bytes, done, bytes.byteLength - done, this.#size + done);
      }
    } catch (error) {
      throw systemError(error, this.#name, 'cannot be copied to the temporary directory');
    }
    this.#size += bytes.byteLength;
  }

  finish(damage: readonly InputDamage[]): SpooledSource {
    return Object.assign(descriptorSource(this.#fd, this.#name, this.#size, true), { damage });
  }

  /** Gives the disk space back; for spools that never become a source. */
  discard(): void {
    fs.closeSync(this.#fd);
  }
}

import * as zlib from 'node:zlib';
import { SpinbackError } from '../base/errors.ts';
import { openOutput, type OutputFile } from '../io/output.ts';
import type { ByteSource } from '../io/source.ts';
import { Spool as TemporaryFile } from '../io/spool.ts';
import type { Output, Packer, Spool } from './output.ts';

const BUFFER_SIZE = 1 << 20;

/** Writes a file that has its name only when it is whole. Throws as openOutput does, and UNREADABLE when the system refuses. */
export class FileOutput implements Output {
  readonly #file: OutputFile;
  readonly #buffer = new Uint8Array(BUFFER_SIZE);
  #filled = 0;
  position = 0;

  /** `input`: what is read meanwhile and must not be written over; null: nothing. */
  constructor(path: string, input: string | null = null) {
    this.#file = openOutput(path, input, true);
  }

  write(bytes: Uint8Array): void {
    if (this.#filled + bytes.length > BUFFER_SIZE) this.#flush();
    if (bytes.length > BUFFER_SIZE) this.#file.write(bytes, this.position);
    else {
      this.#buffer.set(bytes, this.#filled);
      this.#filled += bytes.length;
    }
    this.position += bytes.length;
  }

  patch(at: number, bytes: Uint8Array): void {
    this.#flush();
    this.#file.write(bytes, at);
  }

  /** Everything is written. */
  finish(): void {
    this.#flush();
    this.#file.finish();
  }

  /** Leaves nothing behind; nothing happens after finish(). */
  discard(): void {
    this.#file.discard();
  }

  #flush(): void {
    this.#file.write(this.#buffer.subarray(0, this.#filled), this.position - this.#filled);
    this.#filled = 0;
  }
}

/** A spool in an unnamed temporary file. Everything is written before anything is read. */
export class FileSpool implements Spool {
  readonly #file = new TemporaryFile('the generated pages');
  #source: ByteSource | undefined;

  write(bytes: Uint8Array): number {
    const at = this.#file.size;
    this.#file.write(bytes);
    return at;
  }

  read(at: number, target: Uint8Array): void {
    this.#source ??= this.#file.finish([]);
    this.#source.readInto(target, at);
  }

  close(): void {
    if (this.#source) this.#source.close();
    else this.#file.discard();
  }
}

export const COMPRESSIONS = ['none', 'zlib', 'zstd'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

/** What Node's zlib has from version 22.15 on. */
interface ZstdZlib {
  zstdCompressSync?(bytes: Uint8Array): Uint8Array;
}

/** The compressor for a name, null for none. Throws UNSUPPORTED where this Node has none. */
export function packerFor(compression: Compression): Packer | null {
  if (compression === 'none') return null;
  if (compression === 'zlib') {
    return { name: 'zlib', version: process.versions.zlib, pack: (bytes) => zlib.deflateSync(bytes) };
  }
  const { zstdCompressSync } = zlib as ZstdZlib;
  if (!zstdCompressSync) {
    throw new SpinbackError(
      'UNSUPPORTED',
      `Node ${process.version} cannot compress with zstd, 22.15 and later can`,
    );
  }
  return { name: 'zstd', version: '1.5', pack: (bytes) => zstdCompressSync(bytes) };
}

/** Where a generated file goes: written from front to back, with a few places filled in later. */
export interface Output {
  readonly position: number;
  write(bytes: Uint8Array): void;
  /** Overwrites bytes that were written before. */
  patch(at: number, bytes: Uint8Array): void;
}

/** Room for data whose place in the file is not known yet. */
export interface Spool {
  /** Keeps a copy of the bytes and returns where they lie. */
  write(bytes: Uint8Array): number;
  /** Fills `target` with what lies at `at`. */
  read(at: number, target: Uint8Array): void;
}

/** Compresses sections and chunks of pages; `name` and `version` go into the file's header. */
export interface Packer {
  readonly name: string;
  readonly version: string;
  pack(bytes: Uint8Array): Uint8Array;
}

/** A file or a spool in memory. */
export class MemoryOutput implements Output, Spool {
  #bytes = new Uint8Array(1 << 16);
  position = 0;

  write(bytes: Uint8Array): number {
    const at = this.position;
    if (at + bytes.length > this.#bytes.length) {
      const wider = new Uint8Array(Math.max(this.#bytes.length * 2, at + bytes.length));
      wider.set(this.#bytes);
      this.#bytes = wider;
    }
    this.#bytes.set(bytes, at);
    this.position += bytes.length;
    return at;
  }

  patch(at: number, bytes: Uint8Array): void {
    this.#bytes.set(bytes, at);
  }

  read(at: number, target: Uint8Array): void {
    target.set(this.#bytes.subarray(at, at + target.length));
  }

  /** Everything written so far, not copied. */
  done(): Uint8Array {
    return this.#bytes.subarray(0, this.position);
  }
}

const CHUNK_BUDGET = 32 << 20;
const MAX_CHUNK_PAGES = 64;

/**
 * Keeps the pages of many CPUs apart while they arrive in any order: each CPU gathers a chunk in memory and
 * spools it when it is full. Memory stays within `CHUNK_BUDGET` and a few numbers per chunk.
 */
export class CpuPages {
  readonly #spool: Spool;
  readonly #chunkSize: number;
  readonly #cpus: { chunk: Uint8Array | undefined; filled: number; spooled: number[]; size: number }[];

  constructor(spool: Spool, cpus: number, pageSize: number) {
    this.#spool = spool;
    const pages = Math.min(Math.max(Math.floor(CHUNK_BUDGET / cpus / pageSize), 1), MAX_CHUNK_PAGES);
    this.#chunkSize = pages * pageSize;
    this.#cpus = Array.from({ length: cpus }, () => ({ chunk: undefined, filled: 0, spooled: [], size: 0 }));
  }

  /** Keeps a copy of a page of `cpu`. */
  add(cpu: number, page: Uint8Array): void {
    const own = this.#cpus[cpu]!;
    const chunk = (own.chunk ??= new Uint8Array(this.#chunkSize));
    chunk.set(page, own.filled);
    own.filled += page.length;
    own.size += page.length;
    if (own.filled < chunk.length) return;
    own.spooled.push(this.#spool.write(chunk));
    own.filled = 0;
  }

  /** Bytes of all pages of `cpu`. */
  size(cpu: number): number {
    return this.#cpus[cpu]!.size;
  }

  /** The pages of `cpu` in order, in pieces of `pieceSize` bytes (the last one may be shorter). */
  *pieces(cpu: number, pieceSize: number): Generator<Uint8Array> {
    const own = this.#cpus[cpu]!;
    let piece = new Uint8Array(Math.min(pieceSize, own.size));
    let filled = 0;
    for (let at = 0; at < own.size;) {
      const chunk = this.#chunk(cpu, Math.floor(at / this.#chunkSize));
      const from = at % this.#chunkSize;
      const part = chunk.subarray(from, Math.min(chunk.length, from + piece.length - filled));
      piece.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < piece.length) continue;
      yield piece;
      piece = new Uint8Array(Math.min(pieceSize, own.size - at));
      filled = 0;
    }
  }

  #chunk(cpu: number, index: number): Uint8Array {
    const own = this.#cpus[cpu]!;
    if (index === own.spooled.length) return own.chunk!.subarray(0, own.filled);
    const chunk = new Uint8Array(this.#chunkSize);
    this.#spool.read(own.spooled[index]!, chunk);
    return chunk;
  }
}

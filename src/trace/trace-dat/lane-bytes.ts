import type { ByteSource } from '../../io/source.ts';

/** The bytes of one lane's data, unpacked: in order for replaying, and by place for going back. */
export interface LaneBytes {
  /** Bytes in all, null when only reading them tells. */
  readonly size: number | null;
  /** Fills `target` with the next bytes and returns how many; fewer than asked for only at the end. */
  next(target: Uint8Array): number;
  /** Fills `target` from `offset` of the data on and returns how many bytes were there. */
  at(offset: number, target: Uint8Array): number;
  /** Bytes of the file behind the data read so far, and in all. */
  readonly consumed: number;
  readonly stored: number;
  /** The data went on, but what follows cannot be read. */
  readonly endedEarly: boolean;
}

/** Data that lies in the file as it is: read straight into the target. */
export class PlainBytes implements LaneBytes {
  readonly size: number;
  readonly endedEarly = false;
  readonly #source: ByteSource;
  readonly #start: number;
  #position = 0;

  constructor(source: ByteSource, start: number, size: number) {
    this.#source = source;
    this.#start = start;
    this.size = size;
  }

  get stored(): number {
    return this.size;
  }

  get consumed(): number {
    return this.#position;
  }

  next(target: Uint8Array): number {
    const got = this.at(this.#position, target);
    this.#position += got;
    return got;
  }

  at(offset: number, target: Uint8Array): number {
    const wanted = Math.max(0, Math.min(target.byteLength, this.size - offset));
    return wanted === 0 ? 0 : this.#source.readInto(target.subarray(0, wanted), this.#start + offset);
  }
}

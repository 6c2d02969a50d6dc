import { SpinbackError } from '../../base/errors.ts';
import { isBounded } from './msgpack-bounds.ts';

/** msgpack, loaded when it is first needed. */
export interface Packer {
  pack(value: unknown): Uint8Array;
}

export interface Unpacker {
  /** Throws DAMAGED for what is no msgpack, or more than any capture needs; `offset` is where it lies in the file. */
  unpack(bytes: Uint8Array, offset: number): unknown;
}

/** Plain msgpack: no extensions of msgpackr's own, 64-bit numbers as bigint where they need to be. */
const PLAIN = { useRecords: false, mapsAsObjects: true, int64AsType: 'auto' } as const;

export async function loadPacker(): Promise<Packer> {
  const { Packr } = await import('msgpackr/pack');
  const packr = new Packr(PLAIN);
  return { pack: (value) => packr.pack(value) };
}

export async function loadUnpacker(): Promise<Unpacker> {
  const { Unpackr } = await import('msgpackr/unpack');
  const unpackr = new Unpackr(PLAIN);
  return {
    unpack(bytes, offset) {
      if (!isBounded(bytes))
        throw new SpinbackError('DAMAGED', `what lies at offset ${offset} unpacks to far too much`, {
          offset,
        });
      try {
        return unpackr.unpack(bytes);
      } catch {
        throw new SpinbackError('DAMAGED', `what lies at offset ${offset} is no msgpack`, { offset });
      }
    },
  };
}

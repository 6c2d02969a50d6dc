import { start } from './zstd-start.ts';

/** zstddec's decoder for chunks, as far as it is used here. */
export interface ZstdDecoder {
  decode(packed: Uint8Array, unpackedSize: number): Uint8Array;
}

/** Loads the zstd decoder for chunks; later calls are free. */
export async function loadZstd(): Promise<ZstdDecoder> {
  const { ZSTDDecoder } = await import('zstddec');
  return await start(new ZSTDDecoder());
}

import { start } from './zstd-start.ts';

/** zstddec's decoder for streams, as far as it is used here. */
export interface ZstdStreamDecoder {
  decodeStreaming(pieces: Iterable<Uint8Array>): Generator<Uint8Array>;
}

/** Loads the zstd decoder for streams, a second and larger module. */
export async function loadZstdStream(): Promise<ZstdStreamDecoder> {
  const { ZSTDDecoder } = await import('zstddec/stream');
  return await start(new ZSTDDecoder());
}

/** zstddec's decoder, as far as it is used here. */
export interface ZstdDecoder {
  decode(packed: Uint8Array, unpackedSize: number): Uint8Array;
}

export interface ZstdStreamDecoder {
  decodeStreaming(pieces: Iterable<Uint8Array>): Generator<Uint8Array>;
}

/** Loads the zstd decoder for chunks; later calls are free. */
export async function loadZstd(): Promise<ZstdDecoder> {
  const { ZSTDDecoder } = await import('zstddec');
  return await start(new ZSTDDecoder());
}

/** Loads the zstd decoder for streams, a second and larger module. */
export async function loadZstdStream(): Promise<ZstdStreamDecoder> {
  const { ZSTDDecoder } = await import('zstddec/stream');
  return await start(new ZSTDDecoder());
}

/**
 * zstddec 0.3.4 unpacks its own wasm through fetch() of a data: address wherever fetch exists. In Node the first fetch
 * costs 25 ms of start-up; without one it takes the direct way. It decides before its first await, so hiding
 * fetch for that one synchronous call is enough.
 */
async function start<D extends { init(): Promise<void> }>(decoder: D): Promise<D> {
  if (typeof process === 'undefined') {
    await decoder.init();
    return decoder;
  }
  const fetchWas = Object.getOwnPropertyDescriptor(globalThis, 'fetch');
  let ready: Promise<void>;
  try {
    if (fetchWas) Object.defineProperty(globalThis, 'fetch', { value: undefined, configurable: true });
    ready = decoder.init();
  } finally {
    if (fetchWas) Object.defineProperty(globalThis, 'fetch', fetchWas);
  }
  await ready;
  return decoder;
}

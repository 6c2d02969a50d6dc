/**
 * zstddec 0.3.4 unpacks its own wasm through fetch() of a data: address wherever fetch exists. In Node the first fetch
 * costs 25 ms of start-up; without one it takes the direct way. It decides before its first await, so hiding
 * fetch for that one synchronous call is enough.
 */
export async function start<D extends { init(): Promise<void> }>(decoder: D): Promise<D> {
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

// The engine's exports: numbers only.

export { turn } from './decode/big-endian';
export { scanSamples } from './decode/scan-samples';
export { listBuckets } from './memory/distribution';
export { nextBusyTask, nextTellingLock } from './readout';
export { step } from './replay';
export { collectInto, setup, splitBy, window } from './setup';

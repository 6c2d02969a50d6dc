// The engine's exports: numbers only.

export { step } from './replay';
export { collectInto, setup, window } from './setup';

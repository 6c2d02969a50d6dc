// The one source of record layouts for both sides of the wasm boundary.
//
// Untyped integer constants below 2^31 only: AssemblyScript and TypeScript both compile these files as they are.
// Every offset is in bytes, every multi-byte field is little endian.

export * from './layout/events.ts';
export * from './layout/input.ts';
export * from './layout/blocks.ts';
export * from './layout/head.ts';
export * from './layout/state.ts';
export * from './layout/series.ts';
export * from './layout/records.ts';

import { dumpReader, ftraceTextReader, lineTextReader } from './ftrace-text/reader.ts';
import { perfDataReader } from './perf-data/reader.ts';
import { perfScriptReader } from './perf-script/reader.ts';
import type { Reader } from './reader.ts';
import { spinReader } from './spin/reader.ts';
import { traceDatReader } from './trace-dat/reader.ts';

/** Every format that is read, in the order in which they are tried: binary formats with a magic first. */
export const BINARY_READERS: readonly Reader[] = [spinReader, traceDatReader, perfDataReader];

export const READERS: readonly Reader[] = [
  ...BINARY_READERS,
  ftraceTextReader,
  perfScriptReader,
  lineTextReader,
  dumpReader,
];

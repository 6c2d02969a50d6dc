import type { ByteSource, OnProgress } from '../io/source.ts';
import type { LinePattern } from '../mapping/mapping.ts';
import type { MappingRow } from '../mapping/rows.ts';
import type { Capture } from './capture.ts';

export interface OpenOptions {
  /** Name of the ftrace instance to read from a trace.dat with several buffers; the top instance by default. */
  readonly instance?: string;
  /** Mapping rows besides the built-in ones; a later row for the same event replaces an earlier one. */
  readonly rows?: readonly MappingRow[];
  /** How lines of text become events, for text that no reader knows. */
  readonly lines?: readonly LinePattern[];
  /** Hears of bytes unpacked, and in all, where the input has to be unpacked before it can be opened. */
  readonly onProgress?: OnProgress;
}

/** One capture format: how to recognise it and how to open it. */
export interface Reader {
  readonly name: string;
  /** How many first bytes `sniff` wants to see. */
  readonly sniffBytes: number;
  /** Does the input begin like this format, or as the options say? Never looks at names. */
  sniff(head: Uint8Array, options: OpenOptions): boolean;
  /** Opens the input; throws SpinbackError UNSUPPORTED or DAMAGED where nothing can be read at all. */
  open(source: ByteSource, options: OpenOptions): Promise<Capture>;
}

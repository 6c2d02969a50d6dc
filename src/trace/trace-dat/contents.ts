import type { Codec } from '../../io/codec.ts';
import type { FormatIndex } from './formats.ts';
import type { HeaderPage } from './header-page.ts';
import type { Load } from './names.ts';
import type { Option } from './options.ts';

/** Where the file says that the data of one CPU lies; not checked against the file yet. */
export interface Extent {
  readonly cpu: number;
  readonly at: bigint;
  readonly size: bigint;
  /** The data did not end there: what follows is missing. Said only of data that was found by scanning. */
  readonly cut?: boolean;
  /** How many compressed chunks there are, where the data's own count is not to be used. */
  readonly chunks?: number;
}

/** The ring buffer of one ftrace instance in the file. */
export interface DatBuffer {
  /** Empty for the top instance. */
  readonly name: string;
  /** The clock, where the buffer itself names it (version 7). */
  readonly clock: string | null;
  readonly pageSize: number;
  /** `text` is a latency tracer's text in place of pages. */
  readonly kind: 'pages' | 'text';
  /** In compressed chunks. */
  readonly packed: boolean;
  readonly extents: readonly Extent[];
  /** Where the buffer's description lies in the file. */
  readonly offset: number;
}

/** What both versions of the format tell, before any page is looked at. */
export interface Contents {
  readonly headerPage: HeaderPage;
  readonly formats: FormatIndex;
  readonly options: readonly Option[];
  readonly buffers: readonly DatBuffer[];
  readonly codec: Codec | null;
  /** CPUs of the machine, null where the file does not say. */
  readonly cpuCount: number | null;
  readonly kallsyms: Load;
  readonly printkFormats: Load;
  readonly cmdlines: Load;
}

/** More CPUs than this are not believed: canonical events number them with 16 bits. */
export const MOST_CPUS = 1 << 16;

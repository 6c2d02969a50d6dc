import type { BlocksOf } from '../blocks/build-block.ts';
import type { ByteSource } from '../io/source.ts';
import type { EventPlace } from '../model/event.ts';
import type { SampleTables, ScanSamples } from '../model/samples.ts';
import type { DialectName } from './ftrace-text/dialect.ts';
import type { DecodeRow } from '../mapping/decode-row.ts';

/** How raw time stamps become nanoseconds: ns = (raw * mult >> shift) + offsetNs. mult 0: they are nanoseconds. */
export interface ClockConversion {
  readonly mult: number;
  readonly shift: number;
  readonly offsetNs: bigint;
}

export interface Clock {
  /** The capture's own name: "mono", "boot", "local", "x86-tsc"; "unknown" where it does not say. */
  readonly name: string;
  readonly unit: 'ns' | 'cycles' | 'relative';
}

/** One event type of the capture. */
export interface EventType {
  /** The capture's own number (u16 in records). */
  readonly id: number;
  /** "lock"; empty where text does not say. */
  readonly system: string;
  readonly name: string;
}

/** How sub-buffer pages are laid out (ftrace header_page). */
export interface PageLayout {
  readonly pageSize: number;
  readonly commitSize: 4 | 8;
  readonly dataAt: number;
  readonly bigEndian?: boolean | undefined;
}

/**
 * One stream of input, in order of time. `pages`: raw ftrace sub-buffers of one CPU. `records`: canonical 40-byte events
 * (assembly/layout.ts, EVENT_*); EVENT_CPU of the record counts. `samples`: perf's records as they lie in the file; each
 * carries its CPU. `blocks`: the first lane delivers the events of all lanes, merged (BLOCK_*), one block for each read; `of` is
 * what the lanes were before.
 */
export interface Lane {
  readonly cpu: number;
  readonly input:
    | { readonly kind: 'pages'; readonly layout: PageLayout }
    | { readonly kind: 'records' }
    | { readonly kind: 'samples' }
    | { readonly kind: 'blocks'; readonly of: BlocksOf };
  readonly clock: ClockConversion;
  /** Bytes that the lane will deliver, null when that is not known beforehand. */
  readonly size: number | null;
  /**
   * Fills `target` with the next whole pages or records, or the next block, and returns how many bytes; 0 means the end.
   * Deterministic: a second capture opened on the same file delivers the same bytes.
   */
  read(target: Uint8Array): number;
  /** Events that the recorder says this CPU lost to overwriting or dropping; null when it does not say. */
  readonly lost: number | null;
  /** The recorder stopped taking events on this CPU before the end (buffer full, dropped events). */
  readonly lostTail: boolean;
}

/** One field of a record, for people. */
export interface FieldValue {
  readonly name: string;
  /** Numbers as unsigned or signed bigint by the field's type, text as a string. */
  readonly value: bigint | string;
}

/** A record that somebody went back to. */
export interface EventRecord {
  readonly type: EventType;
  readonly fields: readonly FieldValue[];
  /** The fields as one line in the style of trace-cmd: "addr=0xffff888104ef4380 bitnr=4 ip=fake_finish_bio+0x39". */
  readonly text: string;
  /** Who called, innermost first, where it was recorded: symbols, or addresses that no symbol is known for. */
  readonly callers?: readonly string[];
  /** The task's name as this record knows it, where it does (text captures); otherwise ask comm(). */
  readonly comm?: string;
}

/** One kind of damage or loss, counted. */
export interface Damage {
  readonly name: string;
  readonly severity: 'info' | 'error' | 'data loss';
  /** What it means and what to do, as a sentence. */
  readonly text: string;
  readonly count: number;
  /** Byte offset in the file of the first one, where known. */
  readonly offset?: number;
}

/** Events that were lost nobody knows when. */
export interface CaptureLoss {
  /** null: on any CPU. */
  readonly cpu: number | null;
  /** null: an unknown number. */
  readonly count: number | null;
}

/** Everything that names and records are told from, as it lies in the capture. */
export interface Keepsake {
  /** Bytes of the kernel's long. */
  readonly longSize: 4 | 8;
  readonly bigEndian?: boolean | undefined;
  /** Texts of the event formats, in the order of `types`; empty where there are none. */
  readonly formats: readonly Uint8Array[];
  /** Tables of the kernel, as text: symbols, names of tasks, texts that records point to. */
  readonly tables: Readonly<Record<'kallsyms' | 'cmdlines' | 'printk-formats', () => Uint8Array>> | null;
  /** Captures of text: where the records' lines lie, and the names of tasks as they are known so far. */
  readonly text: {
    readonly source: ByteSource;
    readonly dialect: DialectName;
    /** What users' mapping files added to the built-in one, as the text of a mapping file; null where there were none. */
    readonly mapping: string | null;
    /** Where the lines of a record that was read lie; asked for in the order of the records. */
    placeOf(record: number): number;
    comms(): Iterable<readonly [pid: number, name: string]>;
  } | null;
  readonly samples: SampleKeepsake | null;
}

/** Captures of samples: each sample is a record, whole, as it lies in the file. */
export interface SampleKeepsake {
  readonly tables: SampleTables;
  readonly anchor: Anchor | null;
  /** Names of tasks that the recorder told, besides the table of command lines. */
  readonly tasks: Iterable<readonly [pid: number, name: string]>;
  /** The sample at a place, or the one whose raw record lies there; null where it cannot be read. */
  sample(place: EventPlace): Uint8Array | null;
}

/** A symbol of the kernel whose address a recorder's own records tell. */
export interface Anchor {
  readonly name: string;
  readonly address: bigint;
}

/** An opened capture: what every reader delivers and the session replays, once: its lanes are streams. */
export interface Capture {
  readonly path: string;
  /** "trace.dat v7 (zstd)", "ftrace text", "trace-cmd report". */
  readonly format: string;
  readonly clock: Clock;
  /** `uname` of the recorded machine, null where the capture does not say. */
  readonly kernel: string | null;
  /** Number of CPUs of the machine, where known. */
  readonly cpuCount: number | null;
  readonly types: readonly EventType[];
  /** How to decode each type; types without a row are signs of life only. Row 0 is for unknown types. */
  readonly rows: readonly DecodeRow[];
  readonly lanes: readonly Lane[];
  /** Pages, or samples, and the records in them are in big-endian byte order; other lanes never are. */
  readonly bigEndian?: boolean | undefined;
  /** How the samples are laid out, for lanes of them. */
  readonly samples?: SampleTables | undefined;
  /** Finds the lanes of a capture whose order only a pass over it tells; called once, before anything of it is replayed. */
  arrange?(scan: ScanSamples): void;
  /** Losses that no lane tells at its place. */
  losses?(): readonly CaptureLoss[];
  /** The recorder switches its events off one by one: in the last so many ns of each CPU some kinds may be missing. */
  readonly partialTailNs?: number;
  /** The end is missing, on every CPU. */
  readonly isCut?: boolean;
  /** Damage met so far; grows while lanes are read. */
  damage(): readonly Damage[];
  /** For whoever lists events and wants none before this time: from now on lanes may leave out what comes before the first of the others. */
  skipBefore?(time: bigint): void;
  /** Reads the tables of names, which otherwise wait until somebody asks, so that their damage is known. */
  readNames?(): void;
  /** The task's name, null when the capture does not know it. */
  comm(pid: number): string | null;
  /** "ext4_finish_bio+0x273" for a kernel address, null when unknown. */
  symbol(address: bigint): string | null;
  /** The lock's name by what series know its class by, where that is a number of the reader's own; null for any other. */
  lockName?(label: bigint): string | null;
  /** Goes back to one record; null when it cannot be had (an evicted stream, a lost event). */
  record(place: EventPlace): EventRecord | null;
  /** What a container keeps of the capture besides its events; absent where it cannot be kept. */
  keepsake?(): Keepsake;
  /** Bytes of input consumed and in all, for progress. */
  progress(): { readonly done: number; readonly total: number | null };
  close(): void;
}

import { VERSION } from '../../base/version.ts';
import {
  BLOCK_EVENTS,
  buildBlock,
  type BlocksOf,
  type BuiltBlock,
  type LaneTally,
} from '../../blocks/build-block.ts';
import { Items } from '../../blocks/items.ts';
import { SpinbackError } from '../../base/errors.ts';
import { deflate } from '../../io/deflate.ts';
import { loadMapping } from '../../mapping/load.ts';
import type { Capture, Keepsake } from '../capture.ts';
import { lockNameIn } from '../callers.ts';
import { RecordCollector, TextCollector, type Collector, type WindowOf } from './collect.ts';
import { SampleCollector } from './collect-samples.ts';
import { fileHeader, FRAME, frameBytes } from './frame.ts';
import { LockNames } from './lock-names.ts';
import {
  LARGEST_SECTION,
  packHeadNotes,
  typeNamesOf,
  type BlockEntry,
  type BlockNotes,
  type HeadNotes,
  type PackedNotes,
  type TailNotes,
} from './notes.ts';
import { loadPacker, type Packer } from './packer.ts';
import { SampleMask } from './sample-mask.ts';

/** zlib's best: a second more for 60 MB of records, and 5 % smaller. */
const EFFORT = 9;

/**
 * Writes a capture's events as a .spin file, front to back, in memory that does not grow with it but for 100 bytes per block. Every
 * method gives the bytes that come next.
 */
export class SpinWriter {
  readonly #capture: Capture;
  readonly #keepsake: Keepsake;
  readonly #of: BlocksOf;
  readonly #packer: Packer;
  readonly #collector: Collector;
  readonly #items = Items.ofCapacity(BLOCK_EVENTS);
  readonly #sizes: readonly number[];
  readonly #blocks: BlockEntry[] = [];
  #comms: ReadonlyMap<number, string> = new Map();
  readonly #locks = new LockNames();
  #written = 0;
  #frames = 0;
  /** Event types that were told last, and at first. */
  #types = 0;
  #typesAtHead = 0;

  /** Throws UNSUPPORTED for a capture that a container cannot keep. */
  static async of(capture: Capture): Promise<SpinWriter> {
    const keepsake = capture.keepsake?.();
    if (!keepsake) throw new SpinbackError('UNSUPPORTED', `this is a container already: ${capture.format}`);
    if (keepsake.samples && keepsake.bigEndian)
      throw new SpinbackError(
        'UNSUPPORTED',
        'containers keep samples in little-endian byte order only, and this perf.data is of a big-endian machine: analyze reads it as it is, ' +
          'and the text that "perf script" makes of it can be converted',
      );
    if (keepsake.text?.mapping) await checkMapping(keepsake.text.mapping);
    return new SpinWriter(capture, keepsake, await loadPacker());
  }

  private constructor(capture: Capture, keepsake: Keepsake, packer: Packer) {
    this.#capture = capture;
    this.#keepsake = keepsake;
    this.#packer = packer;
    const { text, samples } = keepsake;
    this.#of = text ? 'records' : samples ? 'samples' : 'pages';
    this.#collector = text
      ? new TextCollector(text)
      : samples
        ? new SampleCollector(samples, new SampleMask(samples.tables, capture.rows), BLOCK_EVENTS)
        : new RecordCollector(capture.rows, keepsake.bigEndian ?? false, BLOCK_EVENTS);
    this.#sizes = keepsake.formats.map(({ length }) => length);
  }

  /** What goes before the first event. */
  *begin(): Generator<Uint8Array> {
    const { path, format, clock, kernel, cpuCount, lanes, losses, partialTailNs, isCut } = this.#capture;
    const { text, samples } = this.#keepsake;
    const notes: HeadNotes = {
      writer: VERSION,
      path,
      format,
      clock,
      kernel,
      cpuCount,
      of: this.#of,
      dialect: text?.dialect ?? 'ftrace',
      samples,
      losses: losses?.call(this.#capture) ?? [],
      partialTailNs: partialTailNs ?? 0,
      isCut: isCut ?? false,
      longSize: this.#keepsake.longSize,
      ...(this.#keepsake.bigEndian ? { bigEndian: true } : {}),
      lanes: lanes.map(({ cpu, lost }) => ({ cpu, lost })),
      names: typeNamesOf(this.#capture, this.#sizes),
    };
    this.#types = this.#typesAtHead = this.#capture.types.length;
    const header = fileHeader();
    this.#written = header.length;
    yield header;
    yield this.#packedFrame(FRAME.head, 'head', this.#packer.pack(packHeadNotes(notes)));
    yield* this.#section('formats', concat(this.#keepsake.formats));
    for (const [name, load] of Object.entries(this.#keepsake.tables ?? {}))
      yield* this.#section(name, load());
    if (text?.mapping) yield* this.#section('mapping', new TextEncoder().encode(text.mapping));
    if (samples) yield* this.#section('tasks', this.#packer.pack([...samples.tasks].flat()));
  }

  /** Takes over events in merged order, whose raw records lie in their lanes' windows. `tallies`: see #build. */
  *add(items: Items, windowOf: WindowOf, tallies: () => readonly LaneTally[]): Generator<Uint8Array> {
    for (let from = 0; from < items.count;) {
      const to = this.#collector.take(items, from, Math.min(items.count, from + this.#items.room), windowOf);
      this.#items.append(items, from, to);
      from = to;
      if (from < items.count) yield* this.#block(tallies(), { items, n: from });
    }
  }

  /** What goes behind the last event. */
  *finish(tallies: () => readonly LaneTally[]): Generator<Uint8Array> {
    const rest = tallies();
    // Damage behind the last event has no block of its own otherwise.
    if (this.#items.count > 0 || rest.length > 0) yield* this.#block(rest, null);
    const { lanes } = this.#capture;
    const locks = this.#locks.list();
    const notes: TailNotes = {
      damage: this.#capture.damage(),
      lostTail: lanes.map(({ lostTail }) => lostTail),
      ...(this.#capture.types.length > this.#typesAtHead
        ? { names: typeNamesOf(this.#capture, this.#sizes) }
        : {}),
      ...(locks.length > 0 ? { locks } : {}),
      blocks: this.#blocks,
    };
    const at = this.#written;
    yield this.#packedFrame(FRAME.tail, 'tail', this.#packer.pack(notes));
    const place = new Uint8Array(8);
    new DataView(place.buffer).setBigUint64(0, BigInt(at), true);
    yield this.#frame(FRAME.done, null, [place]);
  }

  /** `tallies`: what reading the lanes came upon since the last block. */
  *#block(tallies: readonly LaneTally[], next: { items: Items; n: number } | null): Generator<Uint8Array> {
    const items = this.#items;
    const block = buildBlock(items, this.#of, tallies);
    const rest = this.#collector.build(block, next);
    const head = deflate(block.head, EFFORT);
    this.#nameLocks(block, items);
    const names = this.#capture.types.length > this.#types;
    this.#types = this.#capture.types.length;
    const comms = this.#newComms();
    const about = {
      events: items.count,
      head: block.head.length,
      packed: head.length,
      rest: rest.length,
      from: items.count > 0 ? items.time(0) : 0n,
      to: items.count > 0 ? items.time(items.count - 1) : 0n,
      latest: items.latest(),
      lanes: block.lanes.flatMap(({ lane, offset }) => [lane, offset]),
      cpus: block.cpus,
      ...(comms.length > 0 ? { comms } : {}),
    };
    const notes: BlockNotes = {
      ...about,
      ...(names ? { names: typeNamesOf(this.#capture, this.#sizes) } : {}),
    };
    const restAt = this.#written;
    yield this.#frame(FRAME.rest, null, [deflate(rest, EFFORT)]);
    this.#blocks.push({ ...about, at: this.#written, restAt });
    yield this.#frame(FRAME.block, notes, [head, block.words]);
    items.count = 0;
  }

  /** Whoever asks for a name later need not go back to a record. */
  #nameLocks({ classes }: BuiltBlock, items: Items): void {
    for (const [label, n] of classes) {
      if (label === 0n || this.#locks.has(label)) continue;
      const place = { lane: items.lane(n), offset: items.offset(n) };
      const name = this.#capture.lockName?.(label) ?? lockNameIn(this.#capture.record(place));
      if (name !== null) this.#locks.set(label, name);
    }
  }

  /** Names of tasks that are new since the last call. */
  #newComms(): (number | string)[] {
    const now = new Map(this.#keepsake.text?.comms());
    const fresh = [...now].filter(([pid, name]) => this.#comms.get(pid) !== name);
    this.#comms = now;
    return fresh.flat();
  }

  *#section(name: string, bytes: Uint8Array): Generator<Uint8Array> {
    if (bytes.length === 0 || bytes.length > LARGEST_SECTION) return;
    yield this.#packedFrame(FRAME.section, name, bytes);
  }

  #packedFrame(kind: number, name: string, bytes: Uint8Array): Uint8Array {
    const notes: PackedNotes = { name, size: bytes.length };
    return this.#frame(kind, notes, [deflate(bytes, EFFORT)]);
  }

  #frame(kind: number, notes: unknown, body: readonly Uint8Array[]): Uint8Array {
    const packed = notes === null ? new Uint8Array(0) : this.#packer.pack(notes);
    const bytes = frameBytes(kind, this.#frames++, packed, body);
    this.#written += bytes.length;
    return bytes;
  }
}

/** What is kept of mapping files is read as one file. Throws UNSUPPORTED where it is none, or too large for one. */
async function checkMapping(text: string): Promise<void> {
  try {
    await loadMapping(text, 'mapping');
  } catch (error) {
    if (!(error instanceof SpinbackError)) throw error;
    throw new SpinbackError('UNSUPPORTED', `the mapping cannot be kept in a container: ${error.message}`);
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

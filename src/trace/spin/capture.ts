import type { ByteSource } from '../../io/source.ts';
import type { DecodeRow } from '../../mapping/decode-row.ts';
import type { EventPlace } from '../../model/event.ts';
import type { Capture, CaptureLoss, Clock, Damage, EventRecord, EventType } from '../capture.ts';
import { spinLanes, type SpinLane } from './blocks-lane.ts';
import type { SpinContents } from './contents.ts';
import type { SpinDamageLog } from './damage.ts';
import { rowsOf, type BlockEntry } from './notes.ts';

/** Names tasks and symbols, and goes back to records. */
export interface SpinNames {
  comm(pid: number): string | null;
  symbol(address: bigint): string | null;
  record(place: EventPlace): EventRecord | null;
  /** A block is about to be replayed. */
  enter(entry: BlockEntry): void;
}

/** An opened .spin file: like the capture that it was made of. */
export class SpinCapture implements Capture {
  readonly path: string;
  readonly format: string;
  readonly clock: Clock;
  readonly kernel: string | null;
  readonly cpuCount: number | null;
  readonly rows: readonly DecodeRow[];
  readonly lanes: readonly SpinLane[];
  readonly isCut: boolean;
  readonly partialTailNs: number;
  readonly #source: ByteSource;
  readonly #contents: SpinContents;
  readonly #log: SpinDamageLog;
  readonly #names: SpinNames;
  #wantedFrom = 0n;
  #types: readonly EventType[] | null = null;
  #locks: ReadonlyMap<bigint, string> | null = null;

  constructor(source: ByteSource, contents: SpinContents, names: SpinNames, log: SpinDamageLog) {
    const { head, blocks, tail } = contents;
    this.path = source.name;
    this.format = `spin v${contents.version} of ${head.path} (${head.format})`;
    this.clock = head.clock;
    this.kernel = head.kernel;
    this.cpuCount = head.cpuCount;
    this.isCut = head.isCut || tail === null;
    this.partialTailNs = head.partialTailNs;
    this.rows = rowsOf(contents.names);
    this.#source = source;
    this.#contents = contents;
    this.#log = log;
    this.#names = names;
    const facts = head.lanes.map(({ cpu, lost }, n) => {
      // Of a file that is cut, every CPU's last events are missing.
      return { cpu, lost, lostTail: tail ? tail.lostTail[n] === true : true, of: head.of };
    });
    this.lanes = spinLanes(
      source,
      blocks,
      facts,
      log,
      (entry) => names.enter(entry),
      () => this.#wantedFrom,
    );
  }

  skipBefore(time: bigint): void {
    this.#wantedFrom = time;
  }

  get types(): readonly EventType[] {
    return (this.#types ??= typesOf(this.#contents.names));
  }

  damage(): readonly Damage[] {
    return [...(this.#contents.tail?.damage ?? []), ...this.#log.list()];
  }

  losses(): readonly CaptureLoss[] {
    return this.#contents.head.losses;
  }

  comm(pid: number): string | null {
    return this.#names.comm(pid);
  }

  symbol(address: bigint): string | null {
    return this.#names.symbol(address);
  }

  lockName(label: bigint): string | null {
    this.#locks ??= locksOf(this.#contents.tail?.locks ?? []);
    return this.#locks.get(label) ?? null;
  }

  record(place: EventPlace): EventRecord | null {
    return this.#names.record(place);
  }

  progress(): { readonly done: number; readonly total: number } {
    // From the first block on: what stands before it is names, which cost next to nothing.
    const { blocks } = this.#contents;
    const start = blocks[0]?.restAt ?? 0;
    const consumed = this.lanes[0]?.consumed ?? 0;
    return { done: Math.max(0, consumed - start), total: (blocks.at(-1)?.at ?? start) - start };
  }

  close(): void {
    this.#source.close();
  }
}

function locksOf(list: readonly (bigint | string)[]): ReadonlyMap<bigint, string> {
  const locks = new Map<bigint, string>();
  for (let n = 0; n + 1 < list.length; n += 2) {
    const [label, name] = [list[n], list[n + 1]];
    if (typeof label === 'bigint' && typeof name === 'string') locks.set(label, name);
  }
  return locks;
}

/** The types of a file. A name that says no system is one of text. */
export function typesOf({ ids, names }: SpinContents['names']): EventType[] {
  const lines = names.split('\n');
  return ids.map((id, n) => {
    const line = lines[n] ?? '';
    const colon = line.indexOf(':');
    return { id, system: line.slice(0, Math.max(0, colon)), name: line.slice(colon + 1) };
  });
}

import { SpinbackError } from '../base/errors.ts';
import type { ByteSource } from '../io/source.ts';
import type { ClockConversion, EventType, Lane, PageLayout } from '../trace/capture.ts';
import { openSource } from '../trace/open.ts';
import { typeOfRecord } from '../trace/trace-dat/teller.ts';
import { writeVersion6, writeVersion7 } from './container.ts';
import { readParts } from './existing.ts';
import { CpuPages, type Output, type Packer, type Spool } from './output.ts';
import { PageCursor, PageWriter } from './pages.ts';

/** What to keep of a trace.dat. */
export interface FilterOptions {
  /** Systems ("bitlock") and events ("bhrace:word_load") to leave out. */
  readonly drop: readonly string[];
  /** Keeps events from this time on and before that one, ns on the trace's clock; null: no limit. */
  readonly fromNs: bigint | null;
  readonly toNs: bigint | null;
  /** CPUs to keep, null: all. */
  readonly cpus: readonly number[] | null;
  /** Version of the new file, null: that of the old one. */
  readonly version: 6 | 7 | null;
  /** Compression of the new file; version 7 only. */
  readonly packer: Packer | null;
}

export interface FilterResult {
  readonly kept: number;
  readonly dropped: number;
}

const WINDOW_PAGES = 64;
const LONGEST_RECORD = 1 << 20;

/**
 * Writes a trace.dat anew without some of its events. The records that stay keep their bytes, their times and the
 * losses before them; formats, symbols, task names, options and the clock stay as they were. Only the top
 * instance is kept. Throws USAGE for a system or event that the file does not have, otherwise as the reader does.
 */
export async function filterTrace(
  source: ByteSource,
  output: Output,
  spool: Spool,
  options: FilterOptions,
): Promise<FilterResult> {
  const parts = await readParts(source);
  const capture = await openSource(borrowed(source));
  const drop = typesToDrop(capture.types, options.drop);
  const layout = pagesLayout(capture.lanes);
  const count = Math.max(parts.cpuCount ?? 0, ...capture.lanes.map(({ cpu }) => cpu + 1));
  const pages = new CpuPages(spool, count, layout.pageSize);
  const result = { kept: 0, dropped: 0 };
  for (const lane of capture.lanes) {
    if (options.cpus && !options.cpus.includes(lane.cpu)) continue;
    filterLane(lane, layout, { ...options, types: drop }, (page) => pages.add(lane.cpu, page), result);
  }
  const file = {
    ...parts,
    pageSize: layout.pageSize,
    clock: capture.clock.name,
    cpus: Array.from({ length: count }, (_, cpu) => ({
      cpu,
      size: pages.size(cpu),
      pieces: (size: number) => pages.pieces(cpu, size),
    })),
  };
  capture.close();
  if ((options.version ?? parts.version) === 6) writeVersion6(output, file);
  else writeVersion7(output, file, options.packer);
  return result;
}

/** A capture closes its source when it is closed; this one belongs to the caller. */
function borrowed(source: ByteSource): ByteSource {
  const { name, size } = source;
  return { name, size, readInto: (target, position) => source.readInto(target, position), close: () => {} };
}

function typesToDrop(types: readonly EventType[], names: readonly string[]): Uint8Array {
  const drop = new Uint8Array(1 << 16);
  for (const name of names) {
    const matches = types.filter((type) => type.system === name || `${type.system}:${type.name}` === name);
    if (matches.length === 0) throw new SpinbackError('USAGE', `the file knows no system or event "${name}"`);
    for (const { id } of matches) drop[id] = 1;
  }
  return drop;
}

function pagesLayout(lanes: readonly Lane[]): PageLayout {
  const input = lanes[0]?.input;
  if (input?.kind === 'pages') return input.layout;
  throw new SpinbackError('UNSUPPORTED', 'only a trace.dat with data can be filtered');
}

type LaneFilter = Pick<FilterOptions, 'fromNs' | 'toNs'> & { readonly types: Uint8Array };

function filterLane(
  lane: Lane,
  layout: PageLayout,
  { fromNs, toNs, types }: LaneFilter,
  emit: (page: Uint8Array) => void,
  result: { kept: number; dropped: number },
): void {
  const window = new Uint8Array(WINDOW_PAGES * layout.pageSize);
  const cursor = new PageCursor(window, layout);
  const words = new Int32Array(LONGEST_RECORD / 4);
  const bytes = new Uint8Array(words.buffer);
  let writer: PageWriter | undefined;
  let origin = 0n;
  for (let filled = lane.read(window); filled > 0; filled = lane.read(window)) {
    for (let page = 0; page < filled; page += layout.pageSize) {
      cursor.open(page, layout.pageSize);
      if (!writer) {
        origin = cursor.pageTime;
        writer = new PageWriter(layout, emit, origin);
      }
      const begin = Number(cursor.pageTime - origin);
      const inTime = (elapsed: number): boolean => {
        if (fromNs === null && toNs === null) return true;
        const ns = toNanoseconds(origin + BigInt(begin + elapsed), lane.clock);
        return (fromNs === null || ns >= fromNs) && (toNs === null || ns < toNs);
      };
      if (cursor.missed !== 0 && inTime(0)) writer.lost(Math.max(cursor.missed, 1), cursor.missed > 0);
      while (cursor.next()) {
        const record = cursor.record();
        const type = typeOfRecord(record, layout.bigEndian);
        if (types[type] === 1 || !inTime(cursor.elapsed)) {
          result.dropped++;
          continue;
        }
        result.kept++;
        bytes.set(record);
        bytes.fill(0, record.length, record.length + 3);
        writer.add(begin + cursor.elapsed, words, record.length);
      }
    }
  }
  writer?.flush();
}

function toNanoseconds(raw: bigint, { mult, shift, offsetNs }: ClockConversion): bigint {
  return mult === 0 ? raw : ((raw * BigInt(mult)) >> BigInt(shift)) + offsetNs;
}

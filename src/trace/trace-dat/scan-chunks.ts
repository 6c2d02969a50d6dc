import { ByteReader } from '../../base/byte-reader.ts';
import { readRange } from '../../io/bytes.ts';
import type { Codec } from '../../io/codec.ts';
import type { ByteSource } from '../../io/source.ts';
import type { PageLayout } from '../capture.ts';
import { isDamage } from './chain.ts';
import { ChunkTable, LARGEST, MOST_CHUNKS } from './chunk-table.ts';
import { MOST_CPUS } from './contents.ts';
import type { ExpectedCpu, FoundLane, FoundLanes } from './found-cpus.ts';
import { isPageHeader } from './page.ts';

/** trace-cmd packs ten pages to a chunk (lib/trace-cmd/trace-output.c, PAGES_IN_CHUNK, 3.4). */
const PAGES_IN_CHUNK = 10;
/** Places at which a beginning is searched, in all: 4 GiB with pages of 4 KiB. */
const MOST_SEARCHED = 1 << 20;
/** u32 chunks, then u32 packed size and u32 size of the first chunk. */
const START = 12;

/**
 * Finds the CPUs' data between `from` and `end` in a file with compressed chunks. Every CPU begins at a multiple of the page
 * size (tcmd_out_write_cpu_data in lib/trace-cmd/trace-output.c, 3.4) with the number of its chunks, whose sizes lead to its
 * end. Where that path breaks, the next beginning is searched page by page, and believed only if its first chunk unpacks.
 */
export function scanChunks(
  source: ByteSource,
  codec: Codec,
  layout: PageLayout,
  from: number,
  end: number,
  expected: readonly ExpectedCpu[] | null,
): FoundLanes {
  const { pageSize } = layout;
  const littleEndian = !layout.bigEndian;
  const lanes: FoundLane[] = [];
  let strangeAt: number | null = null;
  let next = nextPage(from, pageSize);
  /** Where the lane before breaks off because what follows reaches beyond the end: cut there, or its size is wrong. */
  let brokenAt: number | null = null;
  let searched = 0;
  while (next + START <= end && lanes.length < MOST_CPUS) {
    const at = nextStart(next, brokenAt === null);
    // Nothing behind a lane that breaks off is the end of a file that was cut; a lane behind it is a surprise.
    const isSurprise = at === null ? brokenAt === null : brokenAt !== null || at !== next;
    if (isSurprise) strangeAt ??= brokenAt ?? next;
    if (at === null) break;
    const table = new ChunkTable(source, at, end, littleEndian, u32At(at) === 0 ? MOST_CHUNKS : null);
    let size = Math.min(4, end - at);
    let chunks = 0;
    for (let chunk = table.chunk(0); chunk !== null; chunk = table.chunk(++chunks))
      size = chunk.at + chunk.packed - at;
    lanes.push({ at, size, chunks, isWhole: table.broken === null });
    if (table.broken === 'damaged') strangeAt ??= table.brokenAt;
    brokenAt = table.broken === 'cut' ? table.brokenAt : null;
    next = nextPage(at + size, pageSize);
  }
  const isNumbered = expected !== null && lanes.length <= expected.length && strangeAt === null;
  return { lanes, strangeAt, isNumbered };

  function u32At(at: number): number {
    return new ByteReader(readRange(source, at, 4), littleEndian, at).u32();
  }

  /** `isLed`: the data before leads here, so that a look at the sizes is enough. */
  function nextStart(next: number, isLed: boolean): number | null {
    if (isLed && isStart(next, true)) return next;
    for (let at = next; at + START <= end && searched < MOST_SEARCHED; at += pageSize, searched++)
      if (isStart(at, false)) return at;
    return null;
  }

  function isStart(at: number, isLed: boolean): boolean {
    const reader = new ByteReader(readRange(source, at, START), littleEndian, at);
    const [count, packed, size] = [reader.u32(), reader.u32(), reader.u32()];
    if (count > MOST_CHUNKS || packed === 0 || packed > 2 * LARGEST || size === 0 || size > LARGEST)
      return false;
    if (isLed) return true;
    // Small enough that trying to unpack at every page is never more than a few times the work of reading the file.
    if (size % pageSize !== 0 || size > PAGES_IN_CHUNK * pageSize || packed > size + (size >>> 3) + 64)
      return false;
    if (at + START + packed > end) return false;
    try {
      return isPageHeader(codec.decode(readRange(source, at + START, packed), size, at), layout);
    } catch (error) {
      if (isDamage(error)) return false;
      throw error;
    }
  }
}

/** The first multiple of the page size from `at` on. */
export function nextPage(at: number, pageSize: number): number {
  return Math.ceil(at / pageSize) * pageSize;
}

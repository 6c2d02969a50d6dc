import type { PageLayout } from '../capture.ts';

/** The low 20 bits of commit are the length of the data; the upper ones tell of lost events. */
const LENGTH_MASK = 0xfffff;
/** Events were lost before this page (kernel/trace/ring_buffer.c, RB_MISSED_EVENTS, Linux 6.12). */
const MISSED = 1 << 31;
/** Their number is stored behind the data (RB_MISSED_STORED). */
const MISSED_STORED = 1 << 30;

/** Type lengths from here on are no records: padding, then time extend (30) and time stamp (31) of eight bytes. */
const PADDING = 29;
const DELTA_MASK = 0x7ffffff;

/** One record of a page: where its data (the common_type field) begins and ends, in bytes from the page's start. */
export interface PageRecord {
  readonly at: number;
  readonly end: number;
}

function viewOf(page: Uint8Array): DataView {
  return new DataView(page.buffer, page.byteOffset, page.byteLength);
}

/** Where the low 32 bits of commit lie, which is a long of the recorded machine. */
function commitAt({ bigEndian, commitSize }: PageLayout): number {
  return bigEndian ? 4 + commitSize : 8;
}

/**
 * The records of one sub-buffer page, up to the first event that does not fit (include/linux/ring_buffer.h). For going
 * back to single records only: the engine decodes pages by itself.
 */
export function* pageRecords(
  page: Uint8Array,
  layout: PageLayout,
  dataEnd = dataEndOf(page, layout),
): Generator<PageRecord> {
  const view = viewOf(page);
  const littleEndian = !layout.bigEndian;
  for (let at = layout.dataAt; at + 4 <= dataEnd;) {
    const word = view.getUint32(at, littleEndian);
    // Bit fields begin at the low end of a little-endian word, and at the high end of a big-endian one.
    const typeLength = littleEndian ? word & 31 : word >>> 27;
    const delta = littleEndian ? word >>> 5 : word & DELTA_MASK;
    let [start, end] = [at + 4, at + 8];
    if (typeLength === 0 || typeLength === PADDING) {
      // A padding without a time delta fills the rest of the page.
      if (at + 8 > dataEnd || (typeLength === PADDING && delta === 0)) return;
      const length = view.getUint32(at + 4, littleEndian);
      if (length < 4 || length > dataEnd) return;
      start = at + 8;
      end = at + 4 + ((length + 3) & ~3);
    } else if (typeLength < PADDING) {
      end = at + 4 + typeLength * 4;
    }
    if (end > dataEnd) return;
    if (typeLength < PADDING) yield { at: start, end };
    at = end;
  }
}

/** Where the data of a page ends, in bytes from the page's start; never outside the page. */
export function dataEndOf(page: Uint8Array, layout: PageLayout): number {
  const commit = viewOf(page).getUint32(commitAt(layout), !layout.bigEndian);
  return Math.min(layout.dataAt + (commit & LENGTH_MASK), page.byteLength);
}

/**
 * Can these bytes, the first of a page, be its header? The length fits, no unknown bits are set, and it is not all zero.
 * The mark of lost events is added to a signed number, so it can fill the upper half of a commit of 8 bytes.
 */
export function isPageHeader(page: Uint8Array, layout: PageLayout): boolean {
  if (page.byteLength < layout.dataAt) return false;
  const view = viewOf(page);
  const littleEndian = !layout.bigEndian;
  const commit = view.getUint32(commitAt(layout), littleEndian);
  const upper = layout.commitSize === 8 ? view.getUint32(littleEndian ? 12 : 8, littleEndian) : 0;
  const length = commit & LENGTH_MASK;
  if (length > layout.pageSize - layout.dataAt || (commit & ~(LENGTH_MASK | MISSED | MISSED_STORED)) !== 0)
    return false;
  if (upper !== 0 && (upper !== 0xffffffff || (commit & MISSED) === 0)) return false;
  return length > 0 || timeOf(page, layout) > 0n;
}

/** The raw clock at the start of a page. */
export function timeOf(page: Uint8Array, { bigEndian }: PageLayout): bigint {
  return viewOf(page).getBigUint64(0, !bigEndian);
}

/**
 * Makes a page of which only the first `present` bytes are there readable: the rest becomes zero and commit counts the
 * events that are there whole. The number of lost events lay behind the data, so only the mark remains.
 */
export function trimPage(page: Uint8Array, layout: PageLayout, present: number): void {
  page.fill(0, present);
  const view = viewOf(page);
  const [at, littleEndian] = [commitAt(layout), !layout.bigEndian];
  const commit = view.getUint32(at, littleEndian);
  const dataEnd = Math.min(dataEndOf(page, layout), present);
  let end = layout.dataAt;
  for (const record of pageRecords(page, layout, dataEnd)) end = record.end;
  view.setUint32(at, ((commit & MISSED) | (end - layout.dataAt)) >>> 0, littleEndian);
}

/** Says in a page's header that an unknown number of events was lost before it. */
export function markMissed(page: Uint8Array, layout: PageLayout): void {
  const view = viewOf(page);
  const [at, littleEndian] = [commitAt(layout), !layout.bigEndian];
  view.setUint32(at, ((view.getUint32(at, littleEndian) | MISSED) & ~MISSED_STORED) >>> 0, littleEndian);
}

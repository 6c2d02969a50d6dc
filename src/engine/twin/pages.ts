// Raw ftrace sub-buffer pages -> records. Layout: include/linux/ring_buffer.h and kernel/trace/ring_buffer.c, Linux 6.12
// (drawn in assembly/decode/pages.ts). Every read is bounded by the page or its data, so one that goes too far throws
// DAMAGED and ends the page there.

import { ByteReader } from '../../base/byte-reader.ts';
import { SpinbackError } from '../../base/errors.ts';
import type { Label } from '../../blocks/items.ts';
import type { CanonicalEvent } from '../../model/event.ts';
import type { LaneSpec } from '../engine.ts';

export type PageLayout = NonNullable<LaneSpec['layout']>;

/** A record as it lies in its page. */
export interface RawRecord {
  /** Raw clock. */
  readonly time: bigint;
  readonly bytes: Uint8Array;
  /** Byte offset in the lane. */
  readonly offset: number;
  /** Lanes of blocks: the event that was decoded, and the lane that it is from. */
  readonly decoded?: { readonly event: CanonicalEvent; readonly label: Label; readonly lane: number };
}

/** What reading a lane's pages came upon. */
export interface PageTally {
  pages: number;
  badPages: number;
  badEvents: number;
  /** Byte offset in the lane of the first damage. */
  firstBad: number | null;
  /** Events lost before the next record: 0 none, -1 an unknown number. */
  lost: bigint;
  /** Pages of zeros since the last other one. */
  holes: number;
}

const LENGTH = 0xfffff;
const MISSED_EVENTS = 0x8000_0000;
const MISSED_STORED = 0x4000_0000;

/** Type lengths that are no records. */
const PADDING = 29;
const TIME_EXTEND = 30;
const TIME_STAMP = 31;

/** Absolute time stamps have 59 bits. */
const STAMP = (1n << 59n) - 1n;

/** u16 type, u8 flags, u8 preempt count, s32 pid: no record is shorter. */
const SMALLEST_RECORD = 8;

/** The records of the whole pages in `bytes`, the first of which lies at `offset` of the lane. */
export function* recordsOf(
  bytes: Uint8Array,
  layout: PageLayout,
  littleEndian: boolean,
  offset: number,
  tally: PageTally,
): Generator<RawRecord> {
  const { pageSize } = layout;
  for (let at = 0; at + pageSize <= bytes.length; at += pageSize) {
    const page = new ByteReader(bytes.subarray(at, at + pageSize), littleEndian, offset + at);
    yield* recordsOfPage(page, layout, tally);
  }
}

function* recordsOfPage(page: ByteReader, layout: PageLayout, tally: PageTally): Generator<RawRecord> {
  tally.pages++;
  let time = page.u64();
  const commit = Number((layout.commitSize === 8 ? page.u64() : BigInt(page.u32())) & 0xffff_ffffn);
  const length = commit & LENGTH;
  const fits = layout.dataAt + length <= layout.pageSize;
  if (commit & MISSED_EVENTS) {
    const missed = fits && commit & MISSED_STORED ? missedCount(page, layout, length) : -1n;
    tally.lost = missed > 0n && tally.lost >= 0n ? BigInt.asIntN(64, tally.lost + missed) : -1n;
  }
  if (!fits) lose(tally, 'badPages', page.base);
  if (time === 0n && commit === 0) tally.holes++;
  else if (tally.holes > 0) {
    lose(tally, 'badPages', page.base);
    tally.badPages += tally.holes - 1;
    tally.holes = 0;
  }
  if (!fits) return;
  page.position = layout.dataAt;
  const data = new ByteReader(page.take(length, 'a page'), page.littleEndian, page.base + layout.dataAt);
  while (data.remaining >= 4) {
    const { offset } = data;
    const event = nextEvent(data, time);
    if (event === 'rest of the page') return;
    if (event === 'damaged') {
      // Nothing behind it can be found.
      lose(tally, 'badEvents', offset);
      return;
    }
    time = BigInt.asUintN(64, event.time);
    if (event.record) yield { time, ...event.record };
  }
}

/** Damage that events are missing for. */
function lose(tally: PageTally, field: 'badPages' | 'badEvents', at: number): void {
  tally[field]++;
  tally.firstBad ??= at;
  tally.lost = -1n;
}

/** How many events were missed, from behind the page's data; -1 where it does not say. */
function missedCount(page: ByteReader, { dataAt, pageSize, commitSize }: PageLayout, length: number): bigint {
  if (dataAt + length + commitSize > pageSize) return -1n;
  const count = page.uintAt(dataAt + length, commitSize);
  return commitSize === 8 ? BigInt.asIntN(64, count) : count;
}

interface PageEvent {
  /** The clock after it. */
  readonly time: bigint;
  readonly record: { readonly bytes: Uint8Array; readonly offset: number } | null;
}

function nextEvent(data: ByteReader, before: bigint): PageEvent | 'rest of the page' | 'damaged' {
  try {
    return readEvent(data, before);
  } catch (error) {
    if (error instanceof SpinbackError && error.code === 'DAMAGED') return 'damaged';
    throw error;
  }
}

function readEvent(data: ByteReader, before: bigint): PageEvent | 'rest of the page' {
  const word = data.u32();
  // A bit field begins at the low end of a little-endian word, and at the high end of a big-endian one.
  const type = data.littleEndian ? word & 31 : word >>> 27;
  const delta = BigInt(data.littleEndian ? word >>> 5 : word & 0x7ff_ffff);
  switch (type) {
    case PADDING: {
      if (delta === 0n || data.remaining < 4) return 'rest of the page';
      // A discarded event: its length is in the first data word and counts itself; its time counts.
      data.take(data.u32() - 4, 'a discarded event');
      return { time: before + delta, record: null };
    }
    case TIME_EXTEND:
      return { time: before + (BigInt(data.u32()) << 27n) + delta, record: null };
    case TIME_STAMP:
      return { time: (before & ~STAMP) | (BigInt(data.u32()) << 27n) | delta, record: null };
    case 0: {
      // A long record: its length counts itself, and it is padded to 4 bytes.
      const size = data.u32() - 4;
      const record = takeRecord(data, size);
      data.take(-size & 3, 'padding');
      return { time: before + delta, record };
    }
    default:
      return { time: before + delta, record: takeRecord(data, 4 * type) };
  }
}

function takeRecord(data: ByteReader, size: number): { bytes: Uint8Array; offset: number } {
  const { offset } = data;
  if (size < SMALLEST_RECORD) throw new SpinbackError('DAMAGED', `a record of ${size} bytes`, { offset });
  return { bytes: data.take(size, 'a record'), offset };
}

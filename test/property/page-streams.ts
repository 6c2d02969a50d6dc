// Random sub-buffer pages: valid ones with everything a ring buffer can write, then damaged in every way.

import fc from 'fast-check';
import * as L from '../../assembly/layout.ts';
import type { EngineOptions, LaneSpec, RowSpec } from '../../src/engine/engine.ts';
import { otherRow, type FieldPlace } from '../../src/mapping/decode-row.ts';
import { options, type Feed } from '../engine/harness.ts';
import { statistics } from './event-streams.ts';

type Layout = NonNullable<LaneSpec['layout']>;

/** What a page is written from. Pieces that do not fit any more are left out. */
interface Page {
  readonly time: bigint;
  readonly pieces: readonly Piece[];
  /** Events missed before the page: none, a number that is stored behind the data, or -1 without one. */
  readonly missed: bigint | null;
}

type Piece =
  | { readonly is: 'record'; readonly delta: number; readonly record: Uint8Array }
  | { readonly is: 'long record'; readonly delta: number; readonly record: Uint8Array }
  | { readonly is: 'extend' | 'stamp'; readonly delta: number; readonly high: number }
  | { readonly is: 'discarded'; readonly delta: number; readonly words: number }
  | { readonly is: 'padding' };

/** What happens to a lane's bytes afterwards. */
type Harm =
  | { readonly is: 'flip'; readonly at: number; readonly bit: number }
  | { readonly is: 'byte'; readonly at: number; readonly value: number }
  | { readonly is: 'word'; readonly at: number; readonly value: number }
  | { readonly is: 'garbage'; readonly at: number; readonly bytes: Uint8Array };

const TYPES = [1, 2, 3, 4, 5, 6, 77];

/** Bytes that make small numbers, few addresses and few pids, and sometimes anything. */
const byte = fc.oneof({ weight: 5, arbitrary: fc.constantFrom(0, 0, 0, 0, 1, 4, 0x10) }, fc.nat(255));

function record(size: fc.Arbitrary<number>): fc.Arbitrary<Uint8Array> {
  return fc
    .record({
      size,
      type: fc.constantFrom(...TYPES),
      flags: fc.constantFrom(0, 0, 1, 1, 2, 8, 0x10, 0x40, 0xff),
      preempt: fc.constantFrom(0, 0, 1, 0x10, 0x21),
      pid: fc.constantFrom(0, 7, 7, 8, -1),
      body: fc.array(byte, { minLength: 4, maxLength: 32 }),
    })
    .map(({ size, type, flags, preempt, pid, body }) => {
      const bytes = Uint8Array.from({ length: Math.max(8, size) }, (_, n) => body[n % body.length]!);
      const view = new DataView(bytes.buffer);
      view.setUint16(0, type, true);
      view.setUint8(2, flags);
      view.setUint8(3, preempt);
      view.setInt32(4, pid, true);
      return bytes;
    });
}

/** A record of small numbers as a big-endian machine writes it: the type and the pid the other way round, and every other word. */
function turned(record: Uint8Array): Uint8Array {
  const bytes = record.slice();
  bytes.subarray(0, 2).reverse();
  for (let at = 4; at + 4 <= bytes.length; at += 4) bytes.subarray(at, at + 4).reverse();
  return bytes;
}

const DELTA = 1 << 27;
const delta = fc.oneof(fc.constantFrom(0, 1, 1, 60, 5000, DELTA - 1), fc.nat(DELTA - 1));
const high = fc.oneof(fc.constantFrom(0, 1, 0xffff_ffff, 0x8000_0000), fc.nat(0xffff_ffff));
const shortSize = fc.integer({ min: 2, max: 28 }).map((words) => 4 * words);
const longSize = fc.oneof(fc.integer({ min: 8, max: 60 }), fc.constantFrom(8, 113, 400, 4000));

const piece: fc.Arbitrary<Piece> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ is: fc.constant('record' as const), delta, record: record(shortSize) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ is: fc.constant('long record' as const), delta, record: record(longSize) }),
  },
  { weight: 2, arbitrary: fc.record({ is: fc.constant('extend' as const), delta, high }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('stamp' as const), delta, high }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('discarded' as const), delta, words: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('padding' as const) }) },
);

const time = fc.oneof(
  { weight: 4, arbitrary: fc.bigInt({ min: 0n, max: 10_000n }) },
  { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }) },
);

const page: fc.Arbitrary<Page> = fc.record({
  time,
  pieces: fc.array(piece, { maxLength: 24 }),
  missed: fc.oneof(
    { weight: 5, arbitrary: fc.constant(null) },
    fc.constantFrom(-1n, 0n, 1n, 5n, 0x8000_0000n, 0x7fff_ffff_ffff_ffffn, 0xffff_ffff_ffff_ffffn),
  ),
});

const harm: fc.Arbitrary<Harm> = fc.oneof(
  fc.record({ is: fc.constant('flip' as const), at: fc.nat(), bit: fc.nat(7) }),
  fc.record({ is: fc.constant('byte' as const), at: fc.nat(), value: fc.nat(255) }),
  fc.record({
    is: fc.constant('word' as const),
    at: fc.nat(),
    value: fc.oneof(
      fc.constantFrom(0, 0xffff_ffff, 0x8000_0000, 0xc000_0fff, 29, 61, 0x1d, 4, 12),
      fc.nat(0xffff_ffff),
    ),
  }),
  fc.record({ is: fc.constant('garbage' as const), at: fc.nat(), bytes: fc.uint8Array({ maxLength: 300 }) }),
);

/** Where fields may lie: some before, in and behind the common header, and some far beyond any record. */
const place: fc.Arbitrary<FieldPlace> = fc.record({
  at: fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 0, max: 40 }) }, fc.constantFrom(100, 3000, 65527)),
  size: fc.constantFrom(0, 0, 1, 2, 4, 8, 8),
});

/** A row as src/mapping makes it: minSize covers every field, however far it lies. */
function row(type: number): fc.Arbitrary<RowSpec> {
  return fc
    .record({
      // No record says that others were lost: only canonical events have that kind.
      kind: fc.nat(L.KIND_COUNT).filter((kind) => kind !== L.KIND_LOST),
      namespace: fc.nat(2),
      address: place,
      bit: place,
      bitConst: fc.constantFrom(0, 4, L.WHOLE_LOCK),
      value: place,
      high: place,
      aux: place,
      auxFlags: fc.array(fc.nat(0x3fff), { minLength: 64, maxLength: 64 }),
      flags: fc.constantFrom(0, L.FLAG_TRY, L.FLAG_HARDIRQ, L.FLAG_READ),
      entry: fc.constantFrom(0, 0, 1, 2, type),
      slack: fc.constantFrom(0, 0, 4),
      name: fc.option(
        fc.record({
          at: fc.oneof(fc.nat(40), fc.constant(65527)),
          location: fc.constantFrom('data' as const, 'rel' as const),
        }),
        { nil: undefined },
      ),
      site: fc.option(fc.record({ at: fc.nat(40), size: fc.constantFrom(4, 8) }), { nil: undefined }),
    })
    .map(({ slack, flags, namespace, ...row }) => {
      const ends = [row.address, row.bit, row.value, row.high, row.aux].map(({ at, size }) =>
        size ? at + size : 0,
      );
      const minSize = Math.min(0xffff, Math.max(8, ...ends) + slack);
      return {
        ...row,
        entry: row.kind === L.KIND_OTHER ? 0 : row.entry,
        type,
        namespace,
        flags: flags | (namespace << L.FLAG_NAMESPACE_SHIFT),
        minSize,
      };
    });
}

const layout: fc.Arbitrary<Layout> = fc
  .record({
    pageSize: fc.constantFrom(64, 64, 128, 512, 4096, 8192),
    commitSize: fc.constantFrom(4, 8) as fc.Arbitrary<4 | 8>,
    gap: fc.constantFrom(0, 0, 0, 8),
  })
  .map(({ gap, ...layout }) => ({ ...layout, dataAt: 8 + layout.commitSize + gap }));

const clock = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ mult: 0, shift: 0, offsetNs: 0n }) },
  fc.record({
    mult: fc.oneof(fc.constantFrom(0, 1, 0xffff_ffff), fc.nat(0xffff_ffff)),
    shift: fc.nat(63),
    offsetNs: fc.constantFrom(0n, 1000n, -1000n, -(1n << 63n)),
  }),
);

const lane = fc.record({
  cpu: fc.nat(2),
  clock,
  pages: fc.array(page, { maxLength: 6 }),
  /** Bytes missing at the end: an engine does not look at a page that is not whole. */
  cut: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(200)),
  harms: fc.oneof({ weight: 1, arbitrary: fc.constant([]) }, fc.array(harm, { maxLength: 12 })),
});

/** Lanes of pages. `whole` ones are left undamaged. */
export function pageStreams(
  asked: Partial<EngineOptions> & { readonly whole?: boolean } = {},
): fc.Arbitrary<Feed> {
  const { whole, bigEndian = false, ...limits } = asked;
  return fc
    .record({
      layout,
      lanes: fc.array(lane, { minLength: 1, maxLength: 3 }),
      rows: fc.tuple(...[1, 2, 3, 4, 5].map(row)),
      chunk: fc.constantFrom(1, 2, 1000),
      statistics,
    })
    .map(({ layout, lanes, rows, chunk, statistics }) => {
      const specs = lanes.map(({ cpu, clock }) => ({ cpu, layout, ...clock }));
      return {
        options: options({
          lanes: specs,
          rows: [otherRow(0), ...rows, otherRow(6)],
          spinNs: 50,
          irqOffNs: 50,
          silentNs: 5000,
          ...(statistics && { statistics }),
          bigEndian,
          ...limits,
        }),
        lanes: lanes.map(({ pages, harms, cut }) => {
          if (whole) return writePages(layout, pages.map(stamped), bigEndian);
          const bytes = writePages(layout, pages, bigEndian);
          for (const harm of harms) inflict(harm, bytes);
          return bytes.subarray(0, Math.max(0, bytes.length - cut));
        }),
        chunk: () => chunk,
        [fc.toStringMethod]: () =>
          fc.stringify({ layout, bigEndian, lanes, rows, chunk, statistics, limits }),
      };
    });
}

/** A tracer stamps every page: zeros among others are where one was (assembly/decode/pages.ts, noteHole). */
function stamped(page: Page): Page {
  return { ...page, time: page.time || 1n };
}

/** Pages as the kernel writes them. */
export function writePages(layout: Layout, pages: readonly Page[], bigEndian = false): Uint8Array {
  const bytes = new Uint8Array(pages.length * layout.pageSize);
  pages.forEach((page, n) => {
    const at = n * layout.pageSize;
    writePage(new DataView(bytes.buffer, at, layout.pageSize), layout, page, bigEndian);
  });
  return bytes;
}

function writePage(
  view: DataView,
  { dataAt, pageSize, commitSize }: Layout,
  page: Page,
  bigEndian: boolean,
): void {
  const long = (at: number, value: bigint): void => {
    if (commitSize === 8) view.setBigUint64(at, value, !bigEndian);
    else view.setUint32(at, Number(value & 0xffff_ffffn), !bigEndian);
  };
  view.setBigUint64(0, page.time, !bigEndian);
  const stored = page.missed !== null && page.missed >= 0n;
  const end = pageSize - (stored ? commitSize : 0);
  let at = dataAt;
  for (const piece of page.pieces) {
    if (at + sizeOf(piece) > end) continue;
    writePiece(view, at, piece, bigEndian);
    at += sizeOf(piece);
    if (piece.is === 'padding') break;
  }
  let commit = at - dataAt;
  if (page.missed !== null) commit += 2 ** 31;
  if (stored) {
    commit += 2 ** 30;
    long(at, page.missed);
  }
  long(8, BigInt(commit));
}

function sizeOf(piece: Piece): number {
  switch (piece.is) {
    case 'record':
      return 4 + piece.record.length;
    case 'long record':
      return 8 + ((piece.record.length + 3) & ~3);
    case 'discarded':
      return 8 + 4 * piece.words;
    default:
      return 8;
  }
}

function writePiece(view: DataView, at: number, piece: Piece, bigEndian: boolean): void {
  const put = (type: number, delta: number, second?: number): void => {
    const word = bigEndian ? (type << 27) | delta : (delta << 5) | type;
    view.setUint32(at, word >>> 0, !bigEndian);
    if (second !== undefined) view.setUint32(at + 4, second, !bigEndian);
  };
  const data = 'record' in piece ? (bigEndian ? turned(piece.record) : piece.record) : null;
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  switch (piece.is) {
    case 'record':
      put(piece.record.length / 4, piece.delta);
      bytes.set(data!, at + 4);
      return;
    case 'long record':
      put(0, piece.delta, piece.record.length + 4);
      bytes.set(data!, at + 8);
      return;
    case 'extend':
      return put(30, piece.delta, piece.high);
    case 'stamp':
      return put(31, piece.delta, piece.high);
    case 'discarded':
      // A delta of 0 would make it padding to the end of the page.
      return put(29, piece.delta || 1, 4 + 4 * piece.words);
    case 'padding':
      return put(29, 0, 0);
  }
}

function inflict(harm: Harm, bytes: Uint8Array): void {
  if (bytes.length < 4) return;
  const at = harm.at % bytes.length;
  const aligned = (at & ~3) % (bytes.length - 3);
  switch (harm.is) {
    case 'flip':
      bytes[at]! ^= 1 << harm.bit;
      return;
    case 'byte':
      bytes[at] = harm.value;
      return;
    case 'word':
      new DataView(bytes.buffer).setUint32(aligned, harm.value, true);
      return;
    case 'garbage':
      bytes.set(harm.bytes.subarray(0, bytes.length - at), at);
  }
}

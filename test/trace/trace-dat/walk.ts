import type { Lane } from '../../../src/trace/capture.ts';

/** One record as this walker sees it. Written apart from src/, from the kernel's ring_buffer.h, to check it. */
export interface WalkedRecord {
  readonly cpu: number;
  /** Offset of the record's data in the lane. */
  readonly offset: number;
  /** Raw clock. */
  readonly time: bigint;
  readonly type: number;
  readonly pid: number;
  /** The page says that events were lost before its first event: their number, -1 when unknown; null otherwise. */
  readonly lostBefore: number | null;
}

/** Reads a lane to its end through `windowSize` bytes at a time and yields every record. */
export function* walkLane(lane: Lane, windowSize = 1 << 18): Generator<WalkedRecord> {
  if (lane.input.kind !== 'pages') throw new Error('only lanes of pages');
  const { pageSize, commitSize, dataAt, bigEndian = false } = lane.input.layout;
  const littleEndian = !bigEndian;
  const window = new Uint8Array(Math.max(pageSize, windowSize));
  const view = new DataView(window.buffer);
  let base = 0;
  for (let filled = lane.read(window); filled > 0; filled = lane.read(window)) {
    if (filled % pageSize !== 0) throw new Error(`${filled} bytes are not whole pages`);
    for (let page = 0; page < filled; page += pageSize) {
      let time = view.getBigUint64(page, littleEndian);
      const commit =
        commitSize === 8
          ? Number(view.getBigUint64(page + 8, littleEndian))
          : view.getUint32(page + 8, littleEndian);
      const flags = Math.floor(commit / 2 ** 30) & 3;
      const length = commit & 0xfffff;
      let lost: number | null = flags & 2 ? -1 : null;
      if (flags === 3) lost = Number(view.getBigUint64(page + dataAt + length, littleEndian));
      const end = page + dataAt + length;
      if (dataAt + length > pageSize) throw new Error('commit beyond the page');
      for (let at = page + dataAt; at < end;) {
        const word = view.getUint32(at, littleEndian);
        const kind = bigEndian ? word >>> 27 : word & 31;
        const delta = bigEndian ? word & 0x7ffffff : word >>> 5;
        if (kind === 29) {
          if (delta === 0) break;
          time += BigInt(delta);
          at += 4 + view.getUint32(at + 4, littleEndian);
        } else if (kind === 30) {
          time += (BigInt(view.getUint32(at + 4, littleEndian)) << 27n) | BigInt(delta);
          at += 8;
        } else if (kind === 31) {
          time =
            (time & (31n << 59n)) | (BigInt(view.getUint32(at + 4, littleEndian)) << 27n) | BigInt(delta);
          at += 8;
        } else {
          time += BigInt(delta);
          const data = kind === 0 ? at + 8 : at + 4;
          at = kind === 0 ? at + 4 + ((view.getUint32(at + 4, littleEndian) + 3) & ~3) : at + 4 + kind * 4;
          yield {
            cpu: lane.cpu,
            offset: base + data,
            time,
            type: view.getUint16(data, littleEndian),
            pid: view.getInt32(data + 4, littleEndian),
            lostBefore: lost,
          };
          lost = null;
        }
      }
    }
    base += filled;
  }
}

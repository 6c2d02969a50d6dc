import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PageCursor, PageWriter, type PageShape } from '../../src/generate/index.ts';

interface Item {
  /** Time since the item before, and the record's bytes. */
  readonly step: number;
  readonly record: readonly number[];
  /** Events lost before it; told: the page says how many. */
  readonly lost: number;
  readonly told: boolean;
}

const step = fc.oneof(
  fc.nat(1000),
  fc.constantFrom(0, 2 ** 27 - 1, 2 ** 27, 2 ** 27 + 1, 2 ** 32, 2 ** 40),
  fc.nat(2 ** 31 - 1),
);
const item: fc.Arbitrary<Item> = fc.record({
  step,
  record: fc.oneof(
    fc.array(fc.nat(255), { minLength: 1, maxLength: 60 }),
    fc.constantFrom(108, 112, 113, 116, 200).map((length) => Array.from({ length }, () => length & 255)),
  ),
  lost: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(1e6) }),
  told: fc.boolean(),
});

function write(items: readonly Item[], shape: PageShape, origin: bigint, absolute: boolean): Uint8Array[] {
  const pages: Uint8Array[] = [];
  const writer = new PageWriter(
    shape,
    (page) => pages.push(page.slice()),
    origin,
    absolute ? 'absolute' : 'extend',
  );
  const words = new Int32Array(256);
  const bytes = new Uint8Array(words.buffer);
  let time = 0;
  for (const { step, record, lost, told } of items) {
    if (lost > 0) writer.lost(lost, told);
    time += step;
    bytes.fill(0);
    bytes.set(record);
    writer.add(time, words, record.length);
  }
  writer.finish();
  return pages;
}

interface Read {
  readonly time: bigint;
  readonly record: number[];
  readonly missed: number;
}

function read(pages: readonly Uint8Array[], shape: PageShape): Read[] {
  return pages.flatMap((page) => {
    const cursor = new PageCursor(page, shape);
    cursor.open(0, shape.pageSize);
    const records: Read[] = [];
    let { missed } = cursor;
    while (cursor.next()) {
      records.push({ time: cursor.pageTime + BigInt(cursor.elapsed), record: [...cursor.record()], missed });
      missed = 0;
    }
    return records;
  });
}

describe('sub-buffer pages', () => {
  it('give back every record, its time and the losses before it', () => {
    fc.assert(
      fc.property(
        fc.array(item, { maxLength: 120 }),
        fc.constantFrom(256, 4096),
        fc.constantFrom<8 | 4>(8, 4),
        fc.boolean(),
        fc.constantFrom(0n, 427_136_000_000_000n, (1n << 62n) + 12_345n),
        fc.boolean(),
        (items, pageSize, commitSize, bigEndian, origin, absolute) => {
          const shape = { pageSize, commitSize, bigEndian };
          let time = origin;
          const expected = items.map(({ step, record, lost, told }) => {
            time += BigInt(step);
            return { time, record: [...record], missed: lost === 0 ? 0 : told ? lost : -1 };
          });
          expect(read(write(items, shape, origin, absolute), shape)).toEqual(expected);
        },
      ),
    );
  });

  it('begin a new page where time runs backwards', () => {
    const shape: PageShape = { pageSize: 256, commitSize: 8 };
    const pages: Uint8Array[] = [];
    const writer = new PageWriter(shape, (page) => pages.push(page.slice()));
    for (const time of [500, 700, 300]) writer.add(time, Int32Array.of(1), 4);
    writer.finish();
    expect(read(pages, shape).map(({ time }) => time)).toEqual([500n, 700n, 300n]);
    expect(pages).toHaveLength(2);
  });

  it('lay a time extend and an absolute stamp out as the kernel does', () => {
    const shape: PageShape = { pageSize: 256, commitSize: 8 };
    const wordsOf = (absolute: boolean): number[] => {
      const long: Item = { step: 2 ** 27 + 5, record: [1, 2, 3, 4], lost: 0, told: true };
      const [page] = write([{ ...long, step: 7 }, long], shape, 0n, absolute);
      const view = new DataView(page!.buffer);
      return [16, 20, 24, 28, 32].map((at) => view.getUint32(at, true));
    };
    // type_len 1 (four bytes), delta 0; the record; type_len 30 with the low 27 bits, then the rest; the next event.
    expect(wordsOf(false)).toEqual([1, 0x04030201, (5 << 5) | 30, 1, 1]);
    // type_len 31: the whole time.
    expect(wordsOf(true)).toEqual([1, 0x04030201, (12 << 5) | 31, 1, 1]);
  });

  it('refuse a record that no page can hold', () => {
    const writer = new PageWriter({ pageSize: 256, commitSize: 8 }, () => {});
    expect(() => writer.add(0, new Int32Array(100), 300)).toThrow(RangeError);
  });

  it('count what they hold', () => {
    const writer = new PageWriter({ pageSize: 256, commitSize: 8 }, () => {});
    writer.add(10, Int32Array.of(1, 2), 8);
    writer.lost(7, true);
    writer.add(30, Int32Array.of(1), 4);
    writer.lost(5, true);
    writer.finish();
    expect(writer.counts).toEqual({
      events: 2,
      bytes: 20,
      firstTime: 10,
      lastTime: 30,
      overrun: 7,
      dropped: 5,
    });
  });

  it('are refused when they claim more than there is', () => {
    const page = new Uint8Array(256);
    const view = new DataView(page.buffer);
    view.setUint32(8, 1000, true);
    expect(() => new PageCursor(page, { commitSize: 8 }).open(0, 256)).toThrow(/claims 1000 bytes/);
    // A record of 112 bytes in a page of 8.
    view.setUint32(8, 8, true);
    view.setUint32(16, 28, true);
    const cursor = new PageCursor(page, { commitSize: 8 });
    cursor.open(0, 256);
    expect(() => cursor.next()).toThrow(/leaves its page/);
  });
});

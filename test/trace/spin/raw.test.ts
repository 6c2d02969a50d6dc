// Every raw record comes back byte for byte: what the container gives is held against walkers of pages and of perf's records that are
// no part of src/.

import { expect, test } from 'vitest';
import type { Block } from '../../../src/blocks/block.ts';
import { bytesSource, readRange } from '../../../src/io/bytes.ts';
import { openInput } from '../../../src/io/node-file.ts';
import { KINDS } from '../../../src/model/event.ts';
import { eventsOf } from '../../../src/session/session.ts';
import { readContents } from '../../../src/trace/spin/contents.ts';
import { spinDamageLog } from '../../../src/trace/spin/damage.ts';
import { LookUp } from '../../../src/trace/spin/look-up.ts';
import { rowsOf } from '../../../src/trace/spin/notes.ts';
import { loadUnpacker } from '../../../src/trace/spin/packer.ts';
import { RecordMask, RecordRest } from '../../../src/trace/spin/record-rest.ts';
import { SampleMask } from '../../../src/trace/spin/sample-mask.ts';
import { openCapture } from '../../../src/trace/open.ts';
import type { Lane } from '../../../src/trace/capture.ts';
import { anyCapture } from '../../captures.ts';
import { containerOf, open } from './container.ts';

/** Offset and bytes of every record of a lane, by the event words of its pages. */
function* recordsOf(lane: Lane): Generator<{ offset: number; bytes: Uint8Array }> {
  if (lane.input.kind !== 'pages') throw new Error('only lanes of pages');
  const { pageSize, dataAt } = lane.input.layout;
  const page = new Uint8Array(pageSize);
  const view = new DataView(page.buffer);
  for (let base = 0; lane.read(page) > 0; base += pageSize) {
    const end = dataAt + (view.getUint32(8, true) & 0xfffff);
    for (let at = dataAt; at < end;) {
      const word = view.getUint32(at, true);
      const kind = word & 31;
      if (kind === 29 && word >>> 5 === 0) break;
      if (kind >= 29) at += kind === 29 ? 4 + view.getUint32(at + 4, true) : 8;
      else {
        const start = kind === 0 ? at + 8 : at + 4;
        const size = kind === 0 ? view.getUint32(at + 4, true) - 4 : kind * 4;
        yield { offset: base + start, bytes: page.slice(start, start + size) };
        at = start + ((size + 3) & ~3);
      }
    }
  }
}

for (const name of ['lost-unlock.dat', 'ext4-dm-1k.small-v6.dat', 'stock.dat', 'ext4-dm-1k.medium.dat']) {
  const path = anyCapture(name);
  test.skipIf(path === null)(`all records of ${name}`, { timeout: 120_000 }, async () => {
    const source = bytesSource(await containerOf(path!));
    const log = spinDamageLog();
    const contents = readContents(source, await loadUnpacker(), log);
    const mask = new RecordMask(rowsOf(contents.names));
    const open = (rest: Uint8Array, block: Block) => new RecordRest(rest, block, mask);
    const original = await openCapture(path!);
    let records = 0;
    for (const [lane, { read, input }] of original.lanes.entries()) {
      const lookUp = new LookUp(source, contents.blocks, log, open);
      for (const { offset, bytes } of recordsOf({
        ...original.lanes[lane]!,
        input,
        read: (target) => read.call(original.lanes[lane], target),
      })) {
        const found = lookUp.find({ lane, offset });
        const restored = found?.rest.record(found.walk) ?? null;
        if (restored === null || Buffer.compare(restored, bytes) !== 0)
          expect({ lane, offset, restored }).toEqual({ lane, offset, restored: bytes });
        records++;
      }
    }
    original.close();
    expect(records).toBeGreaterThan(1000);
    expect(log.list()).toEqual([]);
  });
}

/** All samples of a perf.data in file mode: its header says where the data lies (struct perf_file_header), records their sizes. */
function* samplesOf(file: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const at = Number(view.getBigUint64(40, true));
  const end = at + Number(view.getBigUint64(48, true));
  for (let from = at; from < end;) {
    const size = view.getUint16(from + 6, true);
    if (view.getUint32(from, true) === 9) yield file.subarray(from, from + size);
    from += size;
  }
}

for (const name of ['perf-ext4-lost.data', 'perf-ext4-lock.data']) {
  const path = anyCapture(name);
  test.skipIf(path === null)(`all samples of ${name}`, { timeout: 120_000 }, async () => {
    const input = await openInput(path!);
    const file = readRange(input, 0, input.size);
    input.close();
    const left = new Map<string, number>();
    const keyOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
    const count = (key: string, more: number): number => {
      const now = (left.get(key) ?? 0) + more;
      left.set(key, now);
      return now;
    };
    let samples = 0;
    for (const sample of samplesOf(file)) {
      count(keyOf(sample), 1);
      samples++;
    }
    const bytes = await containerOf(path!);
    const log = spinDamageLog();
    const contents = readContents(bytesSource(bytes), await loadUnpacker(), log);
    const mask = new SampleMask(contents.head.samples!.tables, rowsOf(contents.names));
    const lookUp = new LookUp(
      bytesSource(bytes),
      contents.blocks,
      log,
      (rest, block) => new RecordRest(rest, block, mask),
    );
    let events = 0;
    for (const { event, place } of eventsOf(await open(bytes))) {
      if (KINDS[event.kind] === 'lost') continue;
      const found = lookUp.find(place);
      const restored = found?.rest.record(found.walk) ?? null;
      if (restored === null || count(keyOf(restored), -1) < 0) expect({ place, restored }).toEqual({ place });
      events++;
    }
    expect(events).toBe(samples);
    expect(log.list()).toEqual([]);
  });
}

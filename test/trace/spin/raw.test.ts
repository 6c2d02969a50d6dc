// Every raw record comes back byte for byte: what the container gives is held against walkers of pages and of perf's records that are
// no part of src/.

import { expect, test } from 'vitest';
import type { Block } from '../../../src/blocks/block.ts';
import { bytesSource, readRange } from '../../../src/io/bytes.ts';
import { openInput } from '../../../src/io/node-file.ts';
import { readContents } from '../../../src/trace/spin/contents.ts';
import { spinDamageLog } from '../../../src/trace/spin/damage.ts';
import { LookUp } from '../../../src/trace/spin/look-up.ts';
import { rowsOf } from '../../../src/trace/spin/notes.ts';
import { loadUnpacker } from '../../../src/trace/spin/packer.ts';
import { RecordMask, RecordRest } from '../../../src/trace/spin/record-rest.ts';
import { openCapture } from '../../../src/trace/open.ts';
import type { Lane } from '../../../src/trace/capture.ts';
import { anyCapture } from '../../captures.ts';
import { containerOf, samplesMissing } from './container.ts';

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

for (const name of ['perf-ext4-lost.data', 'perf-ext4-lock.data']) {
  const path = anyCapture(name);
  test.skipIf(path === null)(`all samples of ${name}`, { timeout: 120_000 }, async () => {
    const input = await openInput(path!);
    const file = readRange(input, 0, input.size);
    input.close();
    expect(await samplesMissing(file, await containerOf(path!))).toEqual([]);
  });
}

// Real captures: whatever the kernel really writes, in the order it really comes.

import { describe, expect, test } from 'vitest';
import type { EngineOptions } from '../../src/engine/engine.ts';
import { engineInput } from '../../src/session/pump.ts';
import type { Capture } from '../../src/trace/capture.ts';
import { openCapture } from '../../src/trace/open.ts';
import { anyCapture } from '../captures.ts';
import { agree, SOAK, type Feed } from './harness.ts';

const CAPTURES = ['lost-unlock.dat', 'slow-holder.dat', 'stock.dat', 'ext4-dm-1k.small-v6.dat'];
/** Too long for every day. */
const LONG = [
  'missing-unlock.dat',
  'abba.dat',
  'ext4-dm-1k.medium-zstd.dat',
  'bhrace-2.dat',
  'bhleak-lost.dat',
];
const TEXTS = ['ext4-dm-1k.text.trace.txt'];

/** Thresholds at which nearly everything is reported, at which something is, and the usual ones; tables that fit or not. */
const SETTINGS: Readonly<Record<string, Omit<EngineOptions, 'lanes' | 'rows'>>> = {
  'everything reported, tiny tables': {
    spinNs: 0,
    irqOffNs: 100_000,
    silentNs: 1_000_000,
    ringRecords: 64,
    tablePower: 3,
    tableFloor: 16,
    statistics: { split: 62 },
  },
  'usual thresholds': { spinNs: 1e9, irqOffNs: 1e9, silentNs: 1e9, statistics: { split: 0 } },
  'collect mode': { spinNs: Infinity, irqOffNs: Infinity, silentNs: Infinity, collect: true },
};

/** The bytes that the lanes deliver. */
function bytesOf(capture: Capture): Uint8Array[] {
  const window = new Uint8Array(1 << 20);
  return capture.lanes.map((lane) => {
    const parts: Uint8Array[] = [];
    for (let got = lane.read(window); got > 0; got = lane.read(window)) parts.push(window.slice(0, got));
    return new Uint8Array(Buffer.concat(parts));
  });
}

for (const name of [...CAPTURES, ...TEXTS, ...(SOAK > 1 ? LONG : [])]) {
  const path = anyCapture(name);
  describe.skipIf(path === null)(name, { timeout: 600_000 }, async () => {
    const capture = await openCapture(path!);
    const lanes = bytesOf(capture);
    const input = engineInput(capture);
    capture.close();
    for (const [setting, limits] of Object.entries(SETTINGS)) {
      test(setting, () => {
        const feed: Feed = { options: { ...input, ...limits }, lanes };
        const { last, events } = agree(feed);
        const replayed = limits.collect ? events.length : Number(last.events);
        expect(replayed).toBeGreaterThan(1000);
        expect(last.lanes.map(({ badPages, badEvents }) => badPages + badEvents)).toEqual(lanes.map(() => 0));
      });
    }
  });
}

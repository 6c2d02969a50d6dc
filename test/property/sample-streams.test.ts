import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scanInWasm } from '../../src/engine/sample-scanner.ts';
import { scanInTypeScript } from '../../src/engine/twin/scan-samples.ts';
import { bytesSource } from '../../src/io/bytes.ts';
import { readEngineBinary } from '../../src/io/engine-binary.ts';
import type { SampleStream, SampleTables, ScanItem, ScanTotals } from '../../src/model/samples.ts';
import { agree, SEED, SOAK } from '../engine/harness.ts';
import { recordStream, sampleStreams, tables } from './sample-streams.ts';

const settings = (runs: number) => ({ seed: SEED, numRuns: runs * SOAK });

describe('engines and twin do the same with random samples', { timeout: 60_000 * SOAK }, () => {
  test('replayed', () =>
    fc.assert(
      fc.property(sampleStreams(), (feed) => void agree(feed)),
      settings(300),
    ));
  test('in collect mode', () =>
    fc.assert(
      fc.property(sampleStreams(true), (feed) => void agree(feed)),
      settings(300),
    ));
});

type Outcome = { readonly items: readonly ScanItem[]; readonly totals: ScanTotals };

function scanned(
  scan: (stream: SampleStream, tables: SampleTables, take: (item: ScanItem) => void) => ScanTotals,
  stream: SampleStream,
  tables: SampleTables,
): Outcome {
  const items: ScanItem[] = [];
  return { totals: scan(stream, tables, (item) => items.push(item)), items };
}

describe.each(['release', 'debug'] as const)('the scan of build/%s', (build) => {
  const module = new WebAssembly.Module(readEngineBinary(build) as Uint8Array<ArrayBuffer>);

  test('finds what the twin finds', { timeout: 60_000 * SOAK }, () => {
    const streams = tables.chain((tables) => recordStream(tables).map((bytes) => ({ tables, bytes })));
    fc.assert(
      fc.property(streams, ({ tables, bytes }) => {
        const stream = bytesSource(bytes);
        const inWasm = scanned((...all) => scanInWasm(module, ...all), stream, tables);
        expect(inWasm).toEqual(scanned(scanInTypeScript, stream, tables));
        // Pieces lie one behind the other, within the stream, and fit the smallest window.
        let end = 0;
        for (const item of inWasm.items) {
          if (item.is !== 'piece') continue;
          expect(item.at).toBeGreaterThanOrEqual(end);
          expect(item.size).toBeLessThanOrEqual(65536);
          end = item.at + item.size;
        }
        expect(end).toBeLessThanOrEqual(bytes.length);
      }),
      settings(300),
    );
  });
});

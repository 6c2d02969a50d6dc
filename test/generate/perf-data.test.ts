import { describe, expect, test } from 'vitest';
import { generatePerfData, generateTraceDat, readFault, readLoss } from '../../src/generate/index.ts';
import { bytesSource } from '../../src/io/bytes.ts';
import { analyzeCapture, inspectCapture } from '../../src/session/session.ts';
import { openSource } from '../../src/trace/open.ts';

const open = async (bytes: Uint8Array) => await openSource(bytesSource(bytes));

describe('the same events as perf.data and as trace.dat', () => {
  test.each(['lost-unlock', 'missing-unlock:how=exit', 'abba', 'held-at-end'])('%s', async (fault) => {
    const options = { seed: 4, cpus: 4, events: 12_000, faults: [readFault(fault)] };
    const [perf, ftrace] = [generatePerfData(options).bytes, generateTraceDat(options).bytes];
    expect(perf.length).toBeGreaterThan(4 << 16); // several rounds
    const judged = async (bytes: Uint8Array) => {
      const { findings, stats } = analyzeCapture(await open(bytes));
      // Of a perf.data fewer things are certain: nobody knows that its ends are whole.
      return { found: findings.map(({ headline }) => headline), stats };
    };
    expect(await judged(perf)).toEqual(await judged(ftrace));
    expect((await judged(perf)).found).not.toEqual([]);
  });

  test('progress goes over it twice, and never back', async () => {
    const { bytes } = generatePerfData({ seed: 4, cpus: 4, events: 12_000 });
    const seen: number[] = [];
    analyzeCapture(await open(bytes), {
      onProgress: ({ done, total }) => {
        expect(total).toBe(2 * (bytes.length - 16));
        seen.push(done);
      },
    });
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen[0]).toBeLessThan(bytes.length / 2);
    expect(seen.at(-1)).toBeGreaterThan(1.8 * bytes.length);
  });

  test('a loss is told with its CPU', async () => {
    const losses = [readLoss('gap:cpu=2,at=1ms,for=300us', 0)];
    const { bytes, losses: truths } = generatePerfData({
      seed: 4,
      cpus: 4,
      events: 12_000,
      startNs: 0,
      losses,
    });
    const { trace } = inspectCapture(await open(bytes));
    expect(truths[0]!.events).toBeGreaterThan(0);
    expect(trace.perCpu.map(({ lost }) => lost)).toEqual([0, 0, truths[0]!.events, 0]);
  });
});

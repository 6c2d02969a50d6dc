import { describe, expect, it } from 'vitest';
import { makeTwin } from '../../src/engine/twin/twin-engine.ts';
import { generateText, generateTraceDat } from '../../src/generate/index.ts';
import { bytesSource } from '../../src/io/bytes.ts';
import { openInput } from '../../src/io/node-file.ts';
import { readRange } from '../../src/io/bytes.ts';
import { KINDS } from '../../src/model/event.ts';
import { namespaceOf } from '../../src/model/event-record.ts';
import type { Run } from '../../src/model/stats.ts';
import { eventsOf } from '../../src/session/session.ts';
import { statisticsOf, type StatisticsRequest } from '../../src/session/statistics.ts';
import { Histogram } from '../../src/stats/histogram.ts';
import { openCapture, openSource } from '../../src/trace/open.ts';
import { anyCapture, smallCapture } from '../captures.ts';

async function runOf(path: string, request: StatisticsRequest = {}): Promise<Run> {
  const capture = await openCapture(path);
  try {
    return statisticsOf(capture, request);
  } finally {
    capture.close();
  }
}

/** Every hold and wait of each lock class of lockdep, by following the events one by one. */
async function exactly(path: string): Promise<Map<string, { holds: number[]; waits: number[] }>> {
  const capture = await openCapture(path);
  const reader = await openCapture(path);
  const classes = new Map<string, { holds: number[]; waits: number[] }>();
  // Per context and lock: since when it waits, and the takes that were not released.
  const waiting = new Map<string, bigint>();
  const held = new Map<string, bigint[]>();
  for (const { event, place } of eventsOf(capture)) {
    if (namespaceOf(event.flags) !== 0 || event.address === 0n) continue;
    const name = reader.record(place)?.fields.find((field) => field.name === 'name')?.value;
    if (typeof name !== 'string') continue;
    const who =
      event.flags & 2
        ? `irq ${event.cpu}`
        : event.flags & 4
          ? `softirq ${event.cpu}`
          : `${event.pid} ${event.pid === 0 ? event.cpu : ''}`;
    const key = `${who}:${event.address}`;
    const spans = classes.get(name) ?? { holds: [], waits: [] };
    classes.set(name, spans);
    const isTry = (event.flags & 0x10) !== 0;
    switch (KINDS[event.kind]) {
      case 'contend':
        waiting.set(key, event.time);
        break;
      case 'attempt':
        if (isTry) held.set(key, [...(held.get(key) ?? []), event.time]);
        break;
      case 'acquire': {
        const since = waiting.get(key);
        if (since !== undefined) spans.waits.push(Number(event.time - since));
        waiting.delete(key);
        held.set(key, [...(held.get(key) ?? []), event.time]);
        break;
      }
      case 'release': {
        const since = held.get(key)?.pop();
        if (since !== undefined) spans.holds.push(Number(event.time - since));
        break;
      }
      default:
    }
  }
  capture.close();
  reader.close();
  return classes;
}

describe('statistics of real captures, against the events one by one', { timeout: 120_000 }, () => {
  it.each(['ext4-dm-1k.small.dat', 'ext4-dm-1k.text.dat', 'abba.dat'])('%s', async (name) => {
    const path = anyCapture(name);
    if (path === null) return;
    const [exact, { rows }] = [await exactly(path), await runOf(path)];
    let compared = 0;
    const classes = rows.filter(({ source }) => source === 'lockdep');
    for (const row of classes) {
      const { waits, holds } = exact.get(row.name)!;
      expect([row.name, row.wait?.count ?? 0]).toEqual([row.name, waits.length]);
      expect([row.name, row.wait?.sumNs ?? '0']).toEqual([
        row.name,
        String(waits.reduce((sum, ns) => sum + ns, 0)),
      ]);
      for (const [spans, data] of [
        [waits, row.wait],
        [holds, row.hold],
      ] as const) {
        // Releases in another context than the take are paired by the engine, and by nobody here.
        if (data === null || data.count !== spans.length) continue;
        compared++;
        const sorted = spans.toSorted((a, b) => a - b);
        const histogram = Histogram.from(data);
        for (const q of [0, 0.5, 0.9, 0.99, 0.999, 1]) {
          const truth = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1]!;
          expect(Math.abs(histogram.quantile(q) - truth)).toBeLessThanOrEqual(truth * 2 ** -8);
        }
      }
    }
    expect(compared).toBeGreaterThan(classes.length * 0.8);
  });
});

/** One class of /proc/lock_stat, its variants (-R, -W, #2, /1) added up; times in us. */
interface KernelClass {
  contentions: number;
  waitUs: number;
  acquisitions: number;
  holdUs: number;
}

async function lockStat(path: string): Promise<Map<string, KernelClass>> {
  const source = await openInput(path);
  const text = new TextDecoder().decode(readRange(source, 0, source.size));
  source.close();
  const classes = new Map<string, KernelClass>();
  for (const line of text.split('\n')) {
    const match = /^\s*(\S.*?):((?:\s+[\d.]+){12})\s*$/.exec(line);
    if (match === null) continue;
    const name = match[1]!
      .replace(/-[RW]$/, '')
      .replace(/\/\d+$/, '')
      .replace(/#\d+$/, '');
    const figures = match[2]!.trim().split(/\s+/).map(Number);
    const sum = classes.get(name) ?? { contentions: 0, waitUs: 0, acquisitions: 0, holdUs: 0 };
    sum.contentions += figures[1]!;
    sum.waitUs += figures[4]!;
    sum.acquisitions += figures[7]!;
    sum.holdUs += figures[10]!;
    classes.set(name, sum);
  }
  return classes;
}

/**
 * The kernel counts from boot to the end, so it has more. Its time stamps are taken after the tracepoint was served
 * (lock_contended() and lock_acquired(), kernel/locking/lockdep.c, Linux 6.12), so a wait of the trace may be longer by
 * what serving one costs on that machine.
 */
const SERVING_US = 20;

describe('statistics against /proc/lock_stat', { timeout: 120_000 }, () => {
  it.each([
    ['ext4-dm-1k.small', 'local'],
    ['ext4-dm-1k.medium', 'mono'],
    ['bhslow-3s', 'mono'],
  ])('%s: no class has more than the kernel counted', async (name, clock) => {
    const paths = [anyCapture(`${name}.dat`), anyCapture(`${name}.lock_stat.txt`)];
    if (paths.includes(null)) return;
    const [{ rows, clock: own, lost }, kernel] = [await runOf(paths[0]!), await lockStat(paths[1]!)];
    expect({ own, lost }).toEqual({ own: clock, lost: 0 });
    const classes = rows.filter(({ source }) => source === 'lockdep');
    expect(classes.length).toBeGreaterThan(50);
    for (const row of classes) {
      const { contentions, waitUs, acquisitions, holdUs } = kernel.get(row.name)!;
      expect([row.name, row.contentions <= contentions, row.acquisitions <= acquisitions]).toEqual([
        row.name,
        true,
        true,
      ]);
      expect([row.name, Number(row.wait?.sumNs ?? 0) / 1e3 <= waitUs + SERVING_US * contentions]).toEqual([
        row.name,
        true,
      ]);
      // lock_stat's clock is the local one, which stands still while an emulated CPU is stalled; mono is set right afterwards.
      if (clock === 'local')
        expect([row.name, Number(row.hold?.sumNs ?? 0) / 1e3 <= holdUs]).toEqual([row.name, true]);
    }
  });
});

describe('statisticsOf', () => {
  it('is the same whether wasm or its twin counts', async () => {
    const { bytes } = generateTraceDat({ seed: 11, events: 10_000 });
    const open = () => openSource(bytesSource(bytes));
    const options = { withBlocks: false, split: 'site' } as const;
    expect(statisticsOf(await open(), { ...options, engine: makeTwin })).toEqual(
      statisticsOf(await open(), options),
    );
  });

  it('finds the same classes in text as in the binary trace, with the same counts', async () => {
    const options = { seed: 12, events: 20_000, skewNs: 0 };
    const binary = statisticsOf(await openSource(bytesSource(generateTraceDat(options).bytes)));
    const text = statisticsOf(
      await openSource(bytesSource(new TextEncoder().encode(generateText(options, 'report', true)))),
    );
    const counts = ({ rows }: Run) =>
      rows
        .filter(({ source }) => source === 'lockdep')
        .map(({ name, acquisitions, contentions, wait, hold }) => [
          name,
          acquisitions,
          contentions,
          wait?.count,
          hold?.sumNs,
        ]);
    expect(counts(text)).toEqual(counts(binary));
    expect(counts(text).length).toBeGreaterThan(8);
  });

  it('is the same whatever the windows are', async () => {
    const one = await runOf(smallCapture('slow-holder.dat'), { withBlocks: false });
    const other = await runOf(smallCapture('slow-holder.dat'), {
      withBlocks: false,
      limits: { windowBudget: 1 },
    });
    expect(other).toEqual(one);
  });

  it('gathers callers beyond the limit, and loses none of their time', async () => {
    const path = smallCapture('slow-holder.dat');
    const [all, few] = [await runOf(path), await runOf(path, { callers: 2 })];
    const sections = ({ rows }: Run) => rows.filter(({ kind }) => kind === 'irqs-off');
    const total = (run: Run): bigint =>
      sections(run).reduce((sum, { off }) => sum + BigInt(off?.sumNs ?? 0), 0n);
    expect(sections(few)).toHaveLength(3);
    expect(sections(few).map(({ name }) => name)).toContainEqual(
      expect.stringMatching(/^\d+ other callers$/),
    );
    expect(total(few)).toBe(total(all));
  });

  it('names the longest wait and hold, and the finding about the lock', async () => {
    const { rows, findings } = await runOf(smallCapture('slow-holder.dat'));
    const row = rows.find(({ name }) => name === 'bit 4')!;
    expect(row.longestWait).toMatchObject({
      comm: 'fake_endio',
      pid: 108,
      cpu: 3,
      address: '0xffff8881008b1880',
    });
    expect(row.longestWait!.ns / 1e9).toBeCloseTo(2.96, 1);
    expect(row.longestHold).toMatchObject({
      comm: 'fake_slow',
      pid: 107,
      cpu: 2,
      address: '0xffff8881008b1880',
    });
    expect(findings.find(({ row: about }) => about === rows.indexOf(row))).toMatchObject({
      cause: 'slow-holder',
    });
  });

  it('counts waits without an end apart', async () => {
    const { rows } = await runOf(smallCapture('lost-unlock.dat'));
    const row = rows.find(({ name }) => name === 'bit 4')!;
    expect(row.openWaits).toBe(1);
    expect(row.longestOpenWaitNs / 1e9).toBeCloseTo(39.7, 1);
    expect(row.wait?.maxNs ?? 0).toBeLessThan(1e9);
  });
});

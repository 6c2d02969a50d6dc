import type { Random } from '../../src/base/random.ts';
import type { Block, Counts, FoundBrief, Run, StatsRow } from '../../src/model/stats.ts';
import { Histogram } from '../../src/stats/histogram.ts';
import { histogramOf } from '../stats/histogram-of.ts';

/** One lock of a made-up workload. Times in ns. */
export interface MadeLock {
  readonly name: string;
  readonly acquisitions: number;
  readonly holdNs: number;
  /** Share of acquisitions that wait. */
  readonly contended: number;
  readonly waitNs: number;
}

export interface MadeWorkload {
  readonly locks: readonly MadeLock[];
  /** How much a lock's times differ from run to run, as the deviation of their logarithm. */
  readonly betweenRuns: number;
  readonly blocks: number;
}

const BITS = 7;

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.float())) * Math.cos(2 * Math.PI * random.float());
}

/** A run with long-tailed times: log-normal ones, as lock hold times are. */
export function madeRun(random: Random, { locks, betweenRuns, blocks }: MadeWorkload, path = 'made'): Run {
  const parts = locks.map((lock) => {
    const drift = Math.exp(betweenRuns * normal(random));
    return Array.from({ length: blocks }, () => madeCounts(random, lock, drift, lock.acquisitions / blocks));
  });
  const rows = locks.map(({ name }, at) => madeRow(name, addCounts(parts[at]!)));
  const made: Block[] = Array.from({ length: blocks }, (_, block) => ({
    durationNs: 1e9 / blocks,
    events: [],
    rows: parts.map((counts, row) => ({ row, ...counts[block]! })),
  }));
  return bareRun({ path, rows, blocks: made });
}

function madeCounts(random: Random, lock: MadeLock, drift: number, mean: number): Counts {
  const acquisitions = Math.max(1, Math.round(mean + Math.sqrt(mean) * normal(random)));
  const spans = (count: number, ns: number): Histogram =>
    histogramOf(
      Array.from({ length: count }, () => Math.round(ns * drift * Math.exp(0.8 * normal(random)))),
      BITS,
    );
  let contentions = 0;
  for (let at = 0; at < acquisitions; at++) if (random.chance(lock.contended)) contentions++;
  return {
    acquisitions,
    reads: 0,
    contentions,
    wait: spans(contentions, lock.waitNs).data(),
    hold: spans(acquisitions, lock.holdNs).data(),
    off: null,
  };
}

function addCounts(parts: readonly Counts[]): Counts {
  const sum = (of: (counts: Counts) => number): number => parts.reduce((all, counts) => all + of(counts), 0);
  const merged = (of: (counts: Counts) => Counts['wait']) =>
    Histogram.merge(parts.map((counts) => Histogram.from(of(counts)!))).data();
  return {
    acquisitions: sum((counts) => counts.acquisitions),
    reads: 0,
    contentions: sum((counts) => counts.contentions),
    wait: merged((counts) => counts.wait),
    hold: merged((counts) => counts.hold),
    off: null,
  };
}

export function madeRow(name: string, counts: Partial<Counts> = {}, about: Partial<StatsRow> = {}): StatsRow {
  return {
    kind: 'lock',
    source: 'lockdep',
    name,
    by: null,
    acquisitions: 0,
    reads: 0,
    contentions: 0,
    wait: null,
    hold: null,
    off: null,
    longestWait: null,
    longestHold: null,
    longestOff: null,
    openWaits: 0,
    longestOpenWaitNs: 0,
    ...counts,
    ...about,
  };
}

export function bareRun(about: Partial<Run>): Run {
  return {
    path: 'made',
    format: 'made',
    clock: 'mono',
    timeUnit: 'ns',
    kernel: null,
    cpus: 4,
    startNs: '0',
    endNs: '1000000000',
    durationNs: 1e9,
    lost: 0,
    problems: [],
    split: 'class',
    events: [],
    rows: [],
    blocks: [],
    findings: [],
    notes: [],
    ...about,
  };
}

export function madeFinding(signature: string, row: number | null = null): FoundBrief {
  return {
    signature,
    kind: 'irq-off',
    cause: 'unknown',
    confidence: 'likely',
    headline: `about ${signature}`,
    row,
  };
}

// Statistics of a container are those of its original: names, callers, figures. Only what a container may change differs.

import { readFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { makeTwin } from '../../../src/engine/twin/twin-engine.ts';
import { generateText, generateTraceDat } from '../../../src/generate/index.ts';
import { bytesSource } from '../../../src/io/bytes.ts';
import type { MappingRow } from '../../../src/mapping/rows.ts';
import type { Run, Split } from '../../../src/model/stats.ts';
import { statisticsOf, type StatisticsRequest } from '../../../src/session/statistics.ts';
import { plainRun } from '../../../src/stats/plain.ts';
import type { Capture } from '../../../src/trace/capture.ts';
import { openCapture, openSource } from '../../../src/trace/open.ts';
import { LockNames } from '../../../src/trace/spin/lock-names.ts';
import { LARGEST_SECTION } from '../../../src/trace/spin/notes.ts';
import { anyCapture, mappingOptions, smallCapture } from '../../captures.ts';
import { containerOf, join, open, partsOf } from './container.ts';

type Substance = Omit<Run, 'path' | 'format'>;

function runOf(capture: Capture, request: StatisticsRequest): Substance {
  try {
    const { path: _path, format: _format, ...run } = plainRun(statisticsOf(capture, request));
    return run;
  } finally {
    capture.close();
  }
}

const CAPTURES: readonly (readonly [name: string, splits: readonly Split[]])[] = [
  ['lost-unlock.dat', ['class', 'site', 'task']],
  ['slow-holder.dat', ['class', 'lock', 'context']],
  ['missing-unlock.dat', ['site']],
  ['stock.dat', ['class', 'stack']],
  ['kprobe-leak.dat', ['class']],
  ['abba.dat', ['class', 'cpu']],
  ['ext4-dm-1k.small.dat', ['class', 'site']],
  ['ext4-dm-1k.small-v6.dat', ['mode']],
  ['ext4-dm-1k.medium.dat', ['class']],
  ['bhrace-1.dat', ['class']],
  ['bhrace-2.dat', ['site']],
  ['ext4-finish-bio-2015/trace.dat', ['class']],
  ['ext4-dm-1k.text.trace.txt', ['class', 'site']],
  ['ext4-dm-1k.text.trace-latency.txt', ['class']],
  ['ext4-dm-1k.small.report.txt', ['class', 'lock']],
  ['panic-dump.console.txt', ['class', 'site', 'stack', 'task']],
  ['perf-ext4-lock.data', ['class', 'site']],
  ['perf-ext4-z.data', ['site', 'stack']],
  ['perf-ext4-lost.data', ['site']],
  ['perf-ext4-lost.script.txt', ['stack']],
];

describe('statistics of a container are those of its original', { timeout: 600_000 }, () => {
  for (const [name, splits] of CAPTURES) {
    const path = anyCapture(name);
    test.skipIf(path === null)(name, async () => {
      const bytes = await containerOf(path!);
      for (const split of splits) {
        const expected = runOf(await openCapture(path!), { split });
        expect(runOf(await open(bytes), { split })).toEqual(expected);
      }
    });
  }

  test('a generated capture, by wasm and by the twin', async () => {
    const { bytes } = generateTraceDat({ seed: 4, cpus: 3, events: 9_000, faults: [] });
    const original = (): Promise<Capture> => openSource(bytesSource(bytes));
    const container = join(await partsOf(await original()));
    for (const split of ['class', 'site', 'lock'] as const) {
      const expected = runOf(await original(), { split });
      expect(runOf(await open(container), { split })).toEqual(expected);
      expect(runOf(await open(container), { split, engine: makeTwin })).toEqual(expected);
      expect(expected.rows.filter(({ kind }) => kind === 'irqs-off').length).toBeGreaterThan(3);
    }
  });

  test('a capture of kprobes that only a mapping file explains', async () => {
    const options = await mappingOptions('mappings/bhrace-kprobes.yaml');
    const original = (): Promise<Capture> => openCapture(smallCapture('kprobe-leak.dat'), options);
    const container = join(await partsOf(await original()));
    for (const split of ['class', 'site', 'stack', 'task'] as const)
      expect(runOf(await open(container), { split })).toEqual(runOf(await original(), { split }));
  });

  test('a mapping file that names other fields', async () => {
    const { bytes } = generateTraceDat({ seed: 4, cpus: 3, events: 9_000, faults: [] });
    const rows: MappingRow[] = [
      { event: 'preemptirq:irq_disable', kind: 'irqs off', site: 'parent_offs' },
      { event: 'lock:lock_acquire', kind: 'attempt', address: 'lockdep_addr', name: 'name' },
    ];
    const original = (): Promise<Capture> => openSource(bytesSource(bytes), { rows });
    const container = join(await partsOf(await original()));
    expect(runOf(await open(container), {})).toEqual(runOf(await original(), {}));
  });
});

describe('text', () => {
  test('has the classes and the callers of the trace.dat that it was printed from', async () => {
    const about = { seed: 6, cpus: 3, events: 6_000, faults: [] };
    const binary = runOf(await openSource(bytesSource(generateTraceDat(about).bytes)), {});
    const printed = runOf(
      await openSource(bytesSource(new TextEncoder().encode(generateText(about, 'report', true)))),
      {},
    );
    const countsOf = ({ rows }: Substance): unknown[] =>
      rows
        .filter(({ source }) => source !== 'contention')
        .map(({ kind, name, acquisitions, wait, hold, off }) => [
          kind,
          name,
          acquisitions,
          wait?.count,
          hold?.count,
          off?.count,
        ]);
    expect(countsOf(printed)).toEqual(countsOf(binary));
    expect(countsOf(binary).length).toBeGreaterThan(20);
  });

  const about = { seed: 6, cpus: 3, events: 6_000, faults: [] };
  const text = (): Promise<Capture> =>
    openSource(bytesSource(new TextEncoder().encode(generateText(about, 'report', true))));
  const pages = (): Promise<Capture> => openSource(bytesSource(generateTraceDat(about).bytes));

  test.each([
    ['text', text],
    ['a container of it', async () => open(join(await partsOf(await text())))],
    ['a container of pages', async () => open(join(await partsOf(await pages())))],
  ])('%s goes back to no record for the name of a lock', async (_, opened) => {
    const capture = await opened();
    const record = vi.spyOn(capture, 'record');
    const { rows } = statisticsOf(capture);
    const kindsOf = (wanted: (kind: string) => boolean): number =>
      rows.filter(({ kind, source }) => source !== 'bit' && wanted(kind)).length;
    expect(kindsOf((kind) => kind === 'lock')).toBeGreaterThan(10);
    // Callers are read where they stand, once each.
    expect(record.mock.calls.length).toBeLessThanOrEqual(kindsOf((kind) => kind !== 'lock'));
  });
});

describe('names of locks in the tail', () => {
  test('are none that only a hostile record has', async () => {
    const about = { seed: 6, cpus: 2, events: 3_000, faults: [] };
    const nameIn = async (name: string): Promise<string | null> => {
      const original = await openSource(bytesSource(generateTraceDat(about).bytes));
      const labels: bigint[] = [];
      original.lockName = (label) => {
        labels.push(label);
        return name;
      };
      const container = await open(join(await partsOf(original)));
      return container.lockName!(labels[0]!);
    };
    expect(await nameIn('n'.repeat(256))).toBe('n'.repeat(256));
    expect(await nameIn('n'.repeat(257))).toBeNull();
    expect(await nameIn('\u2028'.repeat(86))).toBeNull();
  });

  test('take so many bytes, however many there are', () => {
    const names = new LockNames();
    for (let label = 1n; label < 60_000n; label++) names.set(label, `${label}`.padEnd(250));
    names.set(60_000n, 'n');
    const list = names.list();
    expect(list.slice(0, 2)).toEqual([1n, '1'.padEnd(250)]);
    expect(list.slice(-2)).toEqual([60_000n, 'n']);
    const bytes = list.reduce((sum: number, item) => sum + (typeof item === 'string' ? item.length : 9), 0);
    expect(bytes).toBeGreaterThan(LARGEST_SECTION / 20);
    expect(bytes).toBeLessThan(LARGEST_SECTION / 10);
  });
});

// Written by the first version of spinback convert, of: generate workload --seed 9 --cpus 2 --events 1500 --locks 50
const OLD = new URL('fixtures/v1.spin', import.meta.url);

test('a container of version 1 attributes nothing to a caller that it does not know', async () => {
  const run = runOf(await open(new Uint8Array(readFileSync(OLD))), {});
  const { bytes } = generateTraceDat({ seed: 9, cpus: 2, events: 1500, locks: 50, faults: [] });
  const original = runOf(await openSource(bytesSource(bytes)), {});
  const sections = run.rows.filter(({ kind }) => kind !== 'lock');
  expect(sections.map(({ name }) => name)).toEqual(['not recorded', 'not recorded']);
  expect(run.problems.map(({ name }) => name)).toEqual(['no-labels']);
  const locksOf = ({ rows }: Substance): unknown => rows.filter(({ kind }) => kind === 'lock');
  expect(locksOf(run)).toEqual(locksOf(original));
});

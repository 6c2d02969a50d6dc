import { describe, expect, test } from 'vitest';
import { makeTwin } from '../../src/engine/twin/twin-engine.ts';
import {
  generateTraceDat,
  packerFor,
  readFault,
  readLoss,
  SIMULATION_DEFAULTS,
  type SimulationOptions,
  type TraceDatOptions,
} from '../../src/generate/index.ts';
import { bytesSource } from '../../src/io/bytes.ts';
import type { Report } from '../../src/model/report.ts';
import { analyzeCapture } from '../../src/session/session.ts';
import { statisticsOf } from '../../src/session/statistics.ts';
import { openSource } from '../../src/trace/open.ts';
import { damagedAlike } from '../trace/damaged-alike.ts';
import { compareEvents, join, partsOf, reportOf } from '../trace/spin/container.ts';

// The same workload as kernels of every layout record it: the findings are the same, and with the bytes the other way round everything is.

const OPTIONS: Partial<SimulationOptions> = {
  seed: 3,
  events: 20_000,
  cpus: 4,
  faults: [readFault('lost-unlock')],
};

async function findingsOf(bytes: Uint8Array): Promise<string[]> {
  const report: Report = analyzeCapture(await openSource(bytesSource(bytes, 'generated')));
  expect(report.trace.problems.filter(({ severity }) => severity === 'error')).toEqual([]);
  return report.findings.map(
    ({ kind, cause, confidence, lock, culprit }) =>
      `${kind} ${cause} ${confidence} bit ${lock?.bit} of ${lock?.address.slice(-8)} by ${culprit?.pid}`,
  );
}

const generated = (more: Partial<TraceDatOptions>) => findingsOf(generateTraceDat(OPTIONS, more).bytes);
const usual = await generated({});

test('there is something to find', () => {
  expect(usual[0]).toMatch(/^never-released lost-unlock certain bit 4 of /);
});

const LAYOUTS: readonly [string, Partial<TraceDatOptions>][] = [
  ['version 6', { version: 6 }],
  ['version 7', {}],
  ['version 7, zlib', { packer: packerFor('zlib') }],
  ['absolute time stamps', { longTimes: 'absolute' }],
  ['a 32-bit kernel, version 6', { version: 6, wordSize: 4 }],
  ['a 32-bit kernel, version 7', { wordSize: 4 }],
  ['a 32-bit kernel with sub-buffers of 16 KiB', { wordSize: 4, pageSize: 16_384 }],
  ['sub-buffers of 64 KiB', { pageSize: 65_536 }],
  ['sub-buffers of 512 KiB', { pageSize: 1 << 19 }],
  ['version 6 with sub-buffers of 8 KiB', { version: 6, pageSize: 8192 }],
];

test.each(LAYOUTS)('%s', async (_, more) => {
  expect(await generated(more)).toEqual(usual);
});

const SMALL: Partial<SimulationOptions> = { seed: 7, cpus: 2, events: 1500 };

describe.each(LAYOUTS)('big-endian: %s', (_, more) => {
  const losses = [
    'overwrite:cpu=0,at=200ms',
    'gap:cpu=1,at=15s,for=100ms',
    'gap:cpu=2,at=16s,for=1s,told=no',
  ];
  const lossy = {
    ...OPTIONS,
    events: 6000,
    losses: losses.map((text) => readLoss(text, SIMULATION_DEFAULTS.startNs)),
  };
  const uname = 'Linux generated';
  const fileOf = (bigEndian: boolean) => generateTraceDat(lossy, { ...more, uname, bigEndian }).bytes;
  const [little, big] = [fileOf(false), fileOf(true)];
  const open = (bytes: Uint8Array) => openSource(bytesSource(bytes, 'generated'));

  test('it says so', async () => {
    expect((await open(big)).format).toBe(
      `trace.dat v${more.version ?? 7}${more.packer ? ' (zlib)' : ''}, ${more.wordSize === 4 ? '32-bit ' : ''}big-endian`,
    );
  });

  test('events, their places and records', async () => {
    const { events, different } = compareEvents(await open(little), await open(big), 1);
    expect(different).toEqual([]);
    expect(events).toBeGreaterThan(4000);
  });

  test('the report, by the engine and by its twin', async () => {
    const expected = reportOf(await open(little));
    expect(reportOf(await open(big))).toEqual(expected);
    expect(reportOf(await open(big), makeTwin)).toEqual(expected);
  });

  test.each(['class', 'site'] as const)('statistics by %s', async (split) => {
    const run = async (bytes: Uint8Array) => ({
      ...statisticsOf(await open(bytes), { split }),
      format: '',
    });
    const expected = await run(little);
    expect(expected.rows.length).toBeGreaterThan(20);
    expect(await run(big)).toEqual(expected);
  });

  test('damaged, it is read alike by the engine and its twin', async () => {
    expect(
      await damagedAlike(generateTraceDat(SMALL, { ...more, bigEndian: true }).bytes, 24),
    ).toBeGreaterThan(4);
  });

  test('a container of it', async () => {
    const container = join(await partsOf(await open(big)));
    expect(compareEvents(await open(big), await open(container), 1).different).toEqual([]);
  });
});

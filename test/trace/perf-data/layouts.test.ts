// The same workload as perf.data of kernels of every layout: findings and counts are the same, and perf agrees about the files.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeTwin } from '../../../src/engine/twin/twin-engine.ts';
import { EVENT_SPECS } from '../../../src/generate/events.ts';
import {
  generateEvents,
  readFault,
  SIMULATION_DEFAULTS,
  type SimulationOptions,
} from '../../../src/generate/index.ts';
import { eventFormats, headerPage } from '../../../src/generate/metadata.ts';
import { RecordEncoder, type WordSize } from '../../../src/generate/record.ts';
import { analyzeCapture, eventsOf, inspectCapture } from '../../../src/session/session.ts';
import { openSource } from '../../../src/trace/open.ts';
import { SAMPLE } from '../../../src/trace/perf-data/attr.ts';
import { byteOrder } from '../byte-order.ts';
import { damagedAlike } from '../damaged-alike.ts';
import { compareEvents, reportOf } from '../spin/container.ts';
import { perfFile, sample, sourceOf, string, tracingData, USUAL, type BuiltAttr } from './build.ts';

const WORKLOAD: Partial<SimulationOptions> = {
  seed: 3,
  events: 6000,
  cpus: 4,
  faults: [readFault('lost-unlock')],
};

const CALLERS = [0xffff_ffff_ffff_ff80n, 0xffffffff81000100n];
const RECORD = new Int32Array(1 << 14);
const BYTES = new Uint8Array(RECORD.buffer);
const VIEW = new DataView(RECORD.buffer);

/** The workload as perf would have recorded it: each event of each tracepoint, with callers. */
function recorded(longSize: WordSize, bigEndian: boolean, workload = WORKLOAD): Uint8Array {
  byteOrder.littleEndian = !bigEndian;
  try {
    const attrs = EVENT_SPECS.map(({ id }): BuiltAttr => ({
      config: id,
      sampleType: USUAL | SAMPLE.callchain,
      ids: [id],
    }));
    const encoder = new RecordEncoder(longSize, bigEndian);
    const records = Array.from(generateEvents({ ...SIMULATION_DEFAULTS, ...workload }), (event) => {
      const length = encoder.encode(event, BYTES, VIEW, 0);
      return sample(attrs[event.type]!, {
        time: event.time,
        cpu: event.cpu,
        pid: event.pid,
        raw: BYTES.slice(0, length),
        callers: CALLERS,
      });
    });
    const features = [
      [1, tracingData(headerPage(4096, longSize), eventFormats(longSize, bigEndian), longSize)],
      [3, string('host')],
      [4, string('6.12.0-built')],
    ] as const;
    return perfFile({ attrs, records, features, longSize });
  } finally {
    byteOrder.littleEndian = true;
  }
}

const LAYOUTS = [
  [8, false],
  [8, true],
  [4, false],
  [4, true],
] as const;

const nameOf = (longSize: WordSize, bigEndian: boolean): string =>
  `${8 * longSize}-bit ${bigEndian ? 'big' : 'little'}-endian`;

const files = new Map(
  LAYOUTS.map(([longSize, bigEndian]) => [nameOf(longSize, bigEndian), recorded(longSize, bigEndian)]),
);
const open = (longSize: WordSize, bigEndian: boolean) =>
  openSource(sourceOf(files.get(nameOf(longSize, bigEndian))!));

test('the same findings and counts in all layouts', async () => {
  const told = async (longSize: WordSize, bigEndian: boolean) => {
    const { trace, findings } = analyzeCapture(await open(longSize, bigEndian));
    const { events } = inspectCapture(await open(longSize, bigEndian));
    const found = findings.map(
      ({ signature, confidence, startNs }) => `${signature} ${confidence} ${startNs}`,
    );
    return { found, events, problems: trace.problems.map(({ name }) => name) };
  };
  const usual = await told(8, false);
  expect(usual.found[0]).toMatch(/^never-released.lost-unlock/);
  expect(usual.problems).toEqual(['no-symbols']);
  for (const [longSize, bigEndian] of LAYOUTS)
    expect(await told(longSize, bigEndian), nameOf(longSize, bigEndian)).toEqual(usual);
});

describe.each([8, 4] as const)('a long of %d bytes, the bytes the other way round', (longSize) => {
  test('it says so', async () => {
    const bits = longSize === 4 ? ', 32-bit' : '';
    expect((await open(longSize, false)).format).toBe(`perf.data${bits}`);
    expect((await open(longSize, true)).format).toBe(`perf.data${bits || ','} big-endian`);
    expect((await open(longSize, true)).kernel).toBe('6.12.0-built');
  });

  test('events, their places, records and callers', async () => {
    const [little, big] = [await open(longSize, false), await open(longSize, true)];
    const { events, different } = compareEvents(little, big, 1);
    expect(different).toEqual([]);
    expect(events).toBeGreaterThan(5000);
    const { place } = [...eventsOf(await open(longSize, true))][0]!;
    expect(big.record(place)?.callers).toEqual(['0xffffffff81000100']);
  });

  test('damaged, it is read alike by the engine and its twin', async () => {
    const file = recorded(longSize, true, { seed: 7, cpus: 2, events: 1500 });
    expect(await damagedAlike(file, 60)).toBeGreaterThan(30);
  });

  test('the report, by the engine and by its twin', async () => {
    const expected = reportOf(await open(longSize, false));
    expect(reportOf(await open(longSize, true))).toEqual(expected);
    expect(reportOf(await open(longSize, true), makeTwin)).toEqual(expected);
  });
});

function hasPerf(): boolean {
  try {
    execFileSync('sh', ['-c', 'perf --version'], { stdio: 'ignore' });
    return true;
  } catch {
    console.warn('SKIPPED: perf is not installed, so no built perf.data is held against it');
    return false;
  }
}

describe.skipIf(!hasPerf())('perf script', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'spinback-perf-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  function script(longSize: WordSize, bigEndian: boolean, fields: string): string {
    const path = join(folder, 'perf.data');
    writeFileSync(path, files.get(nameOf(longSize, bigEndian))!);
    return execFileSync('perf', ['script', '--ns', '-F', fields, '-i', path], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 1 << 26,
    });
  }

  test.each(LAYOUTS)(
    'long of %d bytes, big-endian %s: perf reads what we read',
    async (longSize, bigEndian) => {
      const capture = await open(longSize, bigEndian);
      const names = new Map(capture.types.map(({ id, system, name }) => [id, `${system}:${name}`]));
      const own = Array.from(eventsOf(capture), ({ event: { pid, cpu, time, type } }) =>
        [pid, cpu, time, names.get(type)].join(' '),
      );
      // "    0 [003]    14.378030367: preemptirq:irq_disable: "
      const theirs = Array.from(
        script(longSize, bigEndian, 'pid,cpu,time,event').matchAll(
          /^ *(-?\d+) \[(\d+)\] +(\d+)\.(\d{9}): +(\w+:\w+):/gm,
        ),
        ([, pid, cpu, seconds, rest, event]) =>
          [pid, Number(cpu), BigInt(`${seconds}${rest}`), event].join(' '),
      );
      expect(theirs.toSorted()).toEqual(own.toSorted());
    },
  );

  test.each([8, 4] as const)('long of %d bytes: the fields are the same the other way round', (longSize) => {
    const [little, big] = [false, true].map((order) => script(longSize, order, 'time,event,ip,trace'));
    expect(little!.split('\n').length).toBeGreaterThan(5000);
    expect(big).toBe(little);
  });
});

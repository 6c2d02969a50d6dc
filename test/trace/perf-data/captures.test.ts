import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { makeTwin } from '../../../src/engine/twin/twin-engine.ts';
import { scanInWasm } from '../../../src/engine/sample-scanner.ts';
import { scanInTypeScript } from '../../../src/engine/twin/scan-samples.ts';
import { readEngineBinary } from '../../../src/io/engine-binary.ts';
import { KINDS } from '../../../src/model/event.ts';
import type { SampleStream, SampleTables, ScanItem } from '../../../src/model/samples.ts';
import { analyzeCapture, eventsOf, inspectCapture } from '../../../src/session/session.ts';
import { openCapture } from '../../../src/trace/open.ts';
import { anyCapture } from '../../captures.ts';

/** What perf 6.1 counts in each capture (perf script, perf report --stats), found independently of any tool of ours. */
const TRUTH = [
  {
    file: 'perf-ext4-lost.data',
    format: 'perf.data',
    lost: [54634, 65517],
    types: {
      lock_release: 2278,
      lock_acquire: 2248,
      lock_acquired: 1023,
      irq_enable: 615,
      irq_disable: 598,
      preempt_enable: 538,
      preempt_disable: 522,
      contention_end: 121,
      contention_begin: 113,
      sched_switch: 36,
      lock_contended: 2,
    },
  },
  {
    file: 'perf-ext4-lock.data',
    format: 'perf.data',
    lost: [0, 0],
    types: { lock_acquire: 204133, lock_release: 204097, lock_acquired: 81819, lock_contended: 180 },
  },
  {
    file: 'perf-ext4-z.data',
    format: 'perf.data (zstd)',
    lost: [227188, 824332],
    types: {
      lock_release: 223900,
      lock_acquire: 223895,
      lock_acquired: 88939,
      irq_enable: 61179,
      irq_disable: 61156,
      preempt_enable: 58809,
      preempt_disable: 58795,
      sched_switch: 2584,
      bit_spin_acquire: 1558,
      bit_spin_acquired: 1558,
      bit_spin_release: 1558,
      contention_end: 701,
      contention_begin: 695,
      lock_contended: 168,
    },
  },
] as const;

const total = (types: object): number => Object.values(types).reduce((sum: number, n: number) => sum + n, 0);

const isInstalled = (program: string) => spawnSync(program, ['--version']).error === undefined;
const hasPerf = isInstalled('perf') && isInstalled('zstd');
if (!hasPerf)
  console.warn("SKIPPED: perf and zstd are not installed, perf's events are not compared with ours");

const folder = mkdtempSync(join(tmpdir(), 'spinback-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** perf does not read packed files. */
function unpacked(path: string): string {
  if (!path.endsWith('.zst')) return path;
  const plain = join(folder, 'perf.data');
  spawnSync('zstd', ['-dqf', path, '-o', plain]);
  return plain;
}

describe.each(TRUTH)('$file', ({ file, format, lost, types }) => {
  const path = anyCapture(file);

  test.skipIf(!path)('counts by event, losses by their two kinds', async () => {
    const capture = await openCapture(path!);
    const info = inspectCapture(capture);
    expect(capture.format).toBe(format);
    expect(info.trace).toMatchObject({
      kernel: '6.12.117-bitlock',
      cpus: 4,
      clock: 'perf',
      timeUnit: 'ns',
      events: total(types),
    });
    expect(
      Object.fromEntries(info.events.map(({ event, count }) => [event.replace(/^.*:/, ''), count])),
    ).toEqual(types);
    const counted = (name: string) =>
      info.trace.problems.find((problem) => problem.name === name)?.count ?? 0;
    expect([counted('lost'), counted('lost-samples')]).toEqual(lost);
    expect(info.trace.perCpu.reduce((sum, cpu) => sum + (cpu.lost ?? NaN), 0)).toBe(Math.max(...lost));
    expect(counted('time-backwards') + counted('damaged-records') + counted('unknown-types')).toBe(0);
    capture.close();
  });

  test.skipIf(!path)('losses leave nothing above possible', async () => {
    const capture = await openCapture(path!);
    const { findings } = analyzeCapture(capture);
    expect(findings.filter(({ confidence }) => confidence !== 'possible')).toEqual([]);
    for (const { taintedBy } of lost[1] > 0 ? findings : [])
      expect(taintedBy.join()).toMatch(/lost \d+ events/);
    capture.close();
  });

  test.skipIf(!path)('the passes of wasm and twin find the same pieces', async () => {
    const module = new WebAssembly.Module(readEngineBinary('release') as Uint8Array<ArrayBuffer>);
    const capture = await openCapture(path!);
    capture.arrange?.((stream, tables, take) => {
      const items = (scan: typeof scanInTypeScript) => {
        const found: ScanItem[] = [];
        return [scan(stream, tables, (item) => found.push(item)), found];
      };
      const wasm = items((stream: SampleStream, tables: SampleTables, take) =>
        scanInWasm(module, stream, tables, take),
      );
      expect(wasm).toEqual(items(scanInTypeScript));
      return scanInTypeScript(stream, tables, take);
    });
    capture.close();
  });

  test.skipIf(!path || !hasPerf)('perf script prints the same events in the same order', async () => {
    const script = spawn('perf', ['script', '--ns', '-F', 'tid,cpu,time,event', '-i', unpacked(path!)], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const capture = await openCapture(path!);
    const events = eventsOf(capture);
    const next = () => {
      for (;;) {
        const { value, done } = events.next();
        if (done) return null;
        if (KINDS[value.event.kind] !== 'lost') return value.event;
      }
    };
    const names = new Map<number, string>();
    for (const { id, name } of capture.types) names.set(id, name);
    let compared = 0;
    for await (const line of createInterface({ input: script.stdout })) {
      const [, tid, cpu, seconds, ns, name] = /^\s*(-?\d+)\s+\[(\d+)\]\s+(\d+)\.(\d{9}):\s+\w+:(\w+):/.exec(
        line,
      )!;
      const event = next();
      const ours = event && [event.pid, event.cpu, event.time, names.get(event.type)];
      const theirs = [Number(tid), Number(cpu), BigInt(seconds! + ns!), name];
      if (ours?.join() !== theirs.join()) expect({ compared, ours }).toEqual({ compared, ours: theirs });
      compared++;
    }
    expect(compared).toBe(total(types));
    expect(next()).toBeNull();
    capture.close();
  });
});

test('the twin judges the same', async ({ skip }) => {
  const path = anyCapture('perf-ext4-lost.data');
  if (!path) return skip();
  const report = async (engine?: typeof makeTwin) => {
    const capture = await openCapture(path);
    const result = analyzeCapture(capture, engine ? { engine } : {});
    capture.close();
    return result;
  };
  expect(await report(makeTwin)).toEqual(await report());
});

import { describe, expect, it } from 'vitest';
import { readEngineBinary } from '../../src/io/engine-binary.ts';
import { bytesSource } from '../../src/io/bytes.ts';
import type { ByteSource } from '../../src/io/source.ts';
import { WasmEngine } from '../../src/engine/wasm-engine.ts';
import { generateTraceDat, packerFor, readFault } from '../../src/generate/index.ts';
import type { Report } from '../../src/model/report.ts';
import { analyzeCapture, eventsOf, inspectCapture, type AnalyzeOptions } from '../../src/session/session.ts';
import { openCapture, openSource } from '../../src/trace/open.ts';
import { smallCapture } from '../captures.ts';

async function report(path: string, options: AnalyzeOptions = {}): Promise<Report> {
  const capture = await openCapture(smallCapture(path));
  try {
    return analyzeCapture(capture, options);
  } finally {
    capture.close();
  }
}

/** A source that reads at most `most` bytes at a time. */
function dribbling(source: ByteSource, most: number): ByteSource {
  return {
    name: source.name,
    size: source.size,
    readInto(target, position) {
      let done = 0;
      while (done < target.length) {
        const got = source.readInto(target.subarray(done, done + most), position + done);
        if (got === 0) break;
        done += got;
      }
      return done;
    },
    close: () => source.close(),
  };
}

describe('the same input gives the same report', () => {
  it('whatever the windows, the ring and the build of the engine', async () => {
    const usual = await report('slow-holder.dat');
    const module = new WebAssembly.Module(readEngineBinary('debug') as Uint8Array<ArrayBuffer>);
    const variants: AnalyzeOptions[] = [
      { limits: { windowBudget: 4096 } },
      { limits: { ringRecords: 32 } },
      { limits: { tablePower: 4 } },
      { engine: (options) => new WasmEngine(module, options) },
    ];
    for (const options of variants) expect(await report('slow-holder.dat', options)).toEqual(usual);
    expect(JSON.stringify(await report('slow-holder.dat'))).toBe(JSON.stringify(usual));
  });

  it('whatever the size of reads', async () => {
    const { bytes } = generateTraceDat(
      { seed: 4, events: 5000, faults: [readFault('lost-unlock')] },
      { packer: packerFor('zlib') },
    );
    const reports = [];
    for (const most of [1, 7, 4096, 1 << 20]) {
      const capture = await openSource(dribbling(bytesSource(bytes), most));
      reports.push(analyzeCapture(capture));
    }
    for (const other of reports) expect(other).toEqual(reports[0]);
    expect(reports[0]!.findings[0]?.cause).toBe('lost-unlock');
  });
});

describe('tables that may hold little', () => {
  it('forget what is free and keep the stuck lock', async () => {
    const usual = await report('lost-unlock.dat');
    const tight = await report('lost-unlock.dat', { limits: { tablePower: 4, tableFloor: 8 } });
    expect(tight.stats.locks.forgotten).toBeGreaterThan(0);
    expect(tight.stats.locks.peak).toBeLessThan(usual.stats.locks.peak);
    expect(tight.findings.filter(({ kind }) => kind === 'never-released')).toEqual(
      usual.findings.filter(({ kind }) => kind === 'never-released'),
    );
  });

  it('say so when memory is at its limit', async () => {
    const { bytes } = generateTraceDat({ seed: 2, events: 20_000, locks: 50_000, zipf: 0 });
    const capture = await openSource(bytesSource(bytes));
    const limited = analyzeCapture(capture, {
      limits: { memoryLimit: 1 << 20, windowBudget: 65536, ringRecords: 32 },
    });
    expect(limited.trace.events).toBe(20_000);
    expect(limited.trace.problems.map(({ name }) => name)).toContain('untracked-lock-events');
    expect(limited.stats.engine['untracked-lock-events']).toBeGreaterThan(0);
  });
});

describe('thresholds', () => {
  it('all of them in one run', async () => {
    const low = await report('slow-holder.dat', {
      thresholds: { spinNs: 1e4, irqOffNs: 5e6, watchdogNs: 1e9 },
    });
    expect(low.thresholds).toEqual({ spinNs: 1e4, irqOffNs: 5e6, watchdogNs: 1e9 });
    expect(low.findings.filter(({ kind }) => kind === 'irq-off-spin').length).toBeGreaterThan(1);
    expect(low.findings.some(({ kind }) => kind === 'irq-off')).toBe(true);
    const spin = low.findings.find(({ durationNs }) => durationNs > 2.9e9);
    expect(spin?.watchdog).toMatchObject({ thresholdNs: 1e9, hard: 'must', soft: 'cannot' });
    const noSpin = await report('slow-holder.dat', { thresholds: { spinNs: 3e9 } });
    expect(noSpin.findings.map(({ kind }) => kind)).toEqual(['irq-off']);
    const high = await report('slow-holder.dat', { thresholds: { spinNs: 3e9, irqOffNs: 3e9 } });
    expect(high.findings).toEqual([]);
  });

  it('do not apply where the time unit is not known', async () => {
    const { bytes } = generateTraceDat(
      { seed: 3, events: 5000, faults: [readFault('slow-holder')] },
      { clock: 'x86-tsc', tsc2nsec: false },
    );
    const cycles = analyzeCapture(await openSource(bytesSource(bytes)));
    expect(cycles.trace.timeUnit).toBe('cycles');
    expect(cycles.findings).toEqual([]);
  });
});

describe('eventsOf', () => {
  it('delivers every event in merged order, and stops when the consumer does', async () => {
    const capture = await openCapture(smallCapture('slow-holder.dat'));
    let [events, last, backwards] = [0, 0n, 0];
    for (const { event } of eventsOf(capture)) {
      events++;
      if (event.time < last) backwards++;
      last = event.time;
    }
    expect([events, backwards]).toEqual([69_998, 0]);
    capture.close();
    const again = await openCapture(smallCapture('slow-holder.dat'));
    for (const { event } of eventsOf(again)) {
      expect(event.time).toBe(10_251_583_336n);
      break;
    }
    again.close();
  });
});

describe('inspectCapture', () => {
  it('tells what a stock capture cannot answer, and what to record', async () => {
    const capture = await openCapture(smallCapture('stock.dat'));
    const info = inspectCapture(capture);
    capture.close();
    const answers = new Map(
      info.questions.map(({ question, answer, record }) => [question, { answer, record }]),
    );
    expect(answers.get('Which bit lock was never released?')).toMatchObject({
      answer: 'no',
      record: expect.stringContaining('kprobes'),
    });
    expect(answers.get('For how long were interrupts off, and since when?')).toMatchObject({
      answer: 'partly',
      record: expect.stringContaining('preemptirq'),
    });
    expect(answers.get('Did a CPU fall silent?')?.answer).toBe('yes');
    expect(info.events[0]).toEqual({ event: 'timer:hrtimer_expire_entry', count: 35_658 });
  });

  it('a complete capture can answer the main questions', async () => {
    const capture = await openCapture(smallCapture('lost-unlock.dat'));
    const info = inspectCapture(capture);
    capture.close();
    const yes = info.questions.filter(({ answer }) => answer === 'yes').map(({ question }) => question);
    expect(yes).toContain('Which bit lock was never released?');
    expect(yes).toContain('Who undid an unlock with a plain store?');
  });
});

import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Io } from '../../src/cli/io.ts';
import { run } from '../../src/cli/run.ts';
import { serve } from '../../src/cli/serve.ts';
import { generateTraceDat } from '../../src/generate/index.ts';
import { MemoryOutput } from './harness.ts';

const seen = vi.hoisted(() => ({
  totals: new Set<number>(),
  answers: [] as { part?: number; outcome?: object }[],
  listener: (_path: string): Promise<void> => Promise.resolve(),
}));

vi.mock('cli-progress', () => ({
  default: {
    SingleBar: class {
      start(): void {}
      update(): void {}
      stop(): void {}
      setTotal(total: number): void {
        seen.totals.add(total);
      }
    },
  },
}));

vi.mock('node:worker_threads', () => ({
  workerData: { task: { command: {} }, isDebug: false, wantsProgress: true },
  parentPort: {
    on: (_: string, listener: (path: string) => Promise<void>) => (seen.listener = listener),
    postMessage: (answer: object) => seen.answers.push(answer),
  },
}));

const folder = mkdtempSync(join(tmpdir(), 'spinback-'));
const packed = join(folder, 'packed.dat.gz');
const other = join(folder, 'other.dat.gz');
const zeros = join(folder, 'zeros.gz');

beforeAll(() => {
  writeFileSync(packed, gzipSync(generateTraceDat({ seed: 1, events: 20_000 }).bytes));
  writeFileSync(other, gzipSync(generateTraceDat({ seed: 2, events: 20_000 }).bytes));
  writeFileSync(zeros, gzipSync(new Uint8Array(1 << 20)));
});
afterAll(() => rmSync(folder, { recursive: true }));

// A clock on which every report comes late enough to be shown.
beforeEach(() => {
  let now = 0;
  vi.spyOn(Date, 'now').mockImplementation(() => (now += 1000));
});
afterEach(() => void vi.restoreAllMocks());

async function totalsOf(argv: readonly string[]): Promise<ReadonlySet<number>> {
  seen.totals.clear();
  const io: Io = {
    stdout: new MemoryOutput(),
    stderr: new MemoryOutput(true, 100),
    env: {},
    session: () => Promise.reject(new Error('not needed')),
  };
  expect(await run(argv, io)).toBe(0);
  return seen.totals;
}

describe('progress', () => {
  it('is shown while inputs of stats and compare are unpacked', async () => {
    const size = (path: string): number => statSync(path).size;
    expect(await totalsOf(['stats', packed])).toContain(size(packed));
    const totals = await totalsOf(['compare', packed, other]);
    expect([...totals]).toEqual(expect.arrayContaining([size(packed), size(other)]));
    // Reading what was unpacked is shown as well.
    expect(totals.size).toBeGreaterThan(2);
  });

  it('is told by a worker thread from the first byte on', async () => {
    serve();
    await seen.listener(zeros);
    expect(seen.answers.at(-1)!.outcome).toMatchObject({ exit: 3 });
    expect(seen.answers.slice(0, -1).map(({ part }) => part)).toContain(1);
  });
});

import { describe, expect, it, vi } from 'vitest';
import { SpinbackError } from '../../src/base/errors.ts';
import { errorText, EXIT } from '../../src/cli/exit.ts';
import type { Outcome } from '../../src/cli/files.ts';
import type { Io } from '../../src/cli/io.ts';
import { Pool } from '../../src/cli/pool.ts';
import { run } from '../../src/cli/run.ts';
import type { Thread, ThreadListener, Threads } from '../../src/cli/threads.ts';
import { MemoryOutput } from './harness.ts';

/** Threads that answer when the test says so. */
class Puppets implements Threads {
  readonly begun: string[] = [];
  readonly atWork = new Map<string, ThreadListener>();
  started = 0;
  stopped = 0;

  start(_: unknown, listener: ThreadListener): Thread {
    this.started++;
    return {
      analyze: (path) => {
        this.begun.push(path);
        this.atWork.set(path, listener);
      },
      stop: async () => void this.stopped++,
    };
  }

  worthwhile(): number {
    return 2;
  }

  finish(path: string, outcome: Outcome = { text: `${path}\n`, exit: EXIT.ok, problems: [] }): void {
    const listener = this.atWork.get(path)!;
    this.atWork.delete(path);
    listener.answered({ outcome });
  }

  kill(path: string): void {
    const listener = this.atWork.get(path)!;
    this.atWork.delete(path);
    listener.died(new Error('out of memory'));
  }
}

/** Lets everything happen that can happen without an answer. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function analyze(paths: readonly string[], ...options: string[]) {
  const threads = new Puppets();
  const [stdout, stderr] = [new MemoryOutput(), new MemoryOutput()];
  const io: Io = {
    stdout,
    stderr,
    env: {},
    session: () => Promise.reject(new Error('no file may be opened in this thread')),
    threads: async () => threads,
  };
  return { threads, stdout, stderr, exit: run(['analyze', '--json', ...options, ...paths], io) };
}

const PATHS = Array.from({ length: 12 }, (_, n) => `${n}.dat`);

describe('several files on several threads', () => {
  it('are printed in order, whichever is ready first, and as soon as they can be', async () => {
    const { threads, stdout, exit } = analyze(['a', 'b', 'c'], '--jobs', '3');
    await vi.waitFor(() => expect(threads.begun).not.toEqual([]));
    expect(threads.begun).toEqual(['a', 'b', 'c']);
    threads.finish('c');
    threads.finish('b');
    await settle();
    expect(stdout.text).toBe('');
    threads.finish('a');
    await settle();
    expect(stdout.text).toBe('a\nb\nc\n');
    expect(await exit).toBe(EXIT.ok);
    expect(threads).toMatchObject({ started: 3, stopped: 3 });
  });

  it('never occupy more threads than jobs, and do not run far ahead of a slow first file', async () => {
    const { threads, exit } = analyze(PATHS, '--jobs', '2');
    await vi.waitFor(() => expect(threads.begun).not.toEqual([]));
    for (const path of PATHS.slice(1)) {
      if (threads.atWork.has(path)) threads.finish(path);
      expect(threads.atWork.size).toBeLessThanOrEqual(2);
    }
    expect(threads.begun).toEqual(PATHS.slice(0, 8));
    for (const path of PATHS) {
      if (threads.atWork.has(path)) threads.finish(path);
      await settle();
    }
    expect(threads.begun).toEqual(PATHS);
    expect(threads.started).toBe(2);
    expect(await exit).toBe(EXIT.ok);
  });

  it('end with the worst status, each complaint in its place', async () => {
    const { threads, stdout, stderr, exit } = analyze(['a', 'b', 'c'], '--jobs', '2');
    await vi.waitFor(() => expect(threads.begun).not.toEqual([]));
    const error = new SpinbackError('DAMAGED', 'it is cut', { offset: 7 });
    threads.finish('b', { failure: errorText(error, 'b', false), exit: EXIT.unreadable });
    threads.finish('a', { text: 'a\n', exit: EXIT.findings, problems: [] });
    await settle();
    threads.finish('c');
    expect(await exit).toBe(EXIT.unreadable);
    expect(stdout.text).toBe('a\nc\n');
    expect(stderr.text).toBe('spinback: b: it is cut (offset 7)\n');
  });

  it('survive a thread that dies: an internal error for its file, and another thread', async () => {
    const { threads, stdout, stderr, exit } = analyze(['a', 'b', 'c', 'd'], '--jobs', '2');
    await vi.waitFor(() => expect(threads.begun).not.toEqual([]));
    threads.kill('a');
    await settle();
    expect(threads.begun).toEqual(['a', 'b', 'c']);
    for (const path of ['b', 'c', 'd']) {
      threads.finish(path);
      await settle();
    }
    expect(await exit).toBe(EXIT.internal);
    expect(stdout.text).toBe('b\nc\nd\n');
    expect(stderr.text).toContain('spinback: a: internal error: Error: out of memory');
    expect(threads.started).toBe(3);
  });

  it('take as many threads as pay unless told otherwise; one file takes none', async () => {
    const { threads, exit } = analyze(PATHS);
    await vi.waitFor(() => expect(threads.begun).not.toEqual([]));
    expect(threads.atWork.size).toBe(2);
    for (const path of PATHS) {
      threads.finish(path);
      await settle();
    }
    expect(await exit).toBe(EXIT.ok);
    for (const paths of [['a'], ['a', '-'], ['a', 'b', '--jobs', '1']]) {
      const alone = analyze(paths);
      expect(await alone.exit).toBe(EXIT.internal);
      expect(alone.threads.started).toBe(0);
    }
  });

  it.each(['0', '257', 'x', '-1'])('--jobs %s is wrong usage', async (jobs) => {
    expect(await analyze(['a', 'b'], `--jobs=${jobs}`).exit).toBe(EXIT.usage);
  });
});

it('a bar for all files counts parts of files', async () => {
  const threads = new Puppets();
  const stderr = new MemoryOutput(true);
  const io = {
    stdout: new MemoryOutput(),
    stderr,
    env: { TERM: 'dumb' },
    session: () => Promise.reject(new Error('none')),
    threads: async () => threads,
  };
  const command = { watchdog: 1, spin: 1, irqOff: 1, failOn: 'never', limit: 1 } as const;
  const task = { command, appearance: { isColored: false, width: 100 }, isOneOfMany: true };
  const pool = await Pool.start(['a', 'b'], task, 1, io);
  const first = pool.outcome(0);
  threads.atWork.get('a')!.answered({ part: 0.5 });
  threads.finish('a');
  expect(await first).toMatchObject({ text: 'a\n' });
  expect(threads.begun).toEqual(['a', 'b']);
  await pool.stop();
});

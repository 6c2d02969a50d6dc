import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { useNativeCode } from '../io/native-code.ts';
import type { Task } from './analyze-file.ts';
import type { Outcome } from './files.ts';

/** What a thread is started with. */
export interface ThreadData {
  readonly task: Task;
  /** Stacks with internal errors. */
  readonly isDebug: boolean;
  readonly wantsProgress: boolean;
}

/** What a thread answers to a path: how far it is, now and then, and in the end what the file came to. */
export type Answer = { readonly part: number } | { readonly outcome: Outcome };

/** A thread that analyses one file after the other. */
export interface Thread {
  /** Sends the path of the next file. */
  analyze(path: string): void;
  /** Ends the thread, whatever it does. */
  stop(): Promise<void>;
}

/** Who hears of a thread's answers, and of its end when nobody asked for it. */
export interface ThreadListener {
  answered(answer: Answer): void;
  died(why: Error): void;
}

/** Where threads come from; tests put their own here. */
export interface Threads {
  start(data: ThreadData, listener: ThreadListener): Thread;
  /** How many threads pay for these files. */
  worthwhile(paths: readonly string[]): number;
}

/** A thread costs some 40 ms of CPU before it reads its first event; a capture of this size costs five times that. */
const BYTES_PER_THREAD = 64 << 20;

/** Worker threads of Node, which run the bundled `serve()`. */
export const workerThreads: Threads = {
  start(data, { answered, died }) {
    // V8 keeps a module's code for all threads of the process.
    useNativeCode('engine');
    useNativeCode('zstd');
    const worker = new Worker(new URL('./worker.cjs', import.meta.url), { workerData: data });
    let isOver = false;
    const over = (why: Error): void => {
      if (!isOver) died(why);
      isOver = true;
    };
    worker.on('message', answered);
    worker.on('messageerror', over);
    worker.on('error', over);
    worker.on('exit', (status) => over(new Error(`the thread ended with status ${status}`)));
    return {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      analyze: (path) => worker.postMessage(path),
      async stop() {
        isOver = true;
        await worker.terminate();
      },
    };
  },
  worthwhile(paths) {
    const bytes = paths.reduce((sum, path) => sum + sizeOf(path), 0);
    return Math.max(1, Math.min(availableParallelism(), Math.floor(bytes / BYTES_PER_THREAD)));
  },
};

/** What cannot be looked at will be complained of when it is opened. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

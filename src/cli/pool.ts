import type { Task } from './analyze-file.ts';
import { errorText, exitOf } from './exit.ts';
import { isDebug, type Outcome } from './files.ts';
import type { Io } from './io.ts';
import { progressBar, type ProgressBar } from './progress.ts';
import type { Answer, Thread, ThreadData, Threads } from './threads.ts';

/** Reports may wait for an earlier file's, so many per thread: they lie in memory. */
const AHEAD = 4;
/** Steps of the progress bar per file. */
const STEPS = 1000;

interface Job {
  readonly thread: Thread;
  /** The file that is at work there, null while there is none. */
  at: number | null;
}

/** Analyses files on several threads. A thread that dies is replaced; its file came to an internal error. */
export class Pool {
  readonly #paths: readonly string[];
  readonly #most: number;
  readonly #threads: Threads;
  readonly #data: ThreadData;
  readonly #bar: ProgressBar;
  readonly #results: readonly Result[];
  readonly #jobs = new Set<Job>();
  #next = 0;
  #horizon = 0;

  static async start(paths: readonly string[], task: Task, most: number, io: Io): Promise<Pool> {
    const data = { task, isDebug: isDebug(io), wantsProgress: io.stderr.isTTY };
    return new Pool(paths, most, await io.threads!(), data, await progressBar(io, `${paths.length} files`));
  }

  private constructor(
    paths: readonly string[],
    most: number,
    threads: Threads,
    data: ThreadData,
    bar: ProgressBar,
  ) {
    this.#paths = paths;
    this.#most = most;
    this.#threads = threads;
    this.#data = data;
    this.#bar = bar;
    this.#results = paths.map(() => new Result());
  }

  /** What a file came to. To be called in the order of the paths: files are begun a little ahead of what is asked for. */
  async outcome(at: number): Promise<Outcome> {
    this.#horizon = at + AHEAD * this.#most;
    this.#handOut();
    const outcome = await this.#results[at]!.outcome;
    // What comes next is printed.
    this.#bar.stop();
    return outcome;
  }

  async stop(): Promise<void> {
    this.#bar.stop();
    await Promise.all([...this.#jobs].map(({ thread }) => thread.stop()));
  }

  /** Gives files to idle threads, and to new ones while there may be more. */
  #handOut(): void {
    while (this.#next < Math.min(this.#paths.length, this.#horizon)) {
      const job = [...this.#jobs].find(({ at }) => at === null) ?? this.#startThread();
      if (!job) return;
      job.at = this.#next++;
      job.thread.analyze(this.#paths[job.at]!);
    }
  }

  #startThread(): Job | null {
    if (this.#jobs.size >= this.#most) return null;
    const thread = this.#threads.start(this.#data, {
      answered: (answer) => this.#answered(job, answer),
      died: (why) => this.#died(job, why),
    });
    const job: Job = { thread, at: null };
    this.#jobs.add(job);
    return job;
  }

  #answered(job: Job, answer: Answer): void {
    const result = this.#results[job.at!]!;
    if ('part' in answer) {
      result.part = answer.part;
    } else {
      result.settle(answer.outcome);
      job.at = null;
      this.#handOut();
    }
    const parts = this.#results.reduce((sum, { part }) => sum + part, 0);
    this.#bar.report({ done: STEPS * parts, total: STEPS * this.#paths.length });
  }

  #died(job: Job, why: Error): void {
    this.#jobs.delete(job);
    if (job.at === null) return;
    const failure = errorText(why, this.#paths[job.at]!, this.#data.isDebug);
    this.#results[job.at]!.settle({ failure, exit: exitOf(why) });
    this.#handOut();
  }
}

/** What will become of a file, and how much of it is done. */
class Result {
  part = 0;
  readonly outcome: Promise<Outcome>;
  #resolve!: (outcome: Outcome) => void;

  constructor() {
    this.outcome = new Promise((resolve) => (this.#resolve = resolve));
  }

  settle(outcome: Outcome): void {
    this.part = 1;
    this.#resolve(outcome);
  }
}

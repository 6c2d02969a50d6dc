import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

const CHILD = resolve(import.meta.dirname, 'replayer-child.js');

/** A process that holds one tree's library and replays one file as often as it is asked to. */
export class Replayer {
  readonly #child: ChildProcess;
  readonly #failure: Promise<never>;

  constructor(root: string, file: string) {
    this.#child = fork(CHILD, [root, file]);
    this.#failure = once(this.#child, 'exit').then(([status]) => {
      throw new Error(`the replay of ${file} with ${root} ended with status ${status}`);
    });
    // Whoever waits for a replay gets it; after stop() nobody does.
    this.#failure.catch(() => {});
  }

  /** CPU time of one more replay, ms. */
  async replay(): Promise<number> {
    const answer = once(this.#child, 'message') as Promise<[number]>;
    this.#child.send('again');
    const [ms] = await Promise.race([answer, this.#failure]);
    return ms;
  }

  stop(): void {
    this.#child.kill();
  }
}

import type { ByteReader } from '../../base/byte-reader.ts';
import * as P from '../../model/perf-records.ts';

/** More tasks than that are not remembered. */
const MOST_TASKS = 1 << 18;
/** A parent's parent's ... name: as far as names are inherited. */
const GENERATIONS = 16;

/** Names of tasks: COMM records, and FORK records, whose child has its parent's name until it gets its own. */
export class TaskNames {
  readonly #names = new Map<number, string>();
  readonly #parents = new Map<number, number>();

  /** A COMM or FORK record. The last name of a task counts. */
  add(type: number, record: ByteReader): void {
    record.position = 8;
    if (type === P.COMM && record.remaining > 8) {
      // u32 pid, tid; the name
      record.position += 4;
      const tid = record.u32();
      const end = record.bytes.indexOf(0, record.position);
      if (end > 0 && (this.#names.size < MOST_TASKS || this.#names.has(tid)))
        this.#names.set(tid, record.cstring('a name'));
    } else if (type === P.FORK && record.remaining >= 16) {
      // u32 pid, parent pid, tid, parent tid
      record.position += 8;
      const [tid, parent] = [record.u32(), record.u32()];
      if (tid !== parent && this.#parents.size < MOST_TASKS) this.#parents.set(tid, parent);
    }
  }

  /** Everybody whose name is known, given or inherited. */
  *all(): Generator<readonly [pid: number, name: string]> {
    for (const pid of new Set([...this.#names.keys(), ...this.#parents.keys()])) {
      const name = this.comm(pid);
      if (name !== null) yield [pid, name];
    }
  }

  comm(pid: number): string | null {
    if (pid === 0) return '<idle>';
    let task: number | undefined = pid;
    for (let n = 0; task !== undefined && n < GENERATIONS; n++) {
      const name = this.#names.get(task);
      if (name !== undefined) return name;
      task = this.#parents.get(task);
    }
    return null;
  }
}

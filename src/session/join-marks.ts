import { parseLine } from '../dmesg/lines/prefix.ts';
import type { KernelMessage } from '../model/case.ts';
import type { LogReport } from '../model/kernel-log.ts';

/** How much the offsets of lines differ at most that are taken for one: a clock is slewed by 500 ppm at most, which is that much in 200 s. */
const TOGETHER_NS = 100e6;

/** Reports within this time of one another may be told together in every boot, such as all tasks that hang (kernel/hung_task.c). */
const MOMENT_NS = 1_000_000_000n;

/**
 * What no other boot prints again: addresses of 64-bit kernels, times in nanoseconds, the number of a grace period with what is queued.
 * A preempt count (0x00000002, 0xffffffff) does come again.
 *   csd: Detected non-responsive CSD lock (#1) on CPU#2, waiting 5000000036 ns for CPU#03 do_nothing+0x0/0x10(0x0).
 *   INFO: rcu_sched detected stalls on CPUs/tasks: { 3} (detected by 0, t=60002 jiffies, g=13717, c=13716, q=567)
 */
const UNREPEATABLE = /\b(?:0x)?[1-9a-f][0-9a-f]{8,}\b|\bg=\d{4,}\b.*\bq=\d/;

/** Lines that are in the log and in the trace, at the offset between their clocks that speaks best for itself. */
export interface Marks {
  /** Trace time minus log time: the median. */
  readonly offsetNs: number;
  readonly spreadNs: number;
  readonly count: number;
  /** One of them is once in the log and once in the trace: there is no other way to pair it. */
  readonly unique: boolean;
  /**
   * Two boots do not print these: lines of different texts and at different times that agree on the offset, or one that cannot come again. A
   * lone "hard LOCKUP on cpu 3" can; and one victim that is reported again is so after whole periods of a timer, in any boot.
   */
  readonly ofOneBoot: boolean;
}

interface Line {
  readonly text: string;
  readonly at: bigint;
  readonly incident: string;
}

/** What lines of one text have in common. */
interface Wording {
  readonly unique: boolean;
  readonly unrepeatable: boolean;
}

interface Pair {
  readonly differenceNs: number;
  readonly line: Line;
  readonly message: KernelMessage;
  readonly wording: Wording;
  /** The same for lines of one moment. */
  readonly moment: number;
}

/**
 * Finds the offset between the clocks by the lines that are in both. A text that is there several times is paired every way. An offset
 * of one boot comes first, then one that `mayBe`, then the one that most lines share, then the one nearest 0. null: no line is in both.
 */
export function marksIn(
  log: LogReport,
  messages: readonly KernelMessage[],
  mayBe: (offsetNs: number) => boolean,
): Marks | null {
  const pairs = pairsOf(log, messages);
  const shared = new Shared();
  let best: Marks | null = null;
  let next = 0;
  for (const [first, pair] of pairs.entries()) {
    while (next < pairs.length && pairs[next]!.differenceNs - pair.differenceNs <= TOGETHER_NS)
      shared.add(pairs[next++]!);
    const marks: Marks = {
      offsetNs: pairs[(first + next) >> 1]!.differenceNs,
      spreadNs: pairs[next - 1]!.differenceNs - pair.differenceNs,
      ...shared.counts,
    };
    if (best === null || speaksMore(marks, best, mayBe)) best = marks;
    shared.remove(pair);
  }
  return best;
}

function speaksMore(a: Marks, b: Marks, mayBe: (offsetNs: number) => boolean): boolean {
  if (a.ofOneBoot !== b.ofOneBoot) return a.ofOneBoot;
  if (mayBe(a.offsetNs) !== mayBe(b.offsetNs)) return mayBe(a.offsetNs);
  if (a.count !== b.count) return a.count > b.count;
  return Math.abs(a.offsetNs) < Math.abs(b.offsetNs);
}

/** Each line of the log with each message of its text, in order of the difference in time. */
function pairsOf(log: LogReport, messages: readonly KernelMessage[]): Pair[] {
  const all = linesOf(log);
  const lines = byText(all, (line) => line.text);
  const moments = momentsOf(all);
  const pairs: Pair[] = [];
  for (const [text, said] of byText(messages, messageOf)) {
    const logged = lines.get(text) ?? [];
    const wording = {
      unique: logged.length === 1 && said.length === 1,
      unrepeatable: UNREPEATABLE.test(text),
    };
    for (const line of logged) {
      const moment = moments.get(line)!;
      for (const message of said) {
        const differenceNs = Number(message.mark.time - line.at);
        pairs.push({ differenceNs, line, message, wording, moment });
      }
    }
  }
  return pairs.toSorted((a, b) => a.differenceNs - b.differenceNs);
}

/** In order of time. */
function linesOf({ incidents }: LogReport): Line[] {
  return incidents
    .flatMap(({ id, entries }) =>
      entries.flatMap(({ text, atNs }) => (atNs === null ? [] : [{ text, at: BigInt(atNs), incident: id }])),
    )
    .toSorted((a, b) => Number(a.at - b.at));
}

/** Numbers the moments of lines in order of time. Of one incident, a panic or the next report comes as long after the first in every boot. */
function momentsOf(lines: readonly Line[]): Map<Line, number> {
  let moment = 0;
  return new Map(
    lines.map((line, at) => {
      const before = lines[at - 1];
      if (before && line.incident !== before.incident && line.at - before.at > MOMENT_NS) moment++;
      return [line, moment];
    }),
  );
}

/** Up to Linux 5.18 printk:console has a message as it is written to a console, with printk's time in front (call_console_driver). */
function messageOf({ text }: KernelMessage): string {
  return parseLine(text, 0).text;
}

function byText<T>(said: readonly T[], textOf: (one: T) => string): Map<string, T[]> {
  const texts = new Map<string, T[]>();
  for (const one of said) {
    const text = textOf(one).trim().replaceAll(/\s+/g, ' ');
    const same = texts.get(text);
    if (same) same.push(one);
    else texts.set(text, [one]);
  }
  return texts;
}

/** What the pairs of one offset have in common; a line and a message count once, however many pairs they are in. */
class Shared {
  readonly #lines = new Tally<Line>();
  readonly #messages = new Tally<KernelMessage>();
  readonly #wordings = new Tally<Wording>();
  readonly #moments = new Tally<number>();

  add({ line, message, wording, moment }: Pair): void {
    this.#lines.add(line);
    this.#messages.add(message);
    this.#wordings.add(wording);
    this.#moments.add(moment);
  }

  remove({ line, message, wording, moment }: Pair): void {
    this.#lines.remove(line);
    this.#messages.remove(message);
    this.#wordings.remove(wording);
    this.#moments.remove(moment);
  }

  get counts(): Pick<Marks, 'count' | 'unique' | 'ofOneBoot'> {
    const wordings = this.#wordings.all();
    const agree = wordings.length > 1 && this.#moments.size > 1;
    return {
      count: Math.min(this.#lines.size, this.#messages.size),
      unique: wordings.some(({ unique }) => unique),
      ofOneBoot: agree || wordings.some(({ unrepeatable }) => unrepeatable),
    };
  }
}

/** How often each of a few things is in a window that slides over them. */
class Tally<T> {
  readonly #times = new Map<T, number>();

  add(one: T): void {
    this.#times.set(one, (this.#times.get(one) ?? 0) + 1);
  }

  remove(one: T): void {
    const times = this.#times.get(one)! - 1;
    if (times > 0) this.#times.set(one, times);
    else this.#times.delete(one);
  }

  all(): T[] {
    return [...this.#times.keys()];
  }

  /** How many different ones there are. */
  get size(): number {
    return this.#times.size;
  }
}

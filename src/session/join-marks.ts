import type { KernelMessage } from '../model/case.ts';
import type { LogReport } from '../model/kernel-log.ts';

/** How far apart in time lines are at most that are taken to be marks of one offset: clocks are slewed by 500 ppm at most. */
const TOGETHER_NS = 100e6;

/** Lines that are in the log and in the trace, at the offset between their clocks that speaks best for itself. */
export interface Marks {
  /** Trace time minus log time: the median. */
  readonly offsetNs: number;
  readonly spreadNs: number;
  readonly count: number;
  /** One of them is once in the log and once in the trace: there is no other way to pair it. */
  readonly unique: boolean;
}

interface Line {
  readonly text: string;
  readonly at: bigint;
}

interface Pair {
  readonly differenceNs: number;
  readonly line: Line;
  readonly message: KernelMessage;
  readonly unique: boolean;
}

/**
 * Finds the offset between the clocks by the lines that are in both. A text that is there several times is paired every way. Of all
 * offsets one that `mayBe` comes first, then the one that most lines share, then the one nearest 0. null: no line is in both.
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
  if (mayBe(a.offsetNs) !== mayBe(b.offsetNs)) return mayBe(a.offsetNs);
  if (a.count !== b.count) return a.count > b.count;
  return Math.abs(a.offsetNs) < Math.abs(b.offsetNs);
}

/** Each line of the log with each message of its text, in order of the difference in time. */
function pairsOf(log: LogReport, messages: readonly KernelMessage[]): Pair[] {
  const lines = byText(linesOf(log));
  const pairs: Pair[] = [];
  for (const [text, said] of byText(messages)) {
    const logged = lines.get(text) ?? [];
    const unique = logged.length === 1 && said.length === 1;
    for (const line of logged)
      for (const message of said)
        pairs.push({ differenceNs: Number(message.mark.time - line.at), line, message, unique });
  }
  return pairs.toSorted((a, b) => a.differenceNs - b.differenceNs);
}

function linesOf({ incidents }: LogReport): Line[] {
  return incidents.flatMap(({ entries }) =>
    entries.flatMap(({ text, atNs }) => (atNs === null ? [] : [{ text, at: BigInt(atNs) }])),
  );
}

function byText<T extends { readonly text: string }>(said: readonly T[]): Map<string, T[]> {
  const texts = new Map<string, T[]>();
  for (const one of said) {
    const text = one.text.trim().replaceAll(/\s+/g, ' ');
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
  #unique = 0;

  add({ line, message, unique }: Pair): void {
    this.#lines.add(line);
    this.#messages.add(message);
    if (unique) this.#unique++;
  }

  remove({ line, message, unique }: Pair): void {
    this.#lines.remove(line);
    this.#messages.remove(message);
    if (unique) this.#unique--;
  }

  get counts(): Pick<Marks, 'count' | 'unique'> {
    return { count: Math.min(this.#lines.size, this.#messages.size), unique: this.#unique > 0 };
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

  /** How many different ones there are. */
  get size(): number {
    return this.#times.size;
  }
}

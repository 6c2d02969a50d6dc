import { analyzeLog } from '../dmesg/analyze-log.ts';
import { seconds } from '../base/units.ts';
import type { ClockJoin } from '../model/join.ts';
import type { LogReport } from '../model/kernel-log.ts';
import type { Problem } from '../model/report.ts';
import type { Mark } from '../model/state.ts';
import type { Capture } from '../trace/capture.ts';
import { messageText } from './narrator.ts';

/**
 * What is read of the kernel's messages: the last ones, for a hang is at the end. The ring that dmesg reads has 128 KiB to 1 MiB
 * (CONFIG_LOG_BUF_SHIFT).
 */
const LIMITS = { bytes: 4 << 20, messages: 1 << 16 };

const encoder = new TextEncoder();

/** The kernel's messages that a capture has as events (printk:console), as the log that they were printed into. */
export class OwnLog {
  readonly #capture: Capture;
  readonly #limits: typeof LIMITS;
  readonly #textOf: (mark: Mark) => string;
  /** The last ones: the oldest is overwritten. */
  readonly #marks: Mark[] = [];
  #seen = 0;

  /** @param textOf the message that a mark's record carries; it may have several lines, or a part of one */
  constructor(
    capture: Capture,
    limits = LIMITS,
    textOf = (mark: Mark): string => messageText(capture, mark),
  ) {
    this.#capture = capture;
    this.#limits = limits;
    this.#textOf = textOf;
  }

  /** Takes the next message in order of time. Its text is read at the end, if it is among the last ones then. */
  add(mark: Mark): void {
    this.#marks[this.#seen++ % this.#limits.messages] = mark;
  }

  /** Reads what was taken. The capture must be open still. */
  async read(): Promise<LogReport> {
    const parts = this.#lastParts();
    let part = new Uint8Array();
    const read = (target: Uint8Array): number => {
      if (part.length === 0) part = parts.pop() ?? part;
      const now = part.subarray(0, target.length);
      target.set(now);
      part = part.subarray(now.length);
      return now.length;
    };
    const problems = this.#problems(parts.length);
    const path = `messages in ${this.#capture.path}`;
    const report = await analyzeLog(path, read, { kernel: releaseIn(this.#capture.kernel) });
    // That there is none is no damage here.
    problems.push(...report.log.problems.filter(({ name }) => name !== 'empty-log'));
    return { ...report, log: { ...report.log, problems } };
  }

  /** The lines of the last messages that fit the limit, the latest message first. */
  #lastParts(): Uint8Array<ArrayBuffer>[] {
    const { bytes, messages } = this.#limits;
    const parts: Uint8Array<ArrayBuffer>[] = [];
    let size = 0;
    for (let n = this.#seen - 1; n >= 0 && n >= this.#seen - messages; n--) {
      const part = this.#linesOf(this.#marks[n % messages]!);
      size += part.length;
      if (size > bytes) break;
      parts.push(part);
    }
    return parts;
  }

  /** What is a part of a line becomes a line of its own. */
  #linesOf(mark: Mark): Uint8Array<ArrayBuffer> {
    const stamp = this.#capture.clock.unit === 'cycles' ? '' : `[${seconds(mark.time).padStart(15)}] `;
    const lines = this.#textOf(mark).split('\n');
    return encoder.encode(lines.map((line) => `${stamp}${line}\n`).join(''));
  }

  #problems(read: number): Problem[] {
    const { bytes, messages } = this.#limits;
    const problem = (name: string, severity: Problem['severity'], count: number, text: string): Problem[] =>
      count > 0 ? [{ name, severity, text, count, offset: null }] : [];
    const most = read === messages ? `${messages} of them` : `${bytes / 2 ** 20} MiB of their text`;
    return [
      ...problem(
        'no-messages',
        'info',
        this.#seen === 0 ? 1 : 0,
        "the capture has no messages of the kernel: record printk:console, or give the kernel's log with --log",
      ),
      ...problem(
        'messages-dropped',
        'data loss',
        this.#seen - read,
        `the first ${this.#seen - read} of ${this.#seen} messages were not read: only the last ${most} are: a hang is at the end`,
      ),
    ];
  }

  /** Both times are the event's own. */
  get clock(): ClockJoin {
    const none = { offsetNs: null, spreadNs: null, marks: 0, fits: true };
    if (this.#seen === 0) return { ...none, how: 'the capture has no messages of the kernel' };
    return this.#capture.clock.unit === 'cycles'
      ? { ...none, how: "the unit of the trace's clock is not known" }
      : {
          offsetNs: 0,
          spreadNs: null,
          marks: Math.min(this.#seen, this.#limits.messages),
          how: 'the lines of the log are events of the trace',
          fits: true,
        };
  }
}

/** The release in what a capture says of its kernel: "6.12.48", or as uname(1) prints it, "Linux host 6.12.48 x86_64". */
function releaseIn(kernel: string | null): string | null {
  return /(?:^|\s)(\d+\.\d+\S*)/.exec(kernel ?? '')?.[1] ?? null;
}

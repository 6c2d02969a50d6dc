import { analyzeLog } from '../dmesg/analyze-log.ts';
import type { ClockJoin } from '../model/join.ts';
import type { LogReport } from '../model/kernel-log.ts';
import type { Problem } from '../model/report.ts';
import type { Mark } from '../model/state.ts';
import type { Capture } from '../trace/capture.ts';

/** What is kept of the kernel's messages, in bytes: the ring that dmesg reads has 128 KiB to 1 MiB (CONFIG_LOG_BUF_SHIFT). */
const MOST_BYTES = 4 << 20;

const encoder = new TextEncoder();

/** The kernel's messages that a capture has as events (printk:console), as the log that they were printed into. */
export class OwnLog {
  readonly #capture: Capture;
  readonly #limit: number;
  readonly #lines: Uint8Array[] = [];
  #size = 0;
  #dropped = 0;

  constructor(capture: Capture, limit = MOST_BYTES) {
    this.#capture = capture;
    this.#limit = limit;
  }

  get hasRoom(): boolean {
    return this.#size < this.#limit;
  }

  /** One event's text, of several lines or of a part of one: what is a part of one becomes a line of its own. */
  add({ time }: Mark, text: string): void {
    if (!this.hasRoom) return this.skip();
    const stamp = this.#capture.clock.unit === 'cycles' ? '' : `[${seconds(time)}] `;
    const lines = text.split('\n').map((line) => `${stamp}${line}\n`);
    const bytes = encoder.encode(lines.join(''));
    this.#lines.push(bytes);
    this.#size += bytes.length;
  }

  /** A message that nobody read. */
  skip(): void {
    this.#dropped++;
  }

  async read(): Promise<LogReport> {
    const bytes = new Uint8Array(this.#size);
    let end = 0;
    for (const line of this.#lines) {
      bytes.set(line, end);
      end += line.length;
    }
    let position = 0;
    const report = await analyzeLog(`messages in ${this.#capture.path}`, (target) => {
      const part = bytes.subarray(position, position + target.length);
      target.set(part);
      position += part.length;
      return part.length;
    });
    // That there is none is no damage here.
    const problems = report.log.problems.filter(({ name }) => name !== 'empty-log');
    return { ...report, log: { ...report.log, problems: [...this.#problems(), ...problems] } };
  }

  #problems(): Problem[] {
    const problem = (name: string, severity: Problem['severity'], count: number, text: string): Problem => ({
      name,
      severity,
      text,
      count,
      offset: null,
    });
    return [
      ...(this.#lines.length === 0
        ? [
            problem(
              'no-messages',
              'info',
              1,
              "the capture has no messages of the kernel: record printk:console, or give the kernel's log with --log",
            ),
          ]
        : []),
      ...(this.#dropped > 0
        ? [
            problem(
              'messages-dropped',
              'data loss',
              this.#dropped,
              `messages were not read: the first ${this.#limit >> 20} MiB are`,
            ),
          ]
        : []),
    ];
  }

  /** Both times are the event's own. */
  get clock(): ClockJoin {
    const how = 'the lines of the log are events of the trace';
    return this.#capture.clock.unit === 'cycles'
      ? { offsetNs: null, spreadNs: null, marks: 0, how: "the unit of the trace's clock is not known" }
      : { offsetNs: 0, spreadNs: null, marks: this.#lines.length, how };
  }
}

/** As printk has them: "   39.196163". */
function seconds(ns: bigint): string {
  const micros = String(ns / 1000n).padStart(7, '0');
  return `${micros.slice(0, -6)}.${micros.slice(-6)}`.padStart(12);
}

import { NO_FIELD, otherRow, type DecodeRow } from '../../src/mapping/decode-row.ts';
import type { CanonicalEvent } from '../../src/model/event.ts';
import { namespaceFlags } from '../../src/model/event-record.ts';
import type { Info, Report } from '../../src/model/report.ts';
import type { AnalyzeOptions } from '../../src/session/session.ts';
import type { Io, Output, Session } from '../../src/cli/io.ts';
import { run } from '../../src/cli/run.ts';
import type { Capture, Clock, Damage, EventRecord, EventType } from '../../src/trace/capture.ts';
import type { OpenOptions } from '../../src/trace/reader.ts';
import { FLAG_IRQS_OFF, FLAG_PREEMPT_OFF } from '../../assembly/layout.ts';

/** An output that collects; with `closeAfter` its reader goes away after so many writes. */
export class MemoryOutput implements Output {
  readonly isTTY: boolean;
  readonly columns: number | undefined;
  readonly #closeAfter: number;
  text = '';
  writes = 0;

  constructor(isTTY = false, columns?: number, closeAfter = Infinity) {
    this.isTTY = isTTY;
    this.columns = columns;
    this.#closeAfter = closeAfter;
  }

  get closed(): boolean {
    return this.writes >= this.#closeAfter;
  }

  async write(text: string): Promise<void> {
    if (this.closed || text === '') return;
    this.writes++;
    this.text += text;
  }
}

export interface FakeFile {
  readonly report?: Report;
  readonly info?: Info;
  /** Thrown when the file is opened, or while it is read. */
  readonly openError?: Error;
  readonly readError?: Error;
  readonly events?: readonly CanonicalEvent[];
  readonly clock?: Clock;
  readonly damage?: readonly Damage[];
  readonly records?: boolean;
  /** Collects from when on events are wanted. */
  readonly skipped?: bigint[];
}

export interface Ran {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly sessions: number;
  readonly opened: readonly { readonly path: string; readonly options: OpenOptions }[];
  readonly closed: readonly string[];
  readonly analyzed: readonly AnalyzeOptions[];
  readonly writes: number;
}

export interface RunOptions {
  readonly files?: Readonly<Record<string, FakeFile>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdout?: MemoryOutput;
}

/** Runs a command line against files that exist in memory only. */
export async function runWith(argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const stdout = options.stdout ?? new MemoryOutput();
  const stderr = new MemoryOutput();
  const opened: { path: string; options: OpenOptions }[] = [];
  const closed: string[] = [];
  const analyzed: AnalyzeOptions[] = [];
  let sessions = 0;
  const files = new Map(Object.entries(options.files ?? {}));
  const fileOf = (capture: Capture): FakeFile => files.get(capture.path)!;

  const session: Session = {
    async open(path, open) {
      const options = Object.fromEntries(Object.entries(open).filter(([name]) => name !== 'onProgress'));
      opened.push({ path, options });
      const file = files.get(path);
      if (file === undefined) throw new Error(`the test has no file ${path}`);
      if (file.openError) throw file.openError;
      return fakeCapture(path, file, () => closed.push(path));
    },
    analyze(capture, analyze) {
      analyzed.push(analyze);
      const file = fileOf(capture);
      if (file.readError) throw file.readError;
      return file.report!;
    },
    analyzeWithLog() {
      throw new Error('the test has no kernel log');
    },
    async analyzeWithOwnLog() {
      throw new Error('the test has no messages');
    },
    inspect(capture) {
      const file = fileOf(capture);
      if (file.readError) throw file.readError;
      return file.info!;
    },
    *events(capture) {
      const file = fileOf(capture);
      for (const [at, event] of (file.events ?? []).entries())
        yield { event, place: { lane: event.cpu, offset: at * 32 } };
      if (file.readError) throw file.readError;
    },
    async *convert(capture) {
      const file = fileOf(capture);
      yield Uint8Array.of(1, 2, 3);
      if (file.readError) throw file.readError;
    },
  };
  const io: Io = {
    stdout,
    stderr,
    env: options.env ?? {},
    async session() {
      sessions++;
      return session;
    },
  };
  const exit = await run(argv, io);
  return {
    exit,
    stdout: stdout.text,
    stderr: stderr.text,
    sessions,
    opened,
    closed,
    analyzed,
    writes: stdout.writes,
  };
}

// ---- A small capture: the race of bhrace-1, with a switch, a loss and an unmapped event around it -------------

const TYPES: readonly EventType[] = [
  { id: 1, system: 'bitlock', name: 'bit_spin_acquired' },
  { id: 2, system: 'bitlock', name: 'bit_spin_release' },
  { id: 3, system: 'bhrace', name: 'word_load' },
  { id: 4, system: 'bhrace', name: 'word_store' },
  { id: 5, system: 'sched', name: 'sched_switch' },
  { id: 6, system: 'lock', name: 'lock_acquire' },
  { id: 7, system: 'irq', name: 'softirq_raise' },
];

const VALUE = { at: 16, size: 8 };
const ROWS: readonly DecodeRow[] = TYPES.map(({ id }) => ({
  ...otherRow(id),
  value: id <= 5 ? VALUE : NO_FIELD,
}));

const COMMS: Readonly<Record<number, string>> = { 0: '<idle>', 107: 'fake_map', 108: 'fake_endio' };

function event(
  parts: Partial<CanonicalEvent> & Pick<CanonicalEvent, 'time' | 'kind' | 'type'>,
): CanonicalEvent {
  return { address: 0n, value: 0n, bit: 0xff, cpu: 3, pid: 108, flags: 0, ...parts };
}

const WORD = 0xffff888104ef4380n;
const SPINNING = namespaceFlags('word') | FLAG_IRQS_OFF | FLAG_PREEMPT_OFF;
const RACING = namespaceFlags('word');

export const EVENTS: readonly CanonicalEvent[] = [
  event({ time: 47_340_000_000n, kind: 20, type: 0, value: 400042n, pid: -1 }),
  event({
    time: 47_340_650_000n,
    kind: 17,
    type: 5,
    value: (108n << 32n) | 0n,
    pid: 0,
    flags: FLAG_IRQS_OFF,
  }),
  event({ time: 47_340_662_843n, kind: 3, type: 1, address: WORD, bit: 4, value: 0x131n, flags: SPINNING }),
  event({
    time: 47_340_665_137n,
    kind: 7,
    type: 3,
    address: WORD,
    value: 0x131n,
    cpu: 2,
    pid: 107,
    flags: RACING,
  }),
  event({ time: 47_340_667_219n, kind: 5, type: 2, address: WORD, bit: 4, value: 0x21n, flags: SPINNING }),
  event({
    time: 47_340_668_709n,
    kind: 8,
    type: 4,
    address: WORD,
    value: 0x131n,
    cpu: 2,
    pid: 107,
    flags: RACING,
  }),
  event({
    time: 47_341_000_000n,
    kind: 1,
    type: 6,
    address: 0xffffffff81fdc1e0n,
    cpu: 0,
    pid: 9,
    flags: 0x10 | 0x20 | 0x2 | 0x4,
  }),
  event({ time: 47_342_000_000n, kind: 0, type: 7, cpu: 0, pid: 0, flags: 0x1000 | 0x8 }),
  event({ time: 47_343_000_000n, kind: 18, type: 99, cpu: 0, pid: 9, value: 9n }),
];

function fakeCapture(path: string, file: FakeFile, onClose: () => void): Capture {
  const record = (offset: number): EventRecord | null => {
    const type = TYPES.find(({ id }) => id === EVENTS[offset / 32]?.type);
    if (!file.records || type === undefined) return null;
    return {
      type,
      fields: [
        { name: 'addr', value: WORD },
        { name: 'name', value: 'a\x1b[31mb' },
      ],
      text: `addr=0x${WORD.toString(16)} name=a\x1b[31mb`,
    };
  };
  return {
    path,
    format: 'made up',
    clock: file.clock ?? { name: 'mono', unit: 'ns' },
    kernel: null,
    cpuCount: 4,
    types: TYPES,
    rows: ROWS,
    lanes: [],
    damage: () => file.damage ?? [],
    comm: (pid) => COMMS[pid] ?? null,
    symbol: () => null,
    skipBefore: (time) => file.skipped?.push(time),
    record: ({ offset }) => record(offset),
    progress: () => ({ done: 0, total: null }),
    close: onClose,
  };
}

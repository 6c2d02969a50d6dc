import { fstatSync, writeSync } from 'node:fs';
import type { PlacedEvent, AnalyzeOptions } from '../session/session.ts';
import type { Capture } from '../trace/capture.ts';
import type { OpenOptions } from '../trace/reader.ts';
import type { JoinedReport } from '../model/join.ts';
import type { LogReport } from '../model/kernel-log.ts';
import type { Info, Report } from '../model/report.ts';
import { OutputError } from './exit.ts';
import type { Threads } from './threads.ts';

/** Where text goes. */
export interface Output {
  readonly isTTY: boolean;
  /** Characters in a line of the terminal; undefined when it is none. */
  readonly columns: number | undefined;
  /** The reader has gone away (`| head`): nothing more needs to be written. */
  readonly closed: boolean;
  /** Resolves once the text, or the bytes, are out, so that a slow reader slows the writer; does nothing when closed. */
  write(text: string | Uint8Array): Promise<void>;
}

/** What the commands need of the session; tests put their own here. */
export interface Session {
  open(path: string, options: OpenOptions): Promise<Capture>;
  analyze(capture: Capture, options: AnalyzeOptions): Report;
  analyzeWithLog(capture: Capture, log: LogReport, options: AnalyzeOptions): JoinedReport;
  /** With what the kernel printed, as far as the capture has it as events. */
  analyzeWithOwnLog(capture: Capture, options: AnalyzeOptions): Promise<JoinedReport>;
  inspect(capture: Capture, options: AnalyzeOptions): Info;
  events(capture: Capture): Iterable<PlacedEvent>;
  /** The bytes of the capture as a .spin container. */
  convert(capture: Capture, options: Pick<AnalyzeOptions, 'onProgress'>): AsyncIterable<Uint8Array>;
}

/** Everything that a command touches outside of itself. */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Loads the session when a command first needs it: neither help nor a usage error does. */
  session(): Promise<Session>;
  /** Loads what starts threads; absent where there are none. */
  readonly threads?: () => Promise<Threads>;
}

/** The process's own streams, environment and session. */
export function processIo(): Io {
  return {
    stdout: descriptorOutput(1, () => process.stdout, 'standard output'),
    stderr: descriptorOutput(2, () => process.stderr, null),
    env: process.env,
    session: loadSession,
    threads: async () => (await import('./threads.ts')).workerThreads,
  };
}

/** The real session. */
export async function loadSession(): Promise<Session> {
  const [{ openCapture }, session] = await Promise.all([
    import('../trace/open.ts'),
    import('../session/session.ts'),
  ]);
  return {
    open: openCapture,
    analyze: session.analyzeCapture,
    analyzeWithLog: session.analyzeWithLog,
    analyzeWithOwnLog: session.analyzeWithOwnLog,
    inspect: session.inspectCapture,
    events: session.eventsOf,
    async *convert(capture, options) {
      const { convertCapture } = await import('../session/convert.ts');
      yield* convertCapture(capture, options);
    },
  };
}

/**
 * An Output on a descriptor. What is no terminal is written to directly, for Node's streams take 3 ms of CPU to load; only a reader
 * that does not keep up with a pipe that does not wait gets the stream's patience.
 */
export function descriptorOutput(fd: number, stream: () => NodeJS.WriteStream, name: string | null): Output {
  let output = mayBeTerminal(fd) ? streamOutput(stream(), name) : null;
  let closed = false;
  return {
    get isTTY() {
      return output?.isTTY ?? false;
    },
    get columns() {
      return output?.columns;
    },
    get closed() {
      return output?.closed ?? closed;
    },
    async write(text) {
      if (output) return await output.write(text);
      if (closed || text.length === 0) return;
      let rest: Uint8Array = typeof text === 'string' ? Buffer.from(text) : text;
      try {
        while (rest.length > 0) rest = rest.subarray(writeSync(fd, rest));
      } catch (error) {
        const failure = error as NodeJS.ErrnoException;
        if (failure.code === 'EAGAIN') {
          output = streamOutput(stream(), name);
          return await output.write(rest);
        }
        closed = true;
        complain(failure, name);
      }
    },
  };
}

/** Major number of Linux's memory devices (/dev/null); Documentation/admin-guide/devices.txt. */
const MEMORY_DEVICES = 1;

function mayBeTerminal(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isCharacterDevice() && !(process.platform === 'linux' && stat.rdev >> 8 === MEMORY_DEVICES);
  } catch {
    return true;
  }
}

/**
 * An Output on a Node stream. A closed pipe closes the output quietly; any other failure throws OutputError, but
 * for a stream without a name, which nobody has to read.
 */
export function streamOutput(stream: NodeJS.WriteStream, name: string | null): StreamOutput {
  let closed = false;
  // Failures arrive in write()'s callback; without a listener they would end the process as well.
  stream.on('error', () => {});
  return {
    isTTY: stream.isTTY === true,
    get columns() {
      return stream.isTTY === true ? stream.columns : undefined;
    },
    get closed() {
      return closed;
    },
    async write(text) {
      if (closed || text.length === 0) return;
      const failure = await new Promise<NodeJS.ErrnoException | null | undefined>((resolve) => {
        stream.write(text, resolve);
      });
      if (failure == null) return;
      closed = true;
      complain(failure, name);
    },
  };
}

interface StreamOutput extends Output {
  write(text: string | Uint8Array): Promise<void>;
}

/** Throws unless the reader has gone away or nobody has to read. */
function complain(failure: NodeJS.ErrnoException, name: string | null): void {
  if (name === null || GONE.has(failure.code ?? '')) return;
  throw new OutputError(`${name} cannot be written: ${failure.message}`);
}

const GONE: ReadonlySet<string> = new Set(['EPIPE', 'ERR_STREAM_DESTROYED']);

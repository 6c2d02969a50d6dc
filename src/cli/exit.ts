import { SpinbackError } from '../base/errors.ts';
import { VERSION } from '../base/version.ts';
import { printable } from '../report/printable.ts';

/**
 * The exit statuses, the worse the higher: of several files the worst one counts. A damaged file outranks its
 * findings, because a script that sees 1 may rely on the whole file having been read.
 */
export const EXIT = {
  /** Nothing found (analyze); done (info, events). */
  ok: 0,
  /** Findings at or above --fail-on. */
  findings: 1,
  usage: 2,
  /** The input cannot be read, or is damaged; what could be read was reported. */
  unreadable: 3,
  /** A bug in spinback, or its output could not be written. Never Node's own 1. */
  internal: 70,
} as const;

/** Standard output or standard error could not be written, for another reason than a closed pipe. */
export class OutputError extends Error {}

/** V8 reserves 8 GiB of addresses for each WebAssembly memory, and more than one is needed. */
const OUT_OF_ADDRESSES =
  'not enough address space (ulimit -v) for WebAssembly: raise the limit, or start the program with ' +
  'node --disable-wasm-trap-handler';

/** What V8 throws where a memory of WebAssembly cannot be made. */
function isOutOfAddresses(error: unknown): boolean {
  return error instanceof RangeError && /Wasm memory|WebAssembly\.Memory\(\)/.test(error.message);
}

/** The exit status that an error stands for. */
export function exitOf(error: unknown): number {
  if (isOutOfAddresses(error)) return EXIT.unreadable;
  if (!(error instanceof SpinbackError)) return EXIT.internal;
  return error.code === 'USAGE' ? EXIT.usage : EXIT.unreadable;
}

/** Commander takes such a word for a file only behind `--`. */
function looksLikeOption(path: string | null): boolean {
  return path !== null && /^-./.test(path);
}
const BEHIND_DASHES = ' (every word behind -- is the name of a file: options stand in front of it)';

/** What standard error says about an error; `path` is the file that was at work, `debug` adds the stack. Ends with a newline. */
export function errorText(error: unknown, path: string | null, debug: boolean): string {
  if (error instanceof SpinbackError) {
    const named = error.path ?? path;
    const advice = error.code === 'UNREADABLE' && looksLikeOption(named) ? BEHIND_DASHES : '';
    return fileError(named, error.message + advice, error.offset ?? null);
  }
  if (isOutOfAddresses(error)) return fileError(path, OUT_OF_ADDRESSES, null);
  if (error instanceof OutputError) return `spinback: ${printable(error.message)}\n`;
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const where = path === null ? '' : `${path}: `;
  const stack = debug && error instanceof Error && error.stack !== undefined ? `${error.stack}\n` : '';
  return (
    `spinback: ${printable(where)}internal error: ${printable(what)}\n` +
    `spinback: this is a bug in spinback ${VERSION}; please report this line, the command and, if you may share it, the ` +
    `capture${debug ? '' : ' (SPINBACK_DEBUG=1 adds the stack)'}\n${stack}`
  );
}

/** "spinback: FILE: reason (offset N)". Says neither twice when the reason already does. */
export function fileError(path: string | null, reason: string, offset: number | null): string {
  const names = ['standard input', ...(path === null ? [] : [path])];
  const where = path === null || names.some((name) => reason.startsWith(`${name} `)) ? '' : `${path}: `;
  const known = offset === null || new RegExp(`offset ${offset}(?!\\d)`).test(reason);
  return `spinback: ${printable(`${where}${reason}`)}${known ? '' : ` (offset ${offset})`}\n`;
}

import { decodeText } from '../../base/byte-reader.ts';
import { KINDS } from '../../model/event.ts';

const OTHER = KINDS.indexOf('other');
const MESSAGE = KINDS.indexOf('message');

/** No message is longer: printk and trace_printk end far below that. */
const MAX_LINES = 64;

// ` => do_syscall_64` below `<stack trace>`, printed with blanks by the kernel and without by trace-cmd
const STACK = /^\s*=>/;

// What an event line still looks like when one of its bytes is wrong: "-105  [000]", "-105  0d..1."
const EVENT = /-\d{1,10}\s.{0,24}\[\s*\d{1,10}\]|-\d{1,10}\s+\d{1,5}[dDbX.][NnpBbLl.][ZzHhs.]/;

/**
 * Does a line without columns belong to the event before it? Messages (printk:console, trace_printk,
 * tracing_mark_write) may hold line feeds, and stack traces are printed below their event. `lines` of the same
 * event came before.
 */
export function continues(
  bytes: Uint8Array,
  start: number,
  end: number,
  kind: number,
  lines: number,
): boolean {
  if (lines >= MAX_LINES) return false;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    // Tab and escape (colours) do occur in messages; other control bytes do not.
    if ((byte < 0x20 && byte !== 0x09 && byte !== 0x1b) || byte === 0x7f) return false;
  }
  const text = decodeText(bytes.subarray(start, Math.min(end, start + 1024)));
  if (STACK.test(text)) return true;
  if (kind !== OTHER && kind !== MESSAGE) return false;
  return !text.includes('\ufffd') && !EVENT.test(text.slice(0, 128));
}

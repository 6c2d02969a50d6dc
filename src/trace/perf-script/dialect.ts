import { decodeText } from '../../base/byte-reader.ts';
import { continues } from '../ftrace-text/continuation.ts';
import type { Dialect } from '../ftrace-text/dialect.ts';
import type { Dropped } from '../ftrace-text/header.ts';
import { EventLine, isBlank } from '../ftrace-text/line.ts';
import { otherRecord, parseScriptLine } from './line.ts';

const LOST = /^PERF_RECORD_LOST\s+lost\s+(\d{1,19})\s*$/;

// "\tffffffff821c9744 mas_topiary_replace+0xa24 ([kernel.kallsyms])"
const FRAME = /^\s+([0-9a-f]{1,16}) (\S.*?)(?: \([^()]*\))?\s*$/;
/** No event has more callers (kernel.perf_event_max_stack), inlined ones apart. */
const MOST_FRAMES = 1024;

const scratch = new EventLine();

/** perf script, with the fields that it prints by default for tracepoints. */
export const PERF_SCRIPT: Dialect = {
  name: 'perf-script',
  parseEvent: parseScriptLine,
  parseDropped,
  isNote: (bytes, start, end) => otherRecord(bytes, start, end, scratch) >= 0,
  continues(bytes, start, end, kind, lines) {
    if (lines < MOST_FRAMES && isBlank(bytes[start]!) && FRAME.test(textOf(bytes, start, end))) return true;
    return continues(bytes, start, end, kind, lines);
  },
  callers: (lines) =>
    lines.flatMap((line) => {
      const [, address, symbol] = FRAME.exec(line) ?? [];
      if (address === undefined) return [];
      return symbol!.startsWith('[unknown]') ? `0x${address}` : symbol!;
    }),
  hasCallers: true,
  strange: 'unparsed-lines',
  mayHideLosses: true,
};

/** `--show-lost-events` prints what LOST records say, behind the task, CPU and time of the event after them. */
function parseDropped(bytes: Uint8Array, start: number, end: number): Dropped | null {
  const at = otherRecord(bytes, start, end, scratch);
  if (at < 0) return null;
  const count = LOST.exec(textOf(bytes, at, end))?.[1];
  return count === undefined ? null : { cpu: scratch.cpu, count: BigInt(count) };
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  return decodeText(bytes.subarray(start, Math.min(end, start + 1024)));
}

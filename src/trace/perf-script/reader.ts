import { decodeText } from '../../base/byte-reader.ts';
import { SpinbackError } from '../../base/errors.ts';
import { bytesSource, readRange } from '../../io/bytes.ts';
import { EventLine } from '../ftrace-text/line.ts';
import { LineReader } from '../ftrace-text/lines.ts';
import { openText } from '../ftrace-text/reader.ts';
import type { Reader } from '../reader.ts';
import { PERF_SCRIPT } from './dialect.ts';
import { otherRecord, parseScriptLine } from './line.ts';

/** What `perf script --header` prints above the events takes a few KiB. */
const SNIFF_BYTES = 64 * 1024;
const HASH = 0x23;

/** Text of perf script: docs/formats/perf-data.md. */
export const perfScriptReader: Reader = {
  name: 'perf script text',
  sniffBytes: SNIFF_BYTES,
  sniff: looksLikePerfScript,
  async open(source, options) {
    const head = readRange(source, 0, SNIFF_BYTES);
    if (firstLine(head)?.hasCpu === false) {
      throw new SpinbackError(
        'UNSUPPORTED',
        'this text of perf script does not tell on which CPU events happened: print it with perf script -F +cpu',
        { offset: 0 },
      );
    }
    return openText(source, { dialect: PERF_SCRIPT, format: 'perf script' }, options);
  },
};

function looksLikePerfScript(head: Uint8Array): boolean {
  return firstLine(head) !== null;
}

// "sleep 14144 14322.313316:     250000 cpu-clock: "
const WITHOUT_CPU = /^\s*\S.{0,15}\s+-?\d{1,10}(?:\/-?\d{1,10})?\s+\d{1,12}\.\d{6,9}:\s+\S/;

/** The first line that is no comment, where it is an event or another record of perf script; null where it is not. */
function firstLine(head: Uint8Array): { readonly hasCpu: boolean } | null {
  const lines = new LineReader(bytesSource(head), 0, SNIFF_BYTES);
  const line = new EventLine();
  while (lines.next()) {
    const { bytes, start, end } = lines;
    if (start === end || bytes[start] === HASH) continue;
    if (parseScriptLine(bytes, start, end, line) || otherRecord(bytes, start, end, line) >= 0)
      return { hasCpu: true };
    return WITHOUT_CPU.test(decodeText(bytes.subarray(start, Math.min(end, start + 256))))
      ? { hasCpu: false }
      : null;
  }
  return null;
}

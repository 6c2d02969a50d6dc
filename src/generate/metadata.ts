import { ByteWriter } from './bytes.ts';
import { EVENT_SPECS, SYSTEMS, type EventSpec } from './events.ts';
import type { PageCounts } from './pages.ts';
import { formatText, type WordSize } from './record.ts';
import { SYMBOLS } from './symbols.ts';
import { hexDigits } from './word64.ts';

// The texts of a trace.dat that do not depend on its version. Their shapes are those of Linux 6.12's tracefs.

/** events/header_page for sub-buffers of `pageSize` bytes. */
export function headerPage(pageSize: number, commitSize: WordSize): string {
  const field = (declaration: string, offset: number, size: number, signed: number): string =>
    `\tfield: ${declaration};\toffset:${offset};\tsize:${size};\tsigned:${signed};\n`;
  const start = 8 + commitSize;
  return (
    field('u64 timestamp', 0, 8, 0) +
    field('local_t commit', 8, commitSize, 1) +
    field('int overwrite', 8, 1, 1) +
    field('char data', start, pageSize - start, 0)
  );
}

/** events/header_event. */
export const HEADER_EVENT =
  '# compressed entry header\n\ttype_len    :    5 bits\n\ttime_delta  :   27 bits\n\tarray       :   32 bits\n\n' +
  '\tpadding     : type == 29\n\ttime_extend : type == 30\n\ttime_stamp : type == 31\n\tdata max type_len  == 28\n';

/** The header_page and header_event part, which both versions of the file format hold alike. */
export function headerInfo(pageSize: number, commitSize: WordSize, bigEndian: boolean): Uint8Array {
  return new ByteWriter(bigEndian)
    .cstring('header_page')
    .sizedText(headerPage(pageSize, commitSize), 8)
    .cstring('header_event')
    .sizedText(HEADER_EVENT, 8)
    .done();
}

/** No formats of ftrace's own events: none of them is generated. */
export function ftraceFormats(): Uint8Array {
  return new ByteWriter().u32(0).done();
}

/** The formats of all events, or of some, by their systems. */
export function eventFormats(
  wordSize: WordSize,
  bigEndian: boolean,
  wanted: readonly EventSpec[] = EVENT_SPECS,
): Uint8Array {
  const systems = SYSTEMS.filter((system) => wanted.some((spec) => spec.system === system));
  const out = new ByteWriter(bigEndian).u32(systems.length);
  for (const system of systems) {
    const specs = wanted.filter((spec) => spec.system === system);
    out.cstring(system).u32(specs.length);
    for (const spec of specs) out.sizedText(formatText(spec, wordSize), 8);
  }
  return out.done();
}

/** /proc/kallsyms of the invented kernel. */
export function kallsyms(wordSize: WordSize): string {
  return SYMBOLS.map(({ address, name }) => {
    const digits = hexDigits(address).slice(-2 * wordSize);
    return `${digits} T ${name}\n`;
  }).join('');
}

/** The names of tasks by pid, as tracefs' saved_cmdlines. */
export function savedCmdlines(comms: ReadonlyMap<number, string>): string {
  return [...comms].map(([pid, comm]) => `${pid} ${comm}\n`).join('');
}

const CLOCKS = ['local', 'global', 'counter', 'uptime', 'perf', 'mono', 'mono_raw', 'boot', 'tai', 'x86-tsc'];

/** tracefs' trace_clock with `clock` chosen. */
export function traceClock(clock: string): string {
  const names = CLOCKS.includes(clock) ? CLOCKS : [...CLOCKS, clock];
  return `${names.map((name) => (name === clock ? `[${name}]` : name)).join(' ')}\n`;
}

/** per_cpu/cpuN/stats after a recording that read everything. Times in ns. */
export function cpuStats(cpu: number, counts: PageCounts, endNs: number): string {
  const seconds = (ns: number): string => (Number.isNaN(ns) ? 0 : ns / 1e9).toFixed(6).padStart(12);
  return [
    `CPU: ${cpu}`,
    'entries: 0',
    `overrun: ${counts.overrun}`,
    'commit overrun: 0',
    'bytes: 0',
    `oldest event ts: ${seconds(counts.lastTime)}`,
    `now ts: ${seconds(endNs)}`,
    `dropped events: ${counts.dropped}`,
    `read events: ${counts.events}`,
    '',
  ].join('\n');
}

/** The machine's name as the generated files give it; it says what they are. */
export function uname(wordSize: WordSize, bigEndian: boolean): string {
  const machine = bigEndian ? (wordSize === 8 ? 'ppc64' : 'ppc') : wordSize === 8 ? 'x86_64' : 'i686';
  return `Linux generated 6.12.0-spinback ${machine}`;
}
export const RECORDER = 'spinback generate';

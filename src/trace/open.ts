import { SpinbackError } from '../base/errors.ts';
import { readRange } from '../io/bytes.ts';
import { inputDamage } from '../io/input-damage.ts';
import type { ByteSource } from '../io/source.ts';
import type { Capture, Damage } from './capture.ts';
import type { OpenOptions } from './reader.ts';
import { READERS } from './readers.ts';

/**
 * Opens a capture by path; "-" is standard input. Throws SpinbackError: UNREADABLE, NOT_A_CAPTURE, UNSUPPORTED,
 * DAMAGED, or USAGE for an instance that the file does not have.
 */
export async function openCapture(path: string, options: OpenOptions = {}): Promise<Capture> {
  // Here only, so that a viewer in a browser can import openSource without Node's modules.
  const { openInput } = await import('../io/node-file.ts');
  const source = await openInput(path);
  try {
    return await openSource(source, options);
  } catch (error) {
    source.close();
    if (!(error instanceof SpinbackError) || error.path !== undefined) throw error;
    const place = error.offset === undefined ? { path } : { path, offset: error.offset };
    throw new SpinbackError(error.code, error.message, place);
  }
}

/** Opens a capture over any source, which belongs to the capture from then on; the format is told by its first bytes. */
export async function openSource(source: ByteSource, options: OpenOptions = {}): Promise<Capture> {
  if (source.size === 0)
    throw new SpinbackError('NOT_A_CAPTURE', `the input is empty; ${known()}`, { offset: 0 });
  const head = readRange(source, 0, Math.max(16, ...READERS.map(({ sniffBytes }) => sniffBytes)));
  const reader = READERS.find((candidate) => candidate.sniff(head.subarray(0, candidate.sniffBytes)));
  if (reader === undefined) throw notACapture(head);
  const damage = inputDamage(source);
  try {
    const capture = await reader.open(source, options);
    return damage.length === 0 ? capture : withDamage(capture, damage);
  } catch (error) {
    if (damage.length === 0 || !(error instanceof SpinbackError)) throw error;
    const place = error.offset === undefined ? {} : { offset: error.offset };
    throw new SpinbackError(error.code, [error.message, ...damage.map(({ text }) => text)].join('. '), place);
  }
}

/** Formats that people hand us and that are not read, by their first bytes. */
const STRANGERS: readonly (readonly [
  head: string,
  message: string,
  code: 'UNSUPPORTED' | 'NOT_A_CAPTURE',
])[] = [
  ['50455246494c4532', 'perf.data is not read yet', 'UNSUPPORTED'],
  ['32454c4946524550', 'perf.data is not read yet (and this one is big-endian)', 'UNSUPPORTED'],
  ['fd377a585a00', 'this is an xz file: unpack it first', 'UNSUPPORTED'],
  ['425a68', 'this is a bzip2 file: unpack it first', 'UNSUPPORTED'],
  ['04224d18', 'this is an lz4 file: unpack it first', 'UNSUPPORTED'],
  ['504b0304', 'this is a zip file: unpack it first', 'UNSUPPORTED'],
  ['7f454c46', 'this is an ELF program or core file', 'NOT_A_CAPTURE'],
  ['ffd8ff', 'this is a JPEG picture', 'NOT_A_CAPTURE'],
  ['89504e47', 'this is a PNG picture', 'NOT_A_CAPTURE'],
];

function notACapture(head: Uint8Array): SpinbackError {
  const digits = Array.from(head.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0'));
  const stranger = STRANGERS.find(([start]) => digits.join('').startsWith(start));
  if (stranger?.[2] === 'UNSUPPORTED') return new SpinbackError('UNSUPPORTED', stranger[1], { offset: 0 });
  const what = stranger ? `: ${stranger[1]}` : '';
  return new SpinbackError(
    'NOT_A_CAPTURE',
    `the input begins with ${digits.join(' ')}, which no known format does${what}; ${known()}`,
    { offset: 0 },
  );
}

function known(): string {
  return `these are read: ${READERS.map(({ name }) => name).join(', ')}`;
}

/** The same capture, whose damage begins with what was wrong before its format was looked at. */
function withDamage(capture: Capture, before: readonly Damage[]): Capture {
  return {
    path: capture.path,
    format: capture.format,
    clock: capture.clock,
    kernel: capture.kernel,
    cpuCount: capture.cpuCount,
    get types() {
      return capture.types;
    },
    rows: capture.rows,
    lanes: capture.lanes,
    damage: () => [...before, ...capture.damage()],
    comm: (pid) => capture.comm(pid),
    symbol: (address) => capture.symbol(address),
    record: (place) => capture.record(place),
    ...(capture.keepsake ? { keepsake: () => capture.keepsake!() } : {}),
    progress: () => capture.progress(),
    close: () => capture.close(),
  };
}

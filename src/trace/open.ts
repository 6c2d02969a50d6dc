import { SpinbackError } from '../base/errors.ts';
import { readRange } from '../io/bytes.ts';
import { inputDamage } from '../io/input-damage.ts';
import type { ByteSource } from '../io/source.ts';
import type { Capture, Damage } from './capture.ts';
import type { OpenOptions } from './reader.ts';
import { BINARY_READERS, READERS } from './readers.ts';

/**
 * Opens a capture by path; "-" is standard input. Throws SpinbackError: UNREADABLE, NOT_A_CAPTURE, UNSUPPORTED,
 * DAMAGED, or USAGE for an instance that the file does not have.
 */
export async function openCapture(path: string, options: OpenOptions = {}): Promise<Capture> {
  // Here only, so that a viewer in a browser can import openSource without Node's modules.
  const { openInput } = await import('../io/node-file.ts');
  const source = await openInput(path, options.onProgress);
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
  const damage = inputDamage(source);
  if (source.size === 0) {
    if (damage[0])
      throw new SpinbackError('DAMAGED', `nothing could be unpacked: ${damage[0].text}`, {
        offset: damage[0].offset ?? 0,
      });
    throw new SpinbackError('NOT_A_CAPTURE', `the input is empty; ${known()}`, { offset: 0 });
  }
  const head = readRange(source, 0, Math.max(16, ...READERS.map(({ sniffBytes }) => sniffBytes)));
  const reader = READERS.find((candidate) =>
    candidate.sniff(head.subarray(0, candidate.sniffBytes), options),
  );
  if (reader === undefined) throw notACapture(head);
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
  ['fd377a585a00', 'this is an xz file: unpack it first', 'UNSUPPORTED'],
  ['425a68', 'this is a bzip2 file: unpack it first', 'UNSUPPORTED'],
  ['04224d18', 'this is an lz4 file: unpack it first', 'UNSUPPORTED'],
  ['504b0304', 'this is a zip file: unpack it first', 'UNSUPPORTED'],
  ['7f454c46', 'this is an ELF program or core file', 'NOT_A_CAPTURE'],
  ['ffd8ff', 'this is a JPEG picture', 'NOT_A_CAPTURE'],
  ['89504e47', 'this is a PNG picture', 'NOT_A_CAPTURE'],
];

function notACapture(head: Uint8Array): SpinbackError {
  const digits = hexDigits(head);
  const stranger = strangerOf(digits.join(''));
  if (stranger?.[2] === 'UNSUPPORTED') return new SpinbackError('UNSUPPORTED', stranger[1], { offset: 0 });
  const what = stranger ? `: ${stranger[1]}` : '';
  return new SpinbackError(
    'NOT_A_CAPTURE',
    `the input begins with ${digits.join(' ')}, which no known format does${what}; ${known()}`,
    { offset: 0 },
  );
}

function hexDigits(head: Uint8Array): string[] {
  return Array.from(head.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0'));
}

function strangerOf(digits: string) {
  return STRANGERS.find(([start]) => digits.startsWith(start));
}

function known(): string {
  return `these are read: ${READERS.map(({ name }) => name).join(', ')}`;
}

/** What an input is that begins with these 16 bytes and is no text, as a sentence; null where that is not known. */
export function binaryInput(head: Uint8Array): string | null {
  const capture = BINARY_READERS.find(({ sniff }) => sniff(head, {}));
  if (capture) return `this is a capture (${capture.name}), no log: spinback analyze reads it`;
  return strangerOf(hexDigits(head).join(''))?.[1] ?? null;
}

/** The same capture, whose damage begins with what was wrong before its format was looked at. */
function withDamage(capture: Capture, before: readonly Damage[]): Capture {
  const damage = () => [...before, ...capture.damage()];
  // Methods of the capture work on its private state, so they are called on it.
  return new Proxy(capture, {
    get(target, name) {
      if (name === 'damage') return damage;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

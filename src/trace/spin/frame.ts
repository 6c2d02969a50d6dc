import { SpinbackError } from '../../base/errors.ts';
import { checksum } from '../../io/checksum.ts';
import { readRange } from '../../io/bytes.ts';
import type { ByteSource } from '../../io/source.ts';

// A .spin file: 16 bytes that say what it is, then frames, nothing between them. docs/formats/spin.md
//
//   file    89 'S' 'P' 'I' 'N' 0d 0a 1a | u16 version | u16 least version of a reader | u32 0
//   frame   u32 kind | u32 notes' size | u32 body's size | u32 number | u32 checksum of notes and body | u32 checksum of
//           the 20 bytes before it | notes (msgpack) | body

/** As PNG's: a high bit, a line end of each sort, an end of file, so that whoever takes it for text ruins it visibly. */
export const MAGIC = Uint8Array.of(0x89, 0x53, 0x50, 0x49, 0x4e, 0x0d, 0x0a, 0x1a);
export const FILE_HEADER = 16;
export const FRAME_HEADER = 24;
/** Version 1 knew pages, and text of tracefs and trace-cmd without mapping files, and not what statistics know locks and callers by. */
export const VERSION = 2;

/** The kinds of frames, by the four letters that begin them. */
export const FRAME = {
  head: 0x44414548,
  section: 0x54434553,
  rest: 0x54534552,
  block: 0x4b434c42,
  tail: 0x4c494154,
  done: 0x454e4f44,
} as const;

/** Notes and bodies are smaller than this: what claims more is damage. */
const LARGEST = 1 << 26;

/** Where a frame lies and what its header says; the contents are not checked yet. */
export interface FramePlace {
  readonly kind: number;
  readonly at: number;
  readonly notes: number;
  readonly body: number;
  readonly number: number;
  readonly checksum: number;
  /** Where the next frame begins. */
  readonly end: number;
}

export interface Frame {
  readonly notes: Uint8Array;
  readonly body: Uint8Array;
}

export function fileHeader(): Uint8Array {
  const bytes = new Uint8Array(FILE_HEADER);
  bytes.set(MAGIC);
  const view = new DataView(bytes.buffer);
  view.setUint16(8, VERSION, true);
  view.setUint16(10, VERSION, true);
  return bytes;
}

/** The file's version. Throws UNSUPPORTED for one that needs a later reader, DAMAGED for one that ends within its first bytes. */
export function readVersion(source: ByteSource): number {
  const bytes = readRange(source, 0, FILE_HEADER);
  if (bytes.length < FILE_HEADER)
    throw new SpinbackError('DAMAGED', 'the file ends within its first 16 bytes', { offset: bytes.length });
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const least = view.getUint16(10, true);
  if (least > VERSION || least === 0)
    throw new SpinbackError(
      'UNSUPPORTED',
      `a .spin file of version ${view.getUint16(8, true)}, which needs a newer spinback: this one reads versions 1 to ${VERSION}`,
      { offset: 8 },
    );
  return view.getUint16(8, true);
}

/** The bytes of a frame: its header, then the parts of its contents. */
export function frameBytes(
  kind: number,
  number: number,
  notes: Uint8Array,
  body: readonly Uint8Array[],
): Uint8Array {
  const size = body.reduce((sum, part) => sum + part.length, 0);
  const bytes = new Uint8Array(FRAME_HEADER + notes.length + size);
  bytes.set(notes, FRAME_HEADER);
  let at = FRAME_HEADER + notes.length;
  for (const part of body) {
    bytes.set(part, at);
    at += part.length;
  }
  const view = new DataView(bytes.buffer);
  [kind, notes.length, size, number, checksum(bytes.subarray(FRAME_HEADER))].forEach((word, n) =>
    view.setUint32(4 * n, word, true),
  );
  view.setUint32(20, checksum(bytes.subarray(0, 20)), true);
  return bytes;
}

const KINDS: ReadonlySet<number> = new Set(Object.values(FRAME));

/** The frame that begins at `at`; null where no whole one does. */
export function frameAt(source: ByteSource, at: number): FramePlace | null {
  const bytes = readRange(source, at, FRAME_HEADER);
  if (bytes.length < FRAME_HEADER) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const word = (n: number): number => view.getUint32(4 * n, true);
  if (checksum(bytes.subarray(0, 20)) !== word(5) || !KINDS.has(word(0))) return null;
  const [kind, notes, body, number] = [word(0), word(1), word(2), word(3)];
  const end = at + FRAME_HEADER + notes + body;
  if (notes > LARGEST || body > LARGEST || end > source.size) return null;
  return { kind, at, notes, body, number, checksum: word(4), end };
}

/** The frames behind this one. They end where no whole one follows, or one of another number: some are missing in front of it. */
export function* framesFrom(source: ByteSource, first: FramePlace): Generator<FramePlace> {
  let last = first;
  for (;;) {
    const next = frameAt(source, last.end);
    if (next?.number !== last.number + 1) return;
    yield (last = next);
  }
}

/** Reads a frame's contents into `target`, notes first; false where they are not what was written. */
export function readFrameInto(
  source: ByteSource,
  { at, notes, body, checksum: stated }: FramePlace,
  target: Uint8Array,
): boolean {
  const bytes = target.subarray(0, notes + body);
  return source.readInto(bytes, at + FRAME_HEADER) === bytes.length && checksum(bytes) === stated;
}

/** Reads a frame's contents; null where they are not what was written. */
export function readFrame(source: ByteSource, place: FramePlace): Frame | null {
  const bytes = new Uint8Array(place.notes + place.body);
  if (!readFrameInto(source, place, bytes)) return null;
  return { notes: bytes.subarray(0, place.notes), body: bytes.subarray(place.notes) };
}

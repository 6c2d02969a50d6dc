import { SpinbackError } from '../../base/errors.ts';
import { readRange } from '../../io/bytes.ts';
import { inflate } from '../../io/deflate.ts';
import type { ByteSource } from '../../io/source.ts';
import type { SpinDamageLog } from './damage.ts';
import {
  FILE_HEADER,
  FRAME,
  FRAME_HEADER,
  frameAt,
  framesFrom,
  MAGIC,
  readFrame,
  readVersion,
  type Frame,
  type FramePlace,
} from './frame.ts';
import {
  readBlockNotes,
  readHeadNotes,
  readPackedNotes,
  readTailNotes,
  type BlockEntry,
  type HeadNotes,
  type TailNotes,
  type TypeNames,
} from './notes.ts';
import type { Unpacker } from './packer.ts';

/** Bytes of frame DONE. */
const DONE = FRAME_HEADER + 8;

/** What a .spin file tells before any block is looked at. */
export interface SpinContents {
  readonly version: number;
  readonly head: HeadNotes;
  readonly names: TypeNames;
  readonly blocks: readonly BlockEntry[];
  /** Null where the file is cut. */
  readonly tail: TailNotes | null;
  /** A section's bytes; empty where there is none, or it is damaged. */
  section(name: string): Uint8Array;
}

/** Throws UNSUPPORTED, and DAMAGED where not even the head can be read. A file that is cut is read up to its last whole block. */
export function readContents(source: ByteSource, unpacker: Unpacker, log: SpinDamageLog): SpinContents {
  const version = readVersion(source);
  if (version === 1) log.add('no-labels');
  const place = frameAt(source, FILE_HEADER);
  const frame = place?.kind === FRAME.head ? readFrame(source, place) : null;
  if (!place || !frame)
    throw new SpinbackError('DAMAGED', 'the file has no readable head', { offset: FILE_HEADER });
  const head = readHeadNotes(
    unpacker.unpack(unpackBody(frame, unpacker, FILE_HEADER), FILE_HEADER),
    FILE_HEADER,
  );
  const sections: FramePlace[] = [];
  for (const next of framesFrom(source, place)) {
    if (next.kind !== FRAME.section) break;
    sections.push(next);
  }
  const tail = tailOf(source, unpacker);
  const {
    blocks,
    names,
    tail: found,
  } = tail
    ? { blocks: tail.blocks, names: tail.names ?? head.names, tail }
    : scan(source, unpacker, sections.at(-1) ?? place, head, log);
  return {
    version,
    head,
    names,
    blocks,
    tail: found,
    section: (name) => readSection(source, unpacker, sections, name, log),
  };
}

/** The tail of a file that was written to its end, and ends there; null where there is none. */
function tailOf(source: ByteSource, unpacker: Unpacker): TailNotes | null {
  const done = frameAt(source, source.size - DONE);
  const at = done && tailPlace(source, done);
  const place = at === null ? null : frameAt(source, at);
  // Of a file behind another one the place counts from its own beginning.
  const isNext = place?.kind === FRAME.tail && isFollowedBy(place, done);
  return isNext ? readTail(source, place, unpacker) : null;
}

/** Where TAIL begins, as frame DONE has it; null where this is none. */
function tailPlace(source: ByteSource, done: FramePlace): number | null {
  const frame = done.kind === FRAME.done && done.body === 8 ? readFrame(source, done) : null;
  return frame && Number(new DataView(frame.body.buffer, frame.body.byteOffset).getBigUint64(0, true));
}

function isFollowedBy({ end, number }: FramePlace, next: FramePlace | null): boolean {
  return next?.at === end && next.number === number + 1;
}

function readTail(source: ByteSource, place: FramePlace, unpacker: Unpacker): TailNotes | null {
  const frame = readFrame(source, place);
  if (!frame) return null;
  const notes = readTailNotes(unpacker.unpack(unpackBody(frame, unpacker, place.at), place.at), place.at);
  // Each block once, in the order of the file: a list that never ends cannot be written.
  const inOrder = notes.blocks.every(({ at }, n) => at > (notes.blocks[n - 1]?.at ?? 0) && at < place.at);
  return inOrder ? notes : null;
}

/** The body of a frame that is packed in one. */
function unpackBody({ notes, body }: Frame, unpacker: Unpacker, offset: number): Uint8Array {
  return inflate(body, readPackedNotes(unpacker.unpack(notes, offset), offset).size, offset);
}

/** Finds the blocks of a file that does not end with its tail, frame by frame. */
function scan(
  source: ByteSource,
  unpacker: Unpacker,
  last: FramePlace,
  head: HeadNotes,
  log: SpinDamageLog,
): Pick<SpinContents, 'blocks' | 'names' | 'tail'> {
  const blocks: BlockEntry[] = [];
  let names = head.names;
  let rest: FramePlace | null = null;
  let at = last.end;
  for (const place of framesFrom(source, last)) {
    at = place.end;
    if (place.kind === FRAME.tail) {
      const tail = readTail(source, place, unpacker);
      if (tail) {
        tellEnd(source, place, log);
        return { blocks: tail.blocks, names: tail.names ?? head.names, tail };
      }
    }
    if (place.kind === FRAME.rest) rest = place;
    if (place.kind !== FRAME.block || !rest) continue;
    const frame = readFrame(source, place);
    if (!frame) {
      log.add('damaged-block', place.at);
      continue;
    }
    const notes = readBlockNotes(unpacker.unpack(frame.notes, place.at), place.at);
    names = notes.names ?? names;
    blocks.push({ ...notes, at: place.at, restAt: rest.at });
  }
  log.add('truncated', at, `from offset ${at} of ${source.size} on`);
  return { blocks, names, tail: null };
}

/** What is behind the tail, where that is not the file's end. */
function tellEnd(source: ByteSource, tail: FramePlace, log: SpinDamageLog): void {
  const done = frameAt(source, tail.end);
  if (!done || tailPlace(source, done) !== tail.at || !isFollowedBy(tail, done))
    return log.add('cut-end', tail.end);
  const next = readRange(source, done.end, MAGIC.length);
  // As `cat a.spin b.spin` leaves it.
  if (MAGIC.every((byte, n) => next[n] === byte)) log.add('another-behind', done.end);
  else log.add('bytes-behind', done.end, `${source.size - done.end} bytes`);
}

function readSection(
  source: ByteSource,
  unpacker: Unpacker,
  places: readonly FramePlace[],
  name: string,
  log: SpinDamageLog,
): Uint8Array {
  for (const place of places) {
    try {
      const frame = readFrame(source, place);
      if (!frame) throw new SpinbackError('DAMAGED', 'its checksum is wrong', { offset: place.at });
      const notes = readPackedNotes(unpacker.unpack(frame.notes, place.at), place.at);
      if (notes.name === name) return inflate(frame.body, notes.size, place.at);
    } catch (error) {
      if (!(error instanceof SpinbackError && error.code === 'DAMAGED')) throw error;
      log.add('names-damaged', place.at, error.message);
    }
  }
  return new Uint8Array(0);
}

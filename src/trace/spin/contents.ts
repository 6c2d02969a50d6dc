import { SpinbackError } from '../../base/errors.ts';
import { inflate } from '../../io/deflate.ts';
import type { ByteSource } from '../../io/source.ts';
import type { SpinDamageLog } from './damage.ts';
import {
  FILE_HEADER,
  FRAME,
  FRAME_HEADER,
  frameAt,
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
  let next = frameAt(source, place.end);
  for (; next?.kind === FRAME.section; next = frameAt(source, next.end)) sections.push(next);
  const behind = sections.at(-1)?.end ?? place.end;
  const tail = tailOf(source, unpacker);
  const {
    blocks,
    names,
    tail: found,
  } = tail
    ? { blocks: tail.blocks, names: tail.names ?? head.names, tail }
    : scan(source, unpacker, behind, head, log);
  return {
    version,
    head,
    names,
    blocks,
    tail: found,
    section: (name) => readSection(source, unpacker, sections, name, log),
  };
}

/** The tail of a file that was written to its end; null where there is none. */
function tailOf(source: ByteSource, unpacker: Unpacker): TailNotes | null {
  const done = frameAt(source, source.size - FRAME_HEADER - 8);
  const frame = done?.kind === FRAME.done && done.body === 8 ? readFrame(source, done) : null;
  if (!frame) return null;
  const at = Number(new DataView(frame.body.buffer, frame.body.byteOffset).getBigUint64(0, true));
  const place = frameAt(source, at);
  return place?.kind === FRAME.tail ? readTail(source, place, unpacker) : null;
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

/** Finds the blocks of a file without a tail, frame by frame. */
function scan(
  source: ByteSource,
  unpacker: Unpacker,
  from: number,
  head: HeadNotes,
  log: SpinDamageLog,
): Pick<SpinContents, 'blocks' | 'names' | 'tail'> {
  const blocks: BlockEntry[] = [];
  let names = head.names;
  let rest: FramePlace | null = null;
  let at = from;
  for (let place = frameAt(source, at); place; place = frameAt(source, at)) {
    at = place.end;
    if (place.kind === FRAME.tail) {
      const tail = readTail(source, place, unpacker);
      if (tail) {
        log.add('cut-end', at);
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

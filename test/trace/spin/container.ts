// What the tests of containers have in common: a capture as a container in memory, and what a reader makes of bytes.

import { isDeepStrictEqual } from 'node:util';
import { bytesSource } from '../../../src/io/bytes.ts';
import { deflate, inflate } from '../../../src/io/deflate.ts';
import { KINDS } from '../../../src/model/event.ts';
import type { Report } from '../../../src/model/report.ts';
import { convertCapture } from '../../../src/session/convert.ts';
import type { EngineMaker } from '../../../src/session/pump.ts';
import { analyzeCapture, eventsOf } from '../../../src/session/session.ts';
import type { Capture } from '../../../src/trace/capture.ts';
import { openCapture, openSource } from '../../../src/trace/open.ts';
import { readContents } from '../../../src/trace/spin/contents.ts';
import { spinDamageLog } from '../../../src/trace/spin/damage.ts';
import { FILE_HEADER, FRAME, frameAt, frameBytes, readFrame } from '../../../src/trace/spin/frame.ts';
import { LookUp } from '../../../src/trace/spin/look-up.ts';
import { rowsOf } from '../../../src/trace/spin/notes.ts';
import { loadPacker, loadUnpacker } from '../../../src/trace/spin/packer.ts';
import { RecordRest } from '../../../src/trace/spin/record-rest.ts';
import { SampleMask } from '../../../src/trace/spin/sample-mask.ts';

/** The parts that a conversion gives, one behind the other. */
export async function partsOf(capture: Capture): Promise<Uint8Array[]> {
  const parts: Uint8Array[] = [];
  for await (const part of convertCapture(capture)) parts.push(part);
  capture.close();
  return parts;
}

export function join(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** The file at `path` as a container. */
export async function containerOf(path: string): Promise<Uint8Array> {
  return join(await partsOf(await openCapture(path)));
}

export function open(bytes: Uint8Array): Promise<Capture> {
  return openSource(bytesSource(bytes, 'x.spin'));
}

/** A report without what a container may change: where it came from. */
export function substance(report: Report): object {
  const { path: _path, format: _format, ...trace } = report.trace;
  return { ...report, trace };
}

export function reportOf(capture: Capture, engine?: EngineMaker): object {
  return substance(analyzeCapture(capture, engine ? { engine } : {}));
}

export interface Differences {
  readonly events: number;
  /** The first events that differ, as the original and as the container have them. */
  readonly different: readonly (readonly [number, unknown, unknown])[];
}

/** Holds all events of two captures against each other, and of every `stride`-th one the record with its text and fields. */
export function compareEvents(original: Capture, container: Capture, stride: number): Differences {
  const different: [number, unknown, unknown][] = [];
  const ours = eventsOf(container);
  let events = 0;
  for (const theirs of eventsOf(original)) {
    const { value } = ours.next();
    const withRecord = events % stride === 0;
    const expected = withRecord ? { ...theirs, record: original.record(theirs.place) } : theirs;
    const found = withRecord && value ? { ...value, record: container.record(value.place) } : value;
    if (!isDeepStrictEqual(found, expected) && different.length < 5)
      different.push([events, expected, found]);
    events++;
  }
  const { value } = ours.next();
  if (value) different.push([events, undefined, value]);
  return { events, different };
}

/** All samples of a perf.data in file mode: its header says where the data lies (struct perf_file_header), records their sizes. */
function* samplesOf(file: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const at = Number(view.getBigUint64(40, true));
  const end = at + Number(view.getBigUint64(48, true));
  for (let from = at; from < end;) {
    const size = view.getUint16(from + 6, true);
    if (view.getUint32(from, true) === 9) yield file.subarray(from, from + size);
    from += size;
  }
}

/**
 * Holds the samples of a perf.data in file mode against those that its container gives: the events whose sample is not in the file, and
 * how many of the file are not in the container.
 */
export async function samplesMissing(file: Uint8Array, bytes: Uint8Array): Promise<unknown[]> {
  const left = new Map<string, number>();
  const add = (sample: Uint8Array, more: number): number => {
    const key = Buffer.from(sample).toString('latin1');
    const now = (left.get(key) ?? 0) + more;
    if (now === 0) left.delete(key);
    else left.set(key, now);
    return now;
  };
  for (const sample of samplesOf(file)) add(sample, 1);
  const [source, log] = [bytesSource(bytes), spinDamageLog()];
  const contents = readContents(source, await loadUnpacker(), log);
  const mask = new SampleMask(contents.head.samples!.tables, rowsOf(contents.names));
  const lookUp = new LookUp(source, contents.blocks, log, (rest, block) => new RecordRest(rest, block, mask));
  const missing: unknown[] = [];
  for (const { event, place } of eventsOf(await open(bytes))) {
    if (KINDS[event.kind] === 'lost') continue;
    const found = lookUp.find(place);
    const restored = found?.rest.record(found.walk) ?? null;
    if (restored === null || add(restored, -1) < 0) missing.push({ place, restored });
  }
  if (left.size > 0) missing.push(`${left.size} samples of the file`);
  return [...missing, ...log.list()];
}

/** The parts of a container whose head says something else, checksums and sizes made right. */
export async function withHead(
  parts: readonly Uint8Array[],
  change: (notes: Record<string, unknown>) => object,
): Promise<Uint8Array[]> {
  const source = bytesSource(join(parts), 'x.spin');
  const [unpacker, packer] = [await loadUnpacker(), await loadPacker()];
  const { notes, body } = readFrame(source, frameAt(source, FILE_HEADER)!)!;
  const { size } = unpacker.unpack(notes, 0) as { size: number };
  const head = change(unpacker.unpack(inflate(body, size, 0), 0) as Record<string, unknown>);
  const packed = packer.pack(head);
  const changed = frameBytes(FRAME.head, 0, packer.pack({ name: 'head', size: packed.length }), [
    deflate(packed, 9),
  ]);
  return parts.map((part, n) => (n === 1 ? changed : part));
}

// What the tests of containers have in common: a capture as a container in memory, and what a reader makes of bytes.

import { isDeepStrictEqual } from 'node:util';
import { bytesSource } from '../../../src/io/bytes.ts';
import type { Report } from '../../../src/model/report.ts';
import { convertCapture } from '../../../src/session/convert.ts';
import type { EngineMaker } from '../../../src/session/pump.ts';
import { analyzeCapture, eventsOf } from '../../../src/session/session.ts';
import type { Capture } from '../../../src/trace/capture.ts';
import { openCapture, openSource } from '../../../src/trace/open.ts';

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

import { readFileSync } from 'node:fs';
import { ZSTDDecoder } from 'zstddec';
import { readEvent } from '../../../src/model/event-record.ts';
import type { CanonicalEvent } from '../../../src/model/event.ts';
import type { ByteSource } from '../../../src/io/source.ts';
import type { Capture } from '../../../src/trace/capture.ts';
import { openFtraceText, type FtraceTextOptions } from '../../../src/trace/ftrace-text/reader.ts';

export const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

export function sourceOf(input: string | Uint8Array): ByteSource {
  const bytes = typeof input === 'string' ? encode(input) : input;
  return {
    name: 'trace.txt',
    size: bytes.length,
    readInto(target, position) {
      const part = bytes.subarray(position, position + target.length);
      target.set(part);
      return part.length;
    },
    close() {},
  };
}

/** The records of a capture as they stand in its lane. */
export function readRecords(capture: Capture, room = 40 * 1000): Uint8Array {
  const parts: Uint8Array[] = [];
  for (;;) {
    const target = new Uint8Array(room);
    const got = capture.lanes[0]!.read(target);
    if (got === 0) break;
    parts.push(target.subarray(0, got));
  }
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
}

export interface NamedEvent extends CanonicalEvent {
  readonly name: string;
}

/** Opens and reads to the end. */
export function readAll(
  input: string | Uint8Array,
  options: FtraceTextOptions = {},
): { readonly capture: Capture; readonly events: readonly NamedEvent[]; readonly records: Uint8Array } {
  const capture = openFtraceText(sourceOf(input), options);
  const records = readRecords(capture);
  const view = new DataView(records.buffer);
  const events = Array.from({ length: records.length / 40 }, (_, n) => {
    const event = readEvent(view, 40 * n);
    return { ...event, name: capture.types.find(({ id }) => id === event.type)?.name ?? '' };
  });
  return { capture, events, records };
}

/** Damage as "name: count", in the order of its first occurrence. */
export const damageOf = (capture: Capture): string[] =>
  capture.damage().map(({ name, count }) => `${name}: ${count}`);

const decoder = new ZSTDDecoder();
const unpacked = new Map<string, Uint8Array>();

/** One of the small captures that come with the project. */
export async function smallCapture(name: string): Promise<Uint8Array> {
  let bytes = unpacked.get(name);
  if (!bytes) {
    await decoder.init();
    bytes = decoder.decode(readFileSync(new URL(`../../../traces/${name}`, import.meta.url)));
    unpacked.set(name, bytes);
  }
  return bytes;
}

import { SpinbackError } from '../../../src/base/errors.ts';
import { bytesSource } from '../../../src/io/bytes.ts';
import type { Capture } from '../../../src/trace/capture.ts';
import { openSource } from '../../../src/trace/open.ts';
import type { OpenOptions } from '../../../src/trace/reader.ts';

export async function openBytes(bytes: Uint8Array, options: OpenOptions = {}): Promise<Capture> {
  return await openSource(bytesSource(bytes, 'test.dat'), options);
}

/** Everything a lane delivers. */
export function laneBytes(capture: Capture, index: number, windowSize = 1 << 20): Uint8Array {
  const lane = capture.lanes[index]!;
  const parts: Uint8Array[] = [];
  const window = new Uint8Array(windowSize);
  for (let got = lane.read(window); got > 0; got = lane.read(window)) parts.push(window.slice(0, got));
  return new Uint8Array(Buffer.concat(parts));
}

/** What is told as an error, as one text. */
export function told(capture: Capture): string {
  return capture
    .damage()
    .filter(({ severity }) => severity === 'error')
    .map(({ text }) => text)
    .join('\n');
}

const window = new Uint8Array(1 << 20);

/**
 * What hostile bytes may do: be refused with an error of ours, or open and deliver at most `most` bytes of whole pages.
 * Returns the capture or the error; anything else fails the test.
 */
export async function survive(bytes: Uint8Array, most: number): Promise<Capture | SpinbackError> {
  let capture: Capture;
  try {
    capture = await openBytes(bytes);
  } catch (error) {
    if (error instanceof SpinbackError) return error;
    throw error;
  }
  let total = 0;
  for (const [index, lane] of capture.lanes.entries()) {
    if (lane.input.kind !== 'pages') throw new Error('a lane of something else');
    for (let got = lane.read(window); got > 0; got = lane.read(window)) {
      if (got % lane.input.layout.pageSize !== 0) throw new Error(`${got} bytes are not whole pages`);
      total += got;
      if (total > most) throw new Error(`the lanes deliver more than ${most} bytes`);
    }
    if (lane.read(window) !== 0) throw new Error('bytes behind the end');
    for (const offset of [0, 20, 4116, -1, 1e15, NaN]) capture.record({ lane: index, offset });
  }
  void capture.types;
  capture.comm(11);
  capture.symbol(0xffffffff81000101n);
  capture.damage();
  capture.progress();
  return capture;
}

/** A small seeded generator (mulberry32): numbers from 0 up to but without `limit`. */
export function seeded(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}
